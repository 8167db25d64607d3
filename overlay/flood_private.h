/* What the files of the floods share.  SPDX-License-Identifier: MIT */
#ifndef OVERLAY_FLOOD_PRIVATE_H
#define OVERLAY_FLOOD_PRIVATE_H

#include "overlay/flood.h"

/* The memory that comes with the first flood. */
struct flood_state *flood_state(struct floods *f);

/* … and with the first one on this link, which is up. */
struct flood_traffic *flood_traffic(struct floods *f, int peer);

#endif
