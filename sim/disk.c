/* The store and the memory of a node, as slow as a disk and as patient.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/time.h"
#include "share/merkle.h"
#include "sim/part.h"
#include "sim/memory.h"
#include "sim/random.h"

#define DISK_MEAN_NS   (400 * NS_PER_US)
#define IMPORT_MEAN_NS (30 * NS_PER_MS)

static const struct world_disk *disk_of(const struct world_part *p, int node)
{
    static const struct world_disk good;
    const struct world_more *more = p->w->nodes[node].more;

    return more == NULL ? &good : &more->disk;
}

/* How long an order takes that usually takes mean_ns. */
static int64_t delay_ns(const struct world_part *p, int node, int64_t mean_ns)
{
    const struct world_disk *disk = disk_of(p, node);
    uint64_t word = random_word(p->w->p.seed, RANDOM_DISK, (uint64_t)node,
                                p->w->nodes[node].number);

    if (disk->mean_ns > mean_ns)
        mean_ns = disk->mean_ns;
    return 50 * NS_PER_US + random_exponential(word, mean_ns);
}

/* The event that a disk will answer with, its len bytes behind it.  Its pointers into
 * these stay true: packets do not move. */
static struct event *answer_in(struct world_part *p, int node, int64_t wait_ns,
                               size_t len)
{
    struct packet *packet;
    struct event *e;

    packet = part_post_self(p, PACKET_EVENT, node, wait_ns, sizeof(*e) + len);
    e = (struct event *)(void *)packet->data;
    *e = (struct event){ .kind = EVENT_SONG };
    return e;
}

/* The same; NULL when the disk is dead. */
static struct event *answer(struct world_part *p, int node, int64_t mean_ns, size_t len)
{
    if (disk_of(p, node)->is_dead)
        return NULL;
    return answer_in(p, node, delay_ns(p, node, mean_ns), len);
}

static struct store *store_of(struct world_part *p, int node)
{
    return world_store(p->w, node);
}

