/* The fuzzers' corpus without a fuzzer: every file of it goes through its target, whose
 * own assertions are the test.  WRITE_CORPUS=1 makes the seeds anew: one of each kind of
 * message. SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <dirent.h>

#define LLVMFuzzerTestOneInput fuzz_cbor
#define need                   need_cbor
#include "tests/fuzz/fuzz_cbor.c"
#undef LLVMFuzzerTestOneInput
#undef need
#define LLVMFuzzerTestOneInput fuzz_msg
#define need                   need_msg
#include "tests/fuzz/fuzz_msg.c"

static uint8_t data[128 * 1024];

static void run_all(const char *folder, int (*target)(const uint8_t *data, size_t size))
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    int files = 0;

    if (dir == NULL)
        fail_msg("%s is missing: run this from the root of the source", folder);
    while ((e = readdir(dir)) != NULL) {
        char path[512];
        FILE *f;
        size_t len;
        uint8_t *copy;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        f = fopen(path, "rb");
        assert_non_null(f);
        len = fread(data, 1, sizeof(data), f);
        fclose(f);
        copy = malloc(len + (len == 0));
        memcpy(copy, data, len);
        target(copy, len);
        free(copy);
        files++;
    }
    closedir(dir);
    assert_in_range(files, 5, 1000);
}

static void save(const char *folder, const char *name, size_t len)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* The smallest of some samples, behind the byte that chooses its decoder. */
static void save_sample(enum form_kind kind, int n, const char *name)
{
    static struct sampler sampler;
    static union any a;
    size_t best = sizeof(data);
    uint64_t best_seed = 0;

    for (uint64_t seed = 0; seed <= 12; seed++) {
        size_t len;

        sampler_init(&sampler, seed < 12 ? seed : best_seed);
        form_sample(kind, &sampler, n, &a);
        data[0] = (uint8_t)kind;
        len = form_encode(kind, &a, data + 1, sizeof(data) - 1);
        assert_true(len > 0);
        if (seed < 12 && len > 40 && len < best) {
            best = len;
            best_seed = seed;
        }
        if (seed == 12)
            save("msg", name, 1 + len);
    }
}

/* A whole call, as it travels: a message, in it a flood, in it a call. */
static void save_nested(void)
{
    static struct sampler sampler;
    struct call call;
    struct flood flood;
    struct msg m = { .type = MSG_FLOOD };
    uint8_t body[MSG_INNER_MAX];
    uint8_t inner[MSG_INNER_MAX];

    sampler_init(&sampler, 3);
    sample_call(&sampler, &call);
    sample_flood(&sampler, &flood);
    flood.kind = FLOOD_CALL;
    flood.body = bytes_of(body, call_encode(&call, body, sizeof(body)));
    m.u.flood.hops = 1;
    m.u.flood.inner = bytes_of(inner, flood_encode(&flood, inner, sizeof(inner)));
    data[0] = FORM_MSG;
    save("msg", "msg-flood-call", 1 + msg_encode(&m, data + 1, sizeof(data) - 1));
}

static void write_msg_corpus(void)
{
    char name[32];

    for (int i = 0; i < COUNT(sample_types); i++) {
        enum msg_type type = sample_types[i];

        if (type == MSG_FLOOD)
            continue; /* below, with what is in it */
        snprintf(name, sizeof(name), "msg-%d", (int)type);
        save_sample(FORM_MSG, i, name);
    }
    for (int kind = FORM_FLOOD; kind < FORM_ENTRY; kind++)
        save_sample((enum form_kind)kind, 0, form_names[kind]);
    for (int n = 0; n < ENTRY_COUNCIL; n++) {
        snprintf(name, sizeof(name), "entry-%d", n + 1);
        save_sample(FORM_ENTRY, n, name);
    }
    save_nested();
}

static void write_cbor_corpus(void)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } rows[] = {
        { "item-map", "\x00\xa3\x00\x01\x20\x02\x61\x61\x82\xf5\xf6", 11 },
        { "item-deep", "\x00\x81\x81\x81\x81\x81\x81\x81\x81\x80", 10 },
        { "item-text", "\x00\x66ü\xe2\x99\xab\x22", 8 },
        { "item-big",
          "\x00\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x3b\x7f\xff\xff\xff\xff"
          "\xff\xff\xff",
          20 },
        { "item-huge-array", "\x00\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", 11 },
        { "item-huge-string", "\x00\x5b\xff\xff\xff\xff\xff\xff\xff\xf7\x00", 11 },
        { "item-huge-map", "\x00\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x00", 11 },
        { "item-float", "\x00\xf9\x3c\x00", 4 },
        { "item-tag", "\x00\xc2\x41\x01", 4 },
        { "item-indefinite", "\x00\x9f\x00\xff", 4 },
        { "item-escapes", "\x00\x67\x1b\"\\\x7f\xc2\x9b!", 9 },
        { "item-bytes", "\x00\x45\x00\x01\x02\xfe\xff", 7 },
        { "readers", "\x01\x1c\x00\x01\x12\x83\x07\x20\x41\x61", 10 },
        { "map", "\x02\xa4\x61\x61\x80\x61\x62\x07\x61\x64\x61\x78\x61\x65\x82\x01\x02",
          17 },
        { "list", "\x02\x84\x01\x20\x61\x78\x80", 7 },
        { "frames", "\x03\x00\x01x\x00\x03xyz\x00\x02", 11 },
        { "frames-control", "\x04\x00\x00\x00\x03xyz\x00\x00\x00\x01!\x00\x00", 15 },
        { "frames-long", "\x04\x00\x10\x00\x01xyz", 8 },
    };

    for (int i = 0; i < COUNT(rows); i++) {
        memcpy(data, rows[i].bytes, rows[i].len);
        save("cbor", rows[i].name, rows[i].len);
    }
}

static void test_corpus_of_cbor(void **state)
{
    (void)state;
    if (getenv("WRITE_CORPUS") != NULL)
        write_cbor_corpus();
    run_all("tests/fuzz/corpus/cbor", fuzz_cbor);
}

static int accepted;

static int fuzz_and_count_msg(const uint8_t *in, size_t size)
{
    static union any a;

    if (size > 0 && in[0] < FORM_COUNT)
        accepted += form_decode((enum form_kind)in[0], bytes_of(in + 1, size - 1), &a) ==
                    0;
    return fuzz_msg(in, size);
}

static void test_corpus_of_msg(void **state)
{
    (void)state;
    if (getenv("WRITE_CORPUS") != NULL)
        write_msg_corpus();
    run_all("tests/fuzz/corpus/msg", fuzz_and_count_msg);
    /* Seeds that are refused lead a fuzzer nowhere: after a change of the format, make
     * them anew. */
    assert_in_range(accepted, 60, 1000);
}

/* A message that is refused ends the link, and with it what the file is for. */
static int check_records(const uint8_t *in, size_t size)
{
    static struct msg m;
    size_t len;

    for (; size > 0; in += 3 + len, size -= 3 + len) {
        assert_true(size > 3);
        len = load_be16(in + 1);
        assert_true(len <= size - 3);
        assert_int_equal(msg_decode(bytes_of(in + 3, len), &m), 0);
    }
    return 0;
}

static void test_corpus_of_node(void **state)
{
    (void)state;
    run_all("tests/fuzz/corpus/node", check_records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus_of_cbor),
        cmocka_unit_test(test_corpus_of_msg),
        cmocka_unit_test(test_corpus_of_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
