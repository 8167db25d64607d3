/* Chance without state: every draw is a hash of the seed, of what is drawn for, and of
 * whom it concerns.  So a change of one thing moves no other draw, and two runs that
 * differ in one fault can be compared.  Integers only, the same everywhere.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

enum random_stream {
    RANDOM_PLAN,     /* what kind of run the seed stands for */
    RANDOM_IDENTITY, /* the seeds of the nodes */
    RANDOM_PATH,     /* fixed latency of a pair of nodes */
    RANDOM_JITTER,
    RANDOM_LOSS,
    RANDOM_DUPLICATE,
    RANDOM_CLOCK,
    RANDOM_UTC,
    RANDOM_DISK,
    RANDOM_STACK, /* how long the machine takes to hand a packet over */
    RANDOM_SONG,
    RANDOM_WORKLOAD,
    RANDOM_FAULT,
    RANDOM_OVERLAY, /* who is whose neighbour in a world that begins settled */
    RANDOM_NAT,     /* what stands between a machine and the network */
    RANDOM_SOUND    /* wakes, stamps and crystals of sound cards */
};

/* The word of this seed and stream for the identities a and b. */
uint64_t random_word(uint64_t seed, enum random_stream stream, uint64_t a, uint64_t b);

/* Of a word: uniform in 0..n-1, n positive. */
int64_t random_below(uint64_t word, int64_t n);

/* Uniform in from..to, both included. */
int64_t random_between(uint64_t word, int64_t from, int64_t to);

/* True in so many of a million cases. */
bool random_chance(uint64_t word, int64_t ppm);

/* Exponential with this mean, by an integer logarithm; at most 45 times the mean. */
int64_t random_exponential(uint64_t word, int64_t mean);

#endif
