/* SPDX-License-Identifier: MIT */
#include "demo/script.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "demo/screen.h"
#include "wire/map.h"

#define CALL_MS      30000
#define WAIT_NS      (90 * NS_PER_S)
#define TICK_NS      (250 * NS_PER_MS)
#define PAUSE_NS     (2 * NS_PER_S)
#define COME_BACK_NS (2500 * NS_PER_MS) /* from accepting to sound, at most */

static bool is_phase(const struct cast *c, int i, const char *phase)
{
    struct bytes party;
    struct bytes got;

    if (!map_find(c->actors[i].state, "party", &party))
        return false;
    got = map_get_text(party, "phase", "");
    return bytes_equal(got, bytes_of(phase, strlen(phase)));
}

static int list_count(struct bytes map, const char *key)
{
    struct list l;

    list_init_at(&l, map, key);
    return l.left;
}

/* Ask everybody, and show it. */
static int look(struct script *s, struct cast *c)
{
    for (int i = 0; i < c->count; i++) {
        int err = cast_state(c, i);

        if (err != 0)
            return err;
    }
    if (s->is_live)
        screen_draw(c);
    if (!cast_is_interrupted())
        return 0;
    snprintf(c->error, sizeof(c->error), "interrupted");
    return ERR_STATE;
}

static void say(const struct script *s, const char *what)
{
    if (s->is_quiet)
        return;
    screen_clear();
    fprintf(stderr, "%s\n", what);
}

/* Look until a condition holds for a node, or, with i < 0, for all. */
static int wait_for(struct script *s, struct cast *c, const char *what, int i,
                    bool (*is_true)(const struct cast *c, int i))
{
    int64_t limit_ns = cast_now() + WAIT_NS;

    for (;;) {
        int err = look(s, c);
        int done = 0;

        if (err != 0)
            return err;
        for (int k = 0; k < c->count; k++)
            done += (i < 0 || k == i) && is_true(c, k);
        if (done >= (i < 0 ? c->count : 1))
            return 0;
        if (cast_now() > limit_ns)
            break;
        cast_sleep(TICK_NS / 2);
    }
    snprintf(c->error, sizeof(c->error), "waited %d s in vain: %s",
             (int)(WAIT_NS / NS_PER_S), what);
    return ERR_TIMEOUT;
}

static bool has_neighbour(const struct cast *c, int i)
{
    struct bytes node;

    return c->count == 1 || (map_find(c->actors[i].state, "node", &node) &&
                             map_get_int(node, "peers", 0) > 0);
}

static bool has_invite(const struct cast *c, int i)
{
    return i == 0 || map_get_int(c->actors[i].state, "invites", 0) > 0;
}

static bool is_playing(const struct cast *c, int i)
{
    return is_phase(c, i, "playing");
}

static bool is_sounding(const struct cast *c, int i)
{
    struct bytes audio;

    return map_find(c->actors[i].state, "audio", &audio) &&
           map_get_bool(audio, "playing", false);
}

static int call_party(struct script *s, struct cast *c)
{
    struct cbor_writer *w = control_request(c->actors[0].control);
    struct bytes body;

    cbor_write_array(w, 7);
    cbor_write_text(w, "host");
    cbor_write_text(w, "the demo party");
    cbor_write_array(w, s->song_count);
    for (int i = 0; i < s->song_count; i++)
        cbor_write_text(w, s->songs[i]);
    cbor_write_uint(w, (uint64_t)(c->count - 1));
    cbor_write_uint(w, 30000);
    cbor_write_uint(w, 60000);
    cbor_write_uint(w, 7);
    return cast_call(c, 0, NULL, CALL_MS, &body);
}

static int accept_party(struct cast *c, int i)
{
    struct cbor_writer *w = control_request(c->actors[i].control);
    struct bytes body;

    cbor_write_array(w, 2);
    cbor_write_text(w, "accept");
    cbor_write_text(w, "");
    return cast_call(c, i, NULL, CALL_MS, &body);
}

/* Until play begins. */
static int gather(struct script *s, struct cast *c)
{
    int err = wait_for(s, c, "every node to find a neighbour", -1, has_neighbour);

    if (err == 0) {
        say(s, "the nodes have found each other; ana calls a party");
        err = call_party(s, c);
    }
    if (err == 0)
        err = wait_for(s, c, "the call to reach every node", -1, has_invite);
    if (err == 0)
        say(s, "everybody has heard the call, and accepts; the songs are being shared");
    for (int i = 1; i < c->count && err == 0; i++)
        err = accept_party(c, i);
    if (err == 0)
        err = wait_for(s, c, "the party to start", 0, is_playing);
    if (err == 0)
        err = wait_for(s, c, "sound on every node", -1, is_sounding);
    return err;
}

