/* FLAC files: every kind that is to be played, and every way to be none.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>
#include <sys/stat.h>

#include "audio/flac.h"
#include "tests/audio/sound.h"

static char folder[200];
static char message[400];

static int set_up(void **state)
{
    (void)state;
    sound_make_folder(folder, sizeof(folder));
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    sound_remove_folder(folder);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char paths[4][300];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof(paths[0]), "%s/%s", folder, name);
    return paths[turn];
}

static uint8_t *load(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    data = malloc(*len + 1);
    assert_int_equal(fread(data, 1, *len, f), *len);
    fclose(f);
    return data;
}

static void save(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* Channel c of frame i. */
static float sample(int64_t i, int c)
{
    return (float)(0.4 * sin((double)i * 0.05 * (c + 1)));
}

static void make(const char *path, int rate, int channels, int bits, int64_t frames,
                 const char *title)
{
    struct render_spec spec = { rate, channels, bits, title, "Somebody", "Something" };
    float *s = calloc((size_t)(frames * channels), sizeof(float));

    for (int64_t i = 0; i < frames * channels; i++) {
        s[i] = sample(i / channels, (int)(i % channels));
    }
    assert_int_equal(render_flac(path, &spec, s, frames, message, sizeof(message)), 0);
    free(s);
}

static void test_kinds(void **state)
{
    static const struct {
        int rate;
        int channels;
        int bits;
    } rows[] = {
        { 8000, 1, 8 },   { 22050, 2, 16 },  { 44100, 2, 16 }, { 48000, 2, 24 },
        { 96000, 2, 24 }, { 192000, 2, 24 }, { 48000, 6, 16 }, { 44100, 8, 16 },
        { 48000, 3, 16 }, { 48000, 4, 16 },  { 48000, 5, 16 }, { 48000, 7, 16 }
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        const char *path = in_folder("kind.flac");
        struct flac_info info;
        float *frames;

        make(path, rows[i].rate, rows[i].channels, rows[i].bits, 20000, "T");
        assert_int_equal(flac_probe(path, &info, message, sizeof(message)), 0);
        assert_int_equal(info.rate, rows[i].rate);
        assert_int_equal(info.channels, rows[i].channels);
        assert_int_equal(info.bits, rows[i].bits);
        assert_int_equal(info.frames, 20000);
        assert_int_equal(flac_verify(path, message, sizeof(message)), 0);
        assert_int_equal(
            flac_load(path, 1 << 20, &frames, &info, message, sizeof(message)), 0);
        for (int k = 0; k < 20000; k++) {
            assert_true(fabsf(frames[2 * k]) <= 1 && fabsf(frames[2 * k + 1]) <= 1);
            if (rows[i].channels <= 2) {
                float limit = 1.01f / (float)(1 << (rows[i].bits - 1));

                assert_true(fabsf(frames[2 * k] - sample(k, 0)) <= limit);
                assert_true(fabsf(frames[2 * k + 1] - sample(k, rows[i].channels - 1)) <=
                            limit);
            }
        }
        free(frames);
    }
}

static void test_tags_are_read_and_cut(void **state)
{
    static const char title[] =
        "Träume über Füßen, sehr lang und immer länger, damit nach hundertachtundzwanzig "
        "Bytes mitten in einem Zeichen abgeschnitten würde: ääääääääääääääääääääääää";
    struct flac_info info;

    (void)state;
    make(in_folder("tags.flac"), 44100, 2, 16, 1000, title);
    assert_int_equal(flac_probe(in_folder("tags.flac"), &info, message, sizeof(message)),
                     0);
    assert_string_equal(info.artist, "Somebody");
    assert_string_equal(info.album, "Something");
    assert_true(strlen(info.title) <= FLAC_TAG_MAX &&
                strlen(info.title) >= FLAC_TAG_MAX - 3);
    assert_int_equal(strncmp(info.title, title, strlen(info.title)), 0);
    assert_int_not_equal(title[strlen(info.title)] & 0xc0, 0x80); /* between characters */
}

