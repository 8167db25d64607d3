/* Songs and memory on worker threads: a user's file in one store, block by block into
 * another, and out of it again.  SPDX-License-Identifier: MIT */
#include "tests/daemon/temp.h"

#include "audio/render.h"
#include "daemon/disk.h"
#include "share/merkle.h"

#define FRAMES 30000
#define PATHS  300

/* One node's disk, and the newest event of each kind, its views copied. */
struct end {
    struct disk *disk;
    struct event_song song;
    uint8_t *leaves, *bitmap;
    char message[400];
    char title[64];
    int songs, blocks;
    struct event_block block;
    uint8_t data[BLOCK_SIZE];
};

struct world {
    uv_loop_t loop;
    struct temp *temp;
    struct end a, b;
};

static uint8_t *copy(struct bytes *b)
{
    uint8_t *p = malloc(b->len + 1);

    if (b->len > 0)
        memcpy(p, b->data, b->len);
    b->data = p;
    return p;
}

static void post(void *ctx, struct event *e)
{
    struct end *end = ctx;

    if (e->kind == EVENT_SONG) {
        free(end->leaves);
        free(end->bitmap);
        end->song = e->u.song;
        end->leaves = copy(&end->song.leaves);
        end->bitmap = copy(&end->song.bitmap);
        text_copy(end->message, sizeof(end->message),
                  (const char *)e->u.song.message.data, e->u.song.message.len);
        if (e->u.song.title.len > 0)
            text_copy(end->title, sizeof(end->title), (const char *)e->u.song.title.data,
                      e->u.song.title.len);
        end->songs++;
    } else {
        assert_int_equal(e->kind, EVENT_BLOCK);
        end->block = e->u.block;
        if (e->u.block.data.len > 0)
            memcpy(end->data, e->u.block.data.data, e->u.block.data.len);
        end->blocks++;
    }
}

static void open_end(struct world *w, struct end *end, const char *name)
{
    const struct event_sink sink = { post, end };
    char dir[PATHS];
    char message[300];

    snprintf(dir, sizeof(dir), "%s/%s", w->temp->dir, name);
    mkdir(dir, 0700);
    if (disk_open(&end->disk, &w->loop, dir, &sink, message, sizeof(message)) != 0)
        fail_msg("%s", message);
}

static void close_end(struct world *w, struct end *end)
{
    disk_stop(end->disk);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    disk_close(end->disk);
    free(end->leaves);
    free(end->bitmap);
    memset(end, 0, sizeof(*end));
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    void *temp;

    temp_setup(&temp);
    w->temp = temp;
    uv_loop_init(&w->loop);
    open_end(w, &w->a, "a");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    void *temp = w->temp;

    if (w->a.disk != NULL)
        close_end(w, &w->a);
    if (w->b.disk != NULL)
        close_end(w, &w->b);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    free(w);
    return temp_teardown(&temp);
}

/* Noise, so that the file has some blocks. */
static const char *make_song(struct world *w, const char *title)
{
    static char path[PATHS];
    const struct render_spec spec = { 44100, 2, 16, title, "a", "b" };
    float *samples = malloc(sizeof(*samples) * 2 * FRAMES);
    uint32_t x = 1;
    char message[200];

    for (int i = 0; i < 2 * FRAMES; i++) {
        x = x * 1664525 + 1013904223;
        samples[i] = (float)(int32_t)x / 4294967296.0f;
    }
    snprintf(path, sizeof(path), "%s/%s.flac", w->temp->dir, title);
    assert_int_equal(render_flac(path, &spec, samples, FRAMES, message, sizeof(message)),
                     0);
    free(samples);
    return path;
}

static void import(struct world *w, const char *path)
{
    disk_import(w->a.disk, 77, bytes_of(path, strlen(path)));
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->a.song.what, SONG_IMPORTED);
    assert_int_equal(w->a.song.token, 77);
}

static void test_import(void **state)
{
    struct world *w = *state;
    struct event_song first;
    struct song_id id;

    import(w, make_song(w, "one"));
    assert_int_equal(w->a.song.err, 0);
    assert_string_equal(w->a.title, "one");
    assert_int_equal(w->a.song.frames, FRAMES);
    assert_int_equal(w->a.song.rate, 44100);
    assert_int_equal(w->a.song.channels, 2);
    assert_int_equal(w->a.song.bits, 16);
    assert_true(w->a.song.bytes > 3 * BLOCK_SIZE);
    assert_true(w->a.song.has_all);
    assert_true(merkle_check_leaves(w->a.song.leaves, w->a.song.bytes, &w->a.song.song));
    first = w->a.song;
    id = first.song;
    /* The same sound under another name and title is the same song. */
    import(w, make_song(w, "two"));
    assert_int_equal(w->a.song.err, 0);
    assert_string_equal(w->a.title, "two");
    assert_memory_equal(&w->a.song.song, &id, sizeof(id));
}

static void test_refused(void **state)
{
    static const struct {
        const char *fact, *name;
        size_t len;
        int err;
    } rows[] = { { "a text", "text.flac", 12, ERR_FORMAT },
                 { "an empty file", "empty.flac", 0, ERR_FILE },
                 { "no file", "none.flac", 1, ERR_FILE },
                 { "half a file", "half.flac", 0, ERR_CORRUPT } };
    struct world *w = *state;
    char whole[PATHS];
    char path[PATHS];

    snprintf(whole, sizeof(whole), "%s", make_song(w, "whole"));
    for (int i = 0; i < COUNT(rows); i++) {
        print_message("%s\n", rows[i].fact);
        snprintf(path, sizeof(path), "%s", temp_path(w->temp, rows[i].name));
        if (i < 2)
            temp_write(path, "Hello, world", rows[i].len);
        if (i == 3) {
            assert_int_equal(rename(whole, path), 0);
            assert_int_equal(truncate(path, 40000), 0);
        }
        import(w, path);
        assert_int_equal(w->a.song.err, rows[i].err);
        assert_non_null(strstr(w->a.message, rows[i].name));
        assert_null(strchr(w->a.message, '\n'));
    }
}

