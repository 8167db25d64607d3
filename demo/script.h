/* What happens in the demo: a call, acceptances, five songs shared, play, a skip, a
 * pause, a resume, a seek, and a guest that leaves and comes back.  The script drives the
 * nodes by their control sockets only, as a person would, and notes the true instants.
 * SPDX-License-Identifier: MIT */
#ifndef DEMO_SCRIPT_H
#define DEMO_SCRIPT_H

#include "demo/cast.h"

#define SCRIPT_SONGS_MAX 5

/* True raw instants; 0: it did not happen.  An action's instant is when it was to be
 * heard: when it was asked for, plus the lead that the host gave it. */
struct script {
    const char *songs[SCRIPT_SONGS_MAX]; /* paths */
    int song_count;
    double seconds;   /* of play */
    bool is_live;     /* a table on standard error, redrawn */
    bool is_quiet;    /* say nothing */
    int members;      /* seen by the host when play began */
    int whole_nodes;  /* nodes that held every song when play began */
    int64_t began_ns; /* play */
    int64_t skip_ns;
    int64_t pause_ns;
    int64_t resume_ns;
    int64_t seek_ns;
    int64_t seek_to_ms;
    int64_t leave_ns; /* the last node left */
    int64_t back_ns;  /* … and was to be heard again */
    int64_t ended_ns;
    int64_t underruns; /* as the nodes told */
};

/* Errors: any; c->error says why. */
MUST_USE int script_run(struct script *s, struct cast *c);

#endif
