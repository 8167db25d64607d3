/* The store and the memory of a node, as slow as a disk and as patient.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/time.h"
#include "share/merkle.h"
#include "sim/happening.h"
#include "sim/memory.h"
#include "sim/random.h"

#define DISK_MEAN_NS   (400 * NS_PER_US)
#define IMPORT_MEAN_NS (30 * NS_PER_MS)

static void answer(struct world *w, struct happening *h, int node, int64_t mean_ns)
{
    struct world_node *n = &w->nodes[node];
    uint64_t word = random_word(w->p.seed, RANDOM_DISK, (uint64_t)node, n->happenings);

    if (n->has_dead_disk)
        free(h);
    else
        happening_post_self(w, h, node,
                            50 * NS_PER_US + random_exponential(word, mean_ns));
}

/* A path is "song:" and a number of the library. */
static int song_of_path(const struct world *w, struct bytes path)
{
    int song = 0;

    if (path.len < 6 || memcmp(path.data, "song:", 5) != 0)
        return -1;
    for (size_t i = 5; i < path.len; i++)
        song = song * 10 + (path.data[i] - '0');
    return song < w->library.count ? song : -1;
}

static void import(struct world *w, int node, const struct effect *e)
{
    struct happening *h = happening_new(HAPPENING_EVENT, 0);
    struct event_song *s = &h->event.u.song;
    int song = song_of_path(w, e->u.import.path);
    const struct store_song *truth;

    h->event.kind = EVENT_SONG;
    s->what = SONG_IMPORTED;
    s->token = e->u.import.token;
    if (song < 0) {
        s->err = ERR_FILE;
        s->message = bytes_of("no such file", 12);
        answer(w, h, node, IMPORT_MEAN_NS);
        return;
    }
    truth = &w->library.songs[song];
    store_hold_all(&w->nodes[node].store, &w->library, song);
    s->song = truth->id;
    s->bytes = truth->bytes;
    s->frames = truth->frames;
    s->rate = truth->rate;
    s->channels = 2;
    s->bits = 16;
    s->title = bytes_of(truth->title, strlen(truth->title));
    s->leaves = bytes_of(truth->leaves, (size_t)truth->blocks * HASH_LEN);
    s->has_all = true;
    answer(w, h, node, IMPORT_MEAN_NS);
}

static void open_song(struct world *w, int node, const struct effect *e)
{
    int song = store_find(&w->library, &e->u.song.song);
    size_t len = song < 0 ? 0 : ((size_t)w->library.songs[song].blocks + 7) / 8;
    struct happening *h = happening_new(HAPPENING_EVENT, len);
    struct event_song *s = &h->event.u.song;
    struct store_holding *holding;

    h->event.kind = EVENT_SONG;
    s->what = SONG_OPENED;
    s->song = e->u.song.song;
    if (song < 0) {
        s->err = ERR_NOT_FOUND;
        answer(w, h, node, DISK_MEAN_NS);
        return;
    }
    holding = store_open(&w->nodes[node].store, &w->library, song);
    s->bytes = w->library.songs[song].bytes;
    if (holding->has_leaves)
        s->leaves = bytes_of(w->library.songs[song].leaves,
                             (size_t)w->library.songs[song].blocks * HASH_LEN);
    s->has_all = holding->held == w->library.songs[song].blocks;
    if (!s->has_all && holding->held > 0) {
        memcpy(h->data, holding->bitmap, len);
        s->bitmap = bytes_of(h->data, len);
    }
    answer(w, h, node, DISK_MEAN_NS);
}

static void store_leaves(struct world *w, int node, const struct effect *e)
{
    int song = store_find(&w->library, &e->u.leaves.song);
    struct bytes truth;

    if (song < 0)
        return;
    truth = bytes_of(w->library.songs[song].leaves,
                     (size_t)w->library.songs[song].blocks * HASH_LEN);
    if (bytes_equal(e->u.leaves.hashes, truth))
        store_open(&w->nodes[node].store, &w->library, song)->has_leaves = true;
    else
        w->hooks.failed(w->hooks.context, node,
                        "leaves were stored that are not the song's");
}