static void fail(struct world_part *p, int node, const char *what)
{
    if (p->w->hooks.failed != NULL)
        p->w->hooks.failed(p->w->hooks.context, node, what);
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

static void import(struct world_part *p, int node, const struct effect *e)
{
    struct world *w = p->w;
    struct event *answered = answer(p, node, IMPORT_MEAN_NS, 0);
    int song = song_of_path(w, e->u.import.path);
    const struct store_song *truth;
    struct event_song *s;

    if (song >= 0)
        store_hold_all(store_of(p, node), &w->library, song);
    if (answered == NULL)
        return;
    s = &answered->u.song;
    s->what = SONG_IMPORTED;
    s->token = e->u.import.token;
    if (song < 0) {
        s->err = ERR_FILE;
        s->message = bytes_of("no such file", 12);
        return;
    }
    truth = &w->library.songs[song];
    s->song = truth->id;
    s->bytes = truth->bytes;
    s->frames = truth->frames;
    s->rate = truth->rate;
    s->channels = 2;
    s->bits = 16;
    s->title = bytes_of(truth->title, strlen(truth->title));
    s->leaves = bytes_of(truth->leaves, (size_t)truth->blocks * HASH_LEN);
    s->has_all = true;
}

static void open_song(struct world_part *p, int node, const struct effect *e)
{
    const struct store_library *library = &p->w->library;
    int song = store_find(library, &e->u.song.song);
    size_t len = song < 0 ? 0 : ((size_t)library->songs[song].blocks + 7) / 8;
    struct event *answered = answer(p, node, DISK_MEAN_NS, len);
    struct store_holding *holding = NULL;
    struct event_song *s;

    if (song >= 0)
        holding = store_open(store_of(p, node), library, song);
    if (answered == NULL)
        return;
    s = &answered->u.song;
    s->what = SONG_OPENED;
    s->song = e->u.song.song;
    if (holding == NULL) {
        s->err = ERR_NOT_FOUND;
        return;
    }
    s->bytes = library->songs[song].bytes;
    if (holding->has_leaves)
        s->leaves = bytes_of(library->songs[song].leaves,
                             (size_t)library->songs[song].blocks * HASH_LEN);
    s->has_all = holding->held == library->songs[song].blocks;
    if (!s->has_all && holding->held > 0) {
        memcpy(answered + 1, holding->bitmap, len);
        s->bitmap = bytes_of(answered + 1, len);
    }
}

static void store_leaves(struct world_part *p, int node, const struct effect *e)
{
    struct world *w = p->w;
    int song = store_find(&w->library, &e->u.leaves.song);
    struct bytes truth;

    if (song < 0)
        return;
    truth = bytes_of(w->library.songs[song].leaves,
                     (size_t)w->library.songs[song].blocks * HASH_LEN);
    if (bytes_equal(e->u.leaves.hashes, truth))
        store_open(store_of(p, node), &w->library, song)->has_leaves = true;
    else
        fail(p, node, "leaves were stored that are not the song's");
}

static void block_answer(struct event *answered, const struct effect *e,
                         enum block_event what, struct bytes data)
{
    answered->kind = EVENT_BLOCK;
    answered->u.block.what = what;
    answered->u.block.err = what == BLOCK_LOADED && data.len == 0 ? ERR_NOT_FOUND : 0;
    answered->u.block.song = e->u.block.song;
    answered->u.block.index = e->u.block.index;
    if (data.len > 0)
        memcpy(answered + 1, data.data, data.len);
    answered->u.block.data = bytes_of(answered + 1, data.len);
}

static void load_block(struct world_part *p, int node, const struct effect *e)
{
    struct world *w = p->w;
    int song = store_find(&w->library, &e->u.block.song);
    uint64_t word = random_word(w->p.seed, RANDOM_FAULT, (uint64_t)node,
                                w->nodes[node].number);
    struct bytes data = bytes_of(NULL, 0);
    struct event *answered;

    if (song >= 0)
        data = store_get(store_of(p, node), &w->library, song, e->u.block.index);
    if (data.len == 0)
        fail(p, node, "a block is loaded that is not held");
    answered = answer(p, node, DISK_MEAN_NS, data.len);
    if (answered == NULL)
        return;
    block_answer(answered, e, BLOCK_LOADED, data);
    if (data.len > 0 && random_chance(word, disk_of(p, node)->rot_ppm))
        ((uint8_t *)(answered + 1))[word % data.len] ^= 0x10;
}

static void store_block(struct world_part *p, int node, const struct effect *e)
{
    struct world *w = p->w;
    int song = store_find(&w->library, &e->u.block.song);
    struct event *answered = answer(p, node, DISK_MEAN_NS, 0);

    if (answered == NULL)
        return;
    block_answer(answered, e, BLOCK_STORED, bytes_of(NULL, 0));
    if (disk_of(p, node)->is_full) {
        answered->u.block.err = ERR_DISK;
        return;
    }
    if (song < 0 || !store_put(store_of(p, node), &w->library, song, e->u.block.index,
                               e->u.block.data))
        fail(p, node, "a stored block is not the block of its hash");
    p->counts.blocks_stored++;
    p->counts.bytes_stored += (int64_t)e->u.block.data.len;
}

void disk_effect(struct world_part *p, int node, const struct effect *e)
{
    switch ((int)e->kind) {
    case EFFECT_SONG_IMPORT:
        import(p, node, e);
        break;
    case EFFECT_SONG_OPEN:
        open_song(p, node, e);
        break;
    case EFFECT_LEAVES_STORE:
        store_leaves(p, node, e);
        break;
    case EFFECT_BLOCK_LOAD:
        load_block(p, node, e);
        break;
    case EFFECT_BLOCK_STORE:
        store_block(p, node, e);
        break;
    default: /* SONG_DROP: there is room enough */
        break;
    }
}

/* ---- the memory ---- */

static void keep_item(struct world_more *more, const struct world_item *item)
{
    int i;

    for (i = 0; i < more->item_count; i++) {
        if (bytes_equal(bytes_of(more->items[i].key, more->items[i].key_len),
                        bytes_of(item->key, item->key_len)))
            break;
    }
    if (item->value_len == 0) {
        if (i < more->item_count)
            more->items[i] = more->items[--more->item_count];
        return;
    }
    if (i == WORLD_REMEMBER_MAX)
        return;
    if (i == more->item_room) {
        more->item_room = i == 0 ? 8 : 2 * i;
        more->items = memory_grow(more->items, (size_t)more->item_room,
                                  sizeof(*more->items));
    }
    more->item_count += i == more->item_count;
    more->items[i] = *item;
}

void disk_settle(struct world_more *more, int64_t now_ns, bool is_crash)
{
    int done = 0;

    while (done < more->write_count && more->writes[done].at_ns <= now_ns)
        keep_item(more, &more->writes[done++].item);
    more->write_count -= done;
    if (more->write_count > 0)
        memmove(more->writes, more->writes + done,
                (size_t)more->write_count * sizeof(*more->writes));
    if (is_crash)
        more->write_count = 0;
}

/* Writes reach the disk in order.  When this one does; TIME_NEVER: not at all. */
static int64_t write_item(struct world_part *p, int node, const struct memory_item *item,
                          int64_t delay_ns)
{
    struct world_more *more = part_more(&p->w->nodes[node]);
    struct world_write *w;
    int64_t at_ns = p->now_ns + delay_ns;

    if (p->w->p.has_no_memory || item->key.len > WORLD_ITEM_MAX ||
        item->value.len > WORLD_ITEM_MAX || more->disk.is_full || more->disk.is_dead)
        return TIME_NEVER;
    disk_settle(more, p->now_ns, false);
    if (more->write_count > 0 && more->writes[more->write_count - 1].at_ns > at_ns)
        at_ns = more->writes[more->write_count - 1].at_ns;
    if (more->write_count == more->write_room) {
        more->write_room = more->write_room == 0 ? 8 : 2 * more->write_room;
        more->writes = memory_grow(more->writes, (size_t)more->write_room,
                                   sizeof(*more->writes));
    }
    w = &more->writes[more->write_count++];
    w->at_ns = at_ns;
    memcpy(w->item.key, item->key.data, item->key.len);
    memcpy(w->item.value, item->value.data, item->value.len);
    w->item.key_len = (uint8_t)item->key.len;
    w->item.value_len = (uint8_t)item->value.len;
    return at_ns;
}

void disk_remember(struct world_part *p, int node, const struct memory_item *item)
{
    (void)write_item(p, node, item, delay_ns(p, node, DISK_MEAN_NS));
}

/* It is on the disk when the answer comes, or a moment before. */
void disk_promise(struct world_part *p, int node, const struct memory_item *item)
{
    const struct world_more *more = part_more(&p->w->nodes[node]);
    int64_t wait_ns = delay_ns(p, node, DISK_MEAN_NS);
    int64_t at_ns = write_item(p, node, item, wait_ns);
    struct event *e;
    uint8_t *data;

    if (more->disk.is_dead)
        return;
    if (at_ns != TIME_NEVER)
        wait_ns = at_ns - p->now_ns;
    e = answer_in(p, node, wait_ns, item->key.len + item->value.len);
    data = (uint8_t *)(e + 1);
    e->kind = EVENT_PROMISED;
    memcpy(data, item->key.data, item->key.len);
    memcpy(data + item->key.len, item->value.data, item->value.len);
    e->u.promised.err = more->disk.is_full ? ERR_DISK : 0;
    e->u.promised.item.key = bytes_of(data, item->key.len);
    e->u.promised.item.value = bytes_of(data + item->key.len, item->value.len);
}
