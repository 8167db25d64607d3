/* SPDX-License-Identifier: MIT */
#include "party/params.h"

#include "base/time.h"

struct party_params party_params_default(void)
{
    return (struct party_params){
        .peers_max = 96,
        .members_max = 64,
        .log_entries_max = 512,
        .log_bytes_max = 128 * 1024,
        .wanted = 3,
        .ttl = 8,
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
        .lease_ns = 6 * NS_PER_S,
        .get_every_ns = NS_PER_S,
        .keep_link_ns = 10 * NS_PER_S,
        .mesh_every_ns = 3 * NS_PER_S,
        .mesh_links = 4,
        .push_max = 96,
        .push_every_ns = 20 * NS_PER_MS,
    };
}
