/* SPDX-License-Identifier: MIT */
#include "clock/params.h"

#include "base/time.h"

struct clock_params clock_params_default(void)
{
    return (struct clock_params){
        .window_ns = 120 * NS_PER_S,
        .bucket_ns = 60 * NS_PER_S,
        .window_min = 16,
        .window_max = 128,
        .gate_streak = 3,
        .gate_unsure = 8,
        .block_min = 8,
        .wander = 1e-8,
        .wander_max = 1e-6,
        .wander_decay = 600,
        .wander_spread = 2,
        .wander_slack = 1e-6,
        .rate_max = 450e-6,
        .prior_sd = 150e-6,
        .resume_sd = 1e-6,
        .rate_floor = 0.2e-6,
        .rate_step = 0.05e-6,
        .noise_first = 1e-3,
        .noise_floor = 0.2e-6,
        .gate = 50e-6,
        .gate_short = 6,
        .block_first = 20,
        .block = 60,
        .growth = 1e-6,        /* chrony's maxclockerror */
        .growth_first = 15e-6, /* PHI of RFC 5905 */
        .settle_ns = 60 * NS_PER_S,
        .wander_after_ns = 240 * NS_PER_S,
        .rtt_max_ns = NS_PER_S,

        .holdover_min_ns = 5 * NS_PER_S,
        .holdover_missed = 3,
        .unsynced_ns = 20 * NS_PER_MS,

        .probe_burst = 64,
        .probe_burst_ns = 50 * NS_PER_MS,
        .probe_fast_factor = 10,
        .probe_ease_ns = 150 * NS_PER_S,
        .probe_jitter_percent = 10,

        .poll_burst = 4,
        .poll_step = 8,
        .poll_unreachable = 8,
        .poll_burst_ns = 2 * NS_PER_S,
        .poll_min_ns = 64 * NS_PER_S,
        .poll_max_ns = 1024 * NS_PER_S,
        .poll_rate_max_ns = 16384 * NS_PER_S,
        .poll_resume_ns = 64 * NS_PER_S,
        .utc_first_wait_ns = 4 * NS_PER_S,
        .utc_bound_max_ns = NS_PER_S,
        .os_unsynced_ns = 3600 * NS_PER_S,
        .os_age_max_ns = 600 * NS_PER_S,

        .map_lead_ns = 2 * NS_PER_S,
        .map_slew_ppt = 20 * PPT_PER_PPM,
        .map_horizon_ns = 300 * NS_PER_S,
        .map_offset_ns = 500 * NS_PER_US,
    };
}
