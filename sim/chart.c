/* SPDX-License-Identifier: MIT */
#include "sim/chart.h"

#include "base/time.h"

#define LEFT   90 /* px: the times … */
#define COLUMN 210
#define ROW    24
#define TOP    64
#define BAR    7

struct chart {
    FILE *file;
    const struct cone *cone;
    const int *steps;
    int count;
    const struct script *script;
};

static int x_of(int node)
{
    return LEFT + COLUMN / 4 + node * COLUMN;
}

static int y_of(int row)
{
    return TOP + ROW / 2 + row * ROW;
}

static int64_t at_of(const struct chart *c, int row)
{
    return c->cone->steps[c->steps[row]].at_ns;
}

/* Where an instant lies between the rows. */
static int y_at(const struct chart *c, int64_t at_ns)
{
    int row = 0;
    int64_t gap_ns;

    while (row < c->count && at_of(c, row) <= at_ns)
        row++;
    if (row == 0)
        return TOP - 4;
    if (row == c->count)
        return y_of(c->count - 1) + ROW / 2;
    gap_ns = at_of(c, row) - at_of(c, row - 1);
    return y_of(row - 1) +
           (int)(ROW * (at_ns - at_of(c, row - 1)) / (gap_ns > 0 ? gap_ns : 1));
}

static int row_of(const struct chart *c, int step)
{
    for (int row = 0; row < c->count; row++) {
        if (c->steps[row] == step)
            return row;
    }
    return -1;
}

