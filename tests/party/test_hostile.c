/* What must not work: garbage, replays, forgeries, guests that play the host, hosts that
 * contradict themselves, certificates without a majority.  SPDX-License-Identifier: MIT
 */
#include "party/state.h"
#include "tests/party/net.h"

#define S NS_PER_S

/* A message by hand from one node to another, over the link that they have. */
static void say(struct net *n, int from, int to, const struct msg *m)
{
    assert_true(net_knows(n, to, from));
    outbox_clear(&n->out);
    party_receive(net_party(n, to), from, m, net_local(n, to), &n->out);
    net_after(n, to);
}

/* A host and guests that play; node count - 1 is a stranger with links to all. */
static struct net *playing(uint64_t seed, int count)
{
    struct net *n = net_new(seed, count);

    for (int i = 0; i < count; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        net_on(n, i, i > 0 && i < count - 1);
    }
    assert_int_equal(net_host(n, 0, 3, count - 2), 0);
    net_run(n, 15 * S);
    for (int i = 0; i < count - 1; i++) {
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
        net_up(n, count - 1, i);
    }
    return n;
}

static const struct party_id *party_of(struct net *n)
{
    return &net_party(n, 0)->log.party;
}

/* An entry after the newest, signed by whom you like. */
static struct msg next_entry(struct net *n, int signer, uint64_t ahead, int slot,
                             uint8_t inner[static MSG_ENTRY_MAX])
{
    const struct party_log *l = &net_party(n, 0)->log;
    struct entry e = { .party = l->party, .epoch = l->epoch, .kind = ENTRY_ACTION };
    struct msg m = { .type = MSG_LOG_ENTRY };
    size_t len;

    e.seq = l->seq + ahead;
    memcpy(e.previous, l->head, HASH_LEN);
    e.u.action.verb = ACTION_JUMP;
    e.u.action.at.ns = NET_UTC_NS + n->now_ns;
    e.u.action.slot = (uint8_t)slot;
    e.u.action.is_playing = true;
    len = entry_encode(&e, inner, MSG_ENTRY_MAX);
    assert_true(len > 0);
    m.u.log_entry.inner = bytes_of(inner, len);
    sign(&n->nodes[signer].self, DOMAIN_ENTRY, m.u.log_entry.inner, m.u.log_entry.sig);
    return m;
}

static void test_forged_entries(void **state)
{
    struct net *n = playing(1, 4);
    struct party *p = net_party(n, 1);
    uint8_t inner[MSG_ENTRY_MAX];
    struct msg m = next_entry(n, 2, 1, 2, inner);
    uint64_t seq = p->log.seq;

    (void)state;
    say(n, 2, 1, &m); /* a guest signs as if it were the host */
    assert_int_equal(p->log.counts[LOG_BAD_SIGNATURE], 1);
    say(n, 3, 1, &m); /* and a stranger passes it on */
    assert_int_equal(p->counts.not_member, 1);
    m = next_entry(n, 0, 1, 2, inner);
    m.u.log_entry.sig[7] ^= 1;
    say(n, 0, 1, &m);
    assert_int_equal(p->log.counts[LOG_BAD_SIGNATURE], 2);
    assert_int_equal(p->log.seq, seq);
    say(n, 1, 0, &m); /* nor does the host read what it alone writes */
    assert_int_equal(net_party(n, 0)->log.seq, seq);
}

static void test_equivocating_host(void **state)
{
    struct net *n = playing(2, 4);
    uint8_t first[MSG_ENTRY_MAX];
    uint8_t second[MSG_ENTRY_MAX];
    struct msg a = next_entry(n, 0, 1, 1, first);
    struct msg b = next_entry(n, 0, 1, 2, second);

    (void)state;
    n->is_honest = false;
    say(n, 0, 1, &a);
    say(n, 0, 1, &b);
    assert_int_equal(net_party(n, 1)->log.counts[LOG_EQUIVOCATION], 1);
    assert_int_equal(net_party(n, 1)->counts.forks, 1);
    net_run(n, S / 2);
    assert_int_equal(net_status(n, 1).slot, 1); /* the first one, for ever */
    say(n, 0, 2, &b);
    assert_int_equal(net_status(n, 2).slot, 2);
    /* The next honest entry shows the fork to both; nobody takes a second past. */
    assert_int_equal(net_act(n, 0, (struct party_command){ .verb = ACTION_PAUSE }, NULL),
                     0);
    net_run(n, 3 * S);
    assert_true(net_party(n, 1)->counts.forks >= 2);
    assert_true(net_party(n, 2)->counts.forks >= 1);
    assert_int_equal(net_status(n, 1).slot, 1);
    assert_int_equal(net_status(n, 2).slot, 2);
}

