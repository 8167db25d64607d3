/* Make a failing script small: as few entries as still fail in the same way, then shorter
 * and fewer nodes (delta debugging: Zeller, Hildebrandt 2002).  Draws are named by what
 * they are for, so leaving one thing out moves no other.  SPDX-License-Identifier: MIT */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/trial.h"

/* Shrink s, which fails as *failure says, for at most so long.  The runs that it took. */
int shrink_script(struct script *s, const struct trial_outcome *failure, int64_t for_ns);

#endif
