/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/measure.h"

#include <assert.h>
#include <math.h>
#include <samplerate.h>
#include <string.h>

#include "audio/match.h"
#include "audio/xalloc.h"
#include "base/time.h"

#define SILENCE_RMS  0.0005 /* -66 dB */
#define MATCH_MIN    0.98   /* of a window that is music */
#define MATCH_SURE   0.995  /* less may be a like place: look for a better one */
#define MATCH_ROUGH  0.4    /* before the place is refined: noise half a frame off */
#define REACH_NEAR   8      /* frames around where the song should be by now */
#define REACH_HINT   1000   /* … where another card is */
#define CONTINUE_S   0.005
#define TRIES_IN_ROW 20 /* failed searches; after that only every tenth window */
#define UNSURE_EVERY 10 /* windows that are not sure: every tenth is searched for */
#define LOOK_BACK    20
#define RATES_MAX    MEASURE_CARDS_MAX
#define POINTS_MAX   36000

/* The songs at one card rate. */
struct shelf {
    int rate;
    struct match_song songs[MEASURE_SONGS_MAX];
};

struct work {
    struct measure *m;
    const struct capture *captures;
    const struct measure_song *songs;
    int song_count;
    int window; /* frames */
    struct shelf shelves[RATES_MAX];
    int shelf_count;
};

/* One card's track while it is followed; frames are at the card's rate. */
struct track {
    const struct capture *capture;
    float *mono; /* the capture's, sharpened */
    const struct shelf *shelf;
    int card;
    int failures; /* in a row */
};

struct window {
    const float *frames; /* sharpened */
    const float *raw;
    double ref; /* index in frames of the instant */
};

static void put_song(struct match_song *to, const struct measure_song *from, int rate)
{
    float *mono = xcalloc((size_t)from->count, sizeof(float));
    double ratio = (double)rate / from->rate;

    for (int64_t i = 0; i < from->count; i++) {
        mono[i] = 0.5f * (from->frames[2 * i] + from->frames[2 * i + 1]);
    }
    to->mono = mono;
    to->frames = from->count;
    if (rate != from->rate) {
        SRC_DATA d = { .data_in = mono,
                       .input_frames = from->count,
                       .output_frames = (int64_t)((double)from->count * ratio) + 16,
                       .src_ratio = ratio };

        d.data_out = xcalloc((size_t)d.output_frames, sizeof(float));
        if (src_simple(&d, SRC_SINC_MEDIUM_QUALITY, 1) != 0) {
            d.output_frames_gen = 0;
        }
        to->mono = d.data_out;
        to->frames = d.output_frames_gen;
        free(mono);
    }
    match_sharpen(to->mono, to->frames);
    match_prepare(to);
}

static const struct shelf *find_shelf(struct work *w, int rate)
{
    struct shelf *s;

    for (int i = 0; i < w->shelf_count; i++) {
        if (w->shelves[i].rate == rate) {
            return &w->shelves[i];
        }
    }
    assert(w->shelf_count < RATES_MAX);
    s = &w->shelves[w->shelf_count++];
    s->rate = rate;
    for (int i = 0; i < w->song_count; i++) {
        put_song(&s->songs[i], &w->songs[i], rate);
    }
    return s;
}

static struct measure_point *point(const struct work *w, int card, int64_t k)
{
    return &w->m->at[card * w->m->points + k];
}

/* The window around point k.  False: the card did not run for all of it. */
static bool find_window(const struct work *w, const struct track *t, int64_t k,
                        struct window *win)
{
    const struct capture *c = t->capture;
    double index;
    int run = capture_at(c, w->m->first_ns + k * MEASURE_GRID_NS, &index);
    int64_t from;

    if (run < 0) {
        return false;
    }
    from = (int64_t)floor(index) - w->window / 2;
    if (from < 0 || from + w->window > c->runs[run].frames) {
        return false;
    }
    win->raw = c->mono + c->runs[run].first + from;
    win->frames = t->mono + c->runs[run].first + from;
    win->ref = index - (double)from;
    return true;
}

static bool is_silent(const struct window *win, int frames)
{
    double sum = 0;

    for (int i = 0; i < frames; i++) {
        sum += (double)win->raw[i] * (double)win->raw[i];
    }
    return sum < SILENCE_RMS * SILENCE_RMS * frames;
}

static double scale(const struct work *w, const struct track *t, int song)
{
    return (double)w->songs[song].rate / t->shelf->rate;
}

