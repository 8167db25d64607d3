/* What the command prints of replies, and how it looks into them.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/id.h"
#include "wire/json.h"
#include "wire/map.h"

static struct bytes unhex(const char *hex, uint8_t *to)
{
    char digits[512];
    size_t n = 0;

    for (; *hex != '\0'; hex++)
        if (*hex != ' ')
            digits[n++] = *hex;
    assert_true(hex_decode(digits, n, to, n / 2));
    return bytes_of(to, n / 2);
}

static void test_json_of_each_kind(void **state)
{
    static const struct {
        const char *hex, *json;
    } rows[] = {
        { "00", "0" },
        { "09", "9" },
        { "0a", "10" },
        { "1bffffffffffffffff", "18446744073709551615" },
        { "1b8000000000000000", "9223372036854775808" },
        { "20", "-1" },
        { "3b7fffffffffffffff", "-9223372036854775808" },
        { "f4", "false" },
        { "f5", "true" },
        { "f6", "null" },
        { "60", "\"\"" },
        { "40", "\"\"" },
        { "43 00ab ff", "\"00abff\"" },
        { "80", "[]" },
        { "a0", "{}" },
        { "83 01 82 02 03 80", "[1,[2,3],[]]" },
        { "a2 6161 01 6162 a1 6163 f6", "{\"a\":1,\"b\":{\"c\":null}}" },
        { "a1 6122 6122", "{\"\\\"\":\"\\\"\"}" },
        { "63 225c2f", "\"\\\"\\\\/\"" },
        { "62 5c5c", "\"\\\\\\\\\"" },
        { "66 611f62010a63", "\"a\\u001fb\\u0001\\u000ac\"" },
        { "64 1b5b324a", "\"\\u001b[2J\"" },
        { "62 7f61", "\"\\u007fa\"" },
        { "64 c29bc280", "\"\\u009b\\u0080\"" },
        { "64 c2a0c39f", "\"\xc2\xa0ß\"" },
        { "67 6772c3bc6e21 22", "\"grün!\\\"\"" },
        { "64 f09f8eb5", "\"🎵\"" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t data[64];
        char out[128];
        struct text t;

        text_init(&t, out, sizeof(out));
        assert_int_equal(json_from_cbor(unhex(rows[i].hex, data), &t), 0);
        assert_string_equal(out, rows[i].json);
    }
}

static void test_json_refuses(void **state)
{
    static const char *const rows[] = {
        "",                   /* nothing */
        "00 00",              /* more than one item */
        "f93c00",             /* a float */
        "a1 01 02",           /* a key that is no text */
        "a1 41 61 02",        /* a key of bytes */
        "3b8000000000000000", /* below int64 */
        "a2 6162 00 6161 00", /* keys out of order */
        "81 81 81 81 81 81 81 81 80",
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t data[64];
        char out[128];
        struct text t;

        text_init(&t, out, sizeof(out));
        if (json_from_cbor(unhex(rows[i], data), &t) != ERR_MALFORMED)
            fail_msg("accepted: %s as %s", rows[i], out);
    }
}

static void test_json_is_bounded(void **state)
{
    uint8_t data[64];
    struct bytes item = unhex("a2 6161 83 1903e8 63 220a61 43010203 6162 f5", data);
    static const char whole[] = "{\"a\":[1000,\"\\\"\\u000aa\",\"010203\"],\"b\":true}";

    (void)state;
    for (size_t size = 1; size <= sizeof(whole); size++) {
        char *out = malloc(size);
        struct text t;

        text_init(&t, out, size);
        assert_int_equal(json_from_cbor(item, &t), size < sizeof(whole) ? ERR_LIMIT : 0);
        assert_memory_equal(out, whole, t.len);
        assert_int_equal(t.len, size - 1);
        free(out);
    }
}

/* {"a": 7, "b": true, "n": null, "t": "xyz", "big": 2^63, "neg": -5, "list":
 * [1,"two",[3]]} */
