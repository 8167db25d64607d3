/* The verdict of the demo.  What is heard, and when, is told by the captures of the sound
 * cards alone; only who is a member and who holds which song is the nodes' own word.
 * SPDX-License-Identifier: MIT */
#ifndef DEMO_VERDICT_H
#define DEMO_VERDICT_H

#include <stdio.h>

#include "audio/measure.h"
#include "demo/script.h"

#define PROMISES_MAX 16

struct promise {
    const char *name;
    bool is_kept;
};

struct verdict {
    int nodes;
    int songs;
    double played_s; /* of the card that played least, the guest that left excepted */
    struct measure_spread pairwise;
    int64_t underruns; /* breaks in what left the cards */
    double max_p99_us;
    int promise_count;
    struct promise promises[PROMISES_MAX];
    bool is_passed;
};

/* Measure.  Errors: any; c->error says why. */
MUST_USE int verdict_make(struct verdict *v, const struct script *s, struct cast *c,
                          double max_p99_us);

/* One JSON object in a line. */
void verdict_json(const struct verdict *v, FILE *to);

/* For a person. */
void verdict_print(const struct verdict *v, FILE *to);

#endif
