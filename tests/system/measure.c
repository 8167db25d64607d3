/* measure [option…] CAPTURE… -- SONG.flac…: what the cards emitted, and how far they were
 * apart, as one line of JSON.  See audio/measure.h.
 *
 *   --from S, --to S  compare only from S seconds on, and until then, counted from the
 *                     first instant at which all cards play
 *   --since RAW_NS    look for the first sound of each card from this instant on
 *   --window FRAMES   512 to 4096 (4096); the song must be like noise for short ones
 *   --csv FILE        every 100 ms: how far each card was ahead of the first one, in us
 *
 * Two cards are compared wherever both play clean music.  A slip is a frame that a player
 * dropped or repeated: the place in the song leaves, within a window, the line that it
 * followed around it by more than half a frame.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/flac.h"
#include "audio/measure.h"
#include "base/time.h"

#define TREND   12       /* windows on each side that say how fast a card plays */
#define GAP_MAX 10       /* windows without a place that a slip is looked for across */
#define AUDIBLE 0.0005f  /* -66 dB */
#define SETTLED (5 * 10) /* windows after its first by which a card is to be in time */

struct options {
    double from_s;
    double to_s;
    int64_t since_ns;
    int window;
    const char *csv;
};

struct run {
    struct options o;
    struct capture captures[MEASURE_CARDS_MAX];
    struct measure_song songs[MEASURE_SONGS_MAX];
    int cards;
    int song_count;
    struct measure *m;
    int64_t together; /* point at which all play for the first time; -1: never */
    int64_t from;     /* points that are compared */
    int64_t to;
};

struct spread {
    double *us; /* sizes */
    int64_t count;
    double slope_us_per_min; /* the largest of any pair */
    int64_t mismatches;
    int64_t lone;
};

static const struct measure_point *point(const struct run *r, int card, int64_t k)
{
    return &r->m->at[card * r->m->points + k];
}

static bool is_music(const struct measure_point *p)
{
    return p->state == MEASURE_MUSIC && p->is_clean;
}

/* By how much card a is ahead of card b, us. */
static double ahead_us(const struct run *r, const struct measure_point *a,
                       const struct measure_point *b)
{
    return (a->frame - b->frame) / r->songs[a->song].rate * 1e6;
}

static void find_span(struct run *r)
{
    r->together = -1;
    for (int64_t k = 0; k < r->m->points && r->together < 0; k++) {
        bool do_all = true;

        for (int card = 0; card < r->cards; card++)
            do_all = do_all && is_music(point(r, card, k));
        if (do_all)
            r->together = k;
    }
    r->from = r->to = 0;
    if (r->o.from_s < 0) {
        r->to = r->m->points;
    } else if (r->together >= 0) {
        r->from = r->together + (int64_t)(r->o.from_s * 10);
        r->to = r->together + (int64_t)(r->o.to_s * 10);
        r->to = r->to > r->m->points ? r->m->points : r->to;
    }
}

/* Compare two cards. */
static void compare_pair(const struct run *r, int a, int b, struct spread *s)
{
    double n = 0, t = 0, e = 0, te = 0, tt = 0; /* sums for the line of least squares */
    double slope;

    for (int64_t k = r->from; k < r->to; k++) {
        const struct measure_point *p = point(r, a, k);
        const struct measure_point *q = point(r, b, k);
        double us;

        if (!p->is_clean || !q->is_clean || (!is_music(p) && !is_music(q)))
            continue;
        if (p->state != q->state) {
            s->lone++;
            continue;
        }
        if (p->song != q->song) {
            s->mismatches++;
            continue;
        }
        us = ahead_us(r, p, q);
        s->us[s->count++] = fabs(us);
        n++, t += (double)k, e += us, te += us * (double)k, tt += (double)k * (double)k;
    }
    slope = n * tt - t * t > 0 ? (n * te - t * e) / (n * tt - t * t) * 600 : 0;
    if (fabs(slope) > fabs(s->slope_us_per_min))
        s->slope_us_per_min = slope;
}

