/* Looking into replies: maps by key, arrays item by item, straight on the encoded bytes.
 *
 * For the command line, which reads what the node answers (docs/control.md).  Nothing
 * here fails: what is missing, of another kind, or malformed is the default that the
 * caller names. SPDX-License-Identifier: MIT */
#ifndef WIRE_MAP_H
#define WIRE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/cbor.h"

/* What kind of item this is; CBOR_KIND_NONE for an empty view. */
enum cbor_kind item_kind(struct bytes item);

/* The value of an encoded item, or the default. */
int64_t item_int(struct bytes item, int64_t missing);
bool item_bool(struct bytes item, bool missing);
struct bytes item_text(struct bytes item, const char *missing); /* a view, without NUL */

/* True when map is a map that has the key: *item is then its value, encoded, a view.
 * Otherwise *item is empty. */
bool map_find(struct bytes map, const char *key, struct bytes *item);

/* The value of a key, or the default. */
int64_t map_get_int(struct bytes map, const char *key, int64_t missing);
bool map_get_bool(struct bytes map, const char *key, bool missing);
struct bytes map_get_text(struct bytes map, const char *key, const char *missing);

/* The items of an array, from the first. */
struct list {
    struct cbor_reader reader;
    int left; /* items that were not given yet */
};

/* Start at the first item of an encoded array; what is no array is an empty list. */
void list_init(struct list *l, struct bytes array);

/* The array under a key of map. */
void list_init_at(struct list *l, struct bytes map, const char *key);

/* True and the next item, encoded, a view; false and an empty view behind the last. */
bool list_next(struct list *l, struct bytes *item);

#endif
