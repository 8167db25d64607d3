/* SPDX-License-Identifier: MIT */
#include "sim/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/lab.h"
#include "sim/verbs.h"

#define LINE_LEN     512
#define PATH_LEN     512
#define PATH_SOURCES 200

bool inspect_has(const char *verb)
{
    return strcmp(verb, "check") == 0 || strcmp(verb, "graph") == 0 ||
           strcmp(verb, "trace") == 0;
}

bool inspect_option(struct inspect *i, const char *option, const char *value)
{
    if (strcmp(option, "--node") == 0)
        i->node = value;
    else if (strcmp(option, "--event") == 0)
        i->event = value;
    else if (strcmp(option, "--from") == 0)
        i->from = value;
    else if (strcmp(option, "--to") == 0)
        i->to = value;
    else
        return false;
    return true;
}

/* ---- check ---- */

/* Settle, send, let some die, send again: what happened, as one hash. */
static void hash_of(const struct setup *s, uint64_t seed, int threads,
                    char text[static RUN_HASH_TEXT])
{
    struct setup own = *s;
    struct lab_message m;
    struct lab lab;

    own.threads = threads;
    own.has_full_hash = true;
    lab_begin(&lab, &own, seed);
    lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
    (void)lab_kill(&lab, s->share_ppm, s->is_silent != 0);
    lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
    run_hash_text(&lab.world.hash, text);
    lab_finish(&lab);
}

static int check(const struct setup *s, uint64_t first, uint64_t last)
{
    static const int threads[] = { 1, 2, 4 };
    int passed = 0;
    int failed = 0;

    for (uint64_t seed = first; seed <= last; seed++) {
        char want[RUN_HASH_TEXT];
        char have[RUN_HASH_TEXT];

        hash_of(s, seed, 1, want);
        for (int i = 0; i < COUNT(threads); i++) {
            bool is_same;

            hash_of(s, seed, threads[i], have);
            is_same = strcmp(want, have) == 0;
            passed += is_same;
            failed += !is_same;
            printf("%s seed %llu, %d threads: %s%s%s\n", is_same ? "ok  " : "FAIL",
                   (unsigned long long)seed, threads[i], have, is_same ? "" : ", not ",
                   is_same ? "" : want);
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? VERB_OK : VERB_DIFFERENT;
}

/* ---- graph ---- */

static FILE *create(const char *dir, const char *name)
{
    char path[PATH_LEN];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    if (f == NULL)
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    return f;
}

static bool write_edges(const struct graph *g, const char *dir)
{
    FILE *dot = create(dir, "overlay.dot");
    FILE *csv = create(dir, "overlay.csv");

    if (dot == NULL || csv == NULL) {
        if (dot != NULL)
            (void)fclose(dot);
        if (csv != NULL)
            (void)fclose(csv);
        return false;
    }
    (void)fprintf(dot, "graph overlay {\n  node [shape=point];\n");
    (void)fprintf(csv, "from,to\n");
    for (int v = 0; v < g->count; v++) {
        for (int i = 0; i < g->degree[v]; i++) {
            int other = g->edges[(size_t)v * GRAPH_DEGREE_MAX + (size_t)i];

            if (other < v)
                continue;
            (void)fprintf(dot, "  %d -- %d;\n", v, other);
            (void)fprintf(csv, "%d,%d\n", v, other);
        }
    }
    (void)fprintf(dot, "}\n");
    return fclose(dot) == 0 && fclose(csv) == 0;
}

static int graph(const struct setup *s, uint64_t seed, const char *dir)
{
    struct graph_facts f;
    struct graph g;
    struct lab lab;
    bool is_good = true;

    lab_begin(&lab, s, seed);
    lab_graph(&lab, &g);
    graph_measure(&g, PATH_SOURCES, &f);
    printf("nodes %d, links %lld, neighbours %d to %d, components %d (largest %d)\n",
           f.vertices, (long long)f.edges, f.degree_min, f.degree_max, f.components,
           f.largest);
    printf("clustering %.6f, shortest paths %.4f hops on average, longest %d\n",
           (double)f.clustering_ppb / 1e9, (double)f.path_micro / 1e6, f.path_max);
    if (dir != NULL)
        is_good = write_edges(&g, dir);
    if (dir != NULL && is_good)
        printf("the overlay is in %s: overlay.dot (GraphViz), overlay.csv\n", dir);
    graph_finish(&g);
    lab_finish(&lab);
    return is_good ? VERB_OK : VERB_MISSED;
}

/* ---- trace ---- */

static bool is_wanted(const struct inspect *i, const char *line)
{
    double at;
    int node;
    char event[32];

    if (sscanf(line, "%lf node %d %31s", &at, &node, event) != 3)
        return false;
    return (i->node == NULL || atoi(i->node) == node) &&
           (i->event == NULL || strcmp(i->event, event) == 0) &&
           (i->from == NULL || at >= atof(i->from)) &&
           (i->to == NULL || at <= atof(i->to));
}

static void run_traced(struct setup *s, uint64_t seed)
{
    struct lab_message m;
    struct lab lab;

    s->threads = 1;
    lab_make(&lab, s, seed);
    lab.world.p.is_traced = true;
    lab.world.p.is_logged = true;
    for (int n = 0; n < s->nodes; n++)
        world_start_at(&lab.world, n, mul_div(s->start_ns, n, s->nodes));
    lab_run(&lab, s->start_ns + s->settle_ns);
    for (int64_t k = 0; k < s->messages; k++)
        lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->gap_ns, &m);
    lab_finish(&lab);
}

/* The world prints all; what is not wanted is left out on the way. */
static int trace(const struct inspect *i, struct setup *s, uint64_t seed)
{
    char line[LINE_LEN];
    int ends[2];
    FILE *in;
    pid_t pid;

    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        perror("party-sim");
        return VERB_MISSED;
    }
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        run_traced(s, seed);
        (void)fflush(stdout);
        _exit(0);
    }
    (void)close(ends[1]);
    in = fdopen(ends[0], "r");
    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        if (is_wanted(i, line))
            (void)fputs(line, stdout);
    }
    if (in != NULL)
        (void)fclose(in);
    (void)waitpid(pid, NULL, 0);
    return VERB_OK;
}

int inspect_run(const char *verb, const struct inspect *i, struct setup *s,
                uint64_t first, uint64_t last, const char *dir)
{
    if (strcmp(verb, "check") == 0)
        return check(s, first, last);
    return strcmp(verb, "graph") == 0 ? graph(s, first, dir) : trace(i, s, first);
}
