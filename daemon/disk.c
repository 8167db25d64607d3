/* SPDX-License-Identifier: MIT */
#include "daemon/disk.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <time.h>

#include "daemon/import.h"
#include "daemon/lane.h"
#include "daemon/xalloc.h"
#include "library/memory.h"
#include "library/store.h"
#include "share/merkle.h"

#define IMPORT_LANES 2
#define STORE_BATCH  32
#define MEMORY_BATCH 64
#define EVICT_MAX    256

struct disk {
    struct event_sink sink;
    struct store *store;
    struct memory *memory;
    struct memory_item *items;
    int item_count;
    struct lane imports[IMPORT_LANES];
    struct lane songs;    /* the store's */
    struct lane memories; /* the database's */
    atomic_bool is_stopping;
};

/* ---- jobs ---- */

struct import_job {
    struct job job;
    struct disk *disk;
    uint64_t token;
    int err;
    struct import import;
    char path[];
};

struct song_job {
    struct job job;
    struct disk *disk;
    struct song_id song;
    uint64_t bytes;
    uint32_t index;
    int err;
    struct store_holding holding;
    size_t len;
    uint8_t data[]; /* of a block or of leaves */
};

struct remember_job {
    struct job job;
    struct disk *disk;
    int err;
    size_t key_len;
    size_t value_len;
    uint8_t data[]; /* the key, the value */
};

struct note_job { /* of a song, into the database */
    struct job job;
    struct disk *disk;
    bool is_found;
    struct song_row row;
    char texts[3][MEMORY_TEXT_MAX + 1]; /* title, artist, album */
    char path[MEMORY_PATH_MAX + 1];
};

static void free_job(struct job *job)
{
    free(job);
}

/* ---- songs in the database ---- */

static struct bytes keep(char *to, size_t size, struct bytes text)
{
    if (text.len > 0)
        text_copy(to, size, (const char *)text.data, text.len);
    return bytes_of(to, strlen(to));
}

static bool find_row(void *context, const struct song_row *row)
{
    struct note_job *j = context;
    struct song_row *mine = &j->row;
    enum song_state state = mine->state;
    int64_t used_s = mine->last_used_s;
    uint64_t held = mine->bytes_held;

    if (!song_id_equal(&row->id, &mine->id))
        return true;
    *mine = *row;
    mine->state = state;
    mine->last_used_s = used_s;
    mine->bytes_held = held;
    mine->title = keep(j->texts[0], sizeof(j->texts[0]), row->title);
    mine->artist = keep(j->texts[1], sizeof(j->texts[1]), row->artist);
    mine->album = keep(j->texts[2], sizeof(j->texts[2]), row->album);
    mine->source_path = keep(j->path, sizeof(j->path), row->source_path);
    return false;
}

/* The list of songs is a convenience: an error here costs nobody anything. */
static void run_note(struct job *job)
{
    struct note_job *j = (struct note_job *)job;

    if (j->row.title.len == 0)
        (void)!songs_list(j->disk->memory, find_row, j);
    (void)!songs_put(j->disk->memory, &j->row);
}

static struct note_job *note_new(struct disk *d, const struct song_id *song,
                                 uint64_t bytes, enum song_state state, uint64_t held)
{
    struct note_job *j = xalloc(sizeof(*j));

    j->job.run = run_note;
    j->job.done = free_job;
    j->disk = d;
    j->row.id = *song;
    j->row.bytes = bytes;
    j->row.state = state;
    j->row.bytes_held = held;
    j->row.last_used_s = time(NULL);
    return j;
}

static void note_import(struct disk *d, const struct import_job *i)
{
    const struct flac_info *f = &i->import.info;
    struct note_job *j = note_new(d, &i->import.song, i->import.bytes, SONG_STATE_WHOLE,
                                  i->import.bytes);

    j->row.frames = (uint64_t)f->frames;
    j->row.rate = (uint32_t)f->rate;
    j->row.channels = (uint8_t)f->channels;
    j->row.bits = (uint8_t)f->bits;
    j->row.title = keep(j->texts[0], sizeof(j->texts[0]),
                        bytes_of(f->title, strlen(f->title)));
    j->row.artist = keep(j->texts[1], sizeof(j->texts[1]),
                         bytes_of(f->artist, strlen(f->artist)));
    j->row.album = keep(j->texts[2], sizeof(j->texts[2]),
                        bytes_of(f->album, strlen(f->album)));
    if (strlen(i->path) <= MEMORY_PATH_MAX && text_is_utf8(i->path, strlen(i->path)))
        j->row.source_path = keep(j->path, sizeof(j->path),
                                  bytes_of(i->path, strlen(i->path)));
    lane_submit(&d->memories, &j->job);
}

