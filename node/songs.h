/* Songs inside the node: importing what the user wants to host, and joining the party's
 * pool, the swarm and the store.  SPDX-License-Identifier: MIT */
#ifndef NODE_SONGS_H
#define NODE_SONGS_H

#include "node/event.h"
#include "party/session.h"

struct node;

/* A `host` command whose songs are being read. */
struct hosting {
    uint64_t command; /* id of the reply */
    uint64_t token;   /* of its first import; one more for each further one */
    int count;
    int done;
    char name[MSG_NAME_MAX + 1];
    int wanted;
    int64_t deadline_ns;
    int64_t ready_ns;
    int ttl;
    struct {
        bool is_done;
        size_t len;
        uint8_t manifest[MSG_ENTRY_MAX];
        uint8_t sig[SIGNATURE_LEN];
    } songs[CALL_SONGS_MAX];
};

/* What of the pool the swarm shares and the party was told. */
struct pooled {
    bool is_set;
    struct song_id song;
    int held;
    int total;
};

/* Begin to import the songs of n->hosting, which was made for it and whose name and
 * limits are filled in. */
void songs_import(struct node *n, const struct bytes paths[], int count);

/* Forget the host command that is under way, if there is one. */
void songs_forget(struct node *n);

void songs_event(struct node *n, const struct event_song *e);
void songs_block(struct node *n, const struct event_block *e);

/* Follow the pool and the members; load and store what the swarm wants. */
void songs_flush(struct node *n);

#endif
