/* What a run of an experiment found: figures by name, and rows of a series (x, y).  Kept
 * as text, one line each, so that a run that has ended is a file that can be read again.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#define RESULT_NAME_MAX 48
#define RESULT_UNIT_MAX 16

struct result_figure {
    char name[RESULT_NAME_MAX];
    char unit[RESULT_UNIT_MAX];
    double value;
};

struct result_row {
    char series[RESULT_NAME_MAX];
    double x;
    double y;
};

/* Zeroed: empty. */
struct results {
    struct result_figure *figures;
    int figure_count;
    int figure_room;
    struct result_row *rows;
    int row_count;
    int row_room;
};

void results_add(struct results *r, const char *name, const char *unit, double value);
void results_row(struct results *r, const char *series, double x, double y);

/* The figure of a name, or NULL. */
const struct result_figure *results_find(const struct results *r, const char *name);

void results_write(const struct results *r, FILE *f);

/* Add what a file has.  False when it is none that results_write has made. */
bool results_read(struct results *r, FILE *f);

void results_finish(struct results *r);

#endif
