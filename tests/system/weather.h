/* What a network does to a frame: how late it comes, or that it never does.
 *
 * Drawn from one seed: a delay, evenly between D - J (or zero, if that is more) and D +
 * J, and a tail behind it that falls off exponentially; a loss; spikes, as of a radio
 * that sleeps: a port hears nothing until its nap is over, and is napping for so many
 * percent of the time; and one episode of congestion, which adds a delay of its own, both
 * ways or one way.  Header only, for one program.  SPDX-License-Identifier: MIT */
#ifndef TESTS_SYSTEM_WEATHER_H
#define TESTS_SYSTEM_WEATHER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

/* "down" is what the first port sends to the others, "up" what they send to it. */
enum weather_way { WEATHER_BOTH, WEATHER_UP, WEATHER_DOWN };

struct weather {
    uint64_t rng;
    int64_t delay_ns;
    int64_t jitter_ns;
    int64_t tail_ns;      /* its mean */
    double loss;          /* percent of the frames */
    double spikes;        /* percent of the time */
    int64_t spike_ns;     /* length of a nap */
    int64_t jam_ns;       /* the congestion begins so long after the start … */
    int64_t jam_for_ns;   /* … and lasts for so long */
    int64_t jam_least_ns; /* extra delay, drawn between this … */
    int64_t jam_most_ns;  /* … and this */
    enum weather_way jam_way;
    int64_t start_ns; /* 0: not yet */
};

/* A port's sleep. */
struct weather_nap {
    int64_t next_ns; /* when the next one begins; 0: not drawn yet */
};

/* Uniform in 0..1 (SplitMix64). */
static double weather_chance(struct weather *w)
{
    uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static bool weather_loses(struct weather *w)
{
    return weather_chance(w) * 100 < w->loss;
}

/* From the end of one nap to the begin of the next: evenly 0..2 times the mean. */
static int64_t weather_awake_ns(struct weather *w)
{
    double mean = (double)w->spike_ns * (100 - w->spikes) / w->spikes;

    return (int64_t)(2 * mean * weather_chance(w));
}

/* When a frame that could be heard at at_ns is heard by a port that sleeps now and then.
 */
static int64_t weather_wake_ns(struct weather *w, struct weather_nap *nap, int64_t at_ns)
{
    if (w->spikes <= 0 || w->spike_ns <= 0)
        return at_ns;
    if (nap->next_ns == 0)
        nap->next_ns = at_ns + weather_awake_ns(w);
    while (at_ns >= nap->next_ns + w->spike_ns)
        nap->next_ns += w->spike_ns + weather_awake_ns(w);
    return at_ns >= nap->next_ns ? nap->next_ns + w->spike_ns : at_ns;
}

static bool weather_is_jammed(const struct weather *w, int from, int to, int64_t now_ns)
{
    int64_t since_ns = now_ns - w->start_ns - w->jam_ns;

    if (since_ns < 0 || since_ns >= w->jam_for_ns)
        return false;
    return w->jam_way == WEATHER_BOTH || (w->jam_way == WEATHER_DOWN && from == 0) ||
           (w->jam_way == WEATHER_UP && to == 0);
}

static int64_t weather_between(struct weather *w, int64_t least_ns, int64_t most_ns)
{
    return least_ns + (int64_t)(weather_chance(w) * (double)(most_ns - least_ns));
}

/* When a frame that port from sends at now_ns reaches port to, whose nap is nap. */
static int64_t weather_arrival_ns(struct weather *w, struct weather_nap *nap, int from,
                                  int to, int64_t now_ns)
{
    int64_t least_ns = w->delay_ns > w->jitter_ns ? w->delay_ns - w->jitter_ns : 0;
    int64_t delay_ns = weather_between(w, least_ns, w->delay_ns + w->jitter_ns);

    if (w->start_ns == 0)
        w->start_ns = now_ns;
    if (w->tail_ns > 0)
        delay_ns -= (int64_t)(log1p(-weather_chance(w)) * (double)w->tail_ns);
    if (weather_is_jammed(w, from, to, now_ns))
        delay_ns += weather_between(w, w->jam_least_ns, w->jam_most_ns);
    return weather_wake_ns(w, nap, now_ns + delay_ns);
}

/* "AT:FOR:LEAST:MOST[:up|:down]": seconds, seconds, milliseconds, milliseconds. */
static bool weather_read_congestion(struct weather *w, const char *text)
{
    double at, length, least, most;
    char way[8] = "";

    if (sscanf(text, "%lf:%lf:%lf:%lf:%7s", &at, &length, &least, &most, way) < 4 ||
        most < least)
        return false;
    w->jam_ns = (int64_t)(at * (double)NS_PER_S);
    w->jam_for_ns = (int64_t)(length * (double)NS_PER_S);
    w->jam_least_ns = (int64_t)(least * (double)NS_PER_MS);
    w->jam_most_ns = (int64_t)(most * (double)NS_PER_MS);
    w->jam_way = strcmp(way, "up") == 0     ? WEATHER_UP
                 : strcmp(way, "down") == 0 ? WEATHER_DOWN
                                            : WEATHER_BOTH;
    return way[0] == '\0' || w->jam_way != WEATHER_BOTH;
}

/* Take a command-line option.  False: it is none of these, or its value is no good. */
static bool weather_take_option(struct weather *w, const char *name, const char *value)
{
    double v = value == NULL ? 0 : strtod(value, NULL);

    if (value == NULL)
        return false;
    if (strcmp(name, "--delay-ms") == 0)
        w->delay_ns = (int64_t)(v * (double)NS_PER_MS);
    else if (strcmp(name, "--jitter-ms") == 0)
        w->jitter_ns = (int64_t)(v * (double)NS_PER_MS);
    else if (strcmp(name, "--tail-ms") == 0)
        w->tail_ns = (int64_t)(v * (double)NS_PER_MS);
    else if (strcmp(name, "--loss") == 0)
        w->loss = v;
    else if (strcmp(name, "--seed") == 0)
        w->rng = (uint64_t)v;
    else if (strcmp(name, "--spikes") == 0)
        return sscanf(value, "%lf:%lf", &w->spikes, &v) == 2 && w->spikes < 100 &&
               (w->spike_ns = (int64_t)(v * (double)NS_PER_MS)) > 0;
    else if (strcmp(name, "--congestion") == 0)
        return weather_read_congestion(w, value);
    else
        return false;
    return true;
}

#endif
