/* The real driver of a node: sockets, timers, files, threads and the sound card, around
 * node_step.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/log.h"
#include "daemon/clockwork.h"

#define DAEMON_PORT      4747
#define DAEMON_NTP_PORT  123
#define DAEMON_JOINS_MAX 8
#define DAEMON_NTP_MAX   8
#define DAEMON_NAME_MAX  64

/* What the command line says.  Texts are borrowed for as long as the node runs. */
struct daemon_config {
    struct addr listen;                  /* port 0: any */
    const char *joins[DAEMON_JOINS_MAX]; /* HOST[:PORT] */
    int join_count;
    const char *ntp[DAEMON_NTP_MAX]; /* HOST[:PORT] */
    int ntp_count;
    const char *channel_key_file; /* NULL: an open channel */
    const char *data_dir;
    const char *control_path;
    const char *audio; /* "alsa:DEVICE", "none", "virtual:…" */
    char name[DAEMON_NAME_MAX + 1];
    bool auto_accept;
    bool is_lab; /* verbs of experiments are obeyed; false but in tests */
    enum log_level log_level;
    struct clockwork clock; /* test error of the local clock; zero but in tests */
};

/* Run a node until it is told to go: by a command, SIGINT or SIGTERM.  What goes wrong at
 * the start is told on stderr in one line.  Returns the exit status. */
int daemon_run(const struct daemon_config *config);

#endif