/* Everything that was ever sent, sent again, by the same peer: nothing changes. */
#define TAPE_MAX 4000
static struct {
    int from;
    int to;
    size_t len;
    uint8_t data[1200];
} tape[TAPE_MAX];
static int tape_count;

static void record(struct net *n, int from, int to, struct bytes data)
{
    (void)n;
    if (tape_count < TAPE_MAX && data.len <= sizeof(tape[0].data)) {
        tape[tape_count].from = from;
        tape[tape_count].to = to;
        tape[tape_count].len = data.len;
        memcpy(tape[tape_count++].data, data.data, data.len);
    }
}

static void test_replays(void **state)
{
    struct net *n = net_new(3, 3);
    struct msg m;
    uint8_t head[HASH_LEN];

    (void)state;
    tape_count = 0;
    n->tap = record;
    for (int i = 0; i < 3; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        net_on(n, i, i > 0);
    }
    assert_int_equal(net_host(n, 0, 3, 2), 0);
    net_run(n, 10 * S);
    net_act(n, 0, (struct party_command){ .verb = ACTION_JUMP, .number = 2 }, NULL);
    net_run(n, 10 * S);
    n->tap = NULL;
    memcpy(head, net_party(n, 0)->log.head, HASH_LEN);
    for (int i = 0; i < tape_count; i++) {
        if (!n->up[tape[i].to][tape[i].from] ||
            msg_decode(bytes_of(tape[i].data, tape[i].len), &m) != 0 ||
            m.type == MSG_PARTY_LEAVE) {
            continue;
        }
        say(n, tape[i].from, tape[i].to, &m);
    }
    net_run(n, 5 * S);
    assert_memory_equal(head, net_party(n, 0)->log.head, HASH_LEN);
    assert_true(net_agree(n, 0, 1) && net_agree(n, 0, 2));
    assert_int_equal(net_party(n, 0)->member_count, 3);
    assert_int_equal(net_status(n, 1).slot, 1);
}

/* What only the host may say, from a guest; what only a member may say, from a stranger.
 */
static void test_wrong_mouth(void **state)
{
    struct net *n = playing(4, 4);
    struct party *guest = net_party(n, 1);
    struct party *host = net_party(n, 0);
    struct msg m = { .type = MSG_PARTY_WELCOME };

    (void)state;
    m.u.party_welcome.party = *party_of(n);
    m.u.party_welcome.epoch = 1;
    m.u.party_welcome.reason = WELCOME_ENDED;
    say(n, 2, 1, &m);
    assert_int_equal(guest->counts.not_host, 1);
    m = (struct msg){ .type = MSG_PARTY_BEAT };
    m.u.party_beat.party = *party_of(n);
    m.u.party_beat.epoch = 1;
    m.u.party_beat.seq = 99;
    say(n, 2, 1, &m);
    say(n, 3, 1, &m);
    assert_int_equal(guest->counts.not_host, 3);
    m.u.party_beat.epoch = 0; /* from the host, but of an old epoch */
    say(n, 0, 1, &m);
    assert_int_equal(guest->counts.old_epoch, 1);
    m = (struct msg){ .type = MSG_PARTY_STATUS };
    m.u.party_status.party = *party_of(n);
    m.u.party_status.rtt_ns = UINT64_MAX;
    say(n, 3, 0, &m);
    assert_int_equal(host->counts.not_member, 1);
    say(n, 2, 1, &m); /* a guest takes no statuses */
    assert_int_equal(guest->counts.not_host, 4);
    m = (struct msg){ .type = MSG_LOG_GET };
    m.u.log_get.party = *party_of(n);
    say(n, 3, 0, &m);
    assert_int_equal(host->counts.not_member, 2);
    m = (struct msg){ .type = MSG_PARTY_LEAVE };
    m.u.party_leave.party = *party_of(n);
    say(n, 3, 0, &m);
    assert_int_equal(host->member_count, 3);
    m.u.party_leave.party.b[0] ^= 1;
    say(n, 1, 0, &m);
    assert_int_equal(host->counts.other_party, 1);
    assert_int_equal(host->member_count, 3);
    net_run(n, S);
    assert_true(net_agree(n, 0, 1) && net_agree(n, 0, 2));
}

