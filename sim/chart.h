/* A cone (sim/cone.h) as a picture: a sequence chart in SVG.  Each node is a line that
 * goes down with time, a message an arrow, what the script does a bar beside the nodes
 * that it befalls.  Each step has a row of its own, so time does not pass evenly.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_CHART_H
#define SIM_CHART_H

#include "sim/cone.h"
#include "sim/trial.h"

/* steps as cone_of gives them; out says what the last one violates, if it does. */
void chart_write(FILE *file, const struct cone *c, const int steps[], int count,
                 const struct script *s, const struct trial_outcome *out);

#endif
