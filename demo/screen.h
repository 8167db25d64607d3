/* The live table of the demo, on a terminal.  SPDX-License-Identifier: MIT */
#ifndef DEMO_SCREEN_H
#define DEMO_SCREEN_H

#include "demo/cast.h"

/* Draw the states of all nodes over the table that was drawn before. */
void screen_draw(const struct cast *c);

/* Take the table away, for a line of text: the next one is drawn below it. */
void screen_clear(void);

/* Let the table stand; what is written next comes below it. */
void screen_leave(void);

#endif
