/* The party log: what is taken, what is refused and why, and that a log of any length
 * stays within its bounds and can still be joined.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "party/domains.h"
#include "party/log.h"

static struct identity host;
static struct identity other;
static _Alignas(16) uint8_t memory[2][2 * 1024 * 1024];
static struct pool pools[2];
static struct heap heaps[2];

static int setup(void **state)
{
    uint8_t seed[32] = { 1 };

    (void)state;
    if (secure_init() != 0) {
        return -1;
    }
    suite_real.identity(&host, seed);
    seed[0] = 2;
    suite_real.identity(&other, seed);
    return 0;
}

static const uint8_t nonce[16] = { 7 };

static void start(struct party_log *l, int which)
{
    struct party_id id;

    pool_init(&pools[which], memory[which], sizeof(memory[which]));
    heap_init(&heaps[which], &pools[which]);
    party_log_init(l, &suite_real, &heaps[which], 0, 0);
    party_id_make(&suite_real, host.sign_public, nonce, &id);
    party_log_reset(l, &id);
}

static struct entry found(void)
{
    struct entry e = { .kind = ENTRY_FOUND };

    memcpy(e.u.found.key, host.sign_public, KEY_LEN);
    memcpy(e.u.found.nonce, nonce, sizeof(nonce));
    e.u.found.name = bytes_of("kitchen", 7);
    return e;
}

static struct entry action(int64_t at_ns)
{
    struct entry e = { .kind = ENTRY_ACTION };

    e.u.action.verb = ACTION_PLAY;
    e.u.action.at.ns = at_ns;
    return e;
}

static void append(struct party_log *l, struct entry e)
{
    party_log_append(l, &host, &e);
}

static enum party_log_result give(struct party_log *to, const struct party_log *from,
                                  uint64_t seq)
{
    struct msg_log_entry m;
    struct entry e;

    assert_true(party_log_get(from, seq, &m));
    return party_log_receive(to, m.inner, m.sig, &e);
}

static void test_copies(void **state)
{
    struct party_log a;
    struct party_log b;

    (void)state;
    start(&a, 0);
    start(&b, 1);
    append(&a, found());
    for (int i = 0; i < 20; i++) {
        append(&a, action(i));
    }
    for (uint64_t i = 1; i <= a.seq; i++) {
        assert_int_equal(give(&b, &a, i), LOG_APPLIED);
        assert_int_equal(give(&b, &a, i), LOG_DUPLICATE);
    }
    assert_int_equal(b.seq, 21);
    assert_memory_equal(a.head, b.head, HASH_LEN);
    assert_true(party_log_check(&a) && party_log_check(&b));
}

static void test_gap_and_order(void **state)
{
    struct party_log a;
    struct party_log b;

    (void)state;
    start(&a, 0);
    start(&b, 1);
    append(&a, found());
    append(&a, action(1));
    append(&a, action(2));
    assert_int_equal(give(&b, &a, 2), LOG_GAP);
    assert_int_equal(b.epoch, 0);
    assert_int_equal(give(&b, &a, 1), LOG_APPLIED);
    assert_int_equal(give(&b, &a, 3), LOG_GAP);
    assert_int_equal(give(&b, &a, 2), LOG_APPLIED);
    assert_int_equal(give(&b, &a, 3), LOG_APPLIED);
    assert_int_equal(party_log_start(&b, 9), 9);
}

/* One forged entry per row: what is changed in a good one before it is signed again. */
enum forgery {
    AS_IT_IS,
    OTHER_PARTY,
    OTHER_SIGNER,
    NO_SIGNATURE,
    EPOCH_BELOW,
    EPOCH_ABOVE,
    WRONG_PREVIOUS,
    TAKEN_SEQ,
    FAR_SEQ,
    FAR_FOUND,
    FOUND_BY_OTHER,
    CUT,
    LONGER
};

