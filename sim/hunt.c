/* SPDX-License-Identifier: MIT */
#include "sim/hunt.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/chart.h"
#include "sim/child.h"
#include "sim/memory.h"
#include "sim/shrink.h"
#include "sim/spec.h"
#include "sim/storm.h"
#include "sim/tally.h"
#include "sim/verbs.h"

#define JOBS_MAX        256
#define KINDS_MAX       8 /* of failures that are told apart and made small */
#define SHRINK_NS       (60 * NS_PER_S)
#define PROGRESS_NS     (5 * NS_PER_S)
#define SCRIPT_PATH_MAX 256
#define CONE_TOLD       60 /* steps */

struct hunt {
    struct tally tally; /* of earlier runs, too */
    const char *resume; /* where it is kept; NULL: nowhere */
    uint64_t first;
    uint64_t last;
    int64_t for_ns; /* no new seed after this; TIME_NEVER: all */
    int64_t jobs;
    const char *dir; /* where scripts of failures go */
    bool is_first;   /* no new seed after the first that fails */
    bool is_json;
    bool is_quiet;

    int64_t begin_ns;
    uint64_t next;
    int64_t done; /* in this run, as the next two */
    int64_t failed;
    int failure_count;
    struct failure {
        uint64_t seed;
        int64_t times;
        struct trial_outcome outcome;
        int things_before; /* that happened, and … */
        int things;        /* … were left when it was small; 0: it is not repeatable */
        int nodes;
        int64_t shrink_ns;
    } failures[KINDS_MAX];
};

/* One seed under way, in a process of its own. */
struct worker {
    struct child child;
    struct script *script; /* NULL: none */
};

/* ---- options ---- */

static int usage(const char *what, const char *why)
{
    (void)fprintf(stderr, "party-sim: %s: %s\n", what, why);
    (void)fprintf(
        stderr,
        "usage: party-sim swarm [--seeds A..B] [--minutes M] [--nodes N] [--length T]\n"
        "                       [--jobs J] [--faults KIND,…] [--out DIR] [--first]\n"
        "                       [--resume FILE] [--json] [--quiet]\n"
        "       party-sim script --seed S [--nodes N] [--length T] [--faults …]\n"
        "       party-sim play FILE [--trace] [--verbose] [--quiet] [--chart FILE]\n"
        "kinds of faults:");
    for (int i = 0; i < SCRIPT_KINDS; i++)
        (void)fprintf(stderr, "%s%s", i % 8 == 0 ? "\n  " : " ", script_about(i)->name);
    (void)fprintf(stderr, "\n");
    return VERB_USAGE;
}

static bool read_kinds(const char *text, uint64_t *kinds)
{
    *kinds = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        int kind = 0;

        while (kind < SCRIPT_KINDS && (strlen(script_about(kind)->name) != len ||
                                       memcmp(script_about(kind)->name, text, len) != 0))
            kind++;
        if (kind == SCRIPT_KINDS)
            return false;
        *kinds |= UINT64_C(1) << kind;
        text += len + (text[len] == ',');
    }
    return *kinds != 0;
}

static bool read_number(enum value_kind kind, const char *text, int64_t least,
                        int64_t most, int64_t *out)
{
    const char *why;

    return value_parse(kind, text, out, &why) && *out >= least && *out <= most;
}

/* What one option says.  False when it makes no sense. */
static bool read_option(struct hunt *w, const char *name, const char *text)
{
    int64_t n;

    if (strcmp(name, "--seeds") == 0 || strcmp(name, "--seed") == 0)
        return spec_read_seeds(text, &w->first, &w->last);
    if (strcmp(name, "--faults") == 0)
        return read_kinds(text, &w->tally.storm.kinds);
    if (strcmp(name, "--out") == 0) {
        w->dir = text;
        return strlen(text) < SCRIPT_PATH_MAX - 64;
    }
    if (strcmp(name, "--resume") == 0) {
        w->resume = text;
        return true;
    }
    if (strcmp(name, "--minutes") == 0) {
        if (!read_number(VALUE_INT, text, 1, 100000, &n))
            return false;
        w->for_ns = n * 60 * NS_PER_S;
        return true;
    }
    if (strcmp(name, "--jobs") == 0)
        return read_number(VALUE_INT, text, 1, JOBS_MAX, &w->jobs);
    if (strcmp(name, "--length") == 0)
        return read_number(VALUE_TIME, text, 40 * NS_PER_S, 24 * 3600 * NS_PER_S,
                           &w->tally.storm.length_ns);
    if (strcmp(name, "--nodes") == 0 &&
        read_number(VALUE_INT, text, 2, SCRIPT_NODES_MAX, &n)) {
        w->tally.storm.nodes = (int)n;
        return true;
    }
    return false;
}

