/* What the users of simulated nodes say: commands as a client encodes them.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_ORDER_H
#define SIM_ORDER_H

#include "wire/cbor.h"

#define ORDER_MAX 512

struct order {
    uint8_t room[ORDER_MAX];
    struct cbor_writer w;
};

/* A call, as `party host` makes one. */
struct order_host {
    const char *name;
    int first_song; /* of the library's, from which on … */
    int songs;      /* … so many are offered, … */
    int library;    /* … of so many, in a circle */
    int wanted;
    int call_ms;
    int ready_ms;
    int ttl;
};

/* A verb, to be followed by so many arguments. */
void order_begin(struct order *o, const char *verb, int arguments);

/* … with one text, or none (NULL). */
void order_say(struct order *o, const char *verb, const char *argument);
void order_call(struct order *o, const struct order_host *h);

/* The request, for world_command; it lies in o. */
struct bytes order_request(const struct order *o);

#endif