/* Try a place in a song.  True, and the point is filled, when the window comes from
 * there, and more surely than from where the point says so far. */
static bool try_place(const struct work *w, const struct track *t,
                      const struct window *win, const struct match *at, int reach,
                      struct measure_point *p)
{
    const struct match_song *s = &t->shelf->songs[at->song];
    double stretch = 1 / (1 + (double)t->capture->rate_ppt * 1e-12);
    struct match m = match_near(s, win->frames, w->window, win->ref, at->frame, reach);

    if (m.song < 0 || m.value < MATCH_ROUGH) {
        return false;
    }
    match_refine(s, win->frames, w->window, win->ref, stretch, &m);
    if (m.value < MATCH_MIN || m.value <= p->match) {
        return false;
    }
    *p = (struct measure_point){ MEASURE_MUSIC, false, at->song,
                                 m.frame * scale(w, t, at->song), m.value };
    return true;
}

/* Where a card's song should be steps windows after a point that is known. */
static struct match extrapolate(const struct work *w, const struct track *t,
                                const struct measure_point *p, int64_t steps)
{
    double frames = (double)(steps * MEASURE_GRID_NS) / (double)NS_PER_S * t->shelf->rate;

    return (struct match){ p->song, p->frame / scale(w, t, p->song) + frames, 0 };
}

/* Where it should be if it goes on, or where others are. */
static void try_neighbours(const struct work *w, const struct track *t,
                           const struct window *win, int64_t k, struct measure_point *p)
{
    for (int64_t back = 1; back <= 3 && back <= k && p->match < MATCH_SURE; back++) {
        const struct measure_point *q = point(w, t->card, k - back);

        if (q->state == MEASURE_MUSIC) {
            struct match at = extrapolate(w, t, q, back);

            (void)try_place(w, t, win, &at, REACH_NEAR, p);
        }
    }
    for (int other = 0; other < t->card && p->state != MEASURE_MUSIC; other++) {
        const struct measure_point *q = point(w, other, k);

        if (q->state == MEASURE_MUSIC) {
            struct match at = extrapolate(w, t, q, 0);

            (void)try_place(w, t, win, &at, REACH_HINT, p);
        }
    }
}

/* True when there is a place, and a better one than was known. */
static bool try_everywhere(const struct work *w, const struct track *t,
                           const struct window *win, struct measure_point *p)
{
    struct match list[MATCH_CANDIDATES];
    bool is_found = false;

    match_anywhere(t->shelf->songs, w->song_count, win->frames, w->window, win->ref,
                   list);
    for (int i = 0; i < MATCH_CANDIDATES && list[i].song >= 0; i++) {
        is_found = try_place(w, t, win, &list[i], MATCH_DECIMATE + 4, p) || is_found;
    }
    return is_found;
}

/* Now that the place at k is known: were the windows before it the same music already? */
static void look_back(const struct work *w, const struct track *t, int64_t k)
{
    for (int64_t back = 1; back <= LOOK_BACK && back <= k; back++) {
        struct measure_point *q = point(w, t->card, k - back);
        struct match at = extrapolate(w, t, point(w, t->card, k), -back);
        struct window win;

        if (q->state < MEASURE_MUSIC || !find_window(w, t, k - back, &win) ||
            !try_place(w, t, &win, &at, REACH_NEAR, q)) {
            return;
        }
    }
}

/* Must all songs be searched for the window at k, of which so far is known what p says?
 */
static bool must_search(struct track *t, int64_t k, const struct measure_point *p)
{
    if (p->match >= MATCH_SURE) {
        t->failures = 0;
        return false;
    }
    t->failures++;
    if (p->state == MEASURE_MUSIC) {
        return t->failures % UNSURE_EVERY == 1;
    }
    /* The first window after music is often half of this and half of that. */
    return (t->failures > 1 || k == 0) && (t->failures <= TRIES_IN_ROW || k % 10 == 0);
}

static void measure_point(const struct work *w, struct track *t, int64_t k)
{
    struct measure_point *p = point(w, t->card, k);
    struct window win;

    *p = (struct measure_point){ MEASURE_ABSENT, false, -1, 0, 0 };
    if (!find_window(w, t, k, &win)) {
        return;
    }
    if (is_silent(&win, w->window)) {
        p->state = MEASURE_SILENT;
        return;
    }
    p->state = MEASURE_UNKNOWN;
    try_neighbours(w, t, &win, k, p);
    if (must_search(t, k, p) && try_everywhere(w, t, &win, p)) {
        look_back(w, t, k);
    }
}

