/* The cast of the demo: nodes as child processes with homes of their own, and a
 * connection to the control socket of each.  Children die with the demo, whatever becomes
 * of it. SPDX-License-Identifier: MIT */
#ifndef DEMO_CAST_H
#define DEMO_CAST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"
#include "cli/control.h"

#define CAST_MAX      16
#define CAST_PATH_MAX 512

struct actor {
    pid_t pid; /* 0: not running */
    char name[32];
    char home[CAST_PATH_MAX];
    char capture[CAST_PATH_MAX + 16];
    double ppm; /* of its sound card's crystal */
    struct control *control;
    struct bytes state; /* as last asked; a copy that this struct owns */
    uint8_t state_bytes[64 * 1024];
};

struct cast {
    int count;
    uint16_t port;
    char dir[CAST_PATH_MAX];
    const char *alsa_plugin; /* folder of the ALSA card for tests; NULL: virtual cards */
    struct actor *actors;    /* count of them */
    char error[512];         /* why something failed: one line */
};

/* CLOCK_MONOTONIC_RAW: the true time of the demo. */
int64_t cast_now(void);
void cast_sleep(int64_t ns);

/* True once the user has pressed Ctrl-C. */
bool cast_is_interrupted(void);

/* Start count nodes with homes below dir, and wait until they answer.
 * Errors: any; c->error says why. */
MUST_USE int cast_start(struct cast *c, const char *dir, int count, const char *plugin);

/* Ask a node for its state, into actor->state. */
MUST_USE int cast_state(struct cast *c, int i);

/* A verb, and its reply; the writer of control_request may have been filled in before
 * with more than the verb (verb NULL then). */
MUST_USE int cast_call(struct cast *c, int i, const char *verb, int timeout_ms,
                       struct bytes *body);

/* Ask all to end, wait, and kill who does not. */
void cast_stop(struct cast *c);

/* Remove a folder with all that is in it. */
void cast_remove(const char *dir);

#endif
