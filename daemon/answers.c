/* SPDX-License-Identifier: MIT */
#include "daemon/answers.h"

#include <string.h>

#include "wire/cbor.h"

#define BODY_MAX 1024
#define VERB_MAX 16

static void fail(struct server *server, uint64_t id, int err, const char *error,
                 const char *next)
{
    struct cbor_writer w;
    uint8_t body[BODY_MAX];

    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 2);
    cbor_write_text(&w, "next");
    cbor_write_text(&w, next);
    cbor_write_text(&w, "error");
    cbor_write_text(&w, error);
    server_reply(server, id, err, cbor_written(&w));
}

/* The one argument: null, to ask, or a number.  False: it is neither, or out of range. */
static bool read_value(struct cbor_reader *r, int64_t least, int64_t most, bool *has,
                       int64_t *value)
{
    *has = cbor_peek(r) != CBOR_KIND_NULL;
    *value = 0;
    if (*has)
        *value = cbor_read_int(r);
    else
        cbor_read_null(r);
    return cbor_is_done(r) && *value >= least && *value <= most;
}

static void tell(struct server *server, struct sound *sound, uint64_t id)
{
    struct sound_output o;
    struct cbor_writer w;
    uint8_t body[BODY_MAX];

    sound_output(sound, &o);
    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 4);
    cbor_write_text(&w, "rate");
    cbor_write_int(&w, o.rate);
    cbor_write_text(&w, "device");
    cbor_write_text(&w, o.device);
    cbor_write_text(&w, "volume");
    cbor_write_int(&w, o.volume);
    cbor_write_text(&w, "latency_us");
    cbor_write_int(&w, o.latency_us);
    server_reply(server, id, 0, cbor_written(&w));
}

static void finish(struct server *server, struct sound *sound, uint64_t id, int err)
{
    if (err == 0)
        tell(server, sound, id);
    else if (err == ERR_FILE)
        fail(server, id, err, "it is so now, but cannot be kept for the next start",
             "make the data directory writable");
    else
        fail(server, id, err, "the name of this sound output is too long to be kept",
             "give the card a shorter name");
}

static void answer_volume(struct server *server, struct sound *sound, uint64_t id,
                          struct cbor_reader *r)
{
    int64_t percent;
    bool has;

    if (!read_value(r, 0, 100, &has, &percent))
        fail(server, id, ERR_USAGE, "volume: it is a number from 0 to 100",
             "for example party volume 70");
    else
        finish(server, sound, id, has ? sound_set_volume(sound, (int)percent) : 0);
}

static void answer_latency(struct server *server, struct sound *sound, uint64_t id,
                           struct cbor_reader *r)
{
    int64_t us;
    bool has;

    if (!read_value(r, -OUTPUTS_LATENCY_US_MAX, OUTPUTS_LATENCY_US_MAX, &has, &us))
        fail(server, id, ERR_USAGE, "latency: it is a time within 2 s",
             "for example party latency 12.5ms");
    else
        finish(server, sound, id, has ? sound_set_latency(sound, us) : 0);
}

bool answers_give(struct server *server, struct sound *sound, uint64_t id,
                  struct bytes request)
{
    struct cbor_reader r;
    struct bytes verb;
    bool is_volume;
    int count;

    cbor_reader_init(&r, request);
    count = cbor_read_array(&r, 16);
    verb = cbor_read_text(&r, VERB_MAX);
    is_volume = bytes_equal(verb, bytes_of("volume", 6));
    if (!is_volume && !bytes_equal(verb, bytes_of("latency", 7)))
        return false;
    if (count != 2)
        fail(server, id, ERR_USAGE, "a wrong number of arguments", "see docs/control.md");
    else if (is_volume)
        answer_volume(server, sound, id, &r);
    else
        answer_latency(server, sound, id, &r);
    return true;
}
