/* Every constant of a party, so that the simulator can vary them.  The defaults are the
 * shipped values.  SPDX-License-Identifier: MIT */
#ifndef PARTY_PARAMS_H
#define PARTY_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/phi.h"

struct party_params {
    int peers_max;       /* slots of the node's table of peers */
    int members_max;     /* of one party, the host included; at most PARTY_MEMBERS_MAX */
    int log_entries_max; /* kept; see party/log.h for the least */
    int log_bytes_max;
    bool is_auto_accept; /* accept the first call that is heard */

    /* The call. */
    int wanted;             /* guests that start it at once */
    int ttl;                /* hops of its floods */
    int ring_first_ttl;     /* the first one goes so far only; 0: as far as all */
    int64_t ring_first_ns;  /* … and has so long to be answered by enough */
    int ring_second_ttl;    /* then one so far */
    int64_t ring_second_ns; /* … and so long, before one goes all the way */
    int64_t
        answer_every_ns;   /* a call is answered no more often, however often it comes */
    int call_life_s;       /* a flood of it is dropped when older */
    int64_t call_ns;       /* deadline of the call */
    int64_t call_every_ns; /* flooded again so often, while calling */
    int64_t invite_every_ns; /* … and while playing, for those who come late */
    int64_t settle_ns;       /* quiet time after the last rival before sharing begins */
    int64_t settle_max_ns;   /* … but no longer than this after the call began */
    int rival_answers_max;   /* extra floods, to tell those who call as well */
    int invites_max;         /* calls of others that are kept; at least 2 */
    int64_t invite_keep_ns;  /* an invite outlives its deadline, or last flood, by this */

    /* Sharing and playing. */
    int64_t ready_ns;       /* who is not ready by then is not waited for */
    int64_t ready_limit_ns; /* nobody at all is ready so long after: the party ends */
    int64_t ready_sigma_ns; /* a clock is good enough below this */
    int64_t lead_min_ns;    /* an action lies so far ahead, plus … */
    int64_t lead_max_ns;
    int lead_rtts;         /* … so many of the longest round trip, plus … */
    int lead_sigmas;       /* … so many of the largest clock error */
    int pending_max;       /* actions ahead at once */
    int64_t end_grace_ns;  /* after the last song, until the party ends */
    int64_t ended_keep_ns; /* an ended party is shown, and answered for, so long */

    /* Members. */
    int64_t tick_ns;          /* beats, statuses and time-outs */
    int64_t member_silent_ns; /* nothing heard of a member: it is away */
    int64_t member_grace_ns;  /* … for so long: it has left */
    int64_t host_silent_ns;   /* nothing heard of the host: it is silent */
    int64_t host_gone_ns;     /* … and nothing plays: the party is over */
    int64_t join_every_ns;    /* JOIN is sent again */
    int64_t join_limit_ns;    /* … until this: the host cannot be reached */
    int64_t dial_first_ns;    /* wait before the second dial; doubles */
    int64_t dial_max_ns;
    int64_t get_every_ns;  /* LOG_GET is not repeated sooner without progress */
    int64_t keep_link_ns;  /* a new link is kept so long for one who may be joining */
    int64_t mesh_every_ns; /* one link to another guest is opened at most so often … */
    int mesh_links;        /* … until there are so many */

    /* The host's heartbeat. */
    struct phi_params beats;
    int slow_phi_milli;     /* the host is slow from this on … */
    int64_t slow_min_ns;    /* … but not in a silence shorter than this */
    int slow_asks;          /* others who are asked then whether they hear it … */
    int64_t slow_spread_ns; /* … within this time, by lot */

    /* Unison. */
    int64_t unison_keep_ns; /* what was told of a member's sound counts for so long */
    int64_t ear_ns;         /* members farther apart than that … */
    int64_t ear_wait_ns;    /* … for so long are told of: ears notice */

    /* Elections. */
    int council_max;        /* members whose grants count; odd */
    int64_t lease_ns;       /* of the host: no other is granted before */
    int64_t grant_lease_ns; /* … of one who was granted, until it is heard as host */
    int64_t drift_ppm; /* clocks run at most so fast or slow: the host stops earlier */
    int64_t rank_ns;   /* who is fitter stands so much earlier … */
    int64_t rank_jitter_ns; /* … and up to so much later, by lot */
    int64_t elect_wait_ns;  /* for ELECT_OK of somebody fitter */
    int64_t coord_wait_ns;  /* … and then for its COORD */
    int64_t claim_every_ns; /* CLAIM is sent again … */
    int64_t claim_limit_ns; /* … until this */
    int64_t back_off_ns;    /* 0.3 to 1.5 of it until the next try; doubles */
    int64_t leave_ns;       /* a host that leaves sees the next one in for so long */
    int64_t leave_every_ns; /* … and tells it so often how far it has come */
    int64_t host_wait_ns;   /* a host that lost its leases waits so long for them */
    int64_t
        bridge_sigma_ns; /* the clock of a new host is used once it is so well known … */
    int64_t bridge_ns;   /* … or so long after; until then the old line goes on */
    int64_t bridge_bound_ns; /* so far may the new one be off while we do not know it */
    int64_t fork_ns; /* nobody has led us for so long: a party of our own; 0: never */
    int64_t fork_turn_ns; /* … and so much later for each who is fitter */
    int64_t merge_ns; /* a fork goes back so long after it heard of the others, at most */
    bool must_know_time; /* who does not know party time does not stand */
    bool is_classic;     /* a control: bully without leases, grants and certificates */

    /* Log. */
    int push_max;          /* entries sent in one step */
    int64_t push_every_ns; /* between steps while there are more */
};

/* The shipped values. */
struct party_params party_params_default(void);

#endif