/* Tags, a picture, padding: other bytes, same canonical bytes, same sound. */
static void test_canonical_bytes_do_not_depend_on_tags(void **state)
{
    size_t len_a;
    size_t len_b;
    uint8_t *a;
    uint8_t *b;
    struct flac_info info;

    (void)state;
    make(in_folder("a.flac"), 44100, 2, 16, 30000, "One");
    make(in_folder("b.flac"), 44100, 2, 16, 30000, "Another and longer");
    assert_int_equal(flac_canonical_copy(in_folder("a.flac"), in_folder("ca.flac"),
                                         message, sizeof(message)),
                     0);
    assert_int_equal(flac_canonical_copy(in_folder("b.flac"), in_folder("cb.flac"),
                                         message, sizeof(message)),
                     0);
    a = load(in_folder("ca.flac"), &len_a);
    b = load(in_folder("cb.flac"), &len_b);
    assert_int_equal(len_a, len_b);
    assert_memory_equal(a, b, len_a);
    assert_memory_equal(a, "fLaC\x80\0\0\x22", 8);
    assert_int_equal(flac_probe(in_folder("ca.flac"), &info, message, sizeof(message)),
                     0);
    assert_int_equal(info.audio_offset, FLAC_CANONICAL_HEAD);
    assert_string_equal(info.title, "");
    assert_int_equal(flac_verify(in_folder("ca.flac"), message, sizeof(message)), 0);
    /* And once more: it is its own canonical form. */
    assert_int_equal(flac_canonical_copy(in_folder("ca.flac"), in_folder("cc.flac"),
                                         message, sizeof(message)),
                     0);
    free(b);
    b = load(in_folder("cc.flac"), &len_b);
    assert_int_equal(len_a, len_b);
    assert_memory_equal(a, b, len_a);
    free(a);
    free(b);
}

static void test_id3_in_front_is_skipped(void **state)
{
    size_t len;
    uint8_t *song;
    uint8_t *both;
    struct flac_info info;

    (void)state;
    make(in_folder("plain.flac"), 44100, 2, 16, 5000, "T");
    song = load(in_folder("plain.flac"), &len);
    both = calloc(1, len + 310);
    memcpy(both, "ID3\4\0\0\0\0\2\54", 10); /* 300 bytes, 7 bits each */
    memcpy(both + 310, song, len);
    save(in_folder("id3.flac"), both, len + 310);
    assert_int_equal(flac_probe(in_folder("id3.flac"), &info, message, sizeof(message)),
                     0);
    assert_int_equal(flac_verify(in_folder("id3.flac"), message, sizeof(message)), 0);
    free(song);
    free(both);
}

static void refuse(const char *path, int err, const char *says)
{
    struct flac_info info;
    float *frames;
    int got;

    message[0] = '\0';
    got = flac_verify(path, message, sizeof(message));
    if (got != err || strstr(message, says) == NULL) {
        print_message("%s: %d, \"%s\"\n", path, got, message);
    }
    assert_int_equal(got, err);
    assert_non_null(strstr(message, says));
    assert_non_null(strstr(message, path));
    assert_null(strchr(message, '\n'));
    assert_true(flac_load(path, 1 << 20, &frames, &info, message, sizeof(message)) < 0);
}

static void test_what_is_none(void **state)
{
    size_t len;
    uint8_t *song;
    struct flac_info info;

    (void)state;
    save(in_folder("text.flac"), "Dear diary, today I was named .flac.\n", 37);
    refuse(in_folder("text.flac"), ERR_FORMAT, "not a FLAC file");
    save(in_folder("short.flac"), "fL", 2);
    refuse(in_folder("short.flac"), ERR_FORMAT, "not a FLAC file");
    save(in_folder("empty.flac"), "", 0);
    refuse(in_folder("empty.flac"), ERR_FILE, "empty");
    refuse(in_folder("missing.flac"), ERR_FILE, "No such file");
    mkdir(in_folder("folder.flac"), 0777);
    refuse(in_folder("folder.flac"), ERR_FILE, "directory");
    refuse("/dev/null", ERR_FILE, "/dev/null");

    make(in_folder("good.flac"), 44100, 2, 16, 100000, "T");
    song = load(in_folder("good.flac"), &len);
    save(in_folder("cut.flac"), song, len * 2 / 3);
    assert_int_equal(flac_probe(in_folder("cut.flac"), &info, message, sizeof(message)),
                     0);
    refuse(in_folder("cut.flac"), ERR_CORRUPT, "damaged at 0:01 of 0:02");
    save(in_folder("head.flac"), song, 30);
    refuse(in_folder("head.flac"), ERR_CORRUPT, "head");
    song[len / 2] ^= 0x10;
    save(in_folder("bit.flac"), song, len);
    {
        int err = flac_verify(in_folder("bit.flac"), message, sizeof(message));

        assert_int_equal(err, ERR_CORRUPT);
    }
    song[len / 2] ^= 0x10;
    song[30] ^= 1; /* the MD5 */
    save(in_folder("md5.flac"), song, len);
    assert_int_equal(flac_verify(in_folder("md5.flac"), message, sizeof(message)),
                     ERR_CORRUPT);
    assert_non_null(strstr(message, "MD5"));
    song[30] ^= 1;
    memset(song + 21, 0, 5); /* bits, and the length: 0 is "unknown" */
    song[20] &= 0xfe;
    song[21] = 0xf0;
    save(in_folder("endless.flac"), song, len);
    refuse(in_folder("endless.flac"), ERR_FORMAT, "how long");
    free(song);
    assert_int_equal(flac_canonical_copy(in_folder("good.flac"), "/no/such/place",
                                         message, sizeof(message)),
                     ERR_FILE);
}