static bool read_options(struct hunt *w, int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool has_range = false;

    *w = (struct hunt){ .first = 1,
                        .last = 100,
                        .for_ns = TIME_NEVER,
                        .jobs = cores < 1          ? 1
                                : cores > JOBS_MAX ? JOBS_MAX
                                                   : cores,
                        .dir = "swarm-failures",
                        .tally.storm.kinds = (UINT64_C(1) << SCRIPT_KINDS) - 1 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            w->is_json = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            w->is_quiet = true;
        } else if (strcmp(argv[i], "--first") == 0) {
            w->is_first = true;
        } else if (i + 1 < argc && read_option(w, argv[i], argv[i + 1])) {
            has_range |= strncmp(argv[i], "--seed", 6) == 0;
            i++;
        } else {
            (void)usage(argv[i], "no such option, or not with this");
            return false;
        }
    }
    if (!has_range && w->for_ns != TIME_NEVER)
        w->last = INT64_MAX / 2;
    return true;
}

/* ---- many seeds ---- */

static void begin_seed(struct hunt *w, struct worker *k)
{
    k->script = memory_new(1, sizeof(*k->script));
    storm_make(k->script, w->next++, &w->tally.storm);
    child_begin(&k->child, k->script);
}

static void note_failure(struct hunt *w, uint64_t seed, const struct trial_outcome *out)
{
    w->failed++;
    for (int i = 0; i < w->failure_count; i++) {
        if (trial_is_same(&w->failures[i].outcome, out)) {
            w->failures[i].times++;
            return;
        }
    }
    if (!w->is_quiet)
        (void)fprintf(stderr, "\rseed %llu: %s\n", (unsigned long long)seed, out->what);
    if (w->failure_count < KINDS_MAX)
        w->failures[w->failure_count++] = (struct failure){ .seed = seed,
                                                            .times = 1,
                                                            .outcome = *out };
}

static void end_seed(struct hunt *w, struct worker *k)
{
    struct trial_outcome out;

    child_end(&k->child, &out);
    w->done++;
    tally_add(&w->tally, k->script, &out);
    if (out.has_failed)
        note_failure(w, k->script->seed, &out);
    free(k->script);
    k->script = NULL;
}

static void show_progress(const struct hunt *w)
{
    double spent = (double)(child_wall_ns() - w->begin_ns) / 1e9;
    double total = (double)(w->last - w->next) + 1 + (double)w->done;
    double left = (total - (double)w->done) * spent / (double)(w->done > 0 ? w->done : 1);

    if (w->for_ns != TIME_NEVER && (double)w->for_ns / 1e9 - spent < left)
        left = (double)w->for_ns / 1e9 - spent;
    (void)fprintf(stderr, "\r%lld seeds, %lld failed, %.0f s left   ", (long long)w->done,
                  (long long)w->failed, left < 0 ? 0 : left);
}

static bool wants_more(const struct hunt *w)
{
    return w->next <= w->last && !(w->is_first && w->failed > 0) &&
           (w->for_ns == TIME_NEVER || child_wall_ns() - w->begin_ns < w->for_ns);
}