static int compare_sizes(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static struct spread compare_all(const struct run *r)
{
    struct spread s = { 0 };
    int64_t span = r->to > r->from ? r->to - r->from : 0;

    s.us = calloc((size_t)(span * r->cards * r->cards + 1), sizeof(double));
    if (s.us == NULL)
        abort();
    for (int a = 0; a < r->cards; a++) {
        for (int b = a + 1; b < r->cards; b++)
            compare_pair(r, a, b, &s);
    }
    qsort(s.us, (size_t)s.count, sizeof(double), compare_sizes);
    return s;
}

static double percentile(const struct spread *s, double percent)
{
    return s->count == 0 ? 0 : s->us[(int64_t)((double)(s->count - 1) * percent / 100)];
}

/* Frames of the song in a window of the grid, beyond what its rate says; NAN where the
 * music does not go on. */
static double gain_at(const struct run *r, int card, int64_t k)
{
    const struct measure_point *p = point(r, card, k);
    double gain;

    if (k < 0 || k + 1 >= r->m->points || p[0].state != MEASURE_MUSIC ||
        p[1].state != MEASURE_MUSIC || p[0].song != p[1].song)
        return NAN;
    gain = p[1].frame - p[0].frame - r->songs[p->song].rate / 10.0;
    return fabs(gain) < 100 ? gain : NAN;
}

/* The median of what a card gains around point k. */
static double trend(const struct run *r, int card, int64_t k)
{
    double gains[2 * TREND + 1];
    int count = 0;

    for (int64_t i = k - TREND; i <= k + TREND; i++) {
        double gain = i < 0 ? NAN : gain_at(r, card, i);

        if (!isnan(gain))
            gains[count++] = gain;
    }
    qsort(gains, (size_t)count, sizeof(double), compare_sizes);
    return count == 0 ? 0 : gains[count / 2];
}

/* Frames that a card dropped or repeated in the span: at least so many. */
static int count_slips(const struct run *r, int card)
{
    int64_t last = -1;
    int slips = 0;

    for (int64_t k = r->from; k < r->to; k++) {
        const struct measure_point *p = point(r, card, k);
        int64_t gap = k - last;

        if (p->state != MEASURE_MUSIC)
            continue;
        if (last >= 0 && gap <= GAP_MAX && point(r, card, last)->song == p->song) {
            double moved = p->frame - point(r, card, last)->frame -
                           (double)gap * r->songs[p->song].rate / 10.0;
            double slip = moved - (double)gap * trend(r, card, last);

            if (fabs(slip) < 100)
                slips += (int)floor(fabs(slip) + 0.5);
        }
        last = k;
    }
    return slips;
}

/* True raw ns, not before since_ns, at which a card was first heard; 0: never. */
static int64_t heard_ns(const struct capture *c, int64_t since_ns)
{
    double speed = c->rate * (1 + (double)c->rate_ppt * 1e-12) / 1e9;

    for (int i = 0; i < c->run_count; i++) {
        for (int64_t f = 0; f < c->runs[i].frames; f++) {
            int64_t at_ns = c->runs[i].start_ns + (int64_t)((double)f / speed);

            if (at_ns >= since_ns && fabsf(c->mono[c->runs[i].first + f]) > AUDIBLE)
                return at_ns;
        }
    }
    return 0;
}

/* By how much a card is off the first one, us: when its music begins, and the worst from
 * five seconds later on. */
static void print_arrival(const struct run *r, int card)
{
    double first = NAN;
    double later = NAN;
    int64_t began = -1;

    for (int64_t k = 0; k < r->m->points; k++) {
        const struct measure_point *p = point(r, card, k);
        const struct measure_point *q = point(r, 0, k);
        double us;

        if (r->m->first_ns + k * MEASURE_GRID_NS < r->o.since_ns || !is_music(p) ||
            !is_music(q) || p->song != q->song)
            continue;
        us = ahead_us(r, p, q);
        if (began < 0) {
            began = k;
            first = us;
        }
        if (k >= began + SETTLED && !(fabs(us) <= fabs(later)))
            later = us;
    }
    if (!isnan(first))
        printf(",\"first_us\":%.1f", first);
    if (!isnan(later))
        printf(",\"settled_us\":%.1f", later);
}

static void print_card(const struct run *r, int card)
{
    int64_t unknown = 0;

    for (int64_t k = r->from; k < r->to; k++)
        unknown += point(r, card, k)->state == MEASURE_UNKNOWN;
    printf(
        "%s{\"played_s\":%.1f,\"jumps\":%d,\"breaks\":%d,\"rate_ppm\":%.1f,\"slips\":%d,"
        "\"unknown\":%lld,\"heard_ns\":%lld",
        card > 0 ? "," : "", r->m->played_s[card], r->m->jumps[card],
        r->captures[card].breaks, (double)r->captures[card].rate_ppt / 1e6,
        count_slips(r, card), (long long)unknown,
        (long long)heard_ns(&r->captures[card], r->o.since_ns));
    print_arrival(r, card);
    printf("}");
}

static void print(const struct run *r)
{
    struct spread s = compare_all(r);

    printf("{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"windows\":%lld,\"mismatches\":%lld,"
           "\"lone\":%lld,\"slope_us_per_min\":%.2f,\"together_ns\":%lld,\"cards\":[",
           percentile(&s, 50), percentile(&s, 99), percentile(&s, 100),
           (long long)s.count, (long long)s.mismatches, (long long)s.lone,
           s.slope_us_per_min,
           r->together < 0 ? 0
                           : (long long)(r->m->first_ns + r->together * MEASURE_GRID_NS));
    for (int card = 0; card < r->cards; card++)
        print_card(r, card);
    printf("]}\n");
    free(s.us);
}

static int write_csv(const struct run *r)
{
    FILE *f = fopen(r->o.csv, "we");

    if (f == NULL)
        return -1;
    fprintf(f, "t_s,raw_ns");
    for (int card = 0; card < r->cards; card++)
        fprintf(f, ",card%d_us", card);
    for (int64_t k = 0; k < r->m->points; k++) {
        int64_t zero = r->together < 0 ? 0 : r->together;

        fprintf(f, "\n%.1f,%lld", (double)(k - zero) / 10,
                (long long)(r->m->first_ns + k * MEASURE_GRID_NS));
        for (int card = 0; card < r->cards; card++) {
            const struct measure_point *p = point(r, card, k);
            const struct measure_point *q = point(r, 0, k);

            if (is_music(p) && is_music(q) && p->song == q->song)
                fprintf(f, ",%.2f", ahead_us(r, p, q));
            else
                fprintf(f, ",");
        }
    }
    fprintf(f, "\n");
    return fclose(f);
}

static int decode(struct measure_song *song, const char *path)
{
    struct flac_info info;
    float *frames;
    char why[200];

    if (flac_load(path, CAPTURE_FRAMES_MAX, &frames, &info, why, sizeof(why)) != 0)
        return -1;
    *song = (struct measure_song){ frames, info.frames, info.rate };
    return 0;
}

static bool take_option(struct options *o, const char *name, const char *value)
{
    if (value == NULL)
        return false;
    if (strcmp(name, "--from") == 0)
        o->from_s = atof(value);
    else if (strcmp(name, "--to") == 0)
        o->to_s = atof(value);
    else if (strcmp(name, "--since") == 0)
        o->since_ns = atoll(value);
    else if (strcmp(name, "--window") == 0)
        o->window = atoi(value);
    else if (strcmp(name, "--csv") == 0)
        o->csv = value;
    else
        return false;
    return true;
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "measure: %s: %s\n", what, why);
    return 1;
}