/* How many nodes hold every song of the pool, by their own word. */
static int count_whole(const struct script *s, const struct cast *c)
{
    int whole = 0;

    for (int i = 0; i < c->count; i++) {
        struct bytes party;
        struct bytes song;
        struct list l;
        int songs = 0;

        if (!map_find(c->actors[i].state, "party", &party))
            continue;
        list_init_at(&l, party, "pool");
        while (list_next(&l, &song))
            songs += map_get_int(song, "total", 0) > 0 &&
                     map_get_int(song, "held", -1) == map_get_int(song, "total", 0);
        whole += songs == s->song_count;
    }
    return whole;
}

static int play_until(struct script *s, struct cast *c, int64_t until_ns)
{
    while (cast_now() < until_ns) {
        int64_t left_ns;
        int err = look(s, c);

        if (err != 0)
            return err;
        left_ns = until_ns - cast_now();
        if (left_ns > 0)
            cast_sleep(time_min(TICK_NS, left_ns));
    }
    return 0;
}

/* A command of the host; *at_ns is when it is to be heard. */
static int act(struct cast *c, const char *verb, int64_t *at_ns)
{
    struct bytes body;
    int64_t asked_ns = cast_now();
    int err = cast_call(c, 0, verb, CALL_MS, &body);

    if (err == 0)
        *at_ns = asked_ns + map_get_int(body, "lead_ms", 0) * NS_PER_MS;
    return err;
}

static int seek(struct script *s, struct cast *c)
{
    struct cbor_writer *w = control_request(c->actors[0].control);

    s->seek_to_ms = 15000;
    cbor_write_array(w, 3);
    cbor_write_text(w, "seek");
    cbor_write_int(w, s->seek_to_ms);
    cbor_write_bool(w, false);
    return act(c, NULL, &s->seek_ns);
}

static int pause_and_resume(struct script *s, struct cast *c)
{
    int err = act(c, "pause", &s->pause_ns);

    if (err == 0)
        err = play_until(s, c, s->pause_ns + PAUSE_NS);
    if (err == 0)
        err = act(c, "resume", &s->resume_ns);
    return err;
}

static int go(struct script *s, struct cast *c)
{
    struct bytes body;

    s->leave_ns = cast_now();
    return cast_call(c, c->count - 1, "leave", CALL_MS, &body);
}

static int come_back(struct script *s, struct cast *c)
{
    int last = c->count - 1;
    int err = wait_for(s, c, "the call to reach the node that left", last, has_invite);

    if (err == 0)
        err = accept_party(c, last);
    s->back_ns = cast_now() + COME_BACK_NS;
    return err;
}

/* The program, at parts of the time of play. */
static int play(struct script *s, struct cast *c)
{
    int64_t whole_ns = (int64_t)(s->seconds * 1e9);
    int64_t begin = s->began_ns;
    int err = play_until(s, c, begin + whole_ns * 20 / 100);

    say(s, "skip");
    if (err == 0)
        err = act(c, "skip", &s->skip_ns);
    if (err == 0)
        err = play_until(s, c, begin + whole_ns * 38 / 100);
    say(s, "pause, and resume after two seconds");
    if (err == 0)
        err = pause_and_resume(s, c);
    begin += s->resume_ns - s->pause_ns;
    if (err == 0)
        err = play_until(s, c, begin + whole_ns * 52 / 100);
    say(s, "seek to 0:15; the last guest leaves");
    if (err == 0)
        err = seek(s, c);
    if (err == 0)
        err = go(s, c);
    if (err == 0)
        err = play_until(s, c, begin + whole_ns * 66 / 100);
    say(s, "the guest comes back");
    if (err == 0)
        err = come_back(s, c);
    if (err == 0)
        err = play_until(s, c, begin + whole_ns);
    s->ended_ns = cast_now();
    return err;
}

static void count_underruns(struct script *s, const struct cast *c)
{
    for (int i = 0; i < c->count; i++) {
        struct bytes audio;

        if (map_find(c->actors[i].state, "audio", &audio))
            s->underruns += map_get_int(audio, "underruns", 0);
    }
}

int script_run(struct script *s, struct cast *c)
{
    struct bytes party;
    struct bytes body;
    int err = gather(s, c);

    if (err != 0)
        return err;
    s->began_ns = cast_now();
    if (map_find(c->actors[0].state, "party", &party))
        s->members = list_count(party, "members");
    s->whole_nodes = count_whole(s, c);
    say(s, "it plays");
    err = play(s, c);
    count_underruns(s, c);
    if (err == 0)
        err = cast_call(c, 0, "leave", CALL_MS, &body);
    if (err == 0)
        cast_sleep(700 * NS_PER_MS); /* what is in the cards still leaves them */
    screen_leave();
    return err;
}
