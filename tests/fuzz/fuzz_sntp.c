/* Fuzz what strangers send to the clock: SNTP replies and probe bodies, as packets and
 * through a whole prober.  Byte 0 chooses; a packet that is taken must keep its promises.
 * fuzz: -max_len=144
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "clock/probe.h"
#include "clock/sntp.h"
#include "tests/heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

static void fuzz_sntp(struct bytes in)
{
    uint64_t cookie = in.len >= SNTP_LEN ? load_be64(in.data + 24) : 1;
    struct sntp_reply r = { .stratum = -1 };
    enum sntp_verdict v = sntp_parse(in, cookie, &r);

    need(strlen(sntp_verdict_text(v)) > 0);
    need((v == SNTP_OK) == (r.stratum != -1));
    if (v == SNTP_OK) {
        need(r.stratum >= 1 && r.stratum <= 15 && r.t3_ns >= r.t2_ns);
        need(r.root_ns >= 0 && r.root_ns <= 1500 * NS_PER_MS);
        need(sntp_parse(in, cookie + 1, &r) == SNTP_ORIGIN);
    }
    need(v != SNTP_KOD || strlen(r.kod) == SNTP_KOD_LEN);
}

static void fuzz_probe(struct bytes in)
{
    struct probe_echo echo = { .seq = 7, .late_ns = PROBE_LATE_NS_MAX };
    struct probe p;
    uint8_t again[PROBE_LEN];

    if (probe_decode(in, &p) == 0) {
        probe_encode(&p, again);
        need(bytes_equal(in, bytes_of(again, PROBE_LEN)));
        need(p.t3_ns >= p.t2_ns && p.late_ns <= PROBE_LATE_NS_MAX);
        need((probe_answer(in, 1, 2, 3, &echo, again) == 0) == (p.kind == PROBE_REQUEST));
    }
}

/* The stamps are taken from the input, eight bytes each: a peer that lies at will. */
static void fuzz_prober(struct bytes in)
{
    struct clock_params params = clock_params_default();
    struct prober p;
    struct rng rng;
    int64_t now_ns = 0;

    rng_seed(&rng, 1);
    prober_init(&p, &params, test_heap(), NS_PER_S, &rng, 0);
    for (size_t at = 0; at + 16 <= in.len; at += 16) {
        struct probe reply = { .kind = PROBE_REPLY, .clock_id = in.data[at] & 1 };
        struct clock_stats stats;
        enum clock_verdict verdict;
        uint8_t body[PROBE_LEN];

        now_ns = prober_wake_ns(&p);
        need(prober_take(&p, now_ns, body, &reply.seq));
        /* Now and then it says that the one before was late. */
        reply.late_seq = reply.seq - 1;
        reply.late_ns = (in.data[at] & 6) == 0 ? load_be32(in.data + at + 4) >> 7 : 0;
        reply.t2_ns = (int64_t)load_be64(in.data + at);
        reply.t3_ns = (int64_t)load_be64(in.data + at + 8);
        if (reply.t3_ns < reply.t2_ns)
            continue;
        probe_encode(&reply, body);
        need(prober_receive(&p, bytes_of(body, PROBE_LEN), now_ns + NS_PER_MS,
                            &verdict) == 0);
        clock_filter_stats(&p.filter, now_ns, &stats);
        need(stats.samples == 0 || (stats.bound_ns >= 0 && stats.sigma_ns >= 0));
        need(prober_wake_ns(&p) > now_ns);
    }
    prober_finish(&p);
    need(test_heap()->used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in;

    if (size == 0)
        return 0;
    in = bytes_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        fuzz_sntp(in);
        break;
    case 1:
        fuzz_probe(in);
        break;
    default:
        fuzz_prober(in);
        break;
    }
    return 0;
}
