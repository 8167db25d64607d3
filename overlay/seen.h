/* The floods that a node remembers: a table of small rows that grows with use, found by
 * id.  A row stays until no copy of its flood can be valid any more; when the table is at
 * its limit the newest floods are refused, never valid ids forgotten.
 *
 * Times are milliseconds in 32 bits that wrap after 49 days: rows live for minutes, and
 * times are compared by their distance.  SPDX-License-Identifier: MIT */
#ifndef OVERLAY_SEEN_H
#define OVERLAY_SEEN_H

#include <stdbool.h>

#include "base/id.h"
#include "base/pool.h"
#include "base/time.h"

/* A full table is searched for rows that are over no more often than this. */
#define SEEN_SWEEP_NS NS_PER_S

enum { SEEN_OWN = -1, SEEN_FREE = -2 };

struct seen_row {
    struct flood_id id;
    uint32_t until_ms;   /* from then on no copy is valid */
    uint32_t born_ms;    /* when it was handled */
    uint32_t replies_ms; /* the bucket of replies is full again then */
    int32_t next;        /* in its chain, or of the free ones; -1: last */
    uint16_t generation; /* of the link of the peer that it came from */
    uint16_t replies;    /* handled or passed on */
    int8_t peer;         /* that one; SEEN_OWN, SEEN_FREE */
    int8_t other;        /* who else brought it: overlay/flood_alone.c */
    uint8_t hops;        /* as it came first */
    uint8_t ttl;
};

struct seen {
    struct seen_row *rows;
    int32_t *heads; /* of the chains, as many as rows; -1: empty */
    int room;       /* 0, or a power of two up to max */
    int count;
    int max;
    int32_t free;      /* first free row, -1: none */
    int32_t hand;      /* the next row to be looked at, whether it is over */
    int32_t newest;    /* the row that was taken last */
    uint32_t swept_ms; /* when room was last looked for in vain */
    bool is_swept;
    uint64_t key; /* of the hash, so that nobody can aim at one chain */
};

static inline uint32_t seen_ms(int64_t ns)
{
    return (uint32_t)(ns / NS_PER_MS);
}

/* a minus b, of two instants less than 24 days apart. */
static inline int32_t seen_ms_since(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

void seen_init(struct seen *s, int max, uint64_t key);
void seen_finish(struct seen *s, struct heap *h);

/* The row of a flood, or -1. */
int32_t seen_find(const struct seen *s, const struct flood_id *id);

/* True when there is room for one more, or could be made.  A row that is over goes once
 * route_ms have passed since it was born; when there is no other room, at once. */
bool seen_make_room(struct seen *s, struct heap *h, uint32_t route_ms, uint32_t now_ms);

/* A new row for this id, which is not there yet, after seen_make_room.  The caller fills
 * in the rest. */
int32_t seen_add(struct seen *s, const struct flood_id *id);

/* Forget a few rows that are over, so that their room is used again. */
void seen_sweep_some(struct seen *s, uint32_t route_ms, uint32_t now_ms);

/* Forget all rows that are over, and give room back: a row that stays keeps its index. */
void seen_tidy(struct seen *s, struct heap *h, uint32_t route_ms, uint32_t now_ms);

const char *seen_check(const struct seen *s);

#endif