/* ---- imports ---- */

static void run_import(struct job *job)
{
    struct import_job *j = (struct import_job *)job;

    if (atomic_load(&j->disk->is_stopping)) {
        j->err = ERR_CLOSED;
        return;
    }
    j->err = import_file(j->disk->store, j->path, &j->import);
}

static struct bytes text_of(const char *s)
{
    return bytes_of(s, strlen(s));
}

static void import_done(struct job *job)
{
    struct import_job *j = (struct import_job *)job;
    struct event e = { .kind = EVENT_SONG };
    const struct flac_info *f = &j->import.info;

    e.u.song.what = SONG_IMPORTED;
    e.u.song.err = j->err;
    e.u.song.token = j->token;
    e.u.song.message = text_of(j->import.message);
    if (j->err == 0) {
        e.u.song.song = j->import.song;
        e.u.song.bytes = j->import.bytes;
        e.u.song.frames = (uint64_t)f->frames;
        e.u.song.rate = (uint32_t)f->rate;
        e.u.song.channels = (uint8_t)f->channels;
        e.u.song.bits = (uint8_t)f->bits;
        e.u.song.title = text_of(f->title);
        e.u.song.artist = text_of(f->artist);
        e.u.song.album = text_of(f->album);
        e.u.song.leaves = bytes_of(j->import.leaves, j->import.leaves_len);
        e.u.song.has_all = true;
        note_import(j->disk, j);
    }
    event_sink_post(&j->disk->sink, &e);
    free(j->import.leaves);
    free(j);
}

void disk_import(struct disk *d, uint64_t token, struct bytes path)
{
    struct import_job *j = xalloc(sizeof(*j) + path.len + 1);
    struct lane *l = &d->imports[0];

    for (int i = 1; i < IMPORT_LANES; i++) {
        if (lane_count(&d->imports[i]) < lane_count(l))
            l = &d->imports[i];
    }
    j->job.run = run_import;
    j->job.done = import_done;
    j->disk = d;
    j->token = token;
    memcpy(j->path, path.data, path.len);
    lane_submit(l, &j->job);
}

/* ---- the store ---- */

static struct song_job *song_job(struct disk *d, const struct song_id *song, size_t room)
{
    struct song_job *j = xalloc(sizeof(*j) + room);

    j->disk = d;
    j->song = *song;
    j->len = room;
    return j;
}

static void submit(struct song_job *j, void (*run)(struct job *),
                   void (*done)(struct job *))
{
    j->job.run = run;
    j->job.done = done;
    lane_submit(&j->disk->songs, &j->job);
}

static void run_open(struct job *job)
{
    struct song_job *j = (struct song_job *)job;

    j->err = store_song_open(j->disk->store, &j->song, j->bytes, &j->holding);
}

static void open_done(struct job *job)
{
    struct song_job *j = (struct song_job *)job;
    struct event e = { .kind = EVENT_SONG };
    struct disk *d = j->disk;

    e.u.song.what = SONG_OPENED;
    e.u.song.err = j->err;
    e.u.song.song = j->song;
    e.u.song.bytes = j->bytes;
    e.u.song.message = text_of(j->err != 0 ? err_text(j->err) : "");
    if (j->err == 0) {
        uint64_t held = (uint64_t)j->holding.held * STORE_BLOCK_SIZE;

        e.u.song.leaves = bytes_of(j->holding.leaves, j->holding.leaves_len);
        e.u.song.bitmap = bytes_of(j->holding.bitmap, j->holding.bitmap_len);
        e.u.song.has_all = j->holding.has_all;
        lane_submit(&d->memories,
                    &note_new(d, &j->song, j->bytes,
                              j->holding.has_all ? SONG_STATE_WHOLE : SONG_STATE_PARTIAL,
                              held < j->bytes ? held : j->bytes)
                         ->job);
    }
    event_sink_post(&d->sink, &e);
    if (j->err == 0)
        store_holding_finish(&j->holding);
    free(j);
}

