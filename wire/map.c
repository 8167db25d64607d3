/* SPDX-License-Identifier: MIT */
#include "wire/map.h"

enum cbor_kind item_kind(struct bytes item)
{
    struct cbor_reader r;

    cbor_reader_init(&r, item);
    return cbor_peek(&r);
}

int64_t item_int(struct bytes item, int64_t missing)
{
    struct cbor_reader r;
    int64_t v;

    cbor_reader_init(&r, item);
    v = cbor_read_int(&r);
    return cbor_is_done(&r) ? v : missing;
}

bool item_bool(struct bytes item, bool missing)
{
    struct cbor_reader r;
    bool v;

    cbor_reader_init(&r, item);
    v = cbor_read_bool(&r);
    return cbor_is_done(&r) ? v : missing;
}

struct bytes item_text(struct bytes item, const char *missing)
{
    struct cbor_reader r;
    struct bytes v;

    cbor_reader_init(&r, item);
    v = cbor_read_text(&r, SIZE_MAX);
    return cbor_is_done(&r) ? v : bytes_of(missing, strlen(missing));
}

/* Pass over the item at r's place and return it. */
static struct bytes whole_item(struct cbor_reader *r)
{
    size_t start = r->pos;

    cbor_skip(r);
    return r->has_failed ? bytes_of(NULL, 0) : bytes_of(r->data + start, r->pos - start);
}

bool map_find(struct bytes map, const char *key, struct bytes *item)
{
    struct cbor_reader r;
    int pairs;

    *item = bytes_of(NULL, 0);
    cbor_reader_init(&r, map);
    pairs = cbor_read_map(&r, INT32_MAX);
    for (int i = 0; i < pairs && !r.has_failed; i++) {
        struct bytes name = whole_item(&r);
        struct bytes value = whole_item(&r);

        if (item_kind(name) == CBOR_KIND_TEXT && !r.has_failed &&
            bytes_equal(item_text(name, ""), bytes_of(key, strlen(key)))) {
            *item = value;
            return true;
        }
    }
    return false;
}

int64_t map_get_int(struct bytes map, const char *key, int64_t missing)
{
    struct bytes item;

    return map_find(map, key, &item) ? item_int(item, missing) : missing;
}

bool map_get_bool(struct bytes map, const char *key, bool missing)
{
    struct bytes item;

    return map_find(map, key, &item) ? item_bool(item, missing) : missing;
}

struct bytes map_get_text(struct bytes map, const char *key, const char *missing)
{
    struct bytes item;

    map_find(map, key, &item);
    return item_text(item, missing);
}

void list_init(struct list *l, struct bytes array)
{
    cbor_reader_init(&l->reader, array);
    l->left = cbor_read_array(&l->reader, INT32_MAX);
}

void list_init_at(struct list *l, struct bytes map, const char *key)
{
    struct bytes array;

    map_find(map, key, &array);
    list_init(l, array);
}

bool list_next(struct list *l, struct bytes *item)
{
    *item = bytes_of(NULL, 0);
    if (l->left <= 0)
        return false;
    l->left--;
    *item = whole_item(&l->reader);
    return item->len > 0;
}