/* Claims in a status cannot stretch the lead without bound, or make anything overflow. */
static void test_wild_claims(void **state)
{
    static const uint64_t values[] = {
        0, 1, INT64_MAX, UINT64_MAX, UINT64_C(1) << 63, 7000000000
    };
    struct net *n = playing(5, 4);
    struct party_answer a;

    (void)state;
    for (int i = 0; i < COUNT(values) * COUNT(values); i++) {
        struct msg m = { .type = MSG_PARTY_STATUS };

        m.u.party_status.party = *party_of(n);
        m.u.party_status.rtt_ns = values[i % COUNT(values)];
        m.u.party_status.sigma_ns = values[i / COUNT(values)];
        m.u.party_status.bound_ns = values[i % COUNT(values)];
        m.u.party_status.sound = (struct msg_sound){ true, INT64_MIN, INT64_MIN, 0, 0 };
        m.u.party_status.songs_held = UINT64_MAX;
        say(n, 1, 0, &m);
        assert_int_equal(
            net_act(n, 0, (struct party_command){ .verb = ACTION_JUMP, .number = 1 }, &a),
            0);
        assert_true(net_party(n, 0)->lead_ns >= 500 * NS_PER_MS);
        assert_true(net_party(n, 0)->lead_ns <= 3 * S);
        net_run(n, 4 * S);
    }
}

/* A beat that is ahead makes a guest ask; one with another head shows a fork. */
static void test_beats(void **state)
{
    struct net *n = playing(11, 3);
    struct party *p = net_party(n, 1);
    struct msg m = { .type = MSG_PARTY_BEAT };
    struct msg answer;

    (void)state;
    m.u.party_beat.party = *party_of(n);
    m.u.party_beat.epoch = 1;
    m.u.party_beat.seq = p->log.seq + 3;
    m.u.party_beat.sent_ns = p->beat_ns;
    outbox_clear(&n->out);
    party_receive(p, 0, &m, net_local(n, 1), &n->out);
    assert_int_equal(n->out.count, 1);
    assert_int_equal(msg_decode(bytes_of(n->out.data, n->out.items[0].len), &answer), 0);
    assert_int_equal(answer.type, MSG_LOG_GET);
    assert_int_equal(answer.u.log_get.from_seq, p->log.seq + 1);
    outbox_clear(&n->out);
    party_receive(p, 0, &m, net_local(n, 1), &n->out);
    assert_int_equal(n->out.count, 0); /* not again so soon */
    m.u.party_beat.seq = p->log.seq;
    party_receive(p, 0, &m, net_local(n, 1), &n->out);
    assert_int_equal(p->counts.forks, 1);
}

/* ---- yields ---- */

static size_t call_by(struct net *n, int who, int reach, uint8_t *inner, uint8_t *sig,
                      struct party_id *id)
{
    uint8_t body[MSG_INNER_MAX];
    struct call c = { .name = bytes_of("bath", 4),
                      .addr = net_addr(who),
                      .priority = { (uint8_t)reach, 0, 0, 0 },
                      .epoch = 1,
                      .deadline_ms = 9000 };
    struct flood f = { .kind = FLOOD_CALL, .ttl = 8, .life_s = 60 };
    size_t len;

    memcpy(f.origin, n->nodes[who].self.sign_public, KEY_LEN);
    memcpy(c.founder, f.origin, KEY_LEN);
    party_id_make(&suite_real, f.origin, c.nonce, &c.party);
    *id = c.party;
    f.body = bytes_of(body, call_encode(&c, body, sizeof(body)));
    len = flood_encode(&f, inner, MSG_INNER_MAX);
    assert_true(len > 0);
    sign(&n->nodes[who].self, DOMAIN_FLOOD, bytes_of(inner, len), sig);
    return len;
}