/* What a party does: leaves and blocks go from one store to the other, in any order. */
static void copy_song(struct world *w, const struct event_song *song)
{
    int count = merkle_blocks(song->bytes);

    disk_song_open(w->b.disk, &song->song, song->bytes);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->b.song.what, SONG_OPENED);
    assert_int_equal(w->b.song.err, 0);
    assert_false(w->b.song.has_all);
    disk_leaves_store(w->b.disk, &song->song, song->leaves);
    for (int i = count - 1; i >= 0; i--) {
        disk_block_load(w->a.disk, &song->song, (uint32_t)i);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        assert_int_equal(w->a.block.err, 0);
        assert_int_equal(w->a.block.what, BLOCK_LOADED);
        assert_int_equal(w->a.block.index, i);
        assert_true(merkle_check_block(song->leaves.data + i * HASH_LEN, w->a.data,
                                       w->a.block.data.len));
        disk_block_store(w->b.disk, &song->song, (uint32_t)i,
                         bytes_of(w->a.data, w->a.block.data.len));
    }
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->b.blocks, count);
    assert_int_equal(w->b.block.err, 0);
    assert_int_equal(w->b.block.what, BLOCK_STORED);
}

static void test_from_store_to_store(void **state)
{
    struct world *w = *state;
    struct event_song song;
    struct byte_stream stream;
    uint8_t head[4];
    size_t len = sizeof(head);
    uint8_t *leaves;

    open_end(w, &w->b, "b");
    import(w, make_song(w, "one"));
    song = w->a.song;
    leaves = w->a.leaves;
    w->a.leaves = NULL; /* kept for the test */
    disk_song_open(w->a.disk, &song.song, song.bytes);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_true(w->a.song.has_all);
    assert_int_equal(disk_open_stream(w->b.disk, &song.song, &stream), ERR_NOT_FOUND);
    copy_song(w, &song);
    assert_int_equal(disk_open_stream(w->b.disk, &song.song, &stream), 0);
    assert_int_equal(stream.read(stream.ctx, head, &len), 0);
    assert_memory_equal(head, "fLaC", 4);
    byte_stream_close(&stream);
    disk_block_load(w->b.disk, &song.song, 999);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_not_equal(w->b.block.err, 0);
    disk_song_drop(w->b.disk, &song.song);
    /* After a restart all is there. */
    close_end(w, &w->b);
    open_end(w, &w->b, "b");
    disk_song_open(w->b.disk, &song.song, song.bytes);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_true(w->b.song.has_all);
    assert_true(bytes_equal(w->b.song.leaves, song.leaves));
    free(leaves);
}

static struct memory_item item(const char *key, const char *value)
{
    return (struct memory_item){ bytes_of(key, strlen(key)),
                                 bytes_of(value, strlen(value)) };
}

static void test_memory(void **state)
{
    struct world *w = *state;
    struct memory_item items[] = { item("a", "1"), item("b", "2"), item("a", "3"),
                                   item("b", ""),  item("c", "4"), item("none", "") };
    const struct memory_item *got;
    int count;

    got = disk_items(w->a.disk, &count);
    assert_int_equal(count, 0);
    for (int i = 0; i < COUNT(items); i++)
        disk_remember(w->a.disk, &items[i]);
    /* Without a turn of the loop: what was asked for is done before the end. */
    close_end(w, &w->a);
    open_end(w, &w->a, "a");
    got = disk_items(w->a.disk, &count);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(got[0].key, bytes_of("a", 1)));
    assert_true(bytes_equal(got[0].value, bytes_of("3", 1)));
    assert_true(bytes_equal(got[1].key, bytes_of("c", 1)));
}

/* A damaged database costs the memory, not the start. */
static void test_damaged_memory(void **state)
{
    struct world *w = *state;
    const struct event_sink sink = { post, &w->a };
    struct memory_item one = item("a", "1");
    char dir[PATHS];
    char message[300] = "";
    int count;

    disk_remember(w->a.disk, &one);
    close_end(w, &w->a);
    temp_write(temp_path(w->temp, "a/memory.db"), "this is no database, but long enough",
               36);
    snprintf(dir, sizeof(dir), "%s/a", w->temp->dir);
    assert_int_equal(
        disk_open(&w->a.disk, &w->loop, dir, &sink, message, sizeof(message)), 0);
    assert_true(message[0] != '\0');
    (void)disk_items(w->a.disk, &count);
    assert_int_equal(count, 0);
}

static void test_no_place(void **state)
{
    struct world *w = *state;
    const struct event_sink sink = { post, &w->b };
    struct disk *disk;
    char message[300] = "";

    assert_int_equal(
        disk_open(&disk, &w->loop, "/proc/none", &sink, message, sizeof(message)),
        ERR_FILE);
    assert_non_null(strstr(message, "--data-dir"));
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_import),
        IN_WORLD(test_refused),
        IN_WORLD(test_from_store_to_store),
        IN_WORLD(test_memory),
        IN_WORLD(test_damaged_memory),
        IN_WORLD(test_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
