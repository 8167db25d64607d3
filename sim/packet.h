/* What is on its way to a node: a packet of the network, or something that the node's own
 * machine will tell it.  Packets live in blocks by size class in one region for each part
 * of the world, and are named by 32 bits; no memory is taken or given back for an event.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_PACKET_H
#define SIM_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_CLASSES 128

enum packet_kind {
    PACKET_CONNECT,  /* a dial reaches the other machine */
    PACKET_ACCEPT,   /* … and its answer the one that dialled */
    PACKET_ACK,      /* … and that one's answer the other */
    PACKET_FRAME,    /* of a link */
    PACKET_CLOSE,    /* of a link, or no link came to be */
    PACKET_DATAGRAM, /* of a peer */
    PACKET_TIME,     /* … of a time server */
    PACKET_EVENT,    /* a whole event, of the node's own machine */
    PACKET_CLOCK,    /* time to tell the system's clock */
    PACKET_AUDIO,    /* time to tell what the sound card does */
    PACKET_START     /* the node starts */
};

struct packet {
    uint32_t from;
    uint32_t number; /* counted by the source */
    uint32_t link;   /* as the receiver names it */
    uint32_t from_link;
    uint32_t len;
    uint32_t late_ns; /* it lay in the receiving machine so long; or the time server */
    uint16_t life;    /* of the receiver; for another it is lost */
    uint16_t from_life;
    uint8_t kind;
    int8_t err;
    uint8_t row;      /* where the link probably is in the receiver's table … */
    uint8_t from_row; /* … and where it is in the sender's */
    uint8_t data[];
};

struct packets {
    uint8_t *base;
    size_t size;
    size_t used;
    uint32_t free[PACKET_CLASSES]; /* the first free block of each class; 0: none */
};

/* Keeps the region, which may be a mapping that grows as it is touched. */
void packets_init(struct packets *p, void *region, size_t size);

/* A packet with room for len bytes, its header not set but for len; never 0. */
uint32_t packets_take(struct packets *p, size_t len);
void packets_give(struct packets *p, uint32_t index);

static inline struct packet *packets_at(const struct packets *p, uint32_t index)
{
    return (struct packet *)(void *)(p->base + (size_t)index * 32);
}

#endif
