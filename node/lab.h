/* Verbs for experiments and tests, which no node carries out but one that is a laboratory
 * (is_lab of its parameters): what an attacker with a program of his own could do too.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_LAB_H
#define NODE_LAB_H

#include <stdint.h>

#include "wire/cbor.h"

struct node;

/* TTL, BYTES: flood a message that says nothing, or with TTL 0 send it along the trees.
 */
void node_lab_flood(struct node *n, uint64_t id, struct cbor_reader *r);

/* What became of the floods that this node heard. */
void node_lab_floods(struct node *n, uint64_t id, struct cbor_reader *r);

/* IP, PORT: open a link there, whatever the overlay wants. */
void node_lab_dial(struct node *n, uint64_t id, struct cbor_reader *r);

/* PEER-ID, MESSAGE: send a message of wire/msg.h, encoded, over the link to this peer. */
void node_lab_say(struct node *n, uint64_t id, struct cbor_reader *r);

#endif
