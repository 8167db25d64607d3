/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <assert.h>
#include <string.h>

void table_init(struct table *t, const char *const heads[], int columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    t->columns = columns;
    t->rows = 0;
    t->filled = columns;
    for (int i = 0; i < columns; i++) {
        t->is_right[i] = heads[i][0] == '>';
        text_add(table_cell(t), heads[i] + t->is_right[i]);
    }
}

struct text *table_cell(struct table *t)
{
    if (t->filled == t->columns) {
        t->rows++;
        t->filled = 0;
    }
    if (t->rows > TABLE_ROWS_MAX)
        text_init(&t->cell, t->cells[TABLE_ROWS_MAX - 1][0], 1);
    else
        text_init(&t->cell, t->cells[t->rows - 1][t->filled], TABLE_CELL_MAX);
    t->filled++;
    return &t->cell;
}

static int row_count(const struct table *t)
{
    return t->rows < TABLE_ROWS_MAX ? t->rows : TABLE_ROWS_MAX - 1;
}

static int cell_columns(const struct table *t, int row, int column)
{
    const char *s = t->cells[row][column];

    return put_columns(s, strlen(s));
}

static void blanks(struct text *to, int n)
{
    for (int i = 0; i < n; i++)
        text_add(to, " ");
}

static void put_row(const struct table *t, struct text *to, int row, const int widths[])
{
    for (int i = 0; i < t->columns; i++) {
        int pad = widths[i] - cell_columns(t, row, i);
        bool is_last = i == t->columns - 1;

        if (i > 0)
            text_add(to, "  ");
        if (t->is_right[i])
            blanks(to, pad);
        text_add(to, t->cells[row][i]);
        if (!t->is_right[i] && !is_last)
            blanks(to, pad);
    }
}

void table_put(const struct table *t, struct text *to, const struct style *s, int indent)
{
    int widths[TABLE_COLUMNS_MAX] = { 0 };

    assert(t->filled == t->columns);
    for (int row = 0; row < row_count(t); row++) {
        for (int i = 0; i < t->columns; i++) {
            int n = cell_columns(t, row, i);

            widths[i] = n > widths[i] ? n : widths[i];
        }
    }
    for (int row = 0; row < row_count(t); row++) {
        blanks(to, indent);
        if (row == 0)
            put_paint(to, s, PAINT_DIM);
        put_row(t, to, row, widths);
        if (row == 0)
            put_paint(to, s, PAINT_NONE);
        text_add(to, "\n");
    }
}