static void test_yields(void **state)
{
    static const struct row {
        const char *fact;
        int from;
        int reach; /* the host has 1 */
        int flip;  /* byte of the signature, -1: none */
        bool plays;
        bool want;
    } rows[] = {
        { "a fitter call", 0, 9, -1, false, true },
        { "a less fit call", 0, 0, -1, false, false },
        { "a forged call", 0, 9, 3, false, false },
        { "not by the host", 3, 9, -1, false, false },
        { "after play began", 0, 9, -1, true, false },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct net *n = net_new(6, 5);
        struct msg m = { .type = MSG_PARTY_YIELD };
        struct msg_party_yield *y = &m.u.party_yield;
        uint8_t inner[MSG_INNER_MAX];
        struct party_id winner;

        n->nodes[0].has_sound = false; /* shares for a minute */
        n->nodes[1].has_sound = false;
        for (int k = 0; k < 5; k++) {
            net_on(n, k, k > 0 && k < 3);
        }
        assert_int_equal(net_host(n, 0, 1, 2), 0);
        net_run(n, rows[i].plays ? 70 * S : 10 * S);
        net_up(n, 3, 1);
        y->party = *party_of(n);
        y->call.hops = 1;
        y->call.inner = bytes_of(
            inner, call_by(n, 4, rows[i].reach, inner, y->call.sig, &winner));
        if (rows[i].flip >= 0) {
            y->call.sig[rows[i].flip] ^= 1;
        }
        say(n, rows[i].from, 1, &m);
        if (party_id_equal(&net_party(n, 1)->log.party, &winner) != rows[i].want) {
            fail_msg("%s", rows[i].fact);
        }
    }
}

static void test_forged_close(void **state)
{
    struct net *n = playing(7, 4);
    uint8_t body[64];
    struct close c = { *party_of(n), CLOSE_ENDED };
    struct flood f = { .kind = FLOOD_CLOSE, .ttl = 8, .life_s = 60 };
    struct msg_flood raw = { .hops = 1 };
    struct flood_id id = { { 1 } };

    (void)state;
    memcpy(f.origin, n->nodes[2].self.sign_public, KEY_LEN);
    f.body = bytes_of(body, close_encode(&c, body, sizeof(body)));
    outbox_clear(&n->out);
    party_flood_heard(net_party(n, 1), &id, &raw, &f, net_local(n, 1), &n->out);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
    assert_int_equal(net_party(n, 1)->invites->count, 1);
    memcpy(f.origin, n->nodes[0].self.sign_public, KEY_LEN);
    party_flood_heard(net_party(n, 1), &id, &raw, &f, net_local(n, 1), &n->out);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
    assert_int_equal(net_party(n, 1)->invites->count, 0);
}

/* ---- songs of others ---- */

/* Only its owner may offer a song, to a party that it is in, once, and before it plays.
 */
static void test_offers(void **state)
{
    static const struct row {
        const char *fact;
        int from;
        int owner;
        int flip; /* byte of the signature, -1: none */
        int want; /* songs of the pool behind it */
    } rows[] = {
        { "of a stranger", 4, 4, -1, 2 },         { "of another's song", 1, 2, -1, 2 },
        { "with a wrong signature", 1, 1, 9, 2 }, { "its own", 1, 1, -1, 3 },
        { "the same again", 1, 1, -1, 3 },        { "of a second guest", 2, 2, -1, 4 },
    };
    struct net *n = net_new(31, 5);

    (void)state;
    for (int i = 0; i < 5; i++) {
        net_on(n, i, i > 0 && i < 4);
    }
    assert_int_equal(net_host(n, 0, 2, 4), 0); /* it waits for a fourth guest */
    net_run(n, 3 * S);
    net_up(n, 4, 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct msg m = { .type = MSG_PARTY_OFFER };
        uint8_t manifest[MSG_ENTRY_MAX];

        m.u.party_offer.party = net_party(n, 0)->log.party;
        m.u.party_offer.manifest = bytes_of(
            manifest, net_manifest(n, rows[i].owner, 0, manifest, m.u.party_offer.sig));
        if (rows[i].flip >= 0) {
            m.u.party_offer.sig[rows[i].flip] ^= 1;
        }
        say(n, rows[i].from, 0, &m);
        if (timeline_song_count(&net_party(n, 0)->timeline) != rows[i].want) {
            fail_msg("%s", rows[i].fact);
        }
    }
}

/* ---- another host ---- */

static struct msg claim_of(struct net *n, uint64_t epoch)
{
    struct msg m = { .type = MSG_CLAIM };

    m.u.claim.party = *party_of(n);
    m.u.claim.epoch = epoch;
    m.u.claim.at_epoch = 1;
    m.u.claim.seq = net_party(n, 1)->log.seq;
    memcpy(m.u.claim.previous, net_party(n, 1)->log.head, HASH_LEN);
    return m;
}