/* A stream whose bytes arrive little by little. */
struct trickle {
    uint8_t *data;
    size_t len;
    size_t at;
    size_t arrived;
};

static int trickle_read(void *ctx, uint8_t *data, size_t *len)
{
    struct trickle *t = ctx;

    if (t->at < t->len && t->at >= t->arrived) {
        *len = 0;
        return ERR_AGAIN;
    }
    if (*len > t->arrived - t->at) {
        *len = t->arrived - t->at;
    }
    memcpy(data, t->data + t->at, *len);
    t->at += *len;
    return ERR_NONE;
}

static int trickle_seek(void *ctx, int64_t offset)
{
    ((struct trickle *)ctx)->at = (size_t)offset;
    return ERR_NONE;
}

static int64_t trickle_tell(void *ctx)
{
    return (int64_t)((struct trickle *)ctx)->at;
}

static int64_t trickle_length(void *ctx)
{
    return (int64_t)((struct trickle *)ctx)->len;
}

static void test_bytes_that_have_not_arrived(void **state)
{
    struct trickle t = { .at = 0 };
    struct byte_stream s = { &t,           trickle_read,   trickle_seek,
                             trickle_tell, trickle_length, NULL };
    struct byte_stream copy = s;
    struct flac_decoder *d;
    float out[2 * 1000];
    int64_t at = 0;
    int waits = 0;

    (void)state;
    make(in_folder("slow.flac"), 44100, 2, 16, 60000, "T");
    t.data = load(in_folder("slow.flac"), &t.len);
    assert_int_equal(flac_decoder_create(&d, &copy), ERR_AGAIN);
    t.arrived = 9000;
    t.at = 0;
    copy = s;
    assert_int_equal(flac_decoder_create(&d, &copy), 0);
    while (at < 60000) {
        int n = flac_decoder_read(d, out, 1000);

        if (n == ERR_AGAIN) {
            waits++;
            t.arrived += t.arrived + 1777 < t.len ? 1777 : t.len - t.arrived;
            continue;
        }
        assert_true(n > 0);
        for (int i = 0; i < n; i++) {
            assert_true(fabsf(out[2 * i] - sample(at + i, 0)) < 1e-4f);
        }
        at += n;
    }
    assert_int_equal(flac_decoder_read(d, out, 1000), 0);
    assert_true(waits > 5);
    flac_decoder_destroy(d);
    free(t.data);
}

static void test_seek_is_exact(void **state)
{
    static const int64_t places[] = { 0, 1, 4095, 4096, 50000, 99999, 100000, 12345 };
    struct byte_stream s;
    struct flac_decoder *d;
    float out[2 * 64];

    (void)state;
    make(in_folder("seek.flac"), 48000, 2, 16, 100000, "T");
    assert_int_equal(
        byte_stream_open_file(&s, in_folder("seek.flac"), message, sizeof(message)), 0);
    assert_int_equal(flac_decoder_create(&d, &s), 0);
    for (int i = 0; i < COUNT(places); i++) {
        int n;

        assert_int_equal(flac_decoder_seek(d, places[i]), 0);
        assert_int_equal(flac_decoder_tell(d), places[i]);
        n = flac_decoder_read(d, out, 64);
        assert_true(places[i] == 100000 ? n == 0 : n > 0);
        for (int k = 0; k < n; k++) {
            assert_true(fabsf(out[2 * k] - sample(places[i] + k, 0)) < 1e-4f);
        }
    }
    assert_int_equal(flac_decoder_seek(d, 100001), ERR_USAGE);
    assert_int_equal(flac_decoder_seek(d, -1), ERR_USAGE);
    flac_decoder_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_tags_are_read_and_cut),
        cmocka_unit_test(test_canonical_bytes_do_not_depend_on_tags),
        cmocka_unit_test(test_id3_in_front_is_skipped),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_bytes_that_have_not_arrived),
        cmocka_unit_test(test_seek_is_exact),
    };

    return cmocka_run_group_tests(tests, set_up, clean_up);
}