static void run_all(struct hunt *w)
{
    struct worker workers[JOBS_MAX] = { { .script = NULL } };
    struct pollfd fds[JOBS_MAX];
    int64_t shown_ns = child_wall_ns();
    int running;

    w->begin_ns = child_wall_ns();
    w->next = w->tally.seeds > 0 ? w->tally.next : w->first;
    do {
        running = 0;
        for (int64_t i = 0; i < w->jobs; i++) {
            if (workers[i].child.pid == 0 && wants_more(w))
                begin_seed(w, &workers[i]);
            running += workers[i].child.pid != 0;
            fds[i] = (struct pollfd){ workers[i].child.pid != 0 ? workers[i].child.fd
                                                                : -1,
                                      POLLIN, 0 };
        }
        if (running > 0 && poll(fds, (nfds_t)w->jobs, -1) < 0 && errno != EINTR)
            break;
        for (int64_t i = 0; i < w->jobs && running > 0; i++) {
            if (workers[i].child.pid != 0 && fds[i].revents != 0)
                end_seed(w, &workers[i]);
        }
        if (!w->is_quiet && child_wall_ns() - shown_ns > PROGRESS_NS) {
            show_progress(w);
            shown_ns = child_wall_ns();
        }
    } while (running > 0);
    if (!w->is_quiet)
        (void)fprintf(stderr, "\n");
    w->tally.next = w->next;
    w->tally.wall_ms += (child_wall_ns() - w->begin_ns) / NS_PER_MS;
}

/* ---- what came of it ---- */

static bool save(const struct hunt *w, const struct script *s, const char *suffix,
                 char path[static SCRIPT_PATH_MAX])
{
    FILE *file;

    (void)mkdir(w->dir, 0777);
    (void)snprintf(path, SCRIPT_PATH_MAX, "%s/%llu%s.script", w->dir,
                   (unsigned long long)s->seed, suffix);
    file = fopen(path, "w");
    if (file == NULL) {
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
        return false;
    }
    script_write(s, file);
    return fclose(file) == 0;
}

static void explain(const struct hunt *w, struct failure *f)
{
    struct script *s = memory_new(1, sizeof(*s));
    struct trial_outcome out;
    struct child child;
    char path[SCRIPT_PATH_MAX];
    int64_t begin_ns;
    int runs;

    storm_make(s, f->seed, &w->tally.storm);
    f->things_before = s->count;
    printf("VIOLATED %s\n  seed %llu, at %.3f s, node %d; %lld seeds failed like this\n",
           f->outcome.what, (unsigned long long)f->seed, (double)f->outcome.at_ns / 1e9,
           f->outcome.node, (long long)f->times);
    (void)save(w, s, "-whole", path);
    child_begin(&child, s);
    child_end(&child, &out);
    if (!trial_is_same(&out, &f->outcome)) {
        printf("  not repeatable: a second run said \"%s\"\n", out.what);
    } else {
        begin_ns = child_wall_ns();
        runs = shrink_script(s, &out, SHRINK_NS);
        f->shrink_ns = child_wall_ns() - begin_ns;
        f->things = s->count;
        f->nodes = s->nodes;
        printf("  made smaller in %d runs: %d of %d things that happen, %d nodes\n", runs,
               f->things, f->things_before, f->nodes);
        if (save(w, s, "", path))
            printf("  repeat: party-sim play %s\n", path);
    }
    (void)fflush(stdout);
    free(s);
}

/* The failures of this run, of each kind one, as a list of JSON.  The words of an oracle
 * need no escapes. */
static void report_failures(const struct hunt *w)
{
    printf(",\"found\":[");
    for (int i = 0; i < w->failure_count; i++) {
        const struct failure *f = &w->failures[i];

        printf("%s{\"what\":\"%s\",\"seed\":%llu,\"times\":%lld,\"things_before\":%d,"
               "\"things\":%d,\"nodes\":%d,\"shrink_s\":%.1f}",
               i > 0 ? "," : "", f->outcome.what, (unsigned long long)f->seed,
               (long long)f->times, f->things_before, f->things, f->nodes,
               (double)f->shrink_ns / 1e9);
    }
    printf("]}\n");
}

static void report(const struct hunt *w)
{
    if (w->is_json) {
        tally_print_json(&w->tally);
        report_failures(w);
    } else {
        tally_print(&w->tally, w->jobs);
    }
}

static int hunt_all(struct hunt *w)
{
    char why[SETUP_WHY_MAX] = "";

    if (w->resume != NULL && !tally_read(&w->tally, w->resume, why))
        return usage(w->resume, why);
    run_all(w);
    for (int i = 0; i < w->failure_count; i++)
        explain(w, &w->failures[i]);
    report(w);
    if (w->resume != NULL && !tally_write(&w->tally, w->resume)) {
        (void)fprintf(stderr, "party-sim: %s: %s\n", w->resume, strerror(errno));
        return VERB_MISSED;
    }
    return w->tally.failed > 0 ? VERB_MISSED : VERB_OK;
}

