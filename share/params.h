/* Every constant of the swarm, so that the simulator can vary them and experiments can
 * sweep them.  The defaults are the shipped values.  SPDX-License-Identifier: MIT */
#ifndef SHARE_PARAMS_H
#define SHARE_PARAMS_H

#include <stdint.h>

#define SWARM_SONGS_MAX 8   /* as far as songs_max can go */
#define SWARM_PEERS_MAX 250 /* … and peers_max */

struct swarm_params {
    int songs_max;       /* songs shared at once */
    int song_blocks_max; /* blocks of one song; at most 32,768 */
    int peers_max;       /* slots of the node's peer table */

    /* The order of fetching. */
    int64_t head_ns; /* this much of the first song comes before everything else */
    int head_blocks; /* … or so many blocks, where the duration is not known */
    int pick_sample; /* candidates among which the rarest is looked for */

    /* Requests. */
    int pipeline_first;  /* blocks asked of a peer at once before its rate is known, */
    int pipeline_max;    /* … and at most; the other side keeps MSG_WANT_MAX of them */
    int64_t pipeline_ns; /* as many as it sends in this time, and in a round trip */
    int requests_max;    /* blocks asked of all peers together */
    int stores_max;      /* while so many blocks wait for the disk nothing is asked */
    int64_t timeout_first_ns; /* no answer at all to the first requests */
    int64_t timeout_min_ns;   /* later: smoothed latency + 4 deviations, within … */
    int64_t timeout_max_ns;   /* … these */
    int64_t hold_first_ns;  /* a peer that timed out or refused is left alone so long, */
    int64_t hold_max_ns;    /* twice as long each time, up to this */
    int strikes_max;        /* wrong blocks after which a peer is never asked again */
    int64_t endgame_ns;     /* the last blocks are asked of a second peer after this */
    int endgame_percent;    /* … for no more than this part of a song's blocks */
    int64_t store_retry_ns; /* after a disk error the song waits so long */

    /* Uploads. */
    int upload_queue_max; /* blocks that one peer may have queued here */
    int loads_max;        /* blocks being loaded from disk at once */
    int fanout_max;       /* peers that get a block from one load */

    /* Telling. */
    int64_t announce_ns; /* blocks that were stored are announced within this */
    int64_t
        tell_retry_ns;   /* a peer whose HAVE is missing is told ours again after this, */
    int64_t tell_max_ns; /* twice as late each time, up to this */
    int64_t tell_quiet_ns; /* a HAVE is not answered when ours went out so short ago */

    /* Leaves. */
    int64_t leaves_timeout_ns; /* then another peer is asked */
    int leaves_window;         /* LEAVES_GET outstanding */
};

/* The shipped values. */
struct swarm_params swarm_params_default(void);

#endif