static enum msg_type answer_to(struct net *n, int from, int to, const struct msg *m,
                               struct msg *answer)
{
    struct promise promise;

    outbox_clear(&n->out);
    party_receive(net_party(n, to), from, m, net_local(n, to), &n->out);
    if (party_take_promise(net_party(n, to), &promise)) {
        assert_int_equal(n->out.count, 0); /* not a word before it is on the disk */
        party_promised(net_party(n, to), &promise, true, net_local(n, to), &n->out);
    }
    if (n->out.count != 1) {
        return 0;
    }
    assert_int_equal(msg_decode(bytes_of(n->out.data, n->out.items[0].len), answer), 0);
    return answer->type;
}

static void test_claims(void **state)
{
    struct net *n = playing(8, 6); /* 0 hosts 1, 2, 3, 4; 5 is a stranger */
    struct msg m = claim_of(n, 2);
    struct msg answer = { 0 };
    struct coord c = { .party = *party_of(n), .epoch = 2, .grant_count = 2 };
    struct msg proof = { .type = MSG_COORD };

    (void)state;
    for (int i = 1; i < 4; i++) {
        net_up(n, 4, i);
    }
    /* The host lives: nobody grants, and who is no member is not even answered. */
    assert_int_equal(answer_to(n, 4, 1, &m, &answer), MSG_DENY);
    assert_true(answer.u.deny.lease_left_ms > 0);
    assert_int_equal(answer_to(n, 4, 0, &m, &answer), MSG_DENY);
    assert_int_equal(answer_to(n, 5, 1, &m, &answer), 0);
    for (int i = 1; i < 4; i++) {
        net_party(n, i)->host_heard_ns -= 7 * S;
    }
    for (int i = 1; i < 4; i++) {
        assert_int_equal(answer_to(n, 4, i, &m, &answer), MSG_GRANT);
        memcpy(c.grants[i - 1].key, n->nodes[i].self.sign_public, KEY_LEN);
        memcpy(c.grants[i - 1].sig, answer.u.grant.sig, SIGNATURE_LEN);
        assert_memory_equal(answer.u.grant.host, n->nodes[4].self.sign_public, KEY_LEN);
    }
    assert_int_equal(answer_to(n, 2, 1, &m, &answer), MSG_DENY); /* granted already */
    assert_int_equal(answer.u.deny.highest, 2);
    /* Two of five are no majority, three are. */
    memcpy(c.host, n->nodes[4].self.sign_public, KEY_LEN);
    for (c.grant_count = 2; c.grant_count <= 3; c.grant_count++) {
        proof.u.coord = c;
        for (int i = 1; i < 4; i++) {
            say(n, 4, i, &proof);
            assert_true(party_check(net_party(n, i)));
            assert_int_equal(net_party(n, i)->log.epoch, c.grant_count == 3 ? 2 : 1);
        }
    }
    assert_true(node_id_equal(net_status(n, 1).host, &n->nodes[4].self.id));
    /* From now on the old host's word is worth nothing. */
    uint8_t inner[MSG_ENTRY_MAX];
    struct msg old = next_entry(n, 0, 1, 2, inner);
    struct entry e;
    assert_int_equal(party_log_receive(&net_party(n, 1)->log, old.u.log_entry.inner,
                                       old.u.log_entry.sig, &e),
                     LOG_OLD_EPOCH);
}

/* A grant that was long on its way answers an earlier try: the lease that came with it
 * may be over, though the epoch is the same. */
static void test_late_grants(void **state)
{
    struct net *n = playing(10, 6);
    struct msg m = { .type = MSG_GRANT };
    struct candidacy *c = NULL;
    int who = 0;

    (void)state;
    net_kill(n, 0);
    for (int i = 1; i < 5; i++) {
        for (int k = 1; k < 5; k++) {
            net_up(n, i, k);
        }
    }
    for (int ms = 0; ms < 9000 && c == NULL; ms++) {
        net_run(n, NS_PER_MS);
        for (int i = 1; i < 5; i++) {
            if (net_party(n, i)->candidacy.state == CANDIDACY_CLAIMING) {
                c = &net_party(n, i)->candidacy;
                who = i;
            }
        }
    }
    assert_non_null(c);
    assert_int_equal(c->claim->grant_count, 0);
    for (int late = 0; late < 3; late++) {
        int from = who == 1 ? 2 : 1;

        m.u.grant.party = *party_of(n);
        m.u.grant.epoch = c->epoch;
        memcpy(m.u.grant.host, n->nodes[who].self.sign_public, KEY_LEN);
        m.u.grant.claim_ns = late == 0   ? c->sent_ns - 1
                             : late == 1 ? net_local(n, who) + 1 /* from the future */
                                         : c->sent_ns;
        grant_sign(&n->nodes[from].self, &m.u.grant.party, m.u.grant.epoch,
                   m.u.grant.host, m.u.grant.sig);
        say(n, from, who, &m);
        assert_int_equal(c->claim->grant_count, late == 2);
    }
}