static const char sample[] =
    "a7 6161 07 6162 f5 616e f6 6174 63 78797a 63626967"
    "1b8000000000000000 636e6567 24 646c697374 83 01 63 74776f 81 03";

static bool is_text(struct bytes b, const char *s)
{
    return bytes_equal(b, bytes_of(s, strlen(s)));
}

static void test_maps_by_key(void **state)
{
    uint8_t data[128];
    struct bytes map = unhex(sample, data);
    struct bytes item;

    (void)state;
    assert_int_equal(cbor_check(map), 0);
    assert_int_equal(map_get_int(map, "a", -1), 7);
    assert_int_equal(map_get_int(map, "neg", -1), -5);
    assert_int_equal(map_get_int(map, "big", -1), -1);
    assert_int_equal(map_get_int(map, "t", -1), -1);
    assert_int_equal(map_get_int(map, "none", -1), -1);
    assert_int_equal(map_get_int(map, "", -1), -1);
    assert_true(map_get_bool(map, "b", false));
    assert_true(map_get_bool(map, "a", true));
    assert_false(map_get_bool(map, "none", false));
    assert_true(is_text(map_get_text(map, "t", "-"), "xyz"));
    assert_true(is_text(map_get_text(map, "a", "-"), "-"));
    assert_true(is_text(map_get_text(map, "none", "-"), "-"));

    assert_true(map_find(map, "n", &item));
    assert_int_equal(item_kind(item), CBOR_KIND_NULL);
    assert_true(map_find(map, "list", &item));
    assert_int_equal(item_kind(item), CBOR_KIND_ARRAY);
    assert_int_equal(item.len, 8);
    assert_false(map_find(map, "lis", &item));
    assert_int_equal(item_kind(item), CBOR_KIND_NONE);
    assert_false(map_find(item, "a", &item));
    assert_int_equal(item_int(item, 9), 9);
    assert_true(item_bool(item, true));
    assert_true(is_text(item_text(item, "m"), "m"));
    /* A key that is the number 1 is not the text. */
    assert_false(map_find(unhex("a1 01 02", data), "\x01", &item));
    assert_false(map_find(unhex("a1 01 02", data), "", &item));
    assert_true(map_find(unhex("a1 60 02", data), "", &item));
    /* No value behind the key. */
    assert_false(map_find(unhex("a1 6161", data), "a", &item));
    assert_false(map_find(unhex("a1 6161 62 61", data), "a", &item));
}

static void test_lists_item_by_item(void **state)
{
    uint8_t data[128];
    struct bytes map = unhex(sample, data);
    struct bytes item;
    struct list l;

    (void)state;
    list_init_at(&l, map, "list");
    assert_true(list_next(&l, &item));
    assert_int_equal(item_int(item, 0), 1);
    assert_true(list_next(&l, &item));
    assert_true(is_text(item_text(item, ""), "two"));
    assert_true(list_next(&l, &item));
    assert_int_equal(item_kind(item), CBOR_KIND_ARRAY);
    assert_int_equal(item.len, 2);
    assert_false(list_next(&l, &item));
    assert_int_equal(item.len, 0);
    assert_false(list_next(&l, &item));

    list_init_at(&l, map, "a");
    assert_false(list_next(&l, &item));
    list_init_at(&l, map, "none");
    assert_false(list_next(&l, &item));
    list_init(&l, unhex("80", data));
    assert_false(list_next(&l, &item));
    /* One good item, then rubbish. */
    list_init(&l, unhex("83 01 ff ff", data));
    assert_true(list_next(&l, &item));
    assert_false(list_next(&l, &item));
    assert_false(list_next(&l, &item));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_of_each_kind),  cmocka_unit_test(test_json_refuses),
        cmocka_unit_test(test_json_is_bounded),    cmocka_unit_test(test_maps_by_key),
        cmocka_unit_test(test_lists_item_by_item),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
