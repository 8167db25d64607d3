/* How far two machines are from each other: the fixed part of the one-way latency of each
 * pair.  Computed when it is asked for, from the seed and the pair; nothing is stored.
 * Integers only, the same everywhere.  SPDX-License-Identifier: MIT */
#ifndef SIM_LATENCY_H
#define SIM_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

enum latency_kind {
    LATENCY_UNIFORM,   /* min_ns..max_ns for each pair, the same both ways */
    LATENCY_LOGNORMAL, /* of each directed pair: median_ns * exp(sigma * normal) */
    LATENCY_PLANE,     /* machines live on a plane, some behind a slow access line */
    LATENCY_MATRIX     /* from a file; machine n is row n modulo the rows */
};

struct latency_matrix {
    int rows;
    int32_t *one_way_us; /* rows * rows: from row to column */
};

struct latency_params {
    enum latency_kind kind;
    int64_t min_ns;    /* UNIFORM; the others: never less than this */
    int64_t max_ns;    /* UNIFORM */
    int64_t median_ns; /* LOGNORMAL: of the way; PLANE: of the access line */
    int64_t sigma_ppm; /* LOGNORMAL, PLANE: of its logarithm, in millionths */
    int64_t side_ns;   /* PLANE: one way along the side of the square */
    const struct latency_matrix *matrix; /* MATRIX: kept */
};

/* The fixed names: "40ms" (log-normal, median 40 ms, sigma 0.6), "world" (a plane; round
 * trips have p5 48, p50 136, p95 288 ms; of 490 PlanetLab machines 19, 135, 325 ms).
 * False for another. */
bool latency_named(const char *name, struct latency_params *p);

/* One way, from one machine to another; at least latency_least_ns. */
int64_t latency_ns(const struct latency_params *p, uint64_t seed, int from, int to);

/* No way is shorter: what parts of a world that are simulated side by side may run ahead
 * of each other. */
int64_t latency_least_ns(const struct latency_params *p);

/* Read a matrix of one-way latencies in milliseconds: as many lines as each has numbers,
 * separated by blanks, tabs or commas; "#" begins a comment.  False, and text says what
 * and in which line.  latency_matrix_finish gives the memory back. */
bool latency_matrix_read(const char *path, struct latency_matrix *m, char *text,
                         int text_size);
void latency_matrix_finish(struct latency_matrix *m);

#endif
