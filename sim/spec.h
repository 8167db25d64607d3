/* An experiment as a file:
 *
 *     [experiment]
 *     kind = reach            # which: party-sim lists them
 *     seeds = 1..20
 *     nodes = 1000
 *     [net]
 *     loss = 1%
 *     [node]
 *     overlay.active_max = 6
 *     [vary]                  # one run for each combination and seed
 *     ttl = 7 8 9 10
 *
 * Strict: what is not known, or no value, is refused with its line.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_SPEC_H
#define SIM_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/setup.h"

#define SPEC_NAME_MAX   64
#define SPEC_VALUE_MAX  128
#define SPEC_FIXED_MAX  64
#define SPEC_VARY_MAX   8
#define SPEC_VALUES_MAX 64
#define SPEC_POINTS_MAX 100000

struct spec_fixed {
    char name[SPEC_NAME_MAX];
    char value[SPEC_VALUE_MAX];
};

struct spec_vary {
    char name[SPEC_NAME_MAX];
    int count;
    char values[SPEC_VALUES_MAX][SPEC_NAME_MAX];
};

struct spec {
    char kind[SPEC_NAME_MAX];
    uint64_t first; /* seeds */
    uint64_t last;
    int fixed_count;
    struct spec_fixed fixed[SPEC_FIXED_MAX];
    int vary_count;
    struct spec_vary vary[SPEC_VARY_MAX];
};

/* One seed, nothing set. */
void spec_init(struct spec *s);

/* Set a thing, as a line of the file would; section-less names as in setup_set, and
 * "kind" and "seeds".  False, and why, when it cannot be. */
bool spec_set(struct spec *s, const char *name, const char *value,
              char why[static SETUP_WHY_MAX]);

/* Vary a thing over a list of values. */
bool spec_add_vary(struct spec *s, const char *name, const char *values,
                   char why[static SETUP_WHY_MAX]);

/* Read a file, or its text (path is then only its name).  why begins with path:line. */
bool spec_read(struct spec *s, const char *path, char why[static SETUP_WHY_MAX]);
bool spec_read_text(struct spec *s, const char *path, const char *text,
                    char why[static SETUP_WHY_MAX]);

/* Write what reads as the same spec; to a file: false when it cannot be written. */
void spec_print(const struct spec *s, FILE *f);
bool spec_write(const struct spec *s, const char *path);

/* True when both say the same but for the seeds. */
bool spec_is_same(const struct spec *a, const struct spec *b);

/* Combinations of what varies; at least 1. */
int64_t spec_points(const struct spec *s);

/* The value of varied thing v at a point. */
const char *spec_value(const struct spec *s, int64_t point, int v);

/* Put all that the spec says for a point into a setup that has its kind's defaults. False
 * when values do not go together. */
bool spec_apply(const struct spec *s, int64_t point, struct setup *setup,
                char why[static SETUP_WHY_MAX]);

/* "A..B" or one number. */
bool spec_read_seeds(const char *text, uint64_t *first, uint64_t *last);

#endif