/* Does b, steps windows after a, go on where a is? */
static bool goes_on(const struct work *w, const struct measure_point *a,
                    const struct measure_point *b, int64_t steps)
{
    double want;
    int rate;

    if (a->state != b->state || a->state == MEASURE_UNKNOWN) {
        return false;
    }
    if (a->state != MEASURE_MUSIC) {
        return true;
    }
    rate = w->songs[a->song].rate;
    want = a->frame + (double)(steps * MEASURE_GRID_NS) / (double)NS_PER_S * rate;
    return a->song == b->song && fabs(b->frame - want) < CONTINUE_S * rate;
}

static void mark_clean(const struct work *w, int card)
{
    const struct measure_point *last = NULL;
    int64_t last_k = 0;

    for (int64_t k = 1; k + 1 < w->m->points; k++) {
        struct measure_point *p = point(w, card, k);

        p->is_clean = goes_on(w, p - 1, p, 1) && goes_on(w, p, p + 1, 1);
    }
    for (int64_t k = 0; k < w->m->points; k++) {
        const struct measure_point *p = point(w, card, k);

        w->m->played_s[card] += p->state == MEASURE_MUSIC
                                    ? (double)MEASURE_GRID_NS / (double)NS_PER_S
                                    : 0;
        if (p->state != MEASURE_MUSIC || !p->is_clean) {
            continue;
        }
        if (last != NULL && !goes_on(w, last, p, k - last_k)) {
            w->m->jumps[card]++;
        }
        last = p;
        last_k = k;
    }
}

