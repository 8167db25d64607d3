/* SPDX-License-Identifier: MIT */
#include "party/params.h"

#include "base/time.h"

static void set_elections(struct party_params *p)
{
    p->council_max = 7;
    p->lease_ns = 6 * NS_PER_S;
    p->grant_lease_ns = 2 * NS_PER_S;
    p->drift_ppm = 10000;
    p->rank_ns = 150 * NS_PER_MS;
    p->rank_jitter_ns = 100 * NS_PER_MS;
    p->elect_wait_ns = 500 * NS_PER_MS;
    p->coord_wait_ns = 1800 * NS_PER_MS;
    p->claim_every_ns = 300 * NS_PER_MS;
    p->claim_limit_ns = 1200 * NS_PER_MS;
    p->back_off_ns = NS_PER_S;
    p->leave_ns = 2 * NS_PER_S;
    p->leave_every_ns = 50 * NS_PER_MS;
    p->host_wait_ns = 2 * NS_PER_S;
    p->bridge_sigma_ns = 50 * NS_PER_US;
    p->fork_ns = 30 * NS_PER_S;
    p->fork_turn_ns = 2 * NS_PER_S;
    p->merge_ns = 30 * NS_PER_S;
    p->must_know_time = true;
    p->bridge_ns = 15 * NS_PER_S;
    p->bridge_bound_ns = 5 * NS_PER_MS;
}

struct party_params party_params_default(void)
{
    struct party_params p = {
        .peers_max = 96,
        .members_max = 64,
        .log_entries_max = 512,
        .log_bytes_max = 128 * 1024,
        .wanted = 3,
        .ttl = 10,
        .ring_first_ttl = 3,
        .ring_first_ns = 400 * NS_PER_MS,
        .ring_second_ttl = 5,
        .ring_second_ns = 800 * NS_PER_MS,
        .answer_every_ns = 5 * NS_PER_S,
        .call_life_s = 60,
        .call_ns = 30 * NS_PER_S,
        .call_every_ns = 10 * NS_PER_S,
        .invite_every_ns = 30 * NS_PER_S,
        .settle_ns = 1200 * NS_PER_MS,
        .settle_max_ns = 5 * NS_PER_S,
        .rival_answers_max = 2,
        .invites_max = 16,
        .invite_keep_ns = 90 * NS_PER_S,
        .ready_ns = 60 * NS_PER_S,
        .ready_limit_ns = 600 * NS_PER_S,
        .ready_sigma_ns = 2 * NS_PER_MS,
        .lead_min_ns = 500 * NS_PER_MS,
        .lead_max_ns = 3 * NS_PER_S,
        .lead_rtts = 4,
        .lead_sigmas = 3,
        .pending_max = 16,
        .end_grace_ns = 30 * NS_PER_S,
        .ended_keep_ns = 60 * NS_PER_S,
        .tick_ns = NS_PER_S,
        .member_silent_ns = 10 * NS_PER_S,
        .member_grace_ns = 15 * NS_PER_S,
        .host_silent_ns = 10 * NS_PER_S,
        .host_gone_ns = 45 * NS_PER_S,
        .join_every_ns = 2 * NS_PER_S,
        .join_limit_ns = 30 * NS_PER_S,
        .dial_first_ns = NS_PER_S,
        .dial_max_ns = 8 * NS_PER_S,
        .get_every_ns = NS_PER_S,
        .keep_link_ns = 10 * NS_PER_S,
        .mesh_every_ns = 3 * NS_PER_S,
        .mesh_links = 4,
        .beats = phi_params_default(),
        .slow_phi_milli = 8000,
        .slow_min_ns = 2500 * NS_PER_MS,
        .slow_asks = 2,
        .slow_spread_ns = NS_PER_S,
        .unison_keep_ns = 6 * NS_PER_S,
        .ear_ns = NS_PER_MS,
        .ear_wait_ns = NS_PER_S,
        .push_max = 96,
        .push_every_ns = 20 * NS_PER_MS,
    };

    set_elections(&p);
    return p;
}
