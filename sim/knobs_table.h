/* Made by tools/knobs.sh from the headers that it names; do not edit.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_KNOBS_TABLE_H
#define SIM_KNOBS_TABLE_H

/* clang-format off */
#define KNOBS_TABLE(X) \
    X("overlay.peers_max", overlay.peers_max, KNOB_INT, "slots of the node's table of peers: 64") \
    X("overlay.active_max", overlay.active_max, KNOB_INT, "neighbours: 6") \
    X("overlay.active_low", overlay.active_low, KNOB_INT, "below it the view is refilled in haste: 4") \
    X("overlay.active_need", overlay.active_need, KNOB_INT, "below it, when refused for long, a slot is asked for with high priority: 5") \
    X("overlay.forced_max", overlay.forced_max, KNOB_INT, "slots that can be taken by force: 2 …") \
    X("overlay.forced_old", overlay.forced_old, KNOB_INT, "… and once no longer young: 1") \
    X("overlay.forced_rate.period_ns", overlay.forced_rate.period_ns, KNOB_NS, "one token comes back in this time; … and how often: 1 in 30 s, burst forced_max") \
    X("overlay.forced_rate.burst", overlay.forced_rate.burst, KNOB_INT, "tokens of a full bucket; … and how often: 1 in 30 s, burst forced_max") \
    X("overlay.has_split", overlay.has_split, KNOB_BOOL, "who is evicted is told who took its place: true") \
    X("overlay.tells_accepted", overlay.tells_accepted, KNOB_BOOL, "who accepts names its neighbours, and not only who refuses: true") \
    X("overlay.join_gap_ns", overlay.join_gap_ns, KNOB_NS, "a full contact evicts for one JOIN in this time: 2 s") \
    X("overlay.passive_max", overlay.passive_max, KNOB_INT, "120") \
    X("overlay.passive_eager", overlay.passive_eager, KNOB_INT, "below it every walk leaves its record: 30") \
    X("overlay.passive_fails_max", overlay.passive_fails_max, KNOB_INT, "dials in a row until a record is dropped: 250") \
    X("overlay.join_walk", overlay.join_walk, KNOB_INT, "ARWL, hops of a FORWARD_JOIN: 6") \
    X("overlay.passive_walk", overlay.passive_walk, KNOB_INT, "PRWL, hops left when it leaves its record: 3") \
    X("overlay.shuffle_walk", overlay.shuffle_walk, KNOB_INT, "hops of a SHUFFLE: 6") \
    X("overlay.shuffle_active", overlay.shuffle_active, KNOB_INT, "ka, records of neighbours in it: 3") \
    X("overlay.shuffle_passive", overlay.shuffle_passive, KNOB_INT, "kp, records of the passive view in it: 12") \
    X("overlay.shuffle_period_ns", overlay.shuffle_period_ns, KNOB_NS, "60 s, +-20 %") \
    X("overlay.shuffle_young_ns", overlay.shuffle_young_ns, KNOB_NS, "the period while young or after losses: 15 s") \
    X("overlay.shuffle_first_ns", overlay.shuffle_first_ns, KNOB_NS, "the first one, doubled up to the period: 1 s") \
    X("overlay.closed_shuffles", overlay.closed_shuffles, KNOB_INT, "shuffles without a sign of others: a closed group: 6") \
    X("overlay.young_ns", overlay.young_ns, KNOB_NS, "young until so long after the first neighbour: 5 min") \
    X("overlay.ask_timeout_ns", overlay.ask_timeout_ns, KNOB_NS, "for a NEIGHBOR_ACK; later ones still count: 2 s") \
    X("overlay.dial_timeout_ns", overlay.dial_timeout_ns, KNOB_NS, "15 s") \
    X("overlay.dials_max", overlay.dials_max, KNOB_INT, "in flight: 64") \
    X("overlay.dials_refill", overlay.dials_refill, KNOB_INT, "… of them to refill the view: 4") \
    X("overlay.dials_haste", overlay.dials_haste, KNOB_INT, "… or so many below active_low: 48") \
    X("overlay.dial_patience_ns", overlay.dial_patience_ns, KNOB_NS, "a dial that takes longer than max(this, 2 RTTs of our neighbours) does not hold up others: 100 ms") \
    X("overlay.refill_wait_ns", overlay.refill_wait_ns, KNOB_NS, "between two tries, doubled by each refusal: 10 ms") \
    X("overlay.refill_alone_ns", overlay.refill_alone_ns, KNOB_NS, "… up to this without any neighbour: 50 ms") \
    X("overlay.refill_haste_ns", overlay.refill_haste_ns, KNOB_NS, "… or up to this below active_low: 2 s") \
    X("overlay.refill_calm_ns", overlay.refill_calm_ns, KNOB_NS, "… or up to this: 30 s") \
    X("overlay.retry_max_ns", overlay.retry_max_ns, KNOB_NS, "back-off of a failing record: 300 s") \
    X("overlay.retry_share_ns", overlay.retry_share_ns, KNOB_NS, "… but at most this for each record held: 5 s") \
    X("overlay.bootstrap_first_ns", overlay.bootstrap_first_ns, KNOB_NS, "between two dials to a given address: 0.5 s …") \
    X("overlay.bootstrap_quick", overlay.bootstrap_quick, KNOB_INT, "… so often; then the time doubles: 6") \
    X("overlay.isolated_max_ns", overlay.isolated_max_ns, KNOB_NS, "… and of all while there is no neighbour: 60 s") \
    X("overlay.linger_ns", overlay.linger_ns, KNOB_NS, "a link that is done with is kept so long: 0.5 s") \
    X("overlay.linger_new_ns", overlay.linger_new_ns, KNOB_NS, "… and one that nothing was asked on yet: 10 s") \
    X("overlay.good_ns", overlay.good_ns, KNOB_NS, "a neighbour for so long is remembered: 60 s") \
    X("overlay.good_first_ns", overlay.good_first_ns, KNOB_NS, "… and the first good_few of them so soon: 3 s") \
    X("overlay.good_few", overlay.good_few, KNOB_INT, "4") \
    X("overlay.known_max", overlay.known_max, KNOB_INT, "remembered peers: 64") \
    X("overlay.check_fresh_ns", overlay.check_fresh_ns, KNOB_NS, "2 s") \
    X("overlay.check_min_ns", overlay.check_min_ns, KNOB_NS, "an answer has max(this, 3 RTT) …") \
    X("overlay.check_max_ns", overlay.check_max_ns, KNOB_NS, "… or, if that is more, max(this, 2 RTT): 200, 400 ms") \
    X("overlay.has_doubts", overlay.has_doubts, KNOB_BOOL, "a neighbour that owes an acknowledgement holds no slot: true") \
    X("overlay.alarm_rate.period_ns", overlay.alarm_rate.period_ns, KNOB_NS, "one token comes back in this time; alarms of others that are looked into: 1 in 30 s, burst 2") \
    X("overlay.alarm_rate.burst", overlay.alarm_rate.burst, KNOB_INT, "tokens of a full bucket; alarms of others that are looked into: 1 in 30 s, burst 2") \
    X("overlay.rescue_links", overlay.rescue_links, KNOB_INT, "when many of ours fall silent so many others are met: 10") \
    X("overlay.rescue_ns", overlay.rescue_ns, KNOB_NS, "… within this time: 3 s; …") \
    X("overlay.rescue_rate.period_ns", overlay.rescue_rate.period_ns, KNOB_NS, "one token comes back in this time; … and so often: 1 in 30 s, burst 2") \
    X("overlay.rescue_rate.burst", overlay.rescue_rate.burst, KNOB_INT, "tokens of a full bucket; … and so often: 1 in 30 s, burst 2") \
    X("overlay.chosen_min", overlay.chosen_min, KNOB_INT, "3") \
    X("overlay.chosen_wait_ns", overlay.chosen_wait_ns, KNOB_NS, "a free slot is kept so long for our own choice: 10 s") \
    X("overlay.pinned", overlay.pinned, KNOB_INT, "2") \
    X("overlay.group_min", overlay.group_min, KNOB_INT, "one peer of each group of addresses in each view, once so many groups are known: 3; 0: off") \
    X("overlay.learn_max", overlay.learn_max, KNOB_INT, "new records of one peer in one period that a full passive view takes: 2; 0: any number") \
    X("overlay.anchor_period_ns", overlay.anchor_period_ns, KNOB_NS, "60 s, +-20 %") \
    X("overlay.island_period_ns", overlay.island_period_ns, KNOB_NS, "the owner of a tag says so again: 100 s") \
    X("overlay.island_age_ns", overlay.island_age_ns, KNOB_NS, "a tag not confirmed for so long is void: 300 s") \
    X("overlay.island_hop_ns", overlay.island_hop_ns, KNOB_NS, "a tag is passed on within this time: 1 s") \
    X("overlay.probe_helpers", overlay.probe_helpers, KNOB_INT, "others who are asked about a silent peer: 3") \
    X("overlay.join_link.period_ns", overlay.join_link.period_ns, KNOB_NS, "one token comes back in this time; JOIN and NEIGHBOR of one link: 1/s, burst 4") \
    X("overlay.join_link.burst", overlay.join_link.burst, KNOB_INT, "tokens of a full bucket; JOIN and NEIGHBOR of one link: 1/s, burst 4") \
    X("overlay.join_node.period_ns", overlay.join_node.period_ns, KNOB_NS, "one token comes back in this time; JOINs walked on for all: 10/s, burst 40") \
    X("overlay.join_node.burst", overlay.join_node.burst, KNOB_INT, "tokens of a full bucket; JOINs walked on for all: 10/s, burst 40") \
    X("overlay.walk_link.period_ns", overlay.walk_link.period_ns, KNOB_NS, "one token comes back in this time; FORWARD_JOIN, ISLAND, PROBE of one link: 4/s, burst 16") \
    X("overlay.walk_link.burst", overlay.walk_link.burst, KNOB_INT, "tokens of a full bucket; FORWARD_JOIN, ISLAND, PROBE of one link: 4/s, burst 16") \
    X("overlay.shuffle_link.period_ns", overlay.shuffle_link.period_ns, KNOB_NS, "one token comes back in this time; SHUFFLEs of one link: 1 in 5 s, burst 6") \
    X("overlay.shuffle_link.burst", overlay.shuffle_link.burst, KNOB_INT, "tokens of a full bucket; SHUFFLEs of one link: 1 in 5 s, burst 6") \
    X("overlay.reach.misses", overlay.reach.misses, KNOB_INT, "tests in a row that no dial followed: 3; 0: off") \
    X("overlay.reach.misses_proven", overlay.reach.misses_proven, KNOB_INT, "… or shuffles of a node that was dialled before: 16") \
    X("overlay.reach.quiet_ns", overlay.reach.quiet_ns, KNOB_NS, "after the first link a test is asked for: 3 s") \
    X("overlay.reach.wait_ns", overlay.reach.wait_ns, KNOB_NS, "for the dial: 3 s") \
    X("overlay.reach.retest", overlay.reach.retest, KNOB_INT, "of a hidden node's shuffles each so manieth walks: 8") \
    X("overlay.reach.homes", overlay.reach.homes, KNOB_INT, "2") \
    X("overlay.reach.guests_max", overlay.reach.guests_max, KNOB_INT, "for whom we are a home: 16") \
    X("overlay.reach.retry_ns", overlay.reach.retry_ns, KNOB_NS, "between two tries to find a home: 1 s") \
    X("overlay.reach.looks_max", overlay.reach.looks_max, KNOB_INT, "links to learn where we are seen: 6") \
    X("liveness.peers_max", liveness.peers_max, KNOB_INT, "slots of the node's table of peers: 64") \
    X("liveness.idle_ns", liveness.idle_ns, KNOB_NS, "a silence of so long is asked about: 10 s") \
    X("liveness.leave_ns", liveness.leave_ns, KNOB_NS, "… so much later by who was dialled: 1 s") \
    X("liveness.early_ns", liveness.early_ns, KNOB_NS, "who is due within this is asked too: 500 ms") \
    X("liveness.measure_ns", liveness.measure_ns, KNOB_NS, "a PING at least so often, for the RTT: 120 s") \
    X("liveness.timeout_min_ns", liveness.timeout_min_ns, KNOB_NS, "of one PING: max(this, timeout_rtts * RTT): 1 s") \
    X("liveness.timeout_max_ns", liveness.timeout_max_ns, KNOB_NS, "… but at most this: 10 s") \
    X("liveness.timeout_rtts", liveness.timeout_rtts, KNOB_INT, "4") \
    X("liveness.grain_ns", liveness.grain_ns, KNOB_NS, "signs of life closer than this are one: 50 ms") \
    X("liveness.phi_suspect_milli", liveness.phi_suspect_milli, KNOB_INT, "8000") \
    X("liveness.suspect_min_ns", liveness.suspect_min_ns, KNOB_NS, "no silence shorter than this is suspicious: 8 s") \
    X("liveness.suspect_max_ns", liveness.suspect_max_ns, KNOB_NS, "… and every one longer than this is: 20 s") \
    X("liveness.probe_ns", liveness.probe_ns, KNOB_NS, "others have so long to answer; 0: none is asked: 1.5 s") \
    X("liveness.probes_max", liveness.probes_max, KNOB_INT, "a peer that only others hear is kept so often: 3") \
    X("liveness.late_min_ns", liveness.late_min_ns, KNOB_NS, "an answer is late after max(this, …: 100 ms") \
    X("liveness.late_half_rtts", liveness.late_half_rtts, KNOB_INT, "… so many half RTTs): 3") \
    X("liveness.health_max", liveness.health_max, KNOB_INT, "stalls counted: 7") \
    X("liveness.health_ns", liveness.health_ns, KNOB_NS, "one is forgotten in this time: 10 s") \
    X("liveness.ping_rate.period_ns", liveness.ping_rate.period_ns, KNOB_NS, "one token comes back in this time; PINGs of a peer that are answered: 2/s, burst 10") \
    X("liveness.ping_rate.burst", liveness.ping_rate.burst, KNOB_INT, "tokens of a full bucket; PINGs of a peer that are answered: 2/s, burst 10") \
    X("liveness.phi.window", liveness.phi.window, KNOB_INT, "gaps that count: 200") \
    X("liveness.phi.mean_first_ns", liveness.phi.mean_first_ns, KNOB_NS, "believed before there are any: 1 s …") \
    X("liveness.phi.sigma_first_ns", liveness.phi.sigma_first_ns, KNOB_NS, "… and their deviation: 0.5 s") \
    X("liveness.phi.sigma_min_ns", liveness.phi.sigma_min_ns, KNOB_NS, "the deviation is never taken for less: 100 ms") \
    X("flood.peers_max", flood.peers_max, KNOB_INT, "slots of the node's table of peers: 64") \
    X("flood.seen_max", flood.seen_max, KNOB_INT, "floods remembered: 16,384; see flood_seen_needed") \
    X("flood.origins_max", flood.origins_max, KNOB_INT, "origins whose rate is known: 256") \
    X("flood.answers_max", flood.answers_max, KNOB_INT, "newest answers known, against doubles: 512") \
    X("flood.ttl_max", flood.ttl_max, KNOB_INT, "hops of any flood or reply: 12") \
    X("flood.forward_max", flood.forward_max, KNOB_INT, "a flood that made so many hops is not passed on; 0 makes a black hole: 12") \
    X("flood.life_max_s", flood.life_max_s, KNOB_INT, "of any flood: 150") \
    X("flood.skew_ns", flood.skew_ns, KNOB_NS, "tolerated between two UTC clocks: 30 s") \
    X("flood.route_ns", flood.route_ns, KNOB_NS, "the way back is known so long: 180 s") \
    X("flood.link_rate.period_ns", flood.link_rate.period_ns, KNOB_NS, "one token comes back in this time; unseen floods of one link: 25/s, burst 50") \
    X("flood.link_rate.burst", flood.link_rate.burst, KNOB_INT, "tokens of a full bucket; unseen floods of one link: 25/s, burst 50") \
    X("flood.origin_rate.period_ns", flood.origin_rate.period_ns, KNOB_NS, "one token comes back in this time; of one origin: 1 in 10 s, burst 5") \
    X("flood.origin_rate.burst", flood.origin_rate.burst, KNOB_INT, "tokens of a full bucket; of one origin: 1 in 10 s, burst 5") \
    X("flood.node_rate.period_ns", flood.node_rate.period_ns, KNOB_NS, "one token comes back in this time; of all: 50/s, burst 200") \
    X("flood.node_rate.burst", flood.node_rate.burst, KNOB_INT, "tokens of a full bucket; of all: 50/s, burst 200") \
    X("flood.alone_rate.period_ns", flood.alone_rate.period_ns, KNOB_NS, "one token comes back in this time; floods that one link brings and no two others: 1 in 3 s, burst 4; a period of 0: any number") \
    X("flood.alone_rate.burst", flood.alone_rate.burst, KNOB_INT, "tokens of a full bucket; floods that one link brings and no two others: 1 in 3 s, burst 4; a period of 0: any number") \
    X("flood.alone_new", flood.alone_new, KNOB_INT, "… so many of a new link: 2") \
    X("flood.alone_own", flood.alone_own, KNOB_INT, "… and so many more that its peer signed itself: 3") \
    X("flood.alone_fine", flood.alone_fine, KNOB_INT, "… and so many beyond it count as one: 2") \
    X("flood.unsure_max", flood.unsure_max, KNOB_INT, "ids of floods that wait for a second link: 128") \
    X("flood.reply_rate.period_ns", flood.reply_rate.period_ns, KNOB_NS, "one token comes back in this time; replies of one flood: 10/s, burst 32") \
    X("flood.reply_rate.burst", flood.reply_rate.burst, KNOB_INT, "tokens of a full bucket; replies of one flood: 10/s, burst 32") \
    X("flood.reply_link.period_ns", flood.reply_link.period_ns, KNOB_NS, "one token comes back in this time; replies of one link: 20/s, burst 64") \
    X("flood.reply_link.burst", flood.reply_link.burst, KNOB_INT, "tokens of a full bucket; replies of one link: 20/s, burst 64") \
    X("flood.replies_max", flood.replies_max, KNOB_INT, "replies of one flood: 64") \
    X("flood.has_acks", flood.has_acks, KNOB_BOOL, "what is sent on a link must be answered there: true") \
    X("flood.ack_ns", flood.ack_ns, KNOB_NS, "… within max(this, ack_rtts * RTT): 400 ms") \
    X("flood.ack_rtts", flood.ack_rtts, KNOB_INT, "so many round trips, where they are long: 3") \
    X("flood.dead_waits", flood.dead_waits, KNOB_INT, "then a PING has so many times as long: 2") \
    X("flood.has_push", flood.has_push, KNOB_BOOL, "what is fresh is offered on each new link: true") \
    X("flood.recent_ns", flood.recent_ns, KNOB_NS, "fresh is what is younger: 60 s") \
    X("flood.repair_ns", flood.repair_ns, KNOB_NS, "after the loss of a neighbour all new links count, not only new neighbours: 10 s") \
    X("flood.greets_all", flood.greets_all, KNOB_BOOL, "… and else too, so that what a hole has swallowed comes late rather than never: true") \
    X("flood.urgent_ns", flood.urgent_ns, KNOB_NS, "in repair what is younger than this is sent unasked …") \
    X("flood.urgent_max", flood.urgent_max, KNOB_INT, "… on links that we dial, but so many at most: 5 s, 4") \
    X("flood.recent_bytes", flood.recent_bytes, KNOB_SIZE, "what is kept for it at most: 64 KiB") \
    X("flood.wanted_max", flood.wanted_max, KNOB_INT, "ids asked for and not come yet: 64") \
    X("flood.id_rate.period_ns", flood.id_rate.period_ns, KNOB_NS, "one token comes back in this time; ids of one link: 200/s, burst 400") \
    X("flood.id_rate.burst", flood.id_rate.burst, KNOB_INT, "tokens of a full bucket; ids of one link: 200/s, burst 400") \
    X("flood.pull_rate.period_ns", flood.pull_rate.period_ns, KNOB_NS, "one token comes back in this time; floods asked for by one link: 50/s, burst 128") \
    X("flood.pull_rate.burst", flood.pull_rate.burst, KNOB_INT, "tokens of a full bucket; floods asked for by one link: 50/s, burst 128") \
    X("flood.check_link.period_ns", flood.check_link.period_ns, KNOB_NS, "one token comes back in this time; signatures checked for one link: 40/s, burst 100") \
    X("flood.check_link.burst", flood.check_link.burst, KNOB_INT, "tokens of a full bucket; signatures checked for one link: 40/s, burst 100") \
    X("flood.check_node.period_ns", flood.check_node.period_ns, KNOB_NS, "one token comes back in this time; … and for all: 200/s, burst 400") \
    X("flood.check_node.burst", flood.check_node.burst, KNOB_INT, "tokens of a full bucket; … and for all: 200/s, burst 400") \
    X("flood.byte_link.period_ns", flood.byte_link.period_ns, KNOB_NS, "one token comes back in this time; bytes of one link: 64 KiB/s, burst 256 KiB") \
    X("flood.byte_link.burst", flood.byte_link.burst, KNOB_INT, "tokens of a full bucket; bytes of one link: 64 KiB/s, burst 256 KiB") \
    X("flood.has_scores", flood.has_scores, KNOB_BOOL, "offenders are cut off: true") \
    X("flood.score_max", flood.score_max, KNOB_INT, "points at which a link is cut off: 60") \
    X("flood.score_ns", flood.score_ns, KNOB_NS, "one point is forgiven in this time: 10 s") \
    X("flood.excess_points", flood.excess_points, KNOB_INT, "for each message over a rate: 1") \
    X("flood.signature_points", flood.signature_points, KNOB_INT, "… that fails its cheap checks or its signature: 20") \
    X("flood.broken_points", flood.broken_points, KNOB_INT, "… that was announced, asked for and not sent: 5") \
    X("offenders.max", offenders.max, KNOB_INT, "remembered: 32; of more the one with the least time left goes") \
    X("offenders.ban_ns", offenders.ban_ns, KNOB_NS, "who has too many points is kept away for: 10 min") \
    X("offenders.group_bits_v4", offenders.group_bits_v4, KNOB_INT, "addresses that agree in so many bits are one group: 24 …") \
    X("offenders.group_bits_v6", offenders.group_bits_v6, KNOB_INT, "… 48. Private addresses and loopback have no groups.") \
    X("offenders.remember_min", offenders.remember_min, KNOB_INT, "points that are remembered when a link goes: 20") \
    X("meet.meetings_max", meet.meetings_max, KNOB_INT, "that a node asks for at a time: 8") \
    X("meet.via_ns", meet.via_ns, KNOB_NS, "until the node that introduces is reached: 6 s") \
    X("meet.answer_ns", meet.answer_ns, KNOB_NS, "from ASK to ANSWER: 2 s") \
    X("meet.dialled_ns", meet.dialled_ns, KNOB_NS, "until the other end has dialled us: 3 s") \
    X("meet.punch_ns", meet.punch_ns, KNOB_NS, "for both SYNs to cross: 2 s") \
    X("meet.punch_tries", meet.punch_tries, KNOB_INT, "3") \
    X("meet.rate.period_ns", meet.rate.period_ns, KNOB_NS, "one token comes back in this time; of messages of one node for all others: 4/s, burst 32") \
    X("meet.rate.burst", meet.rate.burst, KNOB_INT, "tokens of a full bucket; of messages of one node for all others: 4/s, burst 32") \
    X("meet.dials.period_ns", meet.dials.period_ns, KNOB_NS, "one token comes back in this time; that others make a node try: 2/s, burst 8") \
    X("meet.dials.burst", meet.dials.burst, KNOB_INT, "tokens of a full bucket; that others make a node try: 2/s, burst 8") \
    X("relay.ends_max", relay.ends_max, KNOB_INT, "relayed links of our own: 8") \
    X("relay.circuits_max", relay.circuits_max, KNOB_INT, "that we carry for others: 8") \
    X("relay.life_ns", relay.life_ns, KNOB_NS, "of a circuit that is not renewed: 600 s") \
    X("relay.again_ns", relay.again_ns, KNOB_NS, "until the opener tries to do without; then doubled: 20 s") \
    X("relay.rate.period_ns", relay.rate.period_ns, KNOB_NS, "one token comes back in this time; of a circuit, in KiB: 32/s, burst 64") \
    X("relay.rate.burst", relay.rate.burst, KNOB_INT, "tokens of a full bucket; of a circuit, in KiB: 32/s, burst 64") \
    X("tree.is_shared", tree.is_shared, KNOB_BOOL, "one tree for all origins: false") \
    X("tree.is_off", tree.is_off, KNOB_BOOL, "every message is pushed to all: a flood without end of hops") \
    X("tree.hops_max", tree.hops_max, KNOB_INT, "of any message: 64") \
    X("tree.batch_ns", tree.batch_ns, KNOB_NS, "ids wait so long to be announced together: 20 ms") \
    X("tree.graft_first_ns", tree.graft_first_ns, KNOB_NS, "from the first announcement to the graft: 600 ms …") \
    X("tree.graft_next_ns", tree.graft_next_ns, KNOB_NS, "… and from one graft to the next: 80 ms") \
    X("tree.graft_rtts", tree.graft_rtts, KNOB_INT, "… but at least so many round trips for the first: 2") \
    X("tree.threshold", tree.threshold, KNOB_INT, "a link that is so many hops shorter replaces one: 3") \
    X("tree.keep_ns", tree.keep_ns, KNOB_NS, "messages are kept for grafts so long: 30 s") \
    X("tree.bytes_max", tree.bytes_max, KNOB_SIZE, "… and take at most so much: 128 KiB") \
    X("tree.origin_ns", tree.origin_ns, KNOB_NS, "a tree without messages is forgotten after: 10 min") \
    X("tree.grafts_max", tree.grafts_max, KNOB_INT, "of one message, that are answered: 3 by each link") \
    X("tree.ihave_rate.period_ns", tree.ihave_rate.period_ns, KNOB_NS, "one token comes back in this time; ids of one link: 200/s, burst 400") \
    X("tree.ihave_rate.burst", tree.ihave_rate.burst, KNOB_INT, "tokens of a full bucket; ids of one link: 200/s, burst 400") \
    X("party.peers_max", party.peers_max, KNOB_INT, "slots of the node's table of peers") \
    X("party.members_max", party.members_max, KNOB_INT, "of one party, the host included; at most PARTY_MEMBERS_MAX") \
    X("party.log_entries_max", party.log_entries_max, KNOB_INT, "kept; see party/log.h for the least") \
    X("party.log_bytes_max", party.log_bytes_max, KNOB_INT, "") \
    X("party.is_auto_accept", party.is_auto_accept, KNOB_BOOL, "accept the first call that is heard") \
    X("party.wanted", party.wanted, KNOB_INT, "guests that start it at once") \
    X("party.ttl", party.ttl, KNOB_INT, "hops of its floods") \
    X("party.ring_first_ttl", party.ring_first_ttl, KNOB_INT, "the first one goes so far only; 0: as far as all") \
    X("party.ring_first_ns", party.ring_first_ns, KNOB_NS, "… and has so long to be answered by enough") \
    X("party.ring_second_ttl", party.ring_second_ttl, KNOB_INT, "then one so far") \
    X("party.ring_second_ns", party.ring_second_ns, KNOB_NS, "… and so long, before one goes all the way") \
    X("party.answer_every_ns", party.answer_every_ns, KNOB_NS, "a call is answered no more often, however often it comes") \
    X("party.call_life_s", party.call_life_s, KNOB_INT, "a flood of it is dropped when older") \
    X("party.call_ns", party.call_ns, KNOB_NS, "deadline of the call") \
    X("party.call_every_ns", party.call_every_ns, KNOB_NS, "flooded again so often, while calling") \
    X("party.invite_every_ns", party.invite_every_ns, KNOB_NS, "… and while playing, for those who come late") \
    X("party.settle_ns", party.settle_ns, KNOB_NS, "quiet time after the last rival before sharing begins") \
    X("party.settle_max_ns", party.settle_max_ns, KNOB_NS, "… but no longer than this after the call began") \
    X("party.rival_answers_max", party.rival_answers_max, KNOB_INT, "extra floods, to tell those who call as well") \
    X("party.invites_max", party.invites_max, KNOB_INT, "calls of others that are kept; at least 2") \
    X("party.invite_keep_ns", party.invite_keep_ns, KNOB_NS, "an invite outlives its deadline, or last flood, by this") \
    X("party.ready_ns", party.ready_ns, KNOB_NS, "who is not ready by then is not waited for") \
    X("party.ready_limit_ns", party.ready_limit_ns, KNOB_NS, "nobody at all is ready so long after: the party ends") \
    X("party.ready_sigma_ns", party.ready_sigma_ns, KNOB_NS, "a clock is good enough below this") \
    X("party.lead_min_ns", party.lead_min_ns, KNOB_NS, "an action lies so far ahead, plus …") \
    X("party.lead_max_ns", party.lead_max_ns, KNOB_NS, "") \
    X("party.lead_rtts", party.lead_rtts, KNOB_INT, "… so many of the longest round trip, plus …") \
    X("party.lead_sigmas", party.lead_sigmas, KNOB_INT, "… so many of the largest clock error") \
    X("party.pending_max", party.pending_max, KNOB_INT, "actions ahead at once") \
    X("party.end_grace_ns", party.end_grace_ns, KNOB_NS, "after the last song, until the party ends") \
    X("party.ended_keep_ns", party.ended_keep_ns, KNOB_NS, "an ended party is shown, and answered for, so long") \
    X("party.tick_ns", party.tick_ns, KNOB_NS, "beats, statuses and time-outs") \
    X("party.member_silent_ns", party.member_silent_ns, KNOB_NS, "nothing heard of a member: it is away") \
    X("party.member_grace_ns", party.member_grace_ns, KNOB_NS, "… for so long: it has left") \
    X("party.host_silent_ns", party.host_silent_ns, KNOB_NS, "nothing heard of the host: it is silent") \
    X("party.host_gone_ns", party.host_gone_ns, KNOB_NS, "… and nothing plays: the party is over") \
    X("party.join_every_ns", party.join_every_ns, KNOB_NS, "JOIN is sent again") \
    X("party.join_limit_ns", party.join_limit_ns, KNOB_NS, "… until this: the host cannot be reached") \
    X("party.dial_first_ns", party.dial_first_ns, KNOB_NS, "wait before the second dial; doubles") \
    X("party.dial_max_ns", party.dial_max_ns, KNOB_NS, "") \
    X("party.get_every_ns", party.get_every_ns, KNOB_NS, "LOG_GET is not repeated sooner without progress") \
    X("party.keep_link_ns", party.keep_link_ns, KNOB_NS, "a new link is kept so long for one who may be joining") \
    X("party.mesh_every_ns", party.mesh_every_ns, KNOB_NS, "one link to another guest is opened at most so often …") \
    X("party.mesh_links", party.mesh_links, KNOB_INT, "… until there are so many") \
    X("party.slow_phi_milli", party.slow_phi_milli, KNOB_INT, "the host is slow from this on …") \
    X("party.slow_min_ns", party.slow_min_ns, KNOB_NS, "… but not in a silence shorter than this") \
    X("party.slow_asks", party.slow_asks, KNOB_INT, "others who are asked then whether they hear it …") \
    X("party.slow_spread_ns", party.slow_spread_ns, KNOB_NS, "… within this time, by lot") \
    X("party.unison_keep_ns", party.unison_keep_ns, KNOB_NS, "what was told of a member's sound counts for so long") \
    X("party.ear_ns", party.ear_ns, KNOB_NS, "members farther apart than that …") \
    X("party.ear_wait_ns", party.ear_wait_ns, KNOB_NS, "… for so long are told of: ears notice") \
    X("party.council_max", party.council_max, KNOB_INT, "members whose grants count; odd") \
    X("party.lease_ns", party.lease_ns, KNOB_NS, "of the host: no other is granted before") \
    X("party.grant_lease_ns", party.grant_lease_ns, KNOB_NS, "… of one who was granted, until it is heard as host") \
    X("party.drift_ppm", party.drift_ppm, KNOB_INT64, "clocks run at most so fast or slow: the host stops earlier") \
    X("party.rank_ns", party.rank_ns, KNOB_NS, "who is fitter stands so much earlier …") \
    X("party.rank_jitter_ns", party.rank_jitter_ns, KNOB_NS, "… and up to so much later, by lot") \
    X("party.elect_wait_ns", party.elect_wait_ns, KNOB_NS, "for ELECT_OK of somebody fitter") \
    X("party.coord_wait_ns", party.coord_wait_ns, KNOB_NS, "… and then for its COORD") \
    X("party.claim_every_ns", party.claim_every_ns, KNOB_NS, "CLAIM is sent again …") \
    X("party.claim_limit_ns", party.claim_limit_ns, KNOB_NS, "… until this") \
    X("party.back_off_ns", party.back_off_ns, KNOB_NS, "0.3 to 1.5 of it until the next try; doubles") \
    X("party.leave_ns", party.leave_ns, KNOB_NS, "a host that leaves sees the next one in for so long") \
    X("party.leave_every_ns", party.leave_every_ns, KNOB_NS, "… and tells it so often how far it has come") \
    X("party.host_wait_ns", party.host_wait_ns, KNOB_NS, "a host that lost its leases waits so long for them") \
    X("party.bridge_sigma_ns", party.bridge_sigma_ns, KNOB_NS, "the clock of a new host is used once it is so well known …") \
    X("party.bridge_ns", party.bridge_ns, KNOB_NS, "… or so long after; until then the old line goes on") \
    X("party.bridge_bound_ns", party.bridge_bound_ns, KNOB_NS, "so far may the new one be off while we do not know it") \
    X("party.fork_ns", party.fork_ns, KNOB_NS, "nobody has led us for so long: a party of our own; 0: never") \
    X("party.fork_turn_ns", party.fork_turn_ns, KNOB_NS, "… and so much later for each who is fitter") \
    X("party.merge_ns", party.merge_ns, KNOB_NS, "a fork goes back so long after it heard of the others, at most") \
    X("party.must_know_time", party.must_know_time, KNOB_BOOL, "who does not know party time does not stand") \
    X("party.is_classic", party.is_classic, KNOB_BOOL, "a control: bully without leases, grants and certificates") \
    X("party.push_max", party.push_max, KNOB_INT, "entries sent in one step") \
    X("party.push_every_ns", party.push_every_ns, KNOB_NS, "between steps while there are more") \
    X("party.beats.window", party.beats.window, KNOB_INT, "gaps that count: 200") \
    X("party.beats.mean_first_ns", party.beats.mean_first_ns, KNOB_NS, "believed before there are any: 1 s …") \
    X("party.beats.sigma_first_ns", party.beats.sigma_first_ns, KNOB_NS, "… and their deviation: 0.5 s") \
    X("party.beats.sigma_min_ns", party.beats.sigma_min_ns, KNOB_NS, "the deviation is never taken for less: 100 ms") \
    X("share.songs_max", swarm.songs_max, KNOB_INT, "songs shared at once") \
    X("share.song_blocks_max", swarm.song_blocks_max, KNOB_INT, "blocks of one song; at most 32,768") \
    X("share.peers_max", swarm.peers_max, KNOB_INT, "slots of the node's peer table") \
    X("share.head_ns", swarm.head_ns, KNOB_NS, "this much of the first song comes before everything else") \
    X("share.head_blocks", swarm.head_blocks, KNOB_INT, "… or so many blocks, where the duration is not known") \
    X("share.pick_sample", swarm.pick_sample, KNOB_INT, "candidates among which the rarest is looked for") \
    X("share.pipeline_first", swarm.pipeline_first, KNOB_INT, "blocks asked of a peer at once before its rate is known,") \
    X("share.pipeline_max", swarm.pipeline_max, KNOB_INT, "… and at most; the other side keeps MSG_WANT_MAX of them") \
    X("share.pipeline_ns", swarm.pipeline_ns, KNOB_NS, "as many as it sends in this time, and in a round trip") \
    X("share.requests_max", swarm.requests_max, KNOB_INT, "blocks asked of all peers together") \
    X("share.stores_max", swarm.stores_max, KNOB_INT, "while so many blocks wait for the disk nothing is asked") \
    X("share.timeout_first_ns", swarm.timeout_first_ns, KNOB_NS, "no answer at all to the first requests") \
    X("share.timeout_min_ns", swarm.timeout_min_ns, KNOB_NS, "later: smoothed latency + 4 deviations, within …") \
    X("share.timeout_max_ns", swarm.timeout_max_ns, KNOB_NS, "… these") \
    X("share.hold_first_ns", swarm.hold_first_ns, KNOB_NS, "a peer that timed out or refused is left alone so long,") \
    X("share.hold_max_ns", swarm.hold_max_ns, KNOB_NS, "twice as long each time, up to this") \
    X("share.strikes_max", swarm.strikes_max, KNOB_INT, "wrong blocks after which a peer is never asked again") \
    X("share.endgame_ns", swarm.endgame_ns, KNOB_NS, "the last blocks are asked of a second peer after this") \
    X("share.endgame_percent", swarm.endgame_percent, KNOB_INT, "… for no more than this part of a song's blocks") \
    X("share.store_retry_ns", swarm.store_retry_ns, KNOB_NS, "after a disk error the song waits so long") \
    X("share.upload_queue_max", swarm.upload_queue_max, KNOB_INT, "blocks that one peer may have queued here") \
    X("share.loads_max", swarm.loads_max, KNOB_INT, "blocks being loaded from disk at once") \
    X("share.fanout_max", swarm.fanout_max, KNOB_INT, "peers that get a block from one load") \
    X("share.announce_ns", swarm.announce_ns, KNOB_NS, "blocks that were stored are announced within this") \
    X("share.tell_retry_ns", swarm.tell_retry_ns, KNOB_NS, "a peer whose HAVE is missing is told ours again after this,") \
    X("share.tell_max_ns", swarm.tell_max_ns, KNOB_NS, "twice as late each time, up to this") \
    X("share.tell_quiet_ns", swarm.tell_quiet_ns, KNOB_NS, "a HAVE is not answered when ours went out so short ago") \
    X("share.leaves_timeout_ns", swarm.leaves_timeout_ns, KNOB_NS, "then another peer is asked") \
    X("share.leaves_window", swarm.leaves_window, KNOB_INT, "LEAVES_GET outstanding") \
    X("clock.window_ns", clock.window_ns, KNOB_NS, "older samples are folded into buckets") \
    X("clock.bucket_ns", clock.bucket_ns, KNOB_NS, "one lowest and one highest point is kept for each") \
    X("clock.window_min", clock.window_min, KNOB_INT, "samples that stay, however old; at least 4") \
    X("clock.window_max", clock.window_max, KNOB_INT, "at most CLOCK_WINDOW_MAX") \
    X("clock.gate_streak", clock.gate_streak, KNOB_INT, "misfits in a row that mean the remote clock has stepped") \
    X("clock.gate_unsure", clock.gate_unsure, KNOB_INT, "… though so many between them fit both before and after") \
    X("clock.block_min", clock.block_min, KNOB_INT, "samples that a frequency fit needs") \
    X("clock.wander", clock.wander, KNOB_DOUBLE, "random walk of the rate, per root second: at least …") \
    X("clock.wander_max", clock.wander_max, KNOB_DOUBLE, "… and at most") \
    X("clock.wander_decay", clock.wander_decay, KNOB_DOUBLE, "s in which a higher wander is forgotten") \
    X("clock.wander_spread", clock.wander_spread, KNOB_DOUBLE, "so many times the scatter of the shortest trips …") \
    X("clock.wander_slack", clock.wander_slack, KNOB_DOUBLE, "… and so many s are no sign of more wander") \
    X("clock.rate_max", clock.rate_max, KNOB_DOUBLE, "relative rates beyond +- this are not looked for") \
    X("clock.prior_sd", clock.prior_sd, KNOB_DOUBLE, "of the rate, when nothing is known") \
    X("clock.resume_sd", clock.resume_sd, KNOB_DOUBLE, "of the rate, after the remote or we have slept") \
    X("clock.rate_floor", clock.rate_floor, KNOB_DOUBLE, "the rate is never taken as better known than this") \
    X("clock.rate_step", clock.rate_step, KNOB_DOUBLE, "how much the rate may have moved between two blocks") \
    X("clock.noise_first", clock.noise_first, KNOB_DOUBLE, "s: noise before the first sample") \
    X("clock.noise_floor", clock.noise_floor, KNOB_DOUBLE, "s: stamps are no better than this") \
    X("clock.gate", clock.gate, KNOB_DOUBLE, "s: a misfit of less is never gated") \
    X("clock.gate_short", clock.gate_short, KNOB_DOUBLE, "so many times the noise, and a gate, shorter: a broken stamp") \
    X("clock.block_first", clock.block_first, KNOB_DOUBLE, "s of history before the first frequency fit") \
    X("clock.block", clock.block, KNOB_DOUBLE, "s between the later ones") \
    X("clock.growth", clock.growth, KNOB_DOUBLE, "of the bound while nothing is heard, relative") \
    X("clock.growth_first", clock.growth_first, KNOB_DOUBLE, "the same while less than settle_ns of history exists") \
    X("clock.settle_ns", clock.settle_ns, KNOB_NS, "") \
    X("clock.wander_after_ns", clock.wander_after_ns, KNOB_NS, "more wander is looked for after so much history") \
    X("clock.rtt_max_ns", clock.rtt_max_ns, KNOB_NS, "a slower answer is refused") \
    X("clock.holdover_min_ns", clock.holdover_min_ns, KNOB_NS, "silence shorter than this is never holdover") \
    X("clock.holdover_missed", clock.holdover_missed, KNOB_INT64, "… nor is one of fewer intervals than this") \
    X("clock.unsynced_ns", clock.unsynced_ns, KNOB_NS, "holdover ends when the bound has grown by this") \
    X("clock.probe_burst", clock.probe_burst, KNOB_INT, "probes of the first burst") \
    X("clock.probe_burst_ns", clock.probe_burst_ns, KNOB_NS, "… and the time between them") \
    X("clock.probe_fast_factor", clock.probe_fast_factor, KNOB_INT, "so much more often than steadily, at first; the time …") \
    X("clock.probe_ease_ns", clock.probe_ease_ns, KNOB_NS, "… between them grows with age, to the steady one at this") \
    X("clock.probe_jitter_percent", clock.probe_jitter_percent, KNOB_INT, "") \
    X("clock.poll_burst", clock.poll_burst, KNOB_INT, "requests of the first burst to a server") \
    X("clock.poll_step", clock.poll_step, KNOB_INT, "polls before the interval doubles") \
    X("clock.poll_unreachable", clock.poll_unreachable, KNOB_INT, "unanswered polls in a row: the server counts no more") \
    X("clock.poll_burst_ns", clock.poll_burst_ns, KNOB_NS, "RFC 5905 section 13.2: 2 s") \
    X("clock.poll_min_ns", clock.poll_min_ns, KNOB_NS, "first interval after the burst") \
    X("clock.poll_max_ns", clock.poll_max_ns, KNOB_NS, "last interval") \
    X("clock.poll_rate_max_ns", clock.poll_rate_max_ns, KNOB_NS, "as far as a server's RATE can drive us") \
    X("clock.poll_resume_ns", clock.poll_resume_ns, KNOB_NS, "a second burst comes no sooner after the last poll") \
    X("clock.utc_first_wait_ns", clock.utc_first_wait_ns, KNOB_NS, "UTC is not declared before all answered or this") \
    X("clock.utc_bound_max_ns", clock.utc_bound_max_ns, KNOB_NS, "beyond it we do not know UTC") \
    X("clock.os_unsynced_ns", clock.os_unsynced_ns, KNOB_NS, "bound of a system clock that nobody disciplines") \
    X("clock.os_age_max_ns", clock.os_age_max_ns, KNOB_NS, "a reading of the system clock counts for so long") \
    X("clock.map_lead_ns", clock.map_lead_ns, KNOB_NS, "a new map is announced so long before it holds") \
    X("clock.map_slew_ppt", clock.map_slew_ppt, KNOB_INT64, "party time is steered to UTC no faster than this") \
    X("clock.map_horizon_ns", clock.map_horizon_ns, KNOB_NS, "… and so as to reach it in about this time") \
    X("clock.map_offset_ns", clock.map_offset_ns, KNOB_NS, "party time this near to UTC is near enough") \
    X("node.peers_max", peers_max, KNOB_INT, "slots of the table of links: 64") \
    X("node.handshake_ns", handshake_ns, KNOB_NS, "from connection to HELLO: 10 s") \
    X("node.idle_link_ns", idle_link_ns, KNOB_NS, "a link that nobody needs is kept so long: 20 s") \
    X("node.rate_period_ns", rate_period_ns, KNOB_NS, "how often the rate of our crystal is written down") \
    X("node.probe_interval_ns", probe_interval_ns, KNOB_NS, "to the party's reference, once steady: 1 s") \
    X("node.heir_interval_ns", heir_interval_ns, KNOB_NS, "… and to those who may be the next one: 2 s") \
    X("node.line_period_ns", line_period_ns, KNOB_NS, "the line to party time is renewed so often: 1 s") \
    X("node.map_period_ns", map_period_ns, KNOB_NS, "the host looks at its map so often: 10 s") \
    X("node.stall_ns", stall_ns, KNOB_NS, "a step later than this: we were held up: 250 ms") \
    X("node.is_lab", is_lab, KNOB_BOOL, "verbs of experiments are obeyed: false") \
    X("node.state_period_ns", state_period_ns, KNOB_NS, "watchers hear no more often: 100 ms") \
    /* end */
/* clang-format on */

#endif
