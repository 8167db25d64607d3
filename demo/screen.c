/* SPDX-License-Identifier: MIT */
#include "demo/screen.h"

#include <stdio.h>
#include <string.h>

#include "wire/map.h"

static int drawn; /* lines of the table that stand above the cursor */

/* The song that stands in a slot of a party's pool. */
static struct bytes song_at(struct bytes party, int64_t slot)
{
    struct bytes song;
    struct list l;

    list_init_at(&l, party, "pool");
    while (list_next(&l, &song)) {
        if (map_get_int(song, "slot", -1) == slot)
            return song;
    }
    return bytes_of(NULL, 0);
}

static int songs_held(struct bytes party)
{
    struct bytes song;
    struct list l;
    int held = 0;

    list_init_at(&l, party, "pool");
    while (list_next(&l, &song))
        held += map_get_int(song, "total", 0) > 0 &&
                map_get_int(song, "held", -1) == map_get_int(song, "total", 0);
    return held;
}

static void draw_row(const struct actor *a)
{
    struct bytes party;
    struct bytes audio;
    struct bytes clock;
    struct bytes phase;
    struct bytes title = bytes_of("", 0);
    int64_t at_ms;

    (void)map_find(a->state, "party", &party);
    (void)map_find(a->state, "audio", &audio);
    (void)map_find(a->state, "clock", &clock);
    phase = map_get_text(party, "phase", "-");
    at_ms = map_get_int(party, "position_ms", -1);
    if (at_ms >= 0)
        title = map_get_text(song_at(party, map_get_int(party, "slot", -1)), "title", "");
    fprintf(stderr, "  %-4s %+6.1f  %-8.*s  %d/5   ", a->name, a->ppm, (int)phase.len,
            (const char *)phase.data, songs_held(party));
    if (at_ms >= 0)
        fprintf(stderr, "%2d:%02d.%d  ", (int)(at_ms / 60000), (int)(at_ms / 1000 % 60),
                (int)(at_ms / 100 % 10));
    else
        fprintf(stderr, "   -     ");
    fprintf(stderr, "%-22.*s", (int)(title.len < 22 ? title.len : 22),
            (const char *)title.data);
    if (map_get_bool(audio, "playing", false))
        fprintf(stderr, " %+7.1f us %+7.2f ppm",
                (double)map_get_int(audio, "phase_ns", 0) / 1e3,
                (double)map_get_int(audio, "rate_ppb", 0) / 1e3);
    else
        fprintf(stderr, "    silent");
    fprintf(stderr, "\033[K\n");
}

void screen_draw(const struct cast *c)
{
    if (drawn > 0)
        fprintf(stderr, "\033[%dA", drawn);
    fprintf(stderr,
            "  node  crystal  state    songs    at     song                  phase (own "
            "view)  resampler\033[K\n");
    for (int i = 0; i < c->count; i++)
        draw_row(&c->actors[i]);
    fflush(stderr);
    drawn = c->count + 1;
}

void screen_clear(void)
{
    if (drawn > 0)
        fprintf(stderr, "\033[%dA\033[J", drawn);
    drawn = 0;
}

void screen_leave(void)
{
    drawn = 0;
}