static void text(const struct chart *c, int x, int y, const char *class,
                 const char *words)
{
    (void)fprintf(c->file, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
    for (; *words != '\0'; words++) {
        if (*words == '<' || *words == '>' || *words == '&')
            (void)fprintf(c->file, "&#%d;", *words);
        else
            (void)fputc(*words, c->file);
    }
    (void)fprintf(c->file, "</text>\n");
}

static void begin(const struct chart *c)
{
    int width = x_of(c->script->nodes);
    int height = y_of(c->count) + 2 * ROW;

    (void)fprintf(
        c->file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"11\">\n"
        "<style>.t{fill:#777;text-anchor:end}.n{font-weight:bold;text-anchor:middle}\n"
        ".m{fill:#235;text-anchor:middle}.s{fill:#161}.w{fill:#999}.f{fill:#b50;"
        "font-size:10px}.v{fill:#c00;font-weight:bold}\n"
        "text{paint-order:stroke;stroke:#fff;stroke-width:3px}</style>\n"
        "<defs><marker id=\"a\" markerWidth=\"9\" markerHeight=\"8\" refX=\"9\" "
        "refY=\"4\" "
        "orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 z\" fill=\"#235\"/></marker></defs>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        width, height);
    for (int i = 0; i < c->script->nodes; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "node %d", i);
        text(c, x_of(i), TOP - 36, "n", name);
        (void)fprintf(c->file,
                      "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#aaa\"/>\n",
                      x_of(i), TOP - 28, x_of(i), y_of(c->count));
    }
}

/* What the script does, from its beginning to its end, beside a node. */
static void bar(const struct chart *c, const struct script_entry *e, int node, int place)
{
    int x = x_of(node) - 12 - place * (BAR + 11);
    int top = y_at(c, e->at_ns);
    int end = y_at(c, e->at_ns + e->for_ns);

    if (end < top + 6)
        end = top + 6;
    (void)fprintf(c->file,
                  "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#f83\" "
                  "fill-opacity=\"0.5\"/>\n",
                  x, top, BAR, end - top);
    (void)fprintf(c->file,
                  "<text class=\"f\" transform=\"translate(%d,%d) rotate(-90)\" "
                  "text-anchor=\"end\">%s</text>\n",
                  x - 1, top, script_about((int)e->kind)->name);
}

static void bars(const struct chart *c)
{
    int places[SCRIPT_NODES_MAX] = { 0 };

    for (int i = 0; i < c->script->count; i++) {
        const struct script_entry *e = &c->script->entries[i];

        if (script_about((int)e->kind)->who == SCRIPT_SERVERS ||
            e->at_ns + e->for_ns < at_of(c, 0) || e->at_ns > at_of(c, c->count - 1))
            continue;
        for (int node = 0; node < c->script->nodes; node++) {
            if ((e->nodes >> node & 1) != 0)
                bar(c, e, node, places[node]++);
        }
    }
}

static void arrow(const struct chart *c, int row, const char *what)
{
    const struct cone_step *s = &c->cone->steps[c->steps[row]];
    int from = x_of(c->cone->steps[s->cause].node);
    int to = x_of(s->node);
    int sent = row_of(c, s->cause);
    int y = y_of(row);
    int side = to > from ? 5 : -5;
    int y_from = sent < 0 ? TOP : y_of(sent);

    (void)fprintf(c->file,
                  "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#235\" "
                  "marker-end=\"url(#a)\"%s/>\n",
                  from + side, y_from, to - side, y,
                  sent < 0 ? " stroke-dasharray=\"4\"" : "");
    text(c, to - (to - from) / 4, y - (y - y_from) / 4 - 3, "m", what);
}

/* What happened beside an arrow, and what the party is since. */
static void words(const struct chart *c, int row, const char *what, bool has_arrow)
{
    static const char *const phases[] = { "idle",    "calling", "joining", "sharing",
                                          "playing", "paused",  "stopped", "ended" };
    static const char *const roles[] = { "no party", "host", "guest" };
    const struct cone_step *s = &c->cone->steps[c->steps[row]];
    char line[SCRIPT_LINE_MAX];
    const struct cone_state *now = &s->state;

    if (s->is_change && now->role == 0)
        (void)snprintf(line, sizeof(line), "%.40s%s%s", has_arrow ? "" : what,
                       has_arrow ? "" : ": ", roles[0]);
    else if (s->is_change)
        (void)snprintf(line, sizeof(line), "%.40s%s%s%s %s %04x/%u #%u",
                       has_arrow ? "" : what, has_arrow ? "" : ": ",
                       now->is_acting ? "acting " : "", roles[now->role],
                       phases[now->phase], now->party, now->epoch, now->seq);
    else
        (void)snprintf(line, sizeof(line), "%.40s", has_arrow ? "" : what);
    text(c, x_of(s->node) + 8, y_of(row) + 4, s->is_change ? "s" : "w", line);
}

static bool is_sent(const struct chart *c, int row)
{
    const struct cone_step *s = &c->cone->steps[c->steps[row]];

    return s->cause >= 0 && c->cone->steps[s->cause].node != s->node;
}

/* All arrows first: words stand over them. */
static void draw_arrows(const struct chart *c)
{
    char what[SCRIPT_LINE_MAX];

    for (int row = 0; row < c->count; row++) {
        cone_what(c->cone, c->steps[row], what);
        if (is_sent(c, row))
            arrow(c, row, what);
    }
}

static void draw_row(const struct chart *c, int row)
{
    const struct cone_step *s = &c->cone->steps[c->steps[row]];
    char what[SCRIPT_LINE_MAX];
    char when[32];

    cone_what(c->cone, c->steps[row], what);
    (void)snprintf(when, sizeof(when), "%.3f s", (double)s->at_ns / 1e9);
    text(c, LEFT - 28, y_of(row) + 4, "t", when);
    words(c, row, what, is_sent(c, row));
    (void)fprintf(c->file, "<circle cx=\"%d\" cy=\"%d\" r=\"3.5\" fill=\"%s\"/>\n",
                  x_of(s->node), y_of(row), s->is_change ? "#161" : "#777");
}

void chart_write(FILE *file, const struct cone *c, const int steps[], int count,
                 const struct script *s, const struct trial_outcome *out)
{
    struct chart chart = { file, c, steps, count, s };
    char line[2 * CHECK_TEXT_MAX];

    begin(&chart);
    if (count > 0)
        bars(&chart);
    draw_arrows(&chart);
    for (int row = 0; row < count; row++)
        draw_row(&chart, row);
    if (out->has_failed) {
        (void)snprintf(line, sizeof(line), "%.3f s: %s", (double)out->at_ns / 1e9,
                       out->what);
        text(&chart, LEFT, y_of(count) + ROW / 2, "v", line);
    }
    (void)fprintf(file, "</svg>\n");
}