static int load(struct run *r, int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0'; i += 2) {
        if (!take_option(&r->o, argv[i], argv[i + 1]))
            return complain(argv[i], "no such option, or no value");
    }
    for (; i < argc && strcmp(argv[i], "--") != 0 && r->cards < MEASURE_CARDS_MAX; i++) {
        if (capture_load(&r->captures[r->cards++], argv[i]) != 0)
            return complain(argv[i], "no capture");
    }
    for (i++; i < argc && r->song_count < MEASURE_SONGS_MAX; i++) {
        if (decode(&r->songs[r->song_count++], argv[i]) != 0)
            return complain(argv[i], "no song");
    }
    if (r->o.from_s >= 0 && r->o.to_s < r->o.from_s)
        r->o.to_s = 3600;
    return 0;
}

int main(int argc, char **argv)
{
    static struct run r = { .o = { .from_s = -1, .to_s = -1, .window = MEASURE_WINDOW } };
    int status = load(&r, argc, argv);

    if (status != 0)
        return status;
    if (measure_create_fine(&r.m, r.captures, r.cards, r.songs, r.song_count,
                            r.o.window) != 0)
        return complain("measure", "too few captures or songs, or too long");
    find_span(&r);
    print(&r);
    if (r.o.csv != NULL && write_csv(&r) != 0)
        status = complain(r.o.csv, "cannot be written");
    measure_destroy(r.m);
    for (int k = 0; k < r.cards; k++)
        capture_finish(&r.captures[k]);
    for (int k = 0; k < r.song_count; k++)
        free((void *)(uintptr_t)r.songs[k].frames);
    return status;
}
