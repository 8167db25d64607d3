/* Columns that line up.  SPDX-License-Identifier: MIT */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/put.h"

#define TABLE_COLUMNS_MAX 8
#define TABLE_ROWS_MAX    136
#define TABLE_CELL_MAX    160 /* bytes */

struct table {
    int columns;
    int rows; /* the heading is the first */
    bool is_right[TABLE_COLUMNS_MAX];
    int filled; /* cells of the last row */
    struct text cell;
    char cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX][TABLE_CELL_MAX];
};

/* Begin with a heading of words; a word that begins with ">" heads numbers, which stand
 * at the right. */
void table_init(struct table *t, const char *const heads[], int columns);

/* The next cell, to be filled: rows follow from their number.  Cells beyond the last row
 * go nowhere. */
struct text *table_cell(struct table *t);

/* Put the table, each line behind indent blanks; the heading dim. */
void table_put(const struct table *t, struct text *to, const struct style *s, int indent);

#endif