static const struct forgery_row {
    const char *fact;
    enum forgery how;
    enum party_log_result want;
} forgeries[] = {
    { "a good one", AS_IT_IS, LOG_APPLIED },
    { "another party's", OTHER_PARTY, LOG_MALFORMED },
    { "signed by a guest", OTHER_SIGNER, LOG_BAD_SIGNATURE },
    { "signature changed", NO_SIGNATURE, LOG_BAD_SIGNATURE },
    { "old epoch", EPOCH_BELOW, LOG_OLD_EPOCH },
    { "unproved epoch", EPOCH_ABOVE, LOG_NO_HOST },
    { "another past", WRONG_PREVIOUS, LOG_BAD_CHAIN },
    { "second one of a number", TAKEN_SEQ, LOG_EQUIVOCATION },
    { "further on", FAR_SEQ, LOG_GAP },
    { "checkpoint further on", FAR_FOUND, LOG_JUMPED },
    { "founded by another", FOUND_BY_OTHER, LOG_MALFORMED },
    { "cut short", CUT, LOG_MALFORMED },
    { "one byte more", LONGER, LOG_MALFORMED },
};

static void forge(struct entry *e, enum forgery how)
{
    if (how == OTHER_PARTY) {
        e->party.b[3] ^= 1;
    } else if (how == EPOCH_BELOW) {
        e->epoch--;
    } else if (how == EPOCH_ABOVE) {
        e->epoch++;
    } else if (how == WRONG_PREVIOUS) {
        e->previous[0] ^= 1;
    } else if (how == TAKEN_SEQ) {
        e->seq = 2;
    } else if (how == FAR_SEQ) {
        e->seq += 7;
    } else if (how == FAR_FOUND || how == FOUND_BY_OTHER) {
        e->kind = ENTRY_FOUND;
        e->u = found().u;
        e->seq += 7;
    }
    if (how == FOUND_BY_OTHER) {
        memcpy(e->u.found.key, other.sign_public, KEY_LEN);
    }
}

static void test_forgeries(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(forgeries); i++) {
        const struct forgery_row *r = &forgeries[i];
        struct party_log l;
        struct entry e = action(99);
        uint8_t inner[MSG_ENTRY_MAX + 1];
        uint8_t sig[SIGNATURE_LEN];
        uint8_t head[HASH_LEN];
        enum party_log_result got;
        size_t len;

        start(&l, 0);
        append(&l, found());
        assert_true(party_log_set_epoch(&l, 3, host.sign_public));
        append(&l, action(1));
        memcpy(head, l.head, HASH_LEN);
        e.party = l.party;
        e.epoch = 3;
        e.seq = 3;
        memcpy(e.previous, l.head, HASH_LEN);
        forge(&e, r->how);
        len = entry_encode(&e, inner, sizeof(inner));
        if (len == 0) {
            fail_msg("%s: not encoded", r->fact);
        }
        len -= r->how == CUT;
        if (r->how == LONGER) {
            inner[len++] = 0;
        }
        sign(r->how == OTHER_SIGNER ? &other : &host, DOMAIN_ENTRY, bytes_of(inner, len),
             sig);
        sig[5] ^= r->how == NO_SIGNATURE;
        got = party_log_receive(&l, bytes_of(inner, len), sig, &e);
        if (got != r->want) {
            fail_msg("%s: got %d", r->fact, got);
        }
        assert_int_equal(l.counts[got], 1);
        if (got != LOG_APPLIED && got != LOG_JUMPED) {
            assert_int_equal(l.seq, 2);
            assert_memory_equal(l.head, head, HASH_LEN);
        }
        assert_true(party_log_check(&l));
    }
}

