/* The strict CBOR reader and writer.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/id.h"
#include "base/rng.h"
#include "wire/cbor.h"

/* Bytes of a hex string, spaces allowed. */
static struct bytes unhex(const char *hex, uint8_t *to, size_t size)
{
    char digits[512];
    size_t n = 0;

    for (; *hex != '\0'; hex++)
        if (*hex != ' ')
            digits[n++] = *hex;
    assert_true(n / 2 <= size && n < sizeof(digits));
    assert_true(hex_decode(digits, n, to, n / 2));
    return bytes_of(to, n / 2);
}

/* A view of a copy that ends where its allocation ends, so that ASan sees one byte too
 * far. The caller frees. */
static struct bytes tight(struct bytes b, uint8_t **copy)
{
    *copy = malloc(b.len + (b.len == 0));
    memcpy(*copy, b.data, b.len);
    return bytes_of(*copy, b.len);
}

static int check_hex(const char *hex)
{
    uint8_t data[256];
    uint8_t *copy;
    struct bytes in = tight(unhex(hex, data, sizeof(data)), &copy);
    int err = cbor_check(in);

    free(copy);
    return err;
}

static void test_refuses_what_is_not_strict(void **state)
{
    static const struct {
        const char *fact, *hex;
    } rows[] = {
        { "nothing is no item", "" },
        { "two items are not one", "0000" },
        { "23 has one byte", "1817" },
        { "255 has two bytes", "1900ff" },
        { "65535 has three bytes", "1a0000ffff" },
        { "2^32-1 has five bytes", "1b00000000ffffffff" },
        { "-24 has one byte", "3817" },
        { "-256 has two bytes", "3900ff" },
        { "-65536 has three bytes", "3a0000ffff" },
        { "-2^32 has five bytes", "3b00000000ffffffff" },
        { "an integer ends early", "1a000102" },
        { "a head ends early", "19" },
        { "a length of a string is longer than it need be", "5801aa" },
        { "a length of a text is longer than it need be", "780161" },
        { "a length of 16 bits for 3 bytes", "590003010203" },
        { "a length of 64 bits for none", "5b0000000000000000" },
        { "a count of an array is longer than it need be", "980100" },
        { "a count of a map is longer than it need be", "b8010000" },
        { "a string longer than the input", "4301 02" },
        { "a string of 2^64-1", "5bffffffffffffffff 00" },
        { "a string of 2^63", "5b8000000000000000 00" },
        { "a string of 2^64-9, which wraps with its head", "5bfffffffffffffff7 00" },
        { "a text longer than the input", "7903e8 61" },
        { "a text of 2^64-1", "7bffffffffffffffff 61" },
        { "an array of 2^64-1", "9bffffffffffffffff 00" },
        { "an array of 2^32", "9b0000000100000000 00" },
        { "an array of more items than bytes", "83 0000" },
        { "an empty rest for an array of one", "81" },
        { "a map of 2^63", "bb8000000000000000 0000" },
        { "a map of 2^64-1", "bbffffffffffffffff 0000" },
        { "a map with half a pair", "a1 00" },
        { "a map of two with three items", "a2 00 00 01" },
        { "an indefinite byte string", "5f 4101 ff" },
        { "an indefinite text", "7f 6161 ff" },
        { "an indefinite array", "9f 00 ff" },
        { "an indefinite map", "bf 0000 ff" },
        { "a break alone", "ff" },
        { "a break in an array", "81 ff" },
        { "a tag for a date", "c0 60" },
        { "a bignum", "c2 4101" },
        { "a tag of one byte", "d818 4100" },
        { "self-described CBOR", "d9d9f7 00" },
        { "a half float", "f93c00" },
        { "a half float that is NaN", "f97e00" },
        { "a single float", "fa47c35000" },
        { "a double", "fb3ff199999999999a" },
        { "undefined", "f7" },
        { "simple value 0", "e0" },
        { "simple value 19", "f3" },
        { "simple value 24", "f818" },
        { "simple value 255", "f8ff" },
        { "true in two bytes", "f815" },
        { "reserved 28 of integers", "1c" },
        { "reserved 30 of negative integers", "3e" },
        { "reserved 29 of byte strings", "5d" },
        { "reserved 28 of texts", "7c" },
        { "reserved 29 of arrays", "9d" },
        { "reserved 30 of maps", "be" },
        { "reserved 28 of simple values", "fc" },
        { "an indefinite integer", "1f" },
        { "UTF-8 that ends early", "62 61c3" },
        { "UTF-8 of a surrogate", "63 eda080" },
        { "UTF-8 longer than it need be", "62 c0af" },
        { "UTF-8 beyond U+10FFFF", "64 f4908080" },
        { "a lone continuation byte", "61 80" },
        { "Latin-1", "61 e9" },
        { "a NUL in a text", "61 00" },
        { "bad text deep inside", "82 00 81 61ff" },
        { "keys out of order", "a2 02 00 01 00" },
        { "a key twice", "a2 01 00 01 00" },
        { "a text key twice", "a2 6161 00 6161 01" },
        { "text keys out of order", "a2 6162 00 6161 00" },
        { "a longer key before a shorter one", "a2 626161 00 6162 00" },
        { "text keys before integer keys", "a2 6161 00 00 00" },
        { "keys that are arrays, twice", "a2 8101 00 8101 00" },
        { "keys out of order deep inside", "81 a1 00 a2 02 00 01 00" },
        { "nine arrays deep", "81 81 81 81 81 81 81 81 81 00" },
        { "nine deep through maps", "a100 a100 a100 a100 a100 a100 a100 a100 a100 00" },
        { "nine deep and empty", "81 81 81 81 81 81 81 81 80" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++)
        if (check_hex(rows[i].hex) != ERR_MALFORMED)
            fail_msg("accepted: %s (%s)", rows[i].fact, rows[i].hex);
}

static void test_accepts_the_strict_form(void **state)
{
    static const struct {
        enum cbor_kind kind;
        const char *hex;
    } rows[] = {
        { CBOR_KIND_UINT, "00" },
        { CBOR_KIND_UINT, "17" },
        { CBOR_KIND_UINT, "1818" },
        { CBOR_KIND_UINT, "18ff" },
        { CBOR_KIND_UINT, "190100" },
        { CBOR_KIND_UINT, "1a00010000" },
        { CBOR_KIND_UINT, "1b0000000100000000" },
        { CBOR_KIND_UINT, "1bffffffffffffffff" },
        { CBOR_KIND_NINT, "20" },
        { CBOR_KIND_NINT, "37" },
        { CBOR_KIND_NINT, "3818" },
        { CBOR_KIND_NINT, "3bffffffffffffffff" },
        { CBOR_KIND_BYTES, "40" },
        { CBOR_KIND_BYTES, "4401020304" },
        { CBOR_KIND_TEXT, "60" },
        { CBOR_KIND_TEXT, "62c3bc" },
        { CBOR_KIND_TEXT, "64f09f8eb5" },
        { CBOR_KIND_ARRAY, "80" },
        { CBOR_KIND_ARRAY, "8301820203820405" },
        { CBOR_KIND_MAP, "a0" },
        { CBOR_KIND_MAP, "a2 01 02 03 04" },
        { CBOR_KIND_MAP, "a3 00 00 20 00 6161 00" },
        { CBOR_KIND_MAP, "a2 6162 00 626161 00" },
        { CBOR_KIND_MAP, "a2 8101 00 8102 00" },
        { CBOR_KIND_BOOL, "f4" },
        { CBOR_KIND_BOOL, "f5" },
        { CBOR_KIND_NULL, "f6" },
        { CBOR_KIND_ARRAY, "81 81 81 81 81 81 81 81 00" },
        { CBOR_KIND_MAP, "a100 a100 a100 a100 a100 a100 a100 a100 00" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t data[64];
        struct cbor_reader r;

        if (check_hex(rows[i].hex) != 0)
            fail_msg("refused: %s", rows[i].hex);
        cbor_reader_init(&r, unhex(rows[i].hex, data, sizeof(data)));
        assert_int_equal(cbor_peek(&r), rows[i].kind);
    }
}

/* Every item of up to three bytes: what passes has exactly one encoding, ours. */
static void test_short_items_have_one_encoding(void **state)
{
    int accepted = 0;

    (void)state;
    for (uint32_t v = 0; v < 1 << 24; v++) {
        uint8_t in[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
        uint8_t out[16];
        struct cbor_reader r;
        struct cbor_writer w;

        if (in[0] >> 5 > 1 && in[0] >> 5 < 7)
            continue; /* strings and the like are in the tables */
        cbor_reader_init(&r, bytes_of(in, sizeof(in)));
        cbor_writer_init(&w, out, sizeof(out));
        if (cbor_peek(&r) == CBOR_KIND_NINT || cbor_peek(&r) == CBOR_KIND_UINT)
            cbor_write_int(&w, cbor_read_int(&r));
        else if (cbor_peek(&r) == CBOR_KIND_BOOL)
            cbor_write_bool(&w, cbor_read_bool(&r));
        else if (cbor_peek(&r) == CBOR_KIND_NULL)
            cbor_write_null(&w), cbor_read_null(&r);
        else
            continue;
        accepted++;
        assert_false(r.has_failed);
        assert_int_equal(r.pos, w.len);
        assert_memory_equal(in, out, w.len);
    }
    /* 24 + 24 + 3 of one byte, 232 + 232 of two, 65280 + 65280 of three. */
    assert_int_equal(accepted, 51 * 65536 + 464 * 256 + 130560);
}

static void test_writer_gives_the_shortest_form(void **state)
{
    static const struct {
        int64_t value;
        const char *hex;
    } rows[] = {
        { 0, "00" },
        { 23, "17" },
        { 24, "1818" },
        { 255, "18ff" },
        { 256, "190100" },
        { 65535, "19ffff" },
        { 65536, "1a00010000" },
        { UINT32_MAX, "1affffffff" },
        { INT64_C(1) << 32, "1b0000000100000000" },
        { INT64_MAX, "1b7fffffffffffffff" },
        { -1, "20" },
        { -24, "37" },
        { -25, "3818" },
        { -256, "38ff" },
        { -257, "390100" },
        { INT64_MIN, "3b7fffffffffffffff" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t want[16];
        uint8_t out[16];
        struct bytes expected = unhex(rows[i].hex, want, sizeof(want));
        struct cbor_writer w;
        struct cbor_reader r;

        cbor_writer_init(&w, out, sizeof(out));
        cbor_write_int(&w, rows[i].value);
        assert_true(bytes_equal(cbor_written(&w), expected));
        cbor_reader_init(&r, expected);
        assert_true(cbor_read_int(&r) == rows[i].value);
        assert_true(cbor_is_done(&r));
    }
}

static void test_strings_of_each_length(void **state)
{
    static const size_t lens[] = { 0, 1, 23, 24, 255, 256, 65535, 65536 };
    static const size_t heads[] = { 1, 1, 1, 2, 2, 3, 3, 5 };
    static uint8_t data[65536];
    static uint8_t out[65536 + 8];

    (void)state;
    memset(data, 'x', sizeof(data));
    for (int i = 0; i < COUNT(lens); i++) {
        struct cbor_writer w;
        struct cbor_reader r;
        struct bytes b;

        cbor_writer_init(&w, out, sizeof(out));
        cbor_write_bytes(&w, data, lens[i]);
        assert_int_equal(w.len, heads[i] + lens[i]);
        cbor_reader_init(&r, cbor_written(&w));
        b = cbor_read_bytes(&r, lens[i]);
        assert_true(cbor_is_done(&r) && bytes_equal(b, bytes_of(data, lens[i])));

        cbor_writer_init(&w, out, sizeof(out));
        cbor_write_text_len(&w, (const char *)data, lens[i]);
        cbor_reader_init(&r, cbor_written(&w));
        b = cbor_read_text(&r, lens[i]);
        assert_true(cbor_is_done(&r) && bytes_equal(b, bytes_of(data, lens[i])));
        if (lens[i] == 0)
            continue;
        cbor_reader_init(&r, cbor_written(&w));
        b = cbor_read_text(&r, lens[i] - 1);
        assert_true(r.has_failed && b.len == 0);
    }
}

/* One call of each reader on the wrong kind or beyond its limit. */
static bool misread(struct cbor_reader *r, int which)
{
    uint8_t fixed[4] = { 9, 9, 9, 9 };

    switch (which) {
    case 0:
        return cbor_read_uint(r, 99) == 0;
    case 1:
        return cbor_read_int(r) == 0;
    case 2:
        return !cbor_read_bool(r);
    case 3:
        return cbor_read_bytes(r, 3).len == 0;
    case 4:
        return cbor_read_text(r, 3).len == 0;
    case 5:
        return cbor_read_array(r, 2) == 0;
    case 6:
        return cbor_read_map(r, 1) == 0;
    case 7:
        cbor_read_fixed(r, fixed, sizeof(fixed));
        return fixed[0] == 0 && fixed[3] == 0;
    default:
        cbor_read_null(r);
        return true;
    }
}

static void test_failure_sticks_and_yields_nothing(void **state)
{
    static const struct {
        int which;
        const char *hex;
    } rows[] = {
        { 0, "1864" },               /* 100 of at most 99 */
        { 0, "20" },                 /* negative */
        { 0, "f5" },                 /* a bool */
        { 1, "1b8000000000000000" }, /* 2^63 */
        { 1, "3b8000000000000000" }, /* -2^63 - 1 */
        { 1, "6161" },
        { 2, "01" },
        { 2, "f6" },
        { 3, "4401020304" },
        { 3, "6161" },
        { 4, "6461616161" },
        { 4, "4161" },
        { 5, "83010101" },
        { 5, "a101 01" },
        { 5, "82" }, /* two items in one byte */
        { 6, "a1" }, /* a pair in one byte */
        { 6, "a2 01 01 02 02" },
        { 6, "82 01 01" },
        { 7, "43010203" },
        { 7, "450102030405" },
        { 7, "6461616161" },
        { 8, "f4" },
        { 8, "00" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t data[32];
        struct bytes in = unhex(rows[i].hex, data, sizeof(data) - 1);
        struct cbor_reader r;

        data[in.len++] = 0x05; /* a good item behind the bad one */
        cbor_reader_init(&r, in);
        if (!misread(&r, rows[i].which) || !r.has_failed)
            fail_msg("row %d reads %s", i, rows[i].hex);
        assert_int_equal(cbor_peek(&r), CBOR_KIND_NONE);
        for (int which = 0; which <= 8; which++)
            assert_true(misread(&r, which));
        r.pos = in.len - 1;
        assert_int_equal(cbor_read_uint(&r, 99), 0);
        cbor_skip(&r);
        assert_false(cbor_is_done(&r));
    }
}

static void test_reads_at_the_limits(void **state)
{
    uint8_t data[64];
    uint8_t fixed[2];
    struct cbor_reader r;
    struct bytes in = unhex("88 1863 43010203 63616263 820000 a10000 420506 f6 f5", data,
                            sizeof(data));

    (void)state;
    cbor_reader_init(&r, in);
    assert_int_equal(cbor_read_array(&r, 8), 8);
    assert_int_equal(cbor_read_uint(&r, 99), 99);
    assert_int_equal(cbor_read_bytes(&r, 3).len, 3);
    assert_memory_equal(cbor_read_text(&r, 3).data, "abc", 3);
    assert_int_equal(cbor_read_array(&r, 2), 2);
    cbor_skip(&r);
    cbor_skip(&r);
    assert_int_equal(cbor_read_map(&r, 1), 1);
    cbor_skip(&r);
    cbor_skip(&r);
    cbor_read_fixed(&r, fixed, 2);
    assert_true(fixed[0] == 5 && fixed[1] == 6);
    cbor_read_null(&r);
    assert_false(cbor_is_done(&r));
    assert_true(cbor_read_bool(&r));
    assert_true(cbor_is_done(&r));
    cbor_fail(&r);
    assert_false(cbor_is_done(&r));
}

static void write_one_of_each(struct cbor_writer *w)
{
    cbor_write_array(w, 8);
    cbor_write_uint(w, UINT64_MAX);
    cbor_write_int(w, -1000);
    cbor_write_bool(w, true);
    cbor_write_null(w);
    cbor_write_bytes(w, "\1\2\3", 3);
    cbor_write_text(w, "grün");
    cbor_write_map(w, 1);
    cbor_write_text_len(w, "ab", 1);
    cbor_write_raw(w, bytes_of("\x80", 1));
    cbor_write_bytes(w, NULL, 0);
}

/* Whatever the size: it fits whole, or nothing is reported and nothing behind is touched.
 */
static void test_writer_stays_in_its_buffer(void **state)
{
    uint8_t out[64];
    struct cbor_writer w;
    size_t whole;

    (void)state;
    cbor_writer_init(&w, out, sizeof(out));
    write_one_of_each(&w);
    whole = cbor_written(&w).len;
    assert_int_equal(whole, 1 + 9 + 3 + 1 + 1 + 4 + 6 + 1 + 2 + 1 + 1);
    assert_int_equal(cbor_check(cbor_written(&w)), 0);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *tight_out = malloc(size + (size == 0));

        cbor_writer_init(&w, size == 0 ? NULL : tight_out, size);
        write_one_of_each(&w);
        assert_int_equal(w.has_overflowed, size < whole);
        assert_int_equal(cbor_written(&w).len, size < whole ? 0 : whole);
        cbor_write_null(&w);
        assert_true(w.has_overflowed);
        free(tight_out);
    }
}

/* A random item into w; map keys are small integers in order. */
static void write_random(struct cbor_writer *w, struct rng *rng, int depth)
{
    uint8_t raw[40] = { 0 };
    int kinds = depth < CBOR_DEPTH_MAX ? 8 : 6;
    int count = (int)rng_below(rng, 5);

    switch (rng_below(rng, kinds)) {
    case 0:
        cbor_write_uint(w, rng_next(rng) >> rng_below(rng, 64));
        break;
    case 1:
        cbor_write_int(w, (int64_t)(rng_next(rng) >> rng_below(rng, 64)));
        break;
    case 2:
        cbor_write_bytes(w, raw, (size_t)rng_below(rng, sizeof(raw)));
        break;
    case 3:
        cbor_write_text_len(w, "0123456789abcdefghijklmnopqrstuvwxyz",
                            (size_t)rng_below(rng, 37));
        break;
    case 4:
        cbor_write_bool(w, rng_below(rng, 2));
        break;
    case 5:
        cbor_write_null(w);
        break;
    case 6:
        cbor_write_array(w, count);
        for (int i = 0; i < count; i++)
            write_random(w, rng, depth + 1);
        break;
    default:
        cbor_write_map(w, count);
        for (int i = 0; i < count; i++) {
            cbor_write_uint(w, (uint64_t)i * 20);
            write_random(w, rng, depth + 1);
        }
    }
}

/* What we write we accept; cut anywhere it is refused; changed anywhere it does no harm.
 */
static void random_item(uint64_t seed)
{
    static uint8_t out[16384];
    struct rng rng;
    struct cbor_writer w;
    struct bytes item;
    uint8_t *copy;

    rng_seed(&rng, seed);
    cbor_writer_init(&w, out, sizeof(out));
    write_random(&w, &rng, 0);
    item = cbor_written(&w);
    if (item.len == 0)
        return;
    assert_int_equal(cbor_check(item), 0);
    item = tight(item, &copy);
    for (size_t cut = 0; cut < item.len; cut++)
        assert_int_equal(cbor_check(bytes_of(item.data, cut)), ERR_MALFORMED);
    for (int i = 0; i < 50; i++) {
        size_t at = (size_t)rng_below(&rng, (int64_t)item.len);

        copy[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
        (void)!cbor_check(item);
    }
    free(copy);
}

static void test_random_items(void **state)
{
    (void)state;
    for_each_seed(2000, random_item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_what_is_not_strict),
        cmocka_unit_test(test_accepts_the_strict_form),
        cmocka_unit_test(test_short_items_have_one_encoding),
        cmocka_unit_test(test_writer_gives_the_shortest_form),
        cmocka_unit_test(test_strings_of_each_length),
        cmocka_unit_test(test_failure_sticks_and_yields_nothing),
        cmocka_unit_test(test_reads_at_the_limits),
        cmocka_unit_test(test_writer_stays_in_its_buffer),
        cmocka_unit_test(test_random_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
