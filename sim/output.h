/* What is made of the results of a sweep: tables, files for other programs, pictures, and
 * whether goals are met.  SPDX-License-Identifier: MIT */
#ifndef SIM_OUTPUT_H
#define SIM_OUTPUT_H

#include "sim/sweep.h"

/* Figures over the seeds, a line each, on stdout. */
void output_table(const struct sweep *w);

/* One JSON object on stdout: what was run, all figures, goals. */
void output_json(const struct sweep *w);

/* DIR/runs.csv (a row for each run), DIR/rows.csv (series), DIR/results.sqlite (tables
 * run, param, figure, series), and DIR/plot.gp with DIR/plot.svg if gnuplot is there.
 * False, with a line on stderr, when one cannot be written. */
bool output_files(const struct sweep *w);

/* The goals of the kind that are not met; those without a figure do not count.  With
 * is_shown a line each on stdout. */
int output_goals(const struct sweep *w, bool is_shown);

/* The line of a claim: {"name","value","unit","goal","ok"}.  0 when it is met, 1 when it
 * is not, 2 when the kind has no such goal. */
int output_claim(const struct sweep *w, const char *figure, const char *name);

#endif
