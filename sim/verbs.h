/* The verbs of party-sim: experiments by name and by file, and what helps with them.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_VERBS_H
#define SIM_VERBS_H

/* Exit statuses. */
enum {
    VERB_OK = 0,
    VERB_MISSED = 1,    /* a goal was missed, an invariant violated, a run failed */
    VERB_USAGE = 2,     /* the command line or a file is wrong */
    VERB_DIFFERENT = 3, /* check: two runs of one seed were not the same */
};

/* True when it is a verb of party-sim itself: no kind of experiment may be named so. */
int verb_is_own(const char *verb);

/* True when party-sim has this verb. */
int verb_exists(const char *verb);

/* Carry out argv[0], a verb, with its arguments; the exit status. */
int verb_run(int argc, char **argv);

/* What there is, on stdout. */
void verb_help(void);

#endif
