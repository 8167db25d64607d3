/* One small world that lives through a script: parties of real nodes whose users come,
 * call and command while everything goes wrong that the script says.  After each step all
 * that must always be true is looked at (sim/check.h); after the script's length there is
 * calm, and what must then come about is waited for.  SPDX-License-Identifier: MIT */
#ifndef SIM_TRIAL_H
#define SIM_TRIAL_H

#include "sim/check.h"
#include "sim/cone.h"
#include "sim/script.h"

#define TRIAL_CALM_NS                                                                    \
    (INT64_C(300) * 1000000000) /* from the last fault to the verdict                    \
                                 */

/* What came of it; plain, so that it can be sent between processes. */
struct trial_outcome {
    bool has_failed;
    int node;      /* whom it is about; -1: nobody in particular */
    int64_t at_ns; /* true time */
    char what[CHECK_TEXT_MAX];
    int64_t begun[SCRIPT_KINDS]; /* entries that did something, by kind */
    int64_t elections;           /* epochs above a party's first */
    int64_t parties;             /* that were led at the end */
    int64_t members;             /* … and who was in them */
    struct run_hash hash;
};

struct trial_options {
    bool is_traced;    /* a line for each event on stdout */
    bool is_logged;    /* what the nodes log, on stderr */
    bool is_told;      /* what the script does, and what changes in parties, on stdout */
    struct cone *cone; /* notes each step; NULL: nobody wants to know */
};

void trial_run(const struct script *s, const struct trial_options *o,
               struct trial_outcome *out);

/* Are two failures of one kind?  Numbers in their texts do not count. */
bool trial_is_same(const struct trial_outcome *a, const struct trial_outcome *b);

#endif