static void test_founder_is_proved_by_the_id(void **state)
{
    struct party_log a;
    struct party_log b;
    struct entry e = found();
    uint8_t inner[MSG_ENTRY_MAX];
    uint8_t sig[SIGNATURE_LEN];
    size_t len;

    (void)state;
    start(&a, 0);
    start(&b, 1);
    e.party = a.party;
    e.epoch = 2; /* without a certificate nobody hosts epoch 2 */
    e.seq = 1;
    len = entry_encode(&e, inner, sizeof(inner));
    sign(&host, DOMAIN_ENTRY, bytes_of(inner, len), sig);
    assert_int_equal(party_log_receive(&b, bytes_of(inner, len), sig, &e), LOG_NO_HOST);
    append(&a, found());
    append(&a, action(1));
    assert_int_equal(give(&b, &a, 1), LOG_APPLIED);
    assert_memory_equal(b.host, host.sign_public, KEY_LEN);
}

static void test_epochs_only_rise(void **state)
{
    struct party_log l;

    (void)state;
    start(&l, 0);
    append(&l, found());
    assert_false(party_log_set_epoch(&l, 1, other.sign_public));
    assert_true(party_log_set_epoch(&l, 4, other.sign_public));
    assert_false(party_log_set_epoch(&l, 3, host.sign_public));
    assert_int_equal(l.epoch, 4);
}

/* What the host of a small party would write again. */
static void checkpoint(struct party_log *l)
{
    append(l, found());
    append(l, action(1));
    append(l, action(2));
}

static void test_never_full(void **state)
{
    struct party_log a;
    struct party_log b;
    struct entry e;
    struct msg_log_entry m;
    int checkpoints = 0;

    (void)state;
    start(&a, 0);
    start(&b, 1);
    append(&a, found());
    assert_int_equal(give(&b, &a, 1), LOG_APPLIED);
    for (int i = 0; i < 5000; i++) {
        uint64_t before = a.seq;

        if (party_log_is_full(&a)) {
            checkpoint(&a);
            checkpoints++;
        }
        append(&a, action(i));
        while (b.seq < a.seq) {
            assert_int_equal(give(&b, &a, b.seq + 1), LOG_APPLIED);
        }
        assert_true(a.seq > before);
        assert_true(party_log_check(&a) && party_log_check(&b));
        assert_true(party_log_get(&a, a.checkpoint, &m)); /* can be joined any time */
    }
    assert_true(checkpoints > 10);
    assert_memory_equal(a.head, b.head, HASH_LEN);
    /* One who comes late, or was away for long, begins at the checkpoint. */
    start(&b, 1);
    assert_int_equal(party_log_start(&a, 1), a.checkpoint);
    assert_true(party_log_get(&a, a.checkpoint, &m));
    assert_int_equal(party_log_receive(&b, m.inner, m.sig, &e), LOG_JUMPED);
    while (b.seq < a.seq) {
        assert_int_equal(give(&b, &a, b.seq + 1), LOG_APPLIED);
    }
    assert_memory_equal(a.head, b.head, HASH_LEN);
    assert_int_equal(b.checkpoint, a.checkpoint);
}

static void test_bytes_are_bounded(void **state)
{
    struct party_log l;
    uint8_t big[600];
    struct entry e = { .kind = ENTRY_SONG };

    (void)state;
    memset(big, 5, sizeof(big));
    start(&l, 0);
    append(&l, found());
    e.u.song.manifest = bytes_of(big, sizeof(big));
    for (int i = 0; i < 2000; i++) {
        struct msg_log_entry m;

        if (party_log_is_full(&l)) {
            append(&l, found());
        }
        party_log_append(&l, &host, &e);
        assert_true(party_log_check(&l));
        assert_true(party_log_get(&l, l.seq, &m));
        assert_true(party_log_get(&l, l.checkpoint, &m));
        assert_true(sign_verify(host.sign_public, DOMAIN_ENTRY, m.inner, m.sig));
    }
    assert_true(l.seq - l.first < 160); /* bytes, not entries, were the limit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_gap_and_order),
        cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_founder_is_proved_by_the_id),
        cmocka_unit_test(test_epochs_only_rise),
        cmocka_unit_test(test_never_full),
        cmocka_unit_test(test_bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
