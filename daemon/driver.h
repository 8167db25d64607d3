/* The inside of the driver, for daemon.c, effects.c and start.c only: everything that one
 * running node has.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_DRIVER_H
#define DAEMON_DRIVER_H

#include <uv.h>

#include "daemon/daemon.h"
#include "daemon/datadir.h"
#include "daemon/datagrams.h"
#include "daemon/disk.h"
#include "daemon/queue.h"
#include "daemon/server.h"
#include "daemon/sound.h"
#include "daemon/tcp.h"
#include "node/node.h"
#include "overlay/contacts.h"

#define DRIVER_MESSAGE_MAX 512

/* Commands of our own have ids that no client ever gets. */
#define DRIVER_DOWN_ID (UINT64_C(1) << 63)

enum driver_phase {
    DRIVER_RUNNING,
    DRIVER_LEAVING,  /* the node was asked to leave its party */
    DRIVER_DRAINING, /* last words go out */
    DRIVER_STOPPED   /* handles close; the node is not stepped any more */
};

struct driver {
    const struct daemon_config *config;
    enum driver_phase phase;
    struct clockwork clock;
    struct datadir datadir;
    struct addr listen; /* the port that was taken */
    uv_loop_t loop;
    bool has_loop;

    struct tcp *tcp;
    struct datagrams *datagrams;
    struct disk *disk;
    struct sound *sound;
    struct server *server;

    void *memory; /* the node's arena */
    void *region; /* of the pool */
    struct pool pool;
    struct contacts contacts;
    struct node_params params;
    struct node *node;
    struct effects *effects;
    bool is_stepping;
    struct event_queue queue;
    uint32_t naps;   /* of the machine, that the node knows of */
    int64_t now_ns;  /* of the last step */
    int64_t wake_ns; /* when the node wants to be woken */
    int64_t dropped; /* effects and log lines, as last told */

    bool has_handles; /* the five below are the loop's */
    uv_timer_t wake;
    uv_timer_t system_clock;
    uv_timer_t goodbye;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    bool has_left;     /* the node has said good-bye */
    uint64_t down_id;  /* the command that asked to go; 0: a signal did */
    int down_fd;       /* its connection, held open until all is closed; -1: none */
    int goodbye_ticks; /* since the leaving began, or the draining */
};

/* Step the node, or queue the event while it is being stepped.  An event_sink's post. */
void driver_post(void *driver, struct event *e);

/* Carry out what the last step asked for, and write down what it logged. */
void driver_carry_out(struct driver *d);

/* Leave the party, let the last words out, end.  A second time: end at once. */
void driver_go(struct driver *d, uint64_t down_id);

/* Get everything ready that needs no loop to run.  Errors: any; message then says what,
 * why, and what to do. */
MUST_USE int driver_start(struct driver *d, char *message, size_t size);

/* Give the node's pool back. */
void driver_unmap(struct driver *d);

/* A line on stderr, in the form of the core's log. */
__attribute__((format(printf, 3, 4))) void
driver_log(const struct driver *d, enum log_level level, const char *format, ...);

#endif
