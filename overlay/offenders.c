/* SPDX-License-Identifier: MIT */
#include "overlay/offenders.h"

#include <assert.h>
#include <string.h>

struct offender_params offender_params_default(void)
{
    return (struct offender_params){
        .max = 32,
        .ban_ns = 600 * NS_PER_S,
        .group_bits_v4 = 24,
        .group_bits_v6 = 48,
        .remember_min = 20,
    };
}

void offenders_init(struct offenders *o, const struct offender_params *p,
                    struct heap *heap)
{
    assert(p->max > 0 && p->group_bits_v4 <= 32 && p->group_bits_v6 <= 128);
    *o = (struct offenders){ .p = p, .heap = heap };
}

static void set_count(struct offenders *o, int count)
{
    o->rows = heap_resize(o->heap, o->rows, (size_t)o->count, (size_t)count,
                          sizeof(*o->rows));
    o->count = count;
}

void offenders_finish(struct offenders *o)
{
    if (o->heap != NULL)
        set_count(o, 0);
}

/* Addresses that say nothing about who lives next door (RFC 1918, 3927, 4193, 4291,
 * 6598), and none at all. */
static bool is_private(const struct addr *a)
{
    static const uint8_t loopback[16] = { [15] = 1 };
    const uint8_t *ip = a->ip;

    if (a->len == 4)
        return ip[0] == 10 || ip[0] == 127 || ip[0] == 0 ||
               (ip[0] == 172 && ip[1] >> 4 == 1) || (ip[0] == 192 && ip[1] == 168) ||
               (ip[0] == 169 && ip[1] == 254) || (ip[0] == 100 && ip[1] >> 6 == 1);
    if (a->len == 16)
        return (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && ip[1] >> 6 == 2) ||
               memcmp(ip, loopback, sizeof(loopback)) == 0;
    return true;
}

static bool is_group(const struct offenders *o, const struct addr *a,
                     const struct addr *b)
{
    int bits = a->len == 4 ? o->p->group_bits_v4 : o->p->group_bits_v6;

    if (a->len != b->len || is_private(a) || is_private(b) ||
        memcmp(a->ip, b->ip, (size_t)bits / 8) != 0)
        return false;
    return bits % 8 == 0 || ((a->ip[bits / 8] ^ b->ip[bits / 8]) >> (8 - bits % 8)) == 0;
}

static struct offender *find(const struct offenders *o, const struct node_id *id)
{
    for (int i = 0; i < o->count; i++) {
        if (node_id_equal(&o->rows[i].id, id))
            return &o->rows[i];
    }
    return NULL;
}

static int64_t ends_ns(const struct offender *x)
{
    return x->until_ns > x->debt_ns ? x->until_ns : x->debt_ns;
}

/* Its row, new or not: what is over goes, and of a full table who has the least left. */
static struct offender *take(struct offenders *o, const struct peer_rec *rec,
                             int64_t now_ns)
{
    struct offender *x = find(o, &rec->id);
    int least = 0;

    for (int i = o->count - 1; x == NULL && i >= 0; i--) {
        if (ends_ns(&o->rows[i]) > now_ns)
            continue;
        o->rows[i] = o->rows[o->count - 1];
        set_count(o, o->count - 1);
    }
    if (x == NULL && o->count < o->p->max) {
        set_count(o, o->count + 1);
        x = &o->rows[o->count - 1];
    } else if (x == NULL) {
        for (int i = 1; i < o->count; i++) {
            if (ends_ns(&o->rows[i]) < ends_ns(&o->rows[least]))
                least = i;
        }
        x = &o->rows[least];
        *x = (struct offender){ .until_ns = 0 };
    }
    x->id = rec->id;
    x->addr = rec->addr;
    return x;
}

void offenders_ban(struct offenders *o, const struct peer_rec *rec, int64_t now_ns)
{
    take(o, rec, now_ns)->until_ns = now_ns + o->p->ban_ns;
}

int64_t offenders_left_ns(const struct offenders *o, const struct peer_rec *rec,
                          int64_t now_ns)
{
    int64_t left = 0;

    for (int i = 0; i < o->count; i++) {
        const struct offender *x = &o->rows[i];

        if (x->until_ns - now_ns > left &&
            (node_id_equal(&x->id, &rec->id) || is_group(o, &x->addr, &rec->addr)))
            left = x->until_ns - now_ns;
    }
    return left;
}

void offenders_remember(struct offenders *o, const struct peer_rec *rec, int64_t debt_ns,
                        int64_t now_ns)
{
    take(o, rec, now_ns)->debt_ns = debt_ns;
}

int64_t offenders_debt_ns(const struct offenders *o, const struct node_id *id)
{
    const struct offender *x = find(o, id);

    return x == NULL ? 0 : x->debt_ns;
}