void disk_song_open(struct disk *d, const struct song_id *song, uint64_t bytes)
{
    struct song_job *j = song_job(d, song, 0);

    j->bytes = bytes;
    submit(j, run_open, open_done);
}

static void run_leaves(struct job *job)
{
    struct song_job *j = (struct song_job *)job;

    /* Without them the song is fetched anew after a restart: a loss of time only. */
    j->err = store_leaves_write(j->disk->store, &j->song, bytes_of(j->data, j->len));
}

void disk_leaves_store(struct disk *d, const struct song_id *song, struct bytes hashes)
{
    struct song_job *j = song_job(d, song, hashes.len);

    memcpy(j->data, hashes.data, hashes.len);
    submit(j, run_leaves, free_job);
}

static void block_done(struct song_job *j, enum block_event what)
{
    struct event e = { .kind = EVENT_BLOCK };

    e.u.block.what = what;
    e.u.block.err = j->err;
    e.u.block.song = j->song;
    e.u.block.index = j->index;
    if (what == BLOCK_LOADED && j->err == 0)
        e.u.block.data = bytes_of(j->data, j->len);
    event_sink_post(&j->disk->sink, &e);
    free(j);
}

static void run_load(struct job *job)
{
    struct song_job *j = (struct song_job *)job;

    j->err = store_block_read(j->disk->store, &j->song, j->index, j->data, &j->len);
}

static void load_done(struct job *job)
{
    block_done((struct song_job *)job, BLOCK_LOADED);
}

void disk_block_load(struct disk *d, const struct song_id *song, uint32_t index)
{
    struct song_job *j = song_job(d, song, STORE_BLOCK_SIZE);

    j->index = index;
    submit(j, run_load, load_done);
}

static void run_store(struct job *job)
{
    struct song_job *j = (struct song_job *)job;

    j->err = store_block_write(j->disk->store, &j->song, j->index,
                               bytes_of(j->data, j->len));
}

static void store_done(struct job *job)
{
    block_done((struct song_job *)job, BLOCK_STORED);
}

void disk_block_store(struct disk *d, const struct song_id *song, uint32_t index,
                      struct bytes data)
{
    struct song_job *j = song_job(d, song, data.len);

    j->index = index;
    memcpy(j->data, data.data, data.len);
    submit(j, run_store, store_done);
}

static void run_drop(struct job *job)
{
    struct song_job *j = (struct song_job *)job;

    j->err = store_song_close(j->disk->store, &j->song);
}

void disk_song_drop(struct disk *d, const struct song_id *song)
{
    submit(song_job(d, song, 0), run_drop, free_job);
}

int disk_open_stream(void *ctx, const struct song_id *song, struct byte_stream *stream)
{
    struct disk *d = ctx;
    char path[STORE_PATH_MAX];
    char message[160];
    int err = store_path(d->store, song, path, sizeof(path));

    return err != 0 ? err : byte_stream_open_file(stream, path, message, sizeof(message));
}

/* ---- memory ---- */

static void run_remember(struct job *job)
{
    struct remember_job *j = (struct remember_job *)job;

    /* An empty value forgets.  A node that cannot remember is a new one at its next
     * start; it goes on. */
    j->err = memory_put(j->disk->memory, bytes_of(j->data, j->key_len),
                        bytes_of(j->data + j->key_len, j->value_len));
}

static void promise_done(struct job *job)
{
    struct remember_job *j = (struct remember_job *)job;
    struct event e = { .kind = EVENT_PROMISED };

    e.u.promised.item.key = bytes_of(j->data, j->key_len);
    e.u.promised.item.value = bytes_of(j->data + j->key_len, j->value_len);
    e.u.promised.err = j->err;
    event_sink_post(&j->disk->sink, &e);
    free(j);
}