static void test_handover_frees_the_grant(void **state)
{
    struct net *n = playing(9, 6); /* a council of five */
    struct msg m = { .type = MSG_HANDOVER };
    struct msg claim = claim_of(n, 2);
    struct msg answer;

    (void)state;
    net_up(n, 3, 1);
    m.u.handover.party = *party_of(n);
    m.u.handover.epoch = 2;
    memcpy(m.u.handover.host, n->nodes[3].self.sign_public, KEY_LEN);
    handover_sign(&n->nodes[2].self, party_of(n), 2, m.u.handover.host, m.u.handover.sig);
    say(n, 2, 1, &m); /* signed by one who is not host */
    assert_int_equal(answer_to(n, 3, 1, &claim, &answer), MSG_DENY);
    handover_sign(&n->nodes[0].self, party_of(n), 2, m.u.handover.host, m.u.handover.sig);
    say(n, 2, 1, &m); /* passed on by anybody */
    assert_int_equal(answer_to(n, 3, 1, &claim, &answer), MSG_GRANT);
}

/* ---- anything at all ---- */

static void random_message(struct net *n, struct msg *m)
{
    static const enum msg_type types[] = {
        MSG_PARTY_JOIN,   MSG_PARTY_WELCOME, MSG_PARTY_LEAVE,  MSG_PARTY_BEAT,
        MSG_PARTY_STATUS, MSG_PARTY_YIELD,   MSG_LOG_ENTRY,    MSG_LOG_GET,
        MSG_ELECT,        MSG_ELECT_OK,      MSG_CLAIM,        MSG_GRANT,
        MSG_DENY,         MSG_HANDOVER,      MSG_PARTY_UNISON,
    };
    static uint8_t junk[900];
    uint8_t *bytes = (uint8_t *)&m->u;

    for (size_t i = 0; i < sizeof(m->u); i++) {
        bytes[i] = rng_below(&n->rng, 3) == 0 ? (uint8_t)rng_next(&n->rng) : 0;
    }
    for (size_t i = 0; i < sizeof(junk); i++) {
        junk[i] = (uint8_t)rng_next(&n->rng);
    }
    m->type = types[rng_below(&n->rng, COUNT(types))];
    /* Every message begins with the party, but for the entry. */
    if (m->type != MSG_LOG_ENTRY && rng_below(&n->rng, 4) > 0) {
        memcpy(bytes, party_of(n), sizeof(struct party_id));
    }
    if (m->type == MSG_PARTY_JOIN) {
        m->u.party_join.name = bytes_of("mallory", (size_t)rng_below(&n->rng, 8));
    } else if (m->type == MSG_LOG_ENTRY) {
        m->u.log_entry.inner = bytes_of(junk, (size_t)rng_below(&n->rng, 900));
    } else if (m->type == MSG_PARTY_YIELD) {
        m->u.party_yield.call.inner = bytes_of(junk, (size_t)rng_below(&n->rng, 900));
    } else if (m->type == MSG_PARTY_UNISON) {
        m->u.party_unison.count = 1 + (int)rng_below(&n->rng, MSG_UNISON_MAX);
        m->u.party_unison.list[0].id = n->nodes[0].self.id;
        for (int i = 0; i < m->u.party_unison.count; i++) {
            m->u.party_unison.list[i].sound.is_playing = i % 2;
        }
    } else if (m->type == MSG_PARTY_WELCOME) {
        m->u.party_welcome.reason = (uint8_t)rng_below(&n->rng, 5);
    }
}

