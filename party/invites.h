/* The calls that this node has heard and the user may still answer.
 *
 * One invite per party, however often its call is flooded; at most one per host, the
 * newest.  Bounded; when full, the oldest goes that was not accepted.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_INVITES_H
#define PARTY_INVITES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/pool.h"
#include "base/time.h"
#include "secure/suite.h"
#include "wire/msg.h"

#define INVITE_TITLE_MAX 48 /* bytes, as in a call */

enum invite_state {
    INVITE_OPEN,
    INVITE_ACCEPTED,
    INVITE_DECLINED, /* shown no more; accepted only by its id */
    INVITE_LEFT      /* shown, but never accepted again by itself */
};

struct invite_song {
    struct song_id id;
    uint64_t bytes;
    uint32_t duration_ms;
    char title[INVITE_TITLE_MAX + 1];
};

struct invite {
    enum invite_state state;
    struct party_id party;
    uint64_t epoch; /* that this host has; 1: it is the founder */
    uint8_t host_key[KEY_LEN];
    struct node_id host;
    char name[MSG_NAME_MAX + 1];
    char host_name[MSG_NAME_MAX + 1];
    struct addr addr; /* where the host listens */
    struct priority priority;
    bool has_route;        /* the flood below came to us: a reply finds its way back */
    struct flood_id flood; /* the newest flood of this call */
    bool is_running;       /* it plays already: no deadline any more */
    int64_t deadline_ns;   /* local: when the call ends; TIME_NEVER when it runs */
    int64_t expires_ns;    /* local: forgotten then unless heard again */
    int song_count;
    struct invite_song songs[CALL_SONGS_MAX];
};

struct invites {
    const struct suite *suite;
    struct heap *heap;
    int max;
    int count;
    int room;             /* rows of the list, which grows with use */
    struct invite *list;  /* oldest first; NULL: no room */
    int64_t evicted;      /* for want of room */
    struct party_id left; /* the party that we led and left: its call is no news to us */
};

enum invites_result {
    INVITES_NEW,
    INVITES_AGAIN,  /* known, brought up to date */
    INVITES_FORGED, /* the party id is not that of founder and nonce */
    INVITES_BAD     /* no call at all */
};

/* Keeps suite and heap.  max is 2 or more. */
void invites_init(struct invites *t, const struct suite *suite, struct heap *heap,
                  int max);
void invites_finish(struct invites *t);

/* A call that origin signed.  flood is NULL when it did not come by a flood.  keep_ns:
 * how long after its deadline, or after it was last heard, an invite is kept. */
enum invites_result invites_add(struct invites *t, const struct call *c,
                                const uint8_t origin[static KEY_LEN],
                                const struct flood_id *flood, int64_t keep_ns,
                                int64_t now_ns);

/* A flooded call or close of somebody else, its signature checked: what it means for the
 * invites.  *found is the invite to the call, NULL when there is none. */
enum invites_result invites_call_heard(struct invites *t, const struct flood_id *id,
                                       const struct flood *f, int64_t keep_ns,
                                       int64_t now_ns, struct invite **found);
void invites_close_heard(struct invites *t, const struct close *c,
                         const uint8_t origin[static KEY_LEN]);

/* The invite to a party, or NULL.  Valid until the table changes. */
struct invite *invites_find(struct invites *t, const struct party_id *party);

/* The only invite whose id begins with these hex digits; "" stands for the only one that
 * was not declined.  Errors: ERR_NOT_FOUND when there is none, ERR_USAGE when there are
 * several or it is no hex. */
MUST_USE int invites_pick(struct invites *t, const char *prefix, struct invite **found);

/* Forget a call whose host closed it. */
void invites_remove(struct invites *t, const struct party_id *party);

/* Forget those that have expired. */
void invites_expire(struct invites *t, int64_t now_ns);

/* When the next one expires; TIME_NEVER when there is none. */
int64_t invites_wake_ns(const struct invites *t);

#endif
