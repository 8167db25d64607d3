/* SPDX-License-Identifier: MIT */
#include "node/company.h"

#include "node/internal.h"
#include "wire/cbor.h"

#define PROMISE_KEY_PREFIX "grant/" /* and a letter for the slot */

void company_set_self(struct node *n)
{
    if (n->company != NULL)
        party_set_self(&n->company->party, n->name,
                       n->reachable.len > 0 ? &n->reachable : &n->listen, &n->priority);
}

static struct promises *promises(struct node *n)
{
    if (n->promises == NULL)
        n->promises = heap_take(&n->heap, 1, sizeof(*n->promises));
    return n->promises;
}

/* [party, granted, obeyed] */
static bool read_promise(struct bytes value, struct promise *p)
{
    struct cbor_reader r;
    struct bytes party;

    cbor_reader_init(&r, value);
    if (cbor_read_array(&r, 3) != 3)
        return false;
    party = cbor_read_bytes(&r, PARTY_ID_LEN);
    p->epoch = cbor_read_uint(&r, UINT64_MAX);
    p->obeyed = cbor_read_uint(&r, UINT64_MAX);
    if (!cbor_is_done(&r) || party.len != PARTY_ID_LEN)
        return false;
    memcpy(p->party.b, party.data, PARTY_ID_LEN);
    return true;
}

void company_recall(struct node *n, const struct memory_item *item)
{
    size_t prefix = strlen(PROMISE_KEY_PREFIX);
    struct promise p = { .slot = -1 };

    if (item->key.len != prefix + 1 ||
        memcmp(item->key.data, PROMISE_KEY_PREFIX, prefix) != 0)
        return;
    p.slot = item->key.data[prefix] - 'a';
    if (read_promise(item->value, &p))
        promises_recall(promises(n), &p);
}

void company_promise(struct node *n)
{
    uint8_t key[sizeof(PROMISE_KEY_PREFIX)] = PROMISE_KEY_PREFIX;
    uint8_t value[2 + PARTY_ID_LEN + 9 + 9];
    struct cbor_writer w;
    struct promise p;
    struct effect *e;

    if (n->company == NULL || !party_take_promise(&n->company->party, &p))
        return;
    e = effects_add(n->out, EFFECT_PROMISE);
    if (e == NULL)
        return;
    key[sizeof(key) - 1] = (uint8_t)('a' + p.slot);
    cbor_writer_init(&w, value, sizeof(value));
    cbor_write_array(&w, 3);
    cbor_write_bytes(&w, p.party.b, PARTY_ID_LEN);
    cbor_write_uint(&w, p.epoch);
    cbor_write_uint(&w, p.obeyed);
    e->u.remember.key = effects_copy(n->out, bytes_of(key, sizeof(key)));
    e->u.remember.value = effects_copy(n->out, cbor_written(&w));
}

void company_promised(struct node *n, struct bytes value, int err)
{
    struct promise p = { .slot = -1 };

    if (n->company != NULL && read_promise(value, &p))
        party_promised(&n->company->party, &p, err == 0, n->now_ns, &n->out->outbox);
}

/* The party learns what there was before it. */
static void tell_links(struct node *n, struct party *p)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];

        if (s->state == SLOT_UP)
            party_peer_up(p, s->number, &slot_rec(n, s)->id, s->key,
                          &slot_rec(n, s)->addr, n->now_ns, &n->out->outbox);
    }
}

void company_set_audio(struct node *n)
{
    struct msg_sound sound = { .is_playing = false };

    if (n->audio != NULL)
        sound = (struct msg_sound){
            .is_playing = n->audio->a.is_playing,
            .phase_ns = n->audio->a.phase_ns,
            .rate_ppb = n->audio->a.rate_ppb,
            .dropouts = (uint32_t)n->audio->a.underruns,
            .jumps = (uint32_t)n->audio->a.resyncs,
        };
    party_set_audio(&n->company->party, n->has_card, &sound, n->now_ns, &n->out->outbox);
}