static int compare_sizes(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Percentiles of count distances, which are sorted on the way. */
static void summarize(struct measure_spread *s, double *us, int64_t count)
{
    s->windows = count;
    if (count == 0) {
        return;
    }
    qsort(us, (size_t)count, sizeof(*us), compare_sizes);
    s->p50_us = us[(count - 1) / 2];
    s->p99_us = us[(count - 1) * 99 / 100];
    s->max_us = us[count - 1];
}

/* Compare two cards; their distances are appended to us. */
static int64_t compare_pair(const struct work *w, int a, int b, struct measure_spread *s,
                            double *us)
{
    int64_t count = 0;
    double most = -1;

    for (int64_t k = 0; k < w->m->points; k++) {
        const struct measure_point *p = point(w, a, k);
        const struct measure_point *q = point(w, b, k);
        bool has_music = p->state == MEASURE_MUSIC || q->state == MEASURE_MUSIC;

        if (!p->is_clean || !q->is_clean || !has_music) {
            continue;
        }
        if (p->state != q->state) {
            s->lone++;
        } else if (p->song != q->song) {
            s->mismatches++;
        } else {
            us[count] = fabs(p->frame - q->frame) / w->songs[p->song].rate * 1e6;
            if (us[count] > most) {
                most = us[count];
                s->max_at_ns = w->m->first_ns + k * MEASURE_GRID_NS;
            }
            count++;
        }
    }
    return count;
}

static void compare_all(const struct work *w)
{
    struct measure *m = w->m;
    int64_t pairs = (int64_t)m->cards * (m->cards - 1) / 2;
    double *us = xcalloc((size_t)(pairs * m->points), sizeof(double));
    int64_t used = 0;

    for (int a = 0; a < m->cards; a++) {
        for (int b = a + 1; b < m->cards; b++) {
            struct measure_spread *s = &m->pairs[a * m->cards + b];
            int64_t count = compare_pair(w, a, b, s, us + used);

            summarize(s, us + used, count);
            m->all.mismatches += s->mismatches;
            m->all.lone += s->lone;
            if (s->max_us >= m->all.max_us) {
                m->all.max_us = s->max_us;
                m->all.max_at_ns = s->max_at_ns;
            }
            used += count;
        }
    }
    summarize(&m->all, us, used);
    free(us);
}

static int check(const struct capture *captures, int count,
                 const struct measure_song *songs, int song_count)
{
    if (count < 1 || count > MEASURE_CARDS_MAX || song_count < 1 ||
        song_count > MEASURE_SONGS_MAX) {
        return ERR_USAGE;
    }
    for (int i = 0; i < song_count; i++) {
        if (songs[i].rate < 8000 || songs[i].rate > 192000 || songs[i].count < 1) {
            return ERR_USAGE;
        }
    }
    for (int i = 0; i < count; i++) {
        if (captures[i].rate < 8000 || captures[i].rate > 192000) {
            return ERR_USAGE;
        }
    }
    return ERR_NONE;
}

/* From the first frame of any card to the last. */
static void find_span(const struct capture *captures, int count, int64_t *from_ns,
                      int64_t *to_ns)
{
    *from_ns = TIME_NEVER;
    *to_ns = 0;
    for (int i = 0; i < count; i++) {
        const struct capture *c = &captures[i];
        const struct capture_run *last;

        if (c->run_count == 0) {
            continue;
        }
        last = &c->runs[c->run_count - 1];
        *from_ns = time_min(*from_ns, c->runs[0].start_ns);
        if (last->start_ns + last->frames * NS_PER_S / c->rate > *to_ns) {
            *to_ns = last->start_ns + last->frames * NS_PER_S / c->rate;
        }
    }
    if (*from_ns > *to_ns) {
        *from_ns = *to_ns;
    }
}

static struct measure *make_result(int cards, int64_t first_ns, int64_t points)
{
    struct measure *m = xcalloc(1, sizeof(*m));

    m->cards = cards;
    m->first_ns = first_ns;
    m->points = points;
    m->at = xcalloc((size_t)(cards * points), sizeof(*m->at));
    m->pairs = xcalloc((size_t)cards * (size_t)cards, sizeof(*m->pairs));
    m->played_s = xcalloc((size_t)cards, sizeof(*m->played_s));
    m->jumps = xcalloc((size_t)cards, sizeof(*m->jumps));
    return m;
}

static void run(struct work *w)
{
    for (int card = 0; card < w->m->cards; card++) {
        const struct capture *c = &w->captures[card];
        struct track t = { c, xcalloc((size_t)c->frames, sizeof(float)),
                           find_shelf(w, c->rate), card, 0 };

        if (c->frames > 0) {
            memcpy(t.mono, c->mono, (size_t)c->frames * sizeof(float));
        }
        match_sharpen(t.mono, c->frames);
        for (int64_t k = 0; k < w->m->points; k++) {
            measure_point(w, &t, k);
        }
        free(t.mono);
        mark_clean(w, card);
    }
    compare_all(w);
}

static void release(struct work *w)
{
    for (int i = 0; i < w->shelf_count; i++) {
        for (int k = 0; k < w->song_count; k++) {
            free(w->shelves[i].songs[k].mono);
            free(w->shelves[i].songs[k].coarse);
        }
    }
    free(w);
}

int measure_create_fine(struct measure **m, const struct capture *captures, int count,
                        const struct measure_song *songs, int song_count, int window)
{
    int64_t from_ns;
    int64_t to_ns;
    int64_t first_ns;
    struct work *w;
    int err = check(captures, count, songs, song_count);

    if (window < MEASURE_LEAST || window > MEASURE_WINDOW) {
        err = ERR_USAGE;
    }
    if (err != ERR_NONE) {
        return err;
    }
    find_span(captures, count, &from_ns, &to_ns);
    first_ns = (from_ns + MEASURE_GRID_NS - 1) / MEASURE_GRID_NS * MEASURE_GRID_NS;
    if ((to_ns - first_ns) / MEASURE_GRID_NS >= POINTS_MAX) {
        return ERR_LIMIT;
    }
    w = xcalloc(1, sizeof(*w));
    *w = (struct work){
        .captures = captures, .songs = songs, .song_count = song_count, .window = window
    };
    w->m = make_result(count, first_ns,
                       to_ns < first_ns ? 0 : (to_ns - first_ns) / MEASURE_GRID_NS + 1);
    run(w);
    *m = w->m;
    release(w);
    return ERR_NONE;
}

int measure_create(struct measure **m, const struct capture *captures, int count,
                   const struct measure_song *songs, int song_count)
{
    return measure_create_fine(m, captures, count, songs, song_count, MEASURE_WINDOW);
}

const struct measure_point *measure_at(const struct measure *m, int card, int64_t true_ns)
{
    int64_t off_ns = true_ns - m->first_ns + MEASURE_GRID_NS / 2;
    int64_t k = off_ns / MEASURE_GRID_NS;

    if (off_ns < 0 || k >= m->points || card < 0 || card >= m->cards) {
        return NULL;
    }
    return &m->at[card * m->points + k];
}

void measure_destroy(struct measure *m)
{
    if (m != NULL) {
        free(m->at);
        free(m->pairs);
        free(m->played_s);
        free(m->jumps);
        free(m);
    }
}
