/* SPDX-License-Identifier: MIT */
#include "node/adopt.h"

#include "node/internal.h"
#include "overlay/adopt.h"

/* Both sides of a handshake, here; what it gives to ours goes into the slot. */
static bool shake_alone(struct node *n, struct slot *s, const struct node_adoption *a,
                        struct node_id *id)
{
    const struct suite *suite = n->params->suite;
    struct identity peer = { 0 };
    struct suite_peer met;
    void *sides[2]; /* who dialled, who accepted */
    struct bytes said = bytes_of(NULL, 0);
    uint8_t out[2][LINK_HANDSHAKE_MAX];
    bool is_open = false;
    size_t len = 0;
    int mine = a->is_dialled ? 0 : 1;
    int err = 0;

    suite->identity(&peer, a->peer_seed);
    for (int i = 0; i < 2; i++) {
        sides[i] = heap_take(&n->heap, 1, suite->handshake_size);
        suite->handshake_begin(sides[i], i == 0, i == mine ? &n->self : &peer, n->psk,
                               a->entropy[i]);
    }
    for (int i = 0; i < 3 && err == 0; i++) {
        err = suite->handshake_next(sides[i % 2], said, out[i % 2], &len, &is_open);
        said = bytes_of(out[i % 2], len);
    }
    if (err == 0)
        err = suite->handshake_next(sides[1], said, out[1], &len, &is_open);
    if (err == 0 && is_open) {
        s->session = heap_take(&n->heap, 1, suite->session_size);
        suite->handshake_end(sides[mine], s->session, &met);
        links_agreed(s, &met, a->is_dialled);
        *id = met.id;
    }
    for (int i = 0; i < 2; i++) {
        secure_wipe(sides[i], suite->handshake_size);
        heap_give(&n->heap, sides[i], 1, suite->handshake_size);
    }
    identity_wipe(&peer);
    return s->session != NULL;
}

bool node_adopt(struct node *n, const struct node_adoption *a, int64_t now_ns,
                struct effects *out)
{
    struct msg_hello hello = { .version = MSG_VERSION,
                               .listen = a->listen,
                               .observed = a->observed };
    struct node_id id;
    struct slot *s;

    n->now_ns = now_ns;
    n->out = out;
    out->count = 0;
    out->used = 0;
    outbox_clear(&out->outbox);
    node_stir(n);
    s = links_adopt(n, a->link, &a->remote);
    if (s != NULL && shake_alone(n, s, a, &id)) {
        links_greeted(n, s, &id, &hello);
        s->is_dialled = a->is_dialled;
        overlay_adopt(&n->overlay, s->number, a->is_dialled, now_ns, &out->outbox);
    } else if (s != NULL) {
        slots_remove(n, s);
        slots_give(n, s);
        s = NULL;
    }
    if (a->is_dialled && n->next_link <= a->link)
        n->next_link = a->link + 2;
    outbox_clear(&out->outbox);
    out->count = 0;
    out->log.count = 0;
    n->out = NULL;
    return s != NULL;
}

int node_acquaint(struct node *n, const uint32_t *contacts, const uint16_t *tags,
                  int count)
{
    n->stirred |= STIRRED_OVERLAY;
    return overlay_acquaint(&n->overlay, contacts, tags, count);
}