struct company *company_begin(struct node *n)
{
    struct company *c = n->company;

    if (c != NULL)
        return c;
    c = heap_take(&n->heap, 1, sizeof(*c));
    n->company = c;
    party_init(&c->party, &n->params->party, &n->heap, &n->invites, &n->self,
               rng_next(&n->rng));
    party_set_log(&c->party, &n->out->log);
    party_set_memory(&c->party, promises(n), n->clock_id, n->start_ns);
    c->party.timeline.version = n->timeline_version; /* silence, as the player has it */
    swarm_init(&c->swarm, &n->params->swarm, &n->heap, rng_next(&n->rng), &n->out->log);
    swarm_set_name(&c->swarm, -1, &n->self.id);
    node_judge(n);
    tell_links(n, &c->party);
    company_set_audio(n);
    return c;
}

void company_end(struct node *n)
{
    struct company *c = n->company;

    if (c == NULL)
        return;
    party_finish(&c->party);
    swarm_finish(&c->swarm);
    probes_end(n, &c->prober);
    for (int i = 0; i < PARTY_HEIRS; i++)
        probes_end(n, &c->heirs[i].prober);
    heap_give(&n->heap, c, 1, sizeof(*c));
    n->company = NULL;
    for (int k = 0; k < n->slot_set.count; k++)
        n->slots[k]->is_sharing = false;
}

void company_retire(struct node *n)
{
    const struct company *c = n->company;

    if (c != NULL && party_is_over(&c->party) && c->swarm.order_count == 0 &&
        party_timeline_version(&c->party) == n->timeline_version)
        company_end(n);
}

bool company_needs_link(const struct node *n, int peer)
{
    return n->company != NULL && party_needs_link(&n->company->party, peer);
}

/* Who asks for a party here learns that there is none; not more often than an honest
 * node would ask. */
static void refuse_join(struct node *n, int peer, const struct msg_party_join *m)
{
    struct bucket_rate rate = { n->params->party.join_every_ns / 4, 1 };

    if (bucket_small_take(&slot_at(n, peer)->asks, rate, n->now_ns))
        party_refuse(m, peer, &n->out->outbox);
}

void company_receive(struct node *n, int peer, const struct msg *m)
{
    if (n->company != NULL)
        party_receive(&n->company->party, peer, m, n->now_ns, &n->out->outbox);
    else if (m->type == MSG_PARTY_JOIN)
        refuse_join(n, peer, &m->u.party_join);
}

void company_share(struct node *n, int peer, const struct msg *m)
{
    if (n->company != NULL)
        swarm_receive(&n->company->swarm, peer, m, n->now_ns, &n->out->outbox);
}

static void keep_invite(struct node *n, const struct flood_id *id, const struct flood *f)
{
    struct invite *v;
    struct close close;

    if (f->kind == FLOOD_CALL)
        (void)invites_call_heard(&n->invites, id, f, n->params->party.invite_keep_ns,
                                 n->now_ns, &v);
    else if (f->kind == FLOOD_CLOSE && close_decode(f->body, &close) == 0)
        invites_close_heard(&n->invites, &close, f->origin);
}

void company_flood_heard(struct node *n, const struct flood_id *id,
                         const struct msg_flood *m, const struct flood *f)
{
    if (n->company == NULL && f->kind == FLOOD_CALL && n->params->party.is_auto_accept)
        (void)company_begin(n);
    if (n->company != NULL)
        party_flood_heard(&n->company->party, id, m, f, n->now_ns, &n->out->outbox);
    else
        keep_invite(n, id, f);
}

void company_peer_down(struct node *n, struct slot *s)
{
    if (n->company == NULL)
        return;
    if (s->is_sharing)
        swarm_peer_down(&n->company->swarm, s->number, n->now_ns, &n->out->outbox);
    s->is_sharing = false;
    party_peer_down(&n->company->party, s->number, n->now_ns, &n->out->outbox);
}