/* A stranger and a guest say anything to anybody; the party of the others goes on. */
static void one_babel(uint64_t seed)
{
    struct net *n = playing(seed, 5);

    for (int i = 0; i < 300; i++) {
        int from = rng_below(&n->rng, 2) == 0 ? 4 : 3;
        int to = (int)rng_below(&n->rng, 3);
        struct msg m = { 0 };

        random_message(n, &m);
        if (m.type == MSG_PARTY_STATUS) {
            m.u.party_status.is_ready = i % 2; /* what decoding gives is 0 or 1 */
            m.u.party_status.sound.is_playing = i % 3 == 0;
        }
        if (!n->up[to][from]) {
            net_up(n, from, to);
        }
        if (n->up[to][from] && net_knows(n, to, from)) {
            say(n, from, to, &m);
        }
        if (i % 20 == 0) {
            net_run(n, 300 * NS_PER_MS);
        }
    }
    net_run(n, 20 * S);
    for (int i = 0; i < 3; i++) {
        if (net_phase(n, i) != PARTY_PLAYING || !net_agree(n, 0, i)) {
            fail_msg("seed %lu: node %d phase %d", (unsigned long)seed, i,
                     net_phase(n, i));
        }
    }
}

static void test_babel(void **state)
{
    (void)state;
    for_each_seed(60, one_babel);
}

/* A host whose messages are noise harms nobody's memory. */
static void one_mad_host(uint64_t seed)
{
    struct net *n = playing(seed, 4);

    n->is_honest = false;
    for (int i = 0; i < 200; i++) {
        struct msg m = { 0 };

        random_message(n, &m);
        if (!n->up[1][0]) {
            net_up(n, 0, 1);
        }
        if (net_party(n, 1)->peers[0].is_up) {
            say(n, 0, 1, &m);
        }
        net_run(n, 50 * NS_PER_MS);
    }
}

static void test_mad_host(void **state)
{
    (void)state;
    for_each_seed(30, one_mad_host);
}

/* Entries that are signed by the host but mean nothing are kept in the log, and that is
 * all. */
static void test_meaningless_entries(void **state)
{
    struct net *n = playing(10, 3);
    struct party_log *l = &net_party(n, 0)->log;
    struct party *p = net_party(n, 1);
    struct timeline before = p->timeline;
    struct entry bad[6] = { { .kind = ENTRY_ACTION }, { .kind = ENTRY_ACTION },
                            { .kind = ENTRY_MAP },    { .kind = ENTRY_SONG },
                            { .kind = ENTRY_SONG },   { .kind = ENTRY_SONG } };
    uint8_t manifest[MSG_ENTRY_MAX];

    (void)state;
    n->is_honest = false;
    bad[0].u.action.verb = ACTION_PLAY;
    bad[0].u.action.slot = POOL_SLOTS;
    bad[1].u.action.verb = ACTION_PLAY;
    bad[1].u.action.at.ns = INT64_MIN;
    bad[2].u.map.rate_ppt = INT64_MAX;
    bad[3].u.song.slot = 4; /* no manifest in it */
    bad[3].u.song.manifest = bytes_of("x", 1);
    bad[4].u.song.slot = 0; /* another song where one is */
    bad[4].u.song.manifest = state_manifest(&net_party(n, 0)->offers[1]);
    memcpy(bad[4].u.song.sig, net_party(n, 0)->offers[1].data, SIGNATURE_LEN);
    bad[5].u.song.slot = 3; /* a good song, but its owner did not sign it */
    bad[5].u.song.manifest = bytes_of(manifest,
                                      net_manifest(n, 2, 3, manifest, bad[5].u.song.sig));
    bad[5].u.song.sig[9] ^= 1;
    for (int i = 0; i < COUNT(bad); i++) {
        struct msg m = { .type = MSG_LOG_ENTRY };

        party_log_append(l, &n->nodes[0].self, &bad[i]);
        assert_true(party_log_get(l, l->seq, &m.u.log_entry));
        say(n, 0, 1, &m);
        assert_int_equal(p->counts.bad_content, i + 1);
        assert_int_equal(p->log.seq, l->seq);
    }
    assert_memory_equal(&before, &p->timeline, sizeof(before));
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_entries),
        cmocka_unit_test(test_equivocating_host),
        cmocka_unit_test(test_replays),
        cmocka_unit_test(test_wrong_mouth),
        cmocka_unit_test(test_wild_claims),
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_beats),
        cmocka_unit_test(test_yields),
        cmocka_unit_test(test_forged_close),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_late_grants),
        cmocka_unit_test(test_handover_frees_the_grant),
        cmocka_unit_test(test_babel),
        cmocka_unit_test(test_mad_host),
        cmocka_unit_test(test_meaningless_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
