/* SPDX-License-Identifier: MIT */
#include "share/params.h"

#include "base/time.h"
#include "wire/msg.h"

struct swarm_params swarm_params_default(void)
{
    return (struct swarm_params){
        .songs_max = 5,
        .song_blocks_max = MSG_BITMAP_MAX * 8,
        .peers_max = 64,
        .head_ns = 15 * NS_PER_S,
        .head_blocks = 101, /* 15 s of CD sound as FLAC, 110 kB/s */
        .pick_sample = 64,
        .pipeline_first = 4,
        .pipeline_max = MSG_WANT_MAX,
        .pipeline_ns = 250 * NS_PER_MS,
        .requests_max = 512,
        .stores_max = 64,
        .timeout_first_ns = 3 * NS_PER_S,
        .timeout_min_ns = 1 * NS_PER_S,
        .timeout_max_ns = 10 * NS_PER_S,
        .hold_first_ns = 1 * NS_PER_S,
        .hold_max_ns = 30 * NS_PER_S,
        .strikes_max = 3,
        .endgame_ns = 300 * NS_PER_MS,
        .endgame_percent = 1,
        .store_retry_ns = 10 * NS_PER_S,
        .upload_queue_max = MSG_WANT_MAX,
        .loads_max = 8,
        .fanout_max = 16,
        .announce_ns = 10 * NS_PER_MS,
        .tell_retry_ns = 3 * NS_PER_S,
        .tell_max_ns = 30 * NS_PER_S,
        .tell_quiet_ns = 2 * NS_PER_S,
        .leaves_timeout_ns = 3 * NS_PER_S,
        .leaves_window = 4,
    };
}
