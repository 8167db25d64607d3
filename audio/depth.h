/* How much sound is kept written ahead of the card: little, so that what the user does is
 * heard soon even where a card cannot take anything back; more, once the card has run dry
 * twice within a minute; and less again, in halves, when it has been fed in time for
 * long. Times are local raw time.  Pure.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_DEPTH_H
#define AUDIO_DEPTH_H

#include <stdbool.h>
#include <stdint.h>

struct depth_params {
    int64_t least_ns;   /* as begun with, and gone back to */
    int64_t most_ns;    /* of what any card is given; its own buffer may hold less */
    int64_t suspect_ns; /* two dropouts within that time: doubled */
    int64_t calm_ns;    /* so long without one: halved */
};

struct depth_params depth_params_default(void);

struct depth {
    struct depth_params params;
    int rate;     /* of the card, frames per second */
    int capacity; /* of its buffer, frames */
    int64_t ns;
    int64_t dropout_ns; /* the last one; TIME_NEVER: none that counts */
    int64_t calm_ns;    /* since then nothing has happened */
};

/* A card was opened.  What an earlier one has taught is kept where it fits. */
void depth_init(struct depth *d, const struct depth_params *params);
void depth_set_card(struct depth *d, int rate, int capacity, int64_t now_ns);

/* The card ran dry. */
void depth_add_dropout(struct depth *d, int64_t now_ns);

/* Frames to keep written at now_ns: at least 1, at most the card's capacity. */
int depth_frames(struct depth *d, int64_t now_ns);

#endif
