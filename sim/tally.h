/* What many seeds of `party-sim swarm` came to, added up; over several runs too, in a
 * file that the next one goes on behind.  SPDX-License-Identifier: MIT */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include "sim/results.h"
#include "sim/storm.h"
#include "sim/trial.h"

struct tally {
    struct storm_options storm; /* of all these seeds */
    uint64_t next;              /* the first seed that is not in it */
    int64_t seeds;
    int64_t failed;
    int64_t party_s; /* simulated */
    int64_t wall_ms;
    int64_t elections;
    int64_t parties;
    int64_t members;
    int64_t begun[SCRIPT_KINDS];
    struct results failures; /* rows: the seed, and when it failed */
};

/* One seed more, whose world was to live so long. */
void tally_add(struct tally *t, const struct script *s, const struct trial_outcome *out);

/* Kinds of faults that were wanted and never happened. */
int tally_silent_kinds(const struct tally *t);

/* What a file has; nothing where there is none.  The options must be those of before,
 * else false, and why says so. */
bool tally_read(struct tally *t, const char *path, char why[static SETUP_WHY_MAX]);

/* Write it; the file is whole at any time. */
bool tally_write(const struct tally *t, const char *path);

/* For people, and as an object of JSON but for its closing brace. */
void tally_print(const struct tally *t, int64_t jobs);
void tally_print_json(const struct tally *t);

void tally_finish(struct tally *t);

#endif