static void put_item(struct disk *d, const struct memory_item *item,
                     void (*done)(struct job *job))
{
    struct remember_job *j = xalloc(sizeof(*j) + item->key.len + item->value.len);

    j->job.run = run_remember;
    j->job.done = done;
    j->disk = d;
    j->key_len = item->key.len;
    j->value_len = item->value.len;
    memcpy(j->data, item->key.data, item->key.len);
    if (item->value.len > 0)
        memcpy(j->data + item->key.len, item->value.data, item->value.len);
    lane_submit(&d->memories, &j->job);
}

void disk_remember(struct disk *d, const struct memory_item *item)
{
    put_item(d, item, free_job);
}

void disk_promise(struct disk *d, const struct memory_item *item)
{
    put_item(d, item, promise_done);
}

static struct bytes copy_of(struct bytes b)
{
    uint8_t *p = xalloc(b.len);

    memcpy(p, b.data, b.len);
    return bytes_of(p, b.len);
}

static bool take_item(void *context, struct bytes key, struct bytes value)
{
    struct disk *d = context;

    if (d->item_count == MEMORY_ITEMS_MAX)
        return false;
    d->items[d->item_count].key = copy_of(key);
    d->items[d->item_count++].value = copy_of(value);
    return true;
}

const struct memory_item *disk_items(const struct disk *d, int *count)
{
    *count = d->item_count;
    return d->items;
}

struct eviction {
    uint64_t bytes; /* of those that stay */
    int count;
    struct song_id songs[EVICT_MAX];
};

static bool take_surplus(void *context, const struct song_row *row)
{
    struct eviction *e = context;

    if (e->bytes + row->bytes <= DISK_STORE_BYTES_MAX)
        e->bytes += row->bytes;
    else if (e->count < EVICT_MAX)
        e->songs[e->count++] = row->id;
    return true;
}

/* Before the loop runs: nothing else uses store or memory yet. */
static void evict(struct disk *d)
{
    struct eviction *e = xalloc(sizeof(*e));

    if (songs_list(d->memory, take_surplus, e) != 0)
        e->count = 0;
    for (int i = 0; i < e->count; i++) {
        if (store_song_remove(d->store, &e->songs[i]) == 0)
            (void)!songs_delete(d->memory, &e->songs[i]);
    }
    free(e);
}

/* ---- open and close ---- */

int disk_open(struct disk **disk, uv_loop_t *loop, const char *dir,
              const struct event_sink *sink, char *message, size_t size)
{
    struct disk *d = xalloc(sizeof(*d));
    char path[PATH_MAX];
    char why[MEMORY_MESSAGE_MAX] = "";
    int err = store_open(dir, merkle_check_block, &d->store);

    message[0] = '\0';
    d->sink = *sink;
    if (err != 0) {
        snprintf(message, size,
                 "data directory %s: %s; make room, or choose another with "
                 "--data-dir DIR",
                 dir, strerror(errno));
        disk_close(d);
        return err;
    }
    snprintf(path, sizeof(path), "%s/memory.db", dir);
    err = memory_open(path, why, sizeof(why), &d->memory);
    snprintf(message, size, "%s", why);
    if (err != 0) {
        disk_close(d);
        return err;
    }
    evict(d);
    d->items = xalloc(MEMORY_ITEMS_MAX * sizeof(d->items[0]));
    (void)!memory_each(d->memory, take_item, d);
    for (int i = 0; i < IMPORT_LANES; i++)
        lane_init(&d->imports[i], loop, 1);
    lane_init(&d->songs, loop, STORE_BATCH);
    lane_init(&d->memories, loop, MEMORY_BATCH);
    *disk = d;
    return 0;
}

void disk_stop(struct disk *d)
{
    atomic_store(&d->is_stopping, true);
}

void disk_close(struct disk *d)
{
    if (d == NULL)
        return;
    assert(lane_count(&d->songs) == 0 && lane_count(&d->memories) == 0);
    for (int i = 0; i < d->item_count; i++) {
        free((void *)(uintptr_t)d->items[i].key.data);
        free((void *)(uintptr_t)d->items[i].value.data);
    }
    free(d->items);
    memory_close(d->memory);
    store_close(d->store);
    free(d);
}
