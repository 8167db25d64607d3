/* What a run tells: a table for people, a line for machines.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "sim/experiment.h"

void report_table(const struct experiment *e, double wall_s);
void report_json(const struct experiment *e, double wall_s);

/* The violated invariant, and the command that repeats it. */
void report_violation(const struct experiment *e);

#endif
