/* SPDX-License-Identifier: MIT */
#include "party/council.h"

#include <string.h>

#include "party/guest.h"
#include "party/state.h"

static int voters(const struct party *p, uint8_t keys[static COUNCIL_MAX][KEY_LEN])
{
    int n = p->member_count < COUNCIL_MAX ? p->member_count : COUNCIL_MAX;

    for (int i = 0; i < n; i++) {
        memcpy(keys[i], p->members[i].key, KEY_LEN);
    }
    return n;
}

static bool is_voter(const struct party *p)
{
    for (int i = 0; i < p->member_count && i < COUNCIL_MAX; i++) {
        if (p->members[i].is_self) {
            return true;
        }
    }
    return false;
}

/* Of our lease to the present host.  The host itself never grants. */
static int64_t lease_left_ns(const struct party *p)
{
    int64_t left_ns = p->host_heard_ns + p->params.lease_ns - p->now_ns;

    if (p->role == PARTY_ROLE_HOST) {
        return p->params.lease_ns;
    }
    return left_ns > 0 ? left_ns : 0;
}

static void deny(struct party *p, int peer, uint64_t epoch, struct outbox *out)
{
    uint64_t highest = p->ballot.epoch > p->log.epoch ? p->ballot.epoch : p->log.epoch;
    struct msg m = { .type = MSG_DENY };

    m.u.deny.party = p->log.party;
    m.u.deny.epoch = epoch;
    m.u.deny.highest = highest;
    m.u.deny.lease_left_ms = (uint32_t)(lease_left_ns(p) / NS_PER_MS);
    outbox_push(out, peer, &m);
}

static void take_elect(struct party *p, int peer, const struct msg_elect *m,
                       struct outbox *out)
{
    struct candidate they = { m->priority, m->party, m->epoch, p->peers[peer].id };
    struct candidate we = { p->priority, m->party, m->epoch, p->self->id };
    struct msg ok = { .type = MSG_ELECT_OK };

    if (m->epoch <= p->log.epoch || lease_left_ns(p) > 0) {
        deny(p, peer, m->epoch, out);
    } else if (candidate_compare(&we, &they) > 0) {
        ok.u.elect_ok.party = m->party;
        ok.u.elect_ok.epoch = m->epoch;
        outbox_push(out, peer, &ok);
    }
}

static void take_claim(struct party *p, int peer, const struct msg_claim *m,
                       struct outbox *out)
{
    struct ballot_claim claim = {
        .epoch = m->epoch,
        .host = p->peers[peer].key,
        .previous = m->previous,
        .current = p->log.epoch,
        .head = p->log.head,
        .lease_left_ns = lease_left_ns(p),
    };
    struct msg g = { .type = MSG_GRANT };

    if (!is_voter(p) || p->role == PARTY_ROLE_HOST || !ballot_grant(&p->ballot, &claim)) {
        deny(p, peer, m->epoch, out);
        return;
    }
    g.u.grant.party = m->party;
    g.u.grant.epoch = m->epoch;
    memcpy(g.u.grant.host, claim.host, KEY_LEN);
    g.u.grant.lease_ms = (uint32_t)(p->params.lease_ns / NS_PER_MS);
    grant_sign(p->self, &m->party, m->epoch, claim.host, g.u.grant.sig);
    outbox_push(out, peer, &g);
}

static void take_handover(struct party *p, const struct msg_handover *m)
{
    if (m->epoch != p->log.epoch + 1 ||
        !handover_verify(p->self->suite, p->log.host, m)) {
        p->counts.not_host++;
        return;
    }
    ballot_handover(&p->ballot, m);
}

void council_receive(struct party *p, int peer, const struct msg *m, struct outbox *out)
{
    if (state_member_of(p, peer) == NULL || p->phase == PARTY_ENDED) {
        p->counts.not_member++;
        return;
    }
    switch ((int)m->type) {
    case MSG_ELECT:
        take_elect(p, peer, &m->u.elect, out);
        break;
    case MSG_CLAIM:
        take_claim(p, peer, &m->u.claim, out);
        break;
    case MSG_HANDOVER:
        take_handover(p, &m->u.handover);
        break;
    default: /* ELECT_OK, GRANT, DENY: we have not asked */
        p->counts.unasked++;
        break;
    }
}

void council_coord(struct party *p, const struct coord *c)
{
    uint8_t keys[COUNCIL_MAX][KEY_LEN];
    const struct party_member *host = state_member(p, c->host);
    int count = voters(p, keys);

    if (c->epoch <= p->log.epoch) {
        p->counts.old_epoch++;
        return;
    }
    if (host == NULL || host->is_self ||
        !coord_verify(p->self->suite, c, (const uint8_t(*)[KEY_LEN])keys, count)) {
        p->counts.not_host++;
        return;
    }
    (void)party_log_set_epoch(&p->log, c->epoch, c->host);
    guest_change_host(p, host);
    state_note(p, "now leads the party: ", host->name, "");
    state_log(p, LOG_INFO, "new host");
}
