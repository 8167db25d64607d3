/* What a user asks of a town's nodes, and sees of them.  SPDX-License-Identifier: MIT */
#ifndef TESTS_NODE_ASK_H
#define TESTS_NODE_ASK_H

#include "tests/node/town.h"

/* Send a request, wait for the reply, at most three seconds. */
static inline const struct town_reply *town_ask(int node, struct bytes request)
{
    struct event e = { .kind = EVENT_COMMAND };
    const struct town_node *n = &town.n[node];
    int before = n->replies;

    e.u.command.id = ++town.next_command;
    e.u.command.request = request;
    town_step(node, &e);
    for (int i = 0; i < 30 && n->replies == before; i++)
        town_run(S / 10);
    assert_int_equal(n->replies, before + 1);
    assert_true(n->reply[before % TOWN_REPLIES].id == e.u.command.id);
    return &n->reply[before % TOWN_REPLIES];
}

static inline const struct town_reply *town_say(int node, const char *verb)
{
    uint8_t request[64];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 1);
    cbor_write_text(&w, verb);
    return town_ask(node, cbor_written(&w));
}

static inline const struct town_reply *town_accept(int node)
{
    static const uint8_t request[] = "\x82\x66"
                                     "accept\x60";

    return town_ask(node, bytes_of(request, sizeof(request) - 1));
}

/* A party of the songs 0 … songs - 1. */
static inline const struct town_reply *town_host(int node, int songs, int wanted)
{
    uint8_t request[256];
    struct cbor_writer w;
    char path[] = "/song/0";

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 7);
    cbor_write_text(&w, "host");
    cbor_write_text(&w, "kitchen");
    cbor_write_array(&w, songs);
    for (int i = 0; i < songs; i++, path[6]++)
        cbor_write_text(&w, path);
    cbor_write_uint(&w, (uint64_t)wanted);
    cbor_write_uint(&w, 0);
    cbor_write_uint(&w, 0);
    cbor_write_uint(&w, 0);
    return town_ask(node, cbor_written(&w));
}

static inline struct node *town_node(int node)
{
    return town.n[node].node;
}

static inline int town_links(int node)
{
    int up = 0;

    for (int k = 0; k < town_node(node)->slot_set.count; k++)
        up += town_node(node)->slots[k]->state == SLOT_UP;
    return up;
}

/* Slots that are taken, whatever becomes of them. */
static inline int town_slots(int node)
{
    return town_node(node)->slot_set.count;
}

static inline enum party_phase town_phase(int node)
{
    struct company *c = town_node(node)->company;
    struct party_status s;

    if (c == NULL)
        return PARTY_IDLE;
    party_status(&c->party, town.now_ns + town.n[node].offset_ns, &s);
    return s.phase;
}

/* Is such a note shown? */
static inline bool town_has_note(int node, const char *part)
{
    for (int i = 0; town_node(node)->notes != NULL && i < NOTES_MAX; i++) {
        if (strstr(town_node(node)->notes[i].text, part) != NULL)
            return true;
    }
    return false;
}

#endif
