/* A settled view without the messages that lead to one: for simulations that begin with a
 * network which has been up for long.  No shipped program calls it.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_ADOPT_H
#define OVERLAY_ADOPT_H

#include "overlay/view.h"

/* A peer that is up becomes a neighbour, without being asked, and we are no longer young;
 * the other end must do the same.  is_chosen: as if we had asked.  Nothing when the view
 * is full.  What goes to out is not to be sent. */
void overlay_adopt(struct overlay *o, int peer, bool is_chosen, int64_t now_ns,
                   struct outbox *out);

/* Records for the passive view, as if shuffles had brought them: passive_fill. */
int overlay_acquaint(struct overlay *o, const uint32_t *contacts, const uint16_t *tags,
                     int count);

#endif
