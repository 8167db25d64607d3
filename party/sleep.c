/* SPDX-License-Identifier: MIT */
#include "party/sleep.h"

#include "party/candidate.h"
#include "party/host.h"
#include "party/lead.h"
#include "party/publish.h"
#include "party/state.h"

void party_slept(struct party *p, uint64_t clock_id, int64_t now_ns)
{
    p->now_ns = now_ns;
    p->clock_id = clock_id;
    sleep_abstain(p, now_ns);
    if (!state_is_open(p)) {
        return;
    }
    for (int i = 0; i < p->member_count; i++) {
        p->members[i].lease_ns = 0;
    }
    p->awake_ns = now_ns;
    if (p->ballot.epoch > 0) {
        p->ballot.lease_ns = now_ns + p->params->grant_lease_ns;
    }
    candidate_stop(p);
    p->to_reference.is_valid = false;
    p->bridge.is_valid = false;
    p->is_torn = p->maps.has_map && node_id_equal(&p->map_host, &p->self->id);
    state_log(p, LOG_WARN, "slept");
}

void sleep_abstain(struct party *p, int64_t from_ns)
{
    p->abstain_ns = from_ns + p->params->lease_ns +
                    mul_div(p->params->lease_ns, 2 * p->params->drift_ppm, 1000000);
}

/* Party time goes on by our clock as if that had not slept: nobody knows better. */
static void carry_on(struct party *p)
{
    struct clock_line identity = clock_line_identity();
    struct clock_line line = party_clock_line(&p->maps, &identity, p->now_ns);
    struct clock_map map = clock_map_rebase(&p->maps.map, &line, p->now_ns);

    map.bound_ns = TIME_NEVER; /* against UTC, until that is measured */
    publish_map(p, &map, p->clock_id);
    p->to_reference = identity;
}

void sleep_run(struct party *p, struct outbox *out)
{
    const struct party_member *heir;

    if (!p->is_torn || !party_is_acting(p, p->now_ns)) {
        return;
    }
    heir = lead_heir(p);
    if (heir == NULL) {
        carry_on(p);
    } else if (heir->sigma_ns >= 0) {
        host_resign(p, heir, out);
    }
}
