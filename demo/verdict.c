/* SPDX-License-Identifier: MIT */
#include "demo/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/flac.h"
#include "base/time.h"

#define SETTLE_NS (400 * NS_PER_MS) /* from an action until the measurement is clean */
#define HURRY_S   0.15

struct songs {
    int count;
    float *frames[SCRIPT_SONGS_MAX];
    struct measure_song songs[SCRIPT_SONGS_MAX];
};

static int decode(struct songs *all, int i, const char *path, char *error, size_t size)
{
    struct flac_info info;
    int err = flac_load(path, CAPTURE_FRAMES_MAX, &all->frames[i], &info, error, size);

    if (err != 0)
        return err;
    all->songs[i] = (struct measure_song){ all->frames[i], info.frames, info.rate };
    all->count = i + 1;
    return 0;
}

static void promise(struct verdict *v, const char *name, bool is_kept)
{
    if (v->promise_count < PROMISES_MAX)
        v->promises[v->promise_count++] = (struct promise){ name, is_kept };
}

/* What a card played at an instant: song -1 when that was no music. */
struct heard {
    int song;
    double at_s; /* in the song */
};

/* A single window may have too little sound in it to be told: its neighbours speak for
 * it. */
static struct heard heard_at(const struct measure *m, const struct songs *songs, int card,
                             int64_t at)
{
    static const int steps[] = { 0, 1, -1, 2, -2 };

    for (int i = 0; i < COUNT(steps); i++) {
        const struct measure_point *p = measure_at(m, card,
                                                   at + steps[i] * MEASURE_GRID_NS);
        int64_t k = p == NULL ? 0 : (p - m->at) % m->points;
        double off_s = (double)(at - m->first_ns - k * MEASURE_GRID_NS) / 1e9;

        if (p != NULL && p->state == MEASURE_MUSIC)
            return (struct heard){ p->song,
                                   p->frame / songs->songs[p->song].rate + off_s };
    }
    return (struct heard){ -1, 0 };
}

/* Every card but `but` plays this song (any, below 0) at an instant. */
static bool all_play(const struct measure *m, const struct songs *songs, int song,
                     int64_t at, int but)
{
    for (int card = 0; card < m->cards; card++) {
        struct heard h = heard_at(m, songs, card, at);

        if (card != but && (h.song < 0 || (song >= 0 && h.song != song)))
            return false;
    }
    return true;
}

static bool all_silent(const struct measure *m, int64_t at)
{
    for (int card = 0; card < m->cards; card++) {
        const struct measure_point *p = measure_at(m, card, at);

        if (p == NULL || p->state != MEASURE_SILENT)
            return false;
    }
    return true;
}

/* Every card but one is at this place of its song.  Between asking for an action and the
 * host's reckoning of its instant some time passes: HURRY_S at most. */
static bool all_at(const struct measure *m, const struct songs *songs, int64_t at,
                   double wanted_s, int but)
{
    for (int card = 0; card < m->cards; card++) {
        struct heard h = heard_at(m, songs, card, at);

        if (card != but && (h.song < 0 || fabs(h.at_s - wanted_s) > HURRY_S))
            return false;
    }
    return true;
}

/* First instant at which a card plays music, or TIME_NEVER. */
static int64_t first_music(const struct measure *m, int card)
{
    for (int64_t k = 0; k < m->points; k++) {
        if (m->at[card * m->points + k].state == MEASURE_MUSIC)
            return m->first_ns + k * MEASURE_GRID_NS;
    }
    return TIME_NEVER;
}

static bool started_together(const struct measure *m)
{
    int64_t first = first_music(m, 0);

    for (int card = 1; card < m->cards; card++) {
        if (first == TIME_NEVER || llabs(first_music(m, card) - first) > MEASURE_GRID_NS)
            return false;
    }
    return first != TIME_NEVER;
}

/* The host's card went on where it had paused. */
static bool resumed_in_place(const struct measure *m, const struct script *s,
                             const struct songs *songs)
{
    struct heard a = heard_at(m, songs, 0, s->pause_ns - SETTLE_NS);
    struct heard b = heard_at(m, songs, 0, s->resume_ns + SETTLE_NS);
    double both_s = 2.0 * (double)SETTLE_NS / 1e9;

    return a.song >= 0 && a.song == b.song &&
           fabs(b.at_s - a.at_s - both_s) < 2 * HURRY_S;
}