static struct happening *block_answer(const struct effect *e, enum block_event what,
                                      int err, struct bytes data)
{
    struct happening *h = happening_new(HAPPENING_EVENT, data.len);

    h->event.kind = EVENT_BLOCK;
    h->event.u.block.what = what;
    h->event.u.block.err = err;
    h->event.u.block.song = e->u.block.song;
    h->event.u.block.index = e->u.block.index;
    if (data.len > 0)
        memcpy(h->data, data.data, data.len);
    h->event.u.block.data = bytes_of(h->data, data.len);
    return h;
}

static void load_block(struct world *w, int node, const struct effect *e)
{
    struct world_node *n = &w->nodes[node];
    int song = store_find(&w->library, &e->u.block.song);
    uint64_t word = random_word(w->p.seed, RANDOM_FAULT, (uint64_t)node, n->happenings);
    struct bytes data = bytes_of(NULL, 0);
    struct happening *h;

    if (song >= 0)
        data = store_get(&n->store, &w->library, song, e->u.block.index);
    if (data.len == 0)
        w->hooks.failed(w->hooks.context, node, "a block is loaded that is not held");
    h = block_answer(e, BLOCK_LOADED, data.len > 0 ? 0 : ERR_NOT_FOUND, data);
    if (data.len > 0 && random_chance(word, n->rot_ppm))
        h->data[word % data.len] ^= 0x10;
    answer(w, h, node, DISK_MEAN_NS);
}

static void store_block(struct world *w, int node, const struct effect *e)
{
    int song = store_find(&w->library, &e->u.block.song);

    if (w->nodes[node].has_dead_disk)
        return;
    if (song < 0 || !store_put(&w->nodes[node].store, &w->library, song, e->u.block.index,
                               e->u.block.data))
        w->hooks.failed(w->hooks.context, node,
                        "a stored block is not the block of its hash");
    w->counts.blocks_stored++;
    w->counts.bytes_stored += (int64_t)e->u.block.data.len;
    answer(w, block_answer(e, BLOCK_STORED, 0, bytes_of(NULL, 0)), node, DISK_MEAN_NS);
}

void disk_effect(struct world *w, int node, const struct effect *e)
{
    switch ((int)e->kind) {
    case EFFECT_SONG_IMPORT:
        import(w, node, e);
        break;
    case EFFECT_SONG_OPEN:
        open_song(w, node, e);
        break;
    case EFFECT_LEAVES_STORE:
        store_leaves(w, node, e);
        break;
    case EFFECT_BLOCK_LOAD:
        load_block(w, node, e);
        break;
    case EFFECT_BLOCK_STORE:
        store_block(w, node, e);
        break;
    default: /* SONG_DROP: there is room enough */
        break;
    }
}

void disk_remember(struct world_node *n, const struct memory_item *item)
{
    int i;

    if (item->key.len > WORLD_ITEM_MAX || item->value.len > WORLD_ITEM_MAX)
        return;
    if (n->items == NULL)
        n->items = memory_new(WORLD_REMEMBER_MAX, sizeof(*n->items));
    for (i = 0; i < n->item_count; i++) {
        if (bytes_equal(bytes_of(n->items[i].key, n->items[i].key_len), item->key))
            break;
    }
    if (item->value.len == 0) {
        if (i < n->item_count)
            n->items[i] = n->items[--n->item_count];
        return;
    }
    if (i == WORLD_REMEMBER_MAX)
        return;
    n->item_count += i == n->item_count;
    memcpy(n->items[i].key, item->key.data, item->key.len);
    memcpy(n->items[i].value, item->value.data, item->value.len);
    n->items[i].key_len = (uint8_t)item->key.len;
    n->items[i].value_len = (uint8_t)item->value.len;
}