static int run_swarm(int argc, char **argv)
{
    struct hunt *w = memory_new(1, sizeof(*w));
    int status = VERB_USAGE;

    if (read_options(w, argc, argv))
        status = hunt_all(w);
    tally_finish(&w->tally);
    free(w);
    return status;
}

/* ---- one script ---- */

static int show_script(int argc, char **argv)
{
    struct hunt *w = memory_new(1, sizeof(*w));
    struct script *s = memory_new(1, sizeof(*s));
    int status = VERB_USAGE;

    if (read_options(w, argc, argv)) {
        storm_make(s, w->first, &w->tally.storm);
        script_write(s, stdout);
        status = VERB_OK;
    }
    free(s);
    free(w);
    return status;
}

/* How it came to that. */
static void tell_cone(const struct cone *c, const struct script *s,
                      const struct trial_outcome *out, FILE *chart)
{
    int steps[CONE_STEPS_MAX];
    int count = cone_of(c, out->node, CONE_TOLD, steps);

    if (out->has_failed) {
        printf("what led to it, of %d steps:\n", c->count);
        cone_print(c, steps, count, s);
    }
    if (chart != NULL)
        chart_write(chart, c, steps, count, s, out);
}

static int play_script(const struct script *s, struct trial_options *options, FILE *chart)
{
    struct trial_outcome out;
    char hash[RUN_HASH_TEXT];
    struct cone cone;

    cone_init(&cone);
    options->cone = &cone;
    trial_run(s, options, &out);
    if (options->is_told || chart != NULL)
        tell_cone(&cone, s, &out, chart);
    options->cone = NULL;
    cone_finish(&cone);
    run_hash_text(&out.hash, hash);
    if (out.has_failed)
        printf("VIOLATED %s: node %d, at %.6f s\n", out.what, out.node,
               (double)out.at_ns / 1e9);
    printf("%s %s\n", hash, out.has_failed ? "FAILED" : "ok");
    return out.has_failed ? VERB_MISSED : VERB_OK;
}

/* What `play` is asked for. */
struct play {
    struct trial_options options;
    const char *path;
    const char *chart; /* NULL: none */
};

static bool read_play(struct play *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            p->options.is_traced = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            p->options.is_logged = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            p->options.is_told = false;
        else if (strcmp(argv[i], "--chart") == 0 && i + 1 < argc)
            p->chart = argv[++i];
        else if (p->path == NULL && argv[i][0] != '-')
            p->path = argv[i];
        else
            return usage(argv[i], "no such option") == VERB_OK;
    }
    return p->path != NULL || usage("play", "which script?") == VERB_OK;
}

/* NULL, and said why, when it cannot be opened. */
static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    if (file == NULL)
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    return file;
}

static int play_file(struct play *p, FILE *file)
{
    struct script *s = memory_new(1, sizeof(*s));
    char why[SETUP_WHY_MAX] = "";
    FILE *chart = NULL;
    int status = VERB_USAGE;

    if (!script_read(s, file, why))
        (void)fprintf(stderr, "party-sim: %s: %s\n", p->path, why);
    else if (p->chart == NULL || (chart = open_file(p->chart, "w")) != NULL)
        status = play_script(s, &p->options, chart);
    if (chart != NULL && fclose(chart) != 0)
        status = VERB_MISSED;
    free(s);
    return status;
}

static int play(int argc, char **argv)
{
    struct play p = { .options = { .is_told = true } };
    FILE *file = read_play(&p, argc, argv) ? open_file(p.path, "r") : NULL;
    int status = VERB_USAGE;

    if (file != NULL) {
        status = play_file(&p, file);
        (void)fclose(file);
    }
    return status;
}

bool hunt_has(const char *verb)
{
    return strcmp(verb, "swarm") == 0 || strcmp(verb, "play") == 0 ||
           strcmp(verb, "script") == 0;
}

int hunt_verb(int argc, char **argv)
{
    if (strcmp(argv[0], "swarm") == 0)
        return run_swarm(argc, argv);
    return strcmp(argv[0], "play") == 0 ? play(argc, argv) : show_script(argc, argv);
}
