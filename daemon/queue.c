/* SPDX-License-Identifier: MIT */
#include "daemon/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/xalloc.h"

#define VIEWS_MAX 6

struct queued {
    struct queued *next;
    struct event event;
    uint8_t data[];
};

/* Where in the event there are views. */
static int find_views(struct event *e, struct bytes *views[static VIEWS_MAX])
{
    struct event_song *s = &e->u.song;
    int n = 0;

    switch (e->kind) {
    case EVENT_LINK_RECEIVED:
        views[n++] = &e->u.received.frame;
        break;
    case EVENT_DATAGRAM:
        views[n++] = &e->u.datagram.data;
        break;
    case EVENT_COMMAND:
        views[n++] = &e->u.command.request;
        break;
    case EVENT_SONG:
        views[n++] = &s->message;
        views[n++] = &s->title;
        views[n++] = &s->artist;
        views[n++] = &s->album;
        views[n++] = &s->leaves;
        views[n++] = &s->bitmap;
        break;
    case EVENT_BLOCK:
        views[n++] = &e->u.block.data;
        break;
    case EVENT_PROMISED:
        views[n++] = &e->u.promised.item.key;
        views[n++] = &e->u.promised.item.value;
        break;
    case EVENT_AUDIO:
        views[n++] = &e->u.audio.message;
        break;
    case EVENT_START:
    case EVENT_WAKE:
    case EVENT_LINK_OPENED:
    case EVENT_LINK_CLOSED:
    case EVENT_SYSTEM_CLOCK:
    case EVENT_SLEPT:
    case EVENT_SENT:
        break;
    }
    return n;
}

void event_queue_push(struct event_queue *q, const struct event *e)
{
    struct bytes *views[VIEWS_MAX];
    struct event copy = *e;
    int n = find_views(&copy, views);
    size_t len = 0;
    struct queued *item;

    assert(e->kind != EVENT_START);
    for (int i = 0; i < n; i++)
        len += views[i]->len;
    item = xalloc(sizeof(*item) + len);
    len = 0;
    for (int i = 0; i < n; i++) {
        if (views[i]->len == 0)
            continue;
        memcpy(item->data + len, views[i]->data, views[i]->len);
        views[i]->data = item->data + len;
        len += views[i]->len;
    }
    item->event = copy;
    if (q->first == NULL)
        q->first = item;
    else
        q->newest->next = item;
    q->newest = item;
}

struct event *event_queue_first(struct event_queue *q)
{
    return q->first != NULL ? &q->first->event : NULL;
}

void event_queue_pop(struct event_queue *q)
{
    struct queued *item = q->first;

    assert(item != NULL);
    q->first = item->next;
    if (q->first == NULL)
        q->newest = NULL;
    free(item);
}
