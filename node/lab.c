/* SPDX-License-Identifier: MIT */
#include "node/lab.h"

#include "node/commands.h"
#include "node/floods.h"
#include "node/internal.h"
#include "node/report.h"

static void done(struct node *n, uint64_t id)
{
    static const uint8_t empty_map[] = { 0xa0 };

    commands_reply(n, id, 0, bytes_of(empty_map, sizeof(empty_map)));
}

static void fail(struct node *n, uint64_t id, int err, const char *error)
{
    commands_fail(n, id, err, bytes_of(error, strlen(error)), "see docs/control.md");
}

void node_lab_flood(struct node *n, uint64_t id, struct cbor_reader *r)
{
    int ttl = (int)cbor_read_uint(r, FLOOD_TTL_MAX);
    int bytes = (int)cbor_read_uint(r, MSG_GOSSIP_MAX);

    if (!cbor_is_done(r) || bytes < 1 || !floods_test(n, ttl, bytes))
        fail(n, id, ERR_USAGE,
             "flood: give a TTL of 1 to 12 and up to 900 bytes, or 0 and up to 8000");
    else
        done(n, id);
}

void node_lab_floods(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    commands_reply(n, id, 0, report_floods(n));
}

void node_lab_dial(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct bytes ip = cbor_read_bytes(r, 16);
    struct addr a = { .port = (uint16_t)cbor_read_uint(r, UINT16_MAX) };
    struct node_id whoever = { { 0 } };

    if (!cbor_is_done(r) || (ip.len != 4 && ip.len != 16) || a.port == 0) {
        fail(n, id, ERR_USAGE, "dial: give 4 or 16 bytes of IP address, and a port");
        return;
    }
    a.len = (uint8_t)ip.len;
    memcpy(a.ip, ip.data, ip.len);
    links_dial(n, &a, &whoever);
    done(n, id);
}

void node_lab_say(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct node_id to;
    struct bytes encoded;
    struct msg m;
    int peer;

    cbor_read_fixed(r, to.b, sizeof(to.b));
    encoded = cbor_read_bytes(r, MSG_SIZE_MAX);
    if (!cbor_is_done(r) || msg_decode(encoded, &m) != 0) {
        fail(n, id, ERR_USAGE, "say: give the id of a peer and an encoded message");
        return;
    }
    peer = links_find(n, &to);
    if (peer < 0) {
        fail(n, id, ERR_STATE, "say: there is no link to this peer");
        return;
    }
    outbox_push(&n->out->outbox, peer, &m);
    done(n, id);
}
