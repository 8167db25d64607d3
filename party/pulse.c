/* SPDX-License-Identifier: MIT */
#include "party/pulse.h"

#include "party/council.h"
#include "party/session.h"

void pulse_begin(struct party *p)
{
    p->pulse = (struct pulse){ .ask_ns = TIME_NEVER, .told_ns = TIME_NEVER };
    phi_init(&p->pulse.phi, &p->params->beats);
}

void pulse_heard(struct party *p)
{
    int64_t gap_ns = p->now_ns - p->host_heard_ns;

    /* A beat follows each entry: what comes in one breath is one sign of life. */
    if (gap_ns >= p->params->tick_ns / 4) {
        phi_add(&p->pulse.phi, &p->params->beats, gap_ns);
    }
    p->pulse.is_slow = false;
    p->pulse.asked_by = 0;
    p->pulse.ask_ns = TIME_NEVER;
    p->pulse.told_ns = TIME_NEVER;
}

/* Those who have asked us miss the host too, so fewer are left to be asked: as each waits
 * for a moment by lot, a party whose host is dead has about as many questions as members.
 */
static void ask_others(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_ELECT };
    int wanted = p->params->slow_asks - p->pulse.asked_by;
    int from = p->member_count > 0 ? (int)rng_below(&p->rng, p->member_count) : 0;

    m.u.elect.party = p->log.party;
    m.u.elect.priority = p->priority;
    for (int i = 0; i < p->member_count && wanted > 0; i++) {
        const struct party_member *to = &p->members[(from + i) % p->member_count];

        if (!to->is_self && !to->is_host && to->peer >= 0) {
            council_send(p, to->peer, &m, out);
            wanted--;
        }
    }
}

void pulse_look(struct party *p)
{
    int64_t silence_ns = p->now_ns - p->host_heard_ns;

    if (p->pulse.is_slow || silence_ns < p->params->slow_min_ns ||
        phi_milli(&p->pulse.phi, &p->params->beats, silence_ns, 0) <
            p->params->slow_phi_milli) {
        return;
    }
    p->pulse.is_slow = true;
    p->pulse.ask_ns = p->now_ns + rng_below(&p->rng, p->params->slow_spread_ns + 1);
}

void pulse_run(struct party *p, struct outbox *out)
{
    if (p->now_ns >= p->pulse.ask_ns) {
        p->pulse.ask_ns = TIME_NEVER;
        ask_others(p, out);
    }
}

int64_t pulse_wake_ns(const struct party *p)
{
    return p->pulse.ask_ns;
}

/* More than a beat ago is no news, as others may have heard that one as well. */
static bool is_heard_of_late(const struct party *p)
{
    if (p->role == PARTY_ROLE_HOST) {
        return party_is_acting(p, p->now_ns);
    }
    return p->now_ns - p->host_heard_ns < 3 * p->params->tick_ns / 2;
}

void pulse_asked(struct party *p, int peer, struct outbox *out)
{
    if (is_heard_of_late(p)) {
        council_deny(p, peer, 0, out);
    } else {
        p->pulse.asked_by++;
    }
}

void pulse_told(struct party *p, int64_t left_ns)
{
    if (p->pulse.is_slow && left_ns > 0) {
        p->pulse.told_ns = p->now_ns;
    }
}

enum hearing pulse_hearing(const struct party *p)
{
    if (p->role != PARTY_ROLE_GUEST) {
        return HEARING_WELL;
    }
    if (p->is_host_silent) {
        return HEARING_SILENT;
    }
    if (!p->pulse.is_slow) {
        return HEARING_WELL;
    }
    return p->pulse.told_ns != TIME_NEVER ? HEARING_SLOW_HERE : HEARING_SLOW;
}