static void judge(struct verdict *v, const struct measure *m, const struct script *s,
                  const struct songs *songs)
{
    int guest = m->cards - 1;

    promise(v, "all nodes in one party", s->members == m->cards);
    promise(v, "all songs whole on every node", s->whole_nodes == m->cards);
    promise(v, "started together", started_together(m));
    promise(v, "skipped at the same instant",
            s->skip_ns != 0 && all_play(m, songs, 0, s->skip_ns - SETTLE_NS, -1) &&
                all_play(m, songs, 1, s->skip_ns + SETTLE_NS, -1));
    promise(v, "paused everywhere",
            s->pause_ns != 0 && all_silent(m, s->pause_ns + SETTLE_NS) &&
                all_silent(m, s->resume_ns - SETTLE_NS));
    promise(v, "resumed together, where it stood",
            s->resume_ns != 0 && all_play(m, songs, 1, s->resume_ns + SETTLE_NS, -1) &&
                resumed_in_place(m, s, songs));
    promise(v, "seek landed together",
            s->seek_ns != 0 &&
                all_at(m, songs, s->seek_ns + SETTLE_NS,
                       (double)s->seek_to_ms / 1e3 + (double)SETTLE_NS / 1e9, guest));
    promise(v, "others played on while a guest was away",
            s->leave_ns != 0 &&
                heard_at(m, songs, guest, s->back_ns - 3 * NS_PER_S).song < 0 &&
                all_play(m, songs, -1, s->back_ns - 3 * NS_PER_S, guest));
    promise(v, "the guest came back in time",
            s->back_ns != 0 && all_play(m, songs, -1, s->ended_ns - SETTLE_NS, -1));
    promise(v, "nobody played another song", m->all.mismatches == 0);
    promise(v, "no underruns", v->underruns == 0);
    promise(v, "p99 within the bar",
            m->all.windows > 0 && m->all.p99_us <= v->max_p99_us);
}

static void sum_up(struct verdict *v, const struct measure *m, const struct script *s,
                   const struct songs *songs)
{
    v->pairwise = m->all;
    v->played_s = m->played_s[0];
    for (int card = 1; card < m->cards - 1; card++) {
        if (m->played_s[card] < v->played_s)
            v->played_s = m->played_s[card];
    }
    judge(v, m, s, songs);
    v->is_passed = true;
    for (int i = 0; i < v->promise_count; i++)
        v->is_passed = v->is_passed && v->promises[i].is_kept;
}

static int load(struct songs *songs, struct capture *captures, const struct script *s,
                struct cast *c)
{
    int err = 0;

    for (int i = 0; i < s->song_count && err == 0; i++)
        err = decode(songs, i, s->songs[i], c->error, sizeof(c->error));
    for (int i = 0; i < c->count && err == 0; i++) {
        err = capture_load(&captures[i], c->actors[i].capture);
        if (err != 0)
            snprintf(c->error, sizeof(c->error), "%.300s: %s", c->actors[i].capture,
                     err_text(err));
    }
    return err;
}

int verdict_make(struct verdict *v, const struct script *s, struct cast *c,
                 double max_p99_us)
{
    struct capture captures[CAST_MAX] = { 0 };
    struct songs songs = { 0 };
    struct measure *m = NULL;
    int err = load(&songs, captures, s, c);

    *v = (struct verdict){ .nodes = c->count,
                           .songs = s->song_count,
                           .underruns = s->underruns,
                           .max_p99_us = max_p99_us };
    if (err == 0)
        err = measure_create(&m, captures, c->count, songs.songs, songs.count);
    if (err == 0) {
        int64_t breaks = 0;

        for (int i = 0; i < c->count; i++)
            breaks += captures[i].breaks;
        if (breaks > v->underruns)
            v->underruns = breaks;
        sum_up(v, m, s, &songs);
    }
    measure_destroy(m);
    for (int i = 0; i < c->count; i++)
        capture_finish(&captures[i]);
    for (int i = 0; i < SCRIPT_SONGS_MAX; i++)
        free(songs.frames[i]);
    return err;
}

void verdict_json(const struct verdict *v, FILE *to)
{
    fprintf(to,
            "{\"nodes\":%d,\"songs\":%d,\"played_s\":%.1f,\"pairwise_us\":{\"p50\":%.1f,"
            "\"p99\":%.1f,\"max\":%.1f},\"underruns\":%lld,\"promises\":[",
            v->nodes, v->songs, v->played_s, v->pairwise.p50_us, v->pairwise.p99_us,
            v->pairwise.max_us, (long long)v->underruns);
    for (int i = 0; i < v->promise_count; i++)
        fprintf(to, "%s{\"name\":\"%s\",\"ok\":%s}", i > 0 ? "," : "",
                v->promises[i].name, v->promises[i].is_kept ? "true" : "false");
    fprintf(to, "],\"pass\":%s}\n", v->is_passed ? "true" : "false");
}

void verdict_print(const struct verdict *v, FILE *to)
{
    fprintf(
        to,
        "\nMeasured from what left the %d sound cards, every 100 ms of play, two cards "
        "were\n  within %6.1f us of each other half of the time,\n  within %6.1f us 99 "
        "%% "
        "of the time, and\n  never more than %.1f us apart.\n",
        v->nodes, v->pairwise.p50_us, v->pairwise.p99_us, v->pairwise.max_us);
    fprintf(to, "Left alone, crystals of -60 and +60 ppm part by 120 us every second.\n");
    fprintf(to, "%.1f s of music, %lld underruns.\n\n", v->played_s,
            (long long)v->underruns);
    for (int i = 0; i < v->promise_count; i++)
        fprintf(to, "  %s  %s\n", v->promises[i].is_kept ? "kept  " : "BROKEN",
                v->promises[i].name);
    fprintf(to, "\n%s\n",
            v->is_passed ? "Every promise was kept." : "Not every promise was kept.");
}
