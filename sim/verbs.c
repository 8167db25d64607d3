/* SPDX-License-Identifier: MIT */
#include "sim/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sim/inspect.h"
#include "sim/knobs.h"
#include "sim/memory.h"
#include "sim/output.h"
#include "sim/hunt.h"

#define COMMAND_LEN 1024
#define PATH_LEN    256

/* What the command line says. */
struct request {
    struct spec spec;
    const char *file;
    const char *dir; /* NULL: nothing is kept */
    const char *claim;
    const char *claim_name;
    int64_t jobs;
    int64_t job; /* -1: all */
    bool is_json;
    bool is_quiet;
    bool is_progress;
    bool is_lenient; /* missed goals do not count for the exit status */
    struct inspect inspect;
    char command[COMMAND_LEN];
};

static int usage(const char *what, const char *why)
{
    (void)fprintf(stderr, "party-sim: %s: %s\n", what, why);
    (void)fprintf(stderr,
                  "party-sim --help shows what there is; party-sim(1) has it all\n");
    return VERB_USAGE;
}

void verb_help(void)
{
    printf(
        "usage: party-sim KIND [options]       run an experiment\n"
        "       party-sim run FILE [options]   … that a file describes\n"
        "       party-sim party [options]      a party with faults, invariants checked\n"
        "       party-sim params [TEXT]        all that can be set, with its default\n"
        "       party-sim check [options]      the same seed twice, and on threads\n"
        "       party-sim graph [options]      the overlay as GraphViz and CSV\n"
        "       party-sim trace [options]      what happened, line by line\n"
        "       party-sim jobs|job|merge FILE --out DIR [--job N]\n"
        "       party-sim replay DIR [--seed S] [--job N]\n"
        "       party-sim swarm [options]      storms of faults over parties, by seed\n"
        "       party-sim script --seed S      … what one of them is, as a text\n"
        "       party-sim play FILE            … and a run of such a text\n\nkinds:\n");
    for (int i = 0; i < lab_kind_count(); i++)
        printf("  %-8s %s\n", lab_kind_at(i)->name, lab_kind_at(i)->about);
    printf("\noptions: --nodes N --seeds A..B --jobs N --out DIR --set NAME=VALUE\n"
           "         --vary NAME=V1,V2 --json --quiet --progress --claim FIGURE, and\n"
           "         --NAME VALUE for whatever party-sim params lists\n"
           "more:    party-sim party --help, man party-sim, docs/simulator.md\n");
}

/* ---- options ---- */

static bool split(const char *text, char name[static SPEC_NAME_MAX], const char **value)
{
    const char *sign = strchr(text, '=');

    if (sign == NULL || sign - text >= SPEC_NAME_MAX)
        return false;
    (void)snprintf(name, SPEC_NAME_MAX, "%.*s", (int)(sign - text), text);
    *value = sign + 1;
    return true;
}

static bool set_pair(struct request *q, const char *option, const char *text, char *why)
{
    char name[SPEC_NAME_MAX];
    const char *value;

    if (!split(text, name, &value)) {
        (void)snprintf(why, SETUP_WHY_MAX, "it is followed by NAME=VALUE");
        return false;
    }
    return strcmp(option, "--vary") == 0 ? spec_add_vary(&q->spec, name, value, why)
                                         : spec_set(&q->spec, name, value, why);
}

static bool read_count(const char *text, int64_t max, int64_t *out, char *why)
{
    const char *what;

    if (value_parse(VALUE_INT, text, out, &what) && *out >= 0 && *out <= max)
        return true;
    (void)snprintf(why, SETUP_WHY_MAX, "it is followed by a number up to %lld",
                   (long long)max);
    return false;
}

static bool read_flag(struct request *q, const char *option)
{
    if (strcmp(option, "--json") == 0)
        q->is_json = true;
    else if (strcmp(option, "--quiet") == 0)
        q->is_quiet = true;
    else if (strcmp(option, "--progress") == 0)
        q->is_progress = true;
    else if (strcmp(option, "--lenient") == 0)
        q->is_lenient = true;
    else
        return false;
    return true;
}

static bool read_value(struct request *q, const char *option, const char *text, char *why)
{
    if (strcmp(option, "--set") == 0 || strcmp(option, "--vary") == 0)
        return set_pair(q, option, text, why);
    if (strcmp(option, "--jobs") == 0)
        return read_count(text, 256, &q->jobs, why);
    if (strcmp(option, "--job") == 0)
        return read_count(text, INT64_C(100000000), &q->job, why);
    if (inspect_option(&q->inspect, option, text))
        return true;
    if (strcmp(option, "--out") == 0)
        q->dir = text;
    else if (strcmp(option, "--claim") == 0)
        q->claim = text;
    else if (strcmp(option, "--as") == 0)
        q->claim_name = text;
    else
        return spec_set(&q->spec, strcmp(option, "--seed") == 0 ? "seeds" : option + 2,
                        text, why);
    return true;
}

static void keep_command(struct request *q, int argc, char **argv)
{
    int len = snprintf(q->command, sizeof(q->command), "party-sim");

    for (int i = 0; i < argc && len < COMMAND_LEN; i++)
        len += snprintf(q->command + len, (size_t)(COMMAND_LEN - len), " %s", argv[i]);
}

/* A file, or the one in a directory of results. */
static bool read_spec(struct request *q, const char *path, char why[static SETUP_WHY_MAX])
{
    char inside[PATH_LEN];
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return spec_read(&q->spec, path, why);
    (void)snprintf(inside, sizeof(inside), "%.200s/%s", path, SWEEP_SPEC_FILE);
    return spec_read(&q->spec, inside, why);
}

/* The arguments behind the verb.  0, or the exit status. */
static int read_options(struct request *q, int argc, char **argv)
{
    char why[SETUP_WHY_MAX];

    q->jobs = sysconf(_SC_NPROCESSORS_ONLN);
    q->job = -1;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (q->file != NULL)
                return usage(argv[i], "more than one file");
            q->file = argv[i];
            if (q->spec.kind[0] == '\0' && !read_spec(q, argv[i], why))
                return usage("this experiment cannot be run", why);
            continue;
        }
        if (read_flag(q, argv[i]))
            continue;
        if (i + 1 == argc)
            return usage(argv[i], "no such option, or its value is missing");
        if (!read_value(q, argv[i], argv[i + 1], why))
            return usage(argv[i], why);
        i++;
    }
    return VERB_OK;
}

/* ---- experiments ---- */

static bool make_dir(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    return false;
}

static void remove_dir(const char *path)
{
    char command[PATH_LEN + 16];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
    if (system(command) != 0)
        (void)fprintf(stderr, "party-sim: %s is left over\n", path);
}

static int judge(const struct request *q, const struct sweep *w, int failed)
{
    int missed;

    if (q->claim != NULL) {
        int status = output_claim(w, q->claim,
                                  q->claim_name == NULL ? q->claim : q->claim_name);

        return status == 2 ? usage(q->claim, "this kind has no such goal") : status;
    }
    if (q->is_json)
        output_json(w);
    else
        output_table(w);
    missed = output_goals(w, !q->is_json);
    return failed > 0 || (missed > 0 && !q->is_lenient) ? VERB_MISSED : VERB_OK;
}

static int run(struct request *q, const struct sweep *w)
{
    int failed = sweep_run(w);
    int status;

    if (q->dir != NULL && !output_files(w))
        return VERB_MISSED;
    status = judge(q, w, failed);
    if (q->dir != NULL && !q->is_json && q->claim == NULL)
        printf("results are in %s: runs.csv, rows.csv, results.sqlite%s\n", q->dir,
               w->kind->plot[0] != '\0' ? ", plot.svg" : "");
    return status;
}

static int with_dir(struct request *q, struct sweep *w,
                    int (*act)(struct request *, const struct sweep *))
{
    char temporary[] = "/tmp/party-sim-XXXXXX";
    int status;

    w->dir = q->dir;
    if (q->dir == NULL && (w->dir = mkdtemp(temporary)) == NULL) {
        perror("party-sim: mkdtemp");
        return VERB_MISSED;
    }
    if (!make_dir(w->dir))
        return VERB_USAGE;
    status = q->dir == NULL || sweep_take_dir(w) ? act(q, w) : VERB_USAGE;
    if (q->dir == NULL)
        remove_dir(temporary);
    return status;
}

static int print_jobs(struct request *q, const struct sweep *w)
{
    for (int64_t j = 0; j < sweep_count(w); j++)
        printf("party-sim job %s --job %lld --out %s\n", q->file, (long long)j, w->dir);
    return VERB_OK;
}

static int run_one(struct request *q, const struct sweep *w)
{
    if (q->job < 0 || q->job >= sweep_count(w))
        return usage("--job",
                     "there is no job of this number; party-sim jobs lists them");
    return sweep_run_job(w, q->job);
}

static int merge(struct request *q, const struct sweep *w)
{
    int64_t done = sweep_done(w);

    if (done < sweep_count(w))
        (void)fprintf(stderr, "party-sim: %lld of %lld jobs have no results yet\n",
                      (long long)(sweep_count(w) - done), (long long)sweep_count(w));
    return output_files(w) ? judge(q, w, 0) : VERB_MISSED;
}

static bool is_equal(const struct results *old, const struct results *now)
{
    bool is_same = old->figure_count == now->figure_count;

    for (int i = 0; i < now->figure_count; i++) {
        const struct result_figure *f = &now->figures[i];
        const struct result_figure *g = results_find(old, f->name);
        bool is_one = g != NULL && g->value == f->value;

        if (strcmp(f->name, "wall_s") == 0)
            continue;
        printf("%s %-24s %12.10g %s\n", is_one ? "same     " : "DIFFERENT", f->name,
               f->value, f->unit);
        is_same = is_same && is_one;
    }
    return is_same;
}

/* Run a job once more, beside the results that a directory has of it. */
static int replay(struct request *q, const struct sweep *w)
{
    struct sweep old = *w;
    struct results was = { 0 };
    struct results is = { 0 };
    int64_t job = q->job < 0 ? 0 : q->job;
    int status = VERB_USAGE;

    old.dir = q->file;
    if (job >= sweep_count(w) || !sweep_read(&old, job, &was))
        status = usage(q->file, "it has no results of this job");
    else if (sweep_run_job(w, job) != 0 || !sweep_read(w, job, &is))
        status = VERB_MISSED;
    else
        status = is_equal(&was, &is) ? VERB_OK : VERB_DIFFERENT;
    results_finish(&was);
    results_finish(&is);
    return status;
}

static int show_params(int argc, char **argv)
{
    struct setup *s = memory_new(1, sizeof(*s));
    const char *part = argc > 0 ? argv[0] : "";
    char value[SPEC_VALUE_MAX];

    setup_default(s);
    for (int i = 0; i < setup_count(); i++) {
        setup_get(s, setup_name(i), value, sizeof(value));
        if (strstr(setup_name(i), part) != NULL)
            printf("%-32s %-14s %s\n", setup_name(i), value, setup_about(i));
    }
    for (int i = 0; i < knobs_count(); i++) {
        knob_get(&s->node, i, value);
        if (strstr(knob_name(i), part) != NULL)
            printf("%-32s %-14s %s\n", knob_name(i), value, knob_about(i));
    }
    setup_finish(s);
    free(s);
    return VERB_OK;
}

static int look_inside(struct request *q, const char *verb)
{
    struct setup *s = memory_new(1, sizeof(*s));
    char why[SETUP_WHY_MAX];
    int status;

    setup_default(s);
    s->nodes = 100;
    if (!spec_apply(&q->spec, 0, s, why))
        status = usage(verb, why);
    else
        status = inspect_run(verb, &q->inspect, s, q->spec.first, q->spec.last, q->dir);
    setup_finish(s);
    free(s);
    return status;
}

static const char *const file_verbs[] = { "run", "jobs", "job", "merge", "replay" };

static bool is_file_verb(const char *verb)
{
    for (int i = 0; i < COUNT(file_verbs); i++) {
        if (strcmp(verb, file_verbs[i]) == 0)
            return true;
    }
    return false;
}

int verb_is_own(const char *verb)
{
    return strcmp(verb, "params") == 0 || strcmp(verb, "party") == 0 ||
           is_file_verb(verb) || inspect_has(verb) || hunt_has(verb);
}

int verb_exists(const char *verb)
{
    return verb_is_own(verb) || lab_kind_find(verb) != NULL;
}

static int experiment(struct request *q, const char *verb)
{
    struct sweep w = { .spec = &q->spec,
                       .kind = lab_kind_find(q->spec.kind),
                       .command = q->command,
                       .jobs = (int)q->jobs,
                       .is_quiet = q->is_quiet ||
                                   (!q->is_progress && isatty(STDERR_FILENO) == 0) };

    if (w.kind == NULL)
        return usage(q->spec.kind, "there is no experiment of this kind");
    if (strcmp(verb, "replay") == 0) {
        q->dir = NULL;
        return with_dir(q, &w, replay);
    }
    if (is_file_verb(verb) && strcmp(verb, "run") != 0 && q->dir == NULL)
        return usage(verb, "say where the results go: --out DIR");
    if (strcmp(verb, "jobs") == 0)
        return with_dir(q, &w, print_jobs);
    if (strcmp(verb, "job") == 0)
        return with_dir(q, &w, run_one);
    if (strcmp(verb, "merge") == 0)
        return with_dir(q, &w, merge);
    return with_dir(q, &w, run);
}

int verb_run(int argc, char **argv)
{
    struct request *q;
    int status;

    if (strcmp(argv[0], "params") == 0)
        return show_params(argc - 1, argv + 1);
    if (hunt_has(argv[0]))
        return hunt_verb(argc, argv);
    q = memory_new(1, sizeof(*q));
    spec_init(&q->spec);
    if (!is_file_verb(argv[0]))
        (void)snprintf(q->spec.kind, sizeof(q->spec.kind), "%s", argv[0]);
    keep_command(q, argc, argv);
    status = read_options(q, argc - 1, argv + 1);
    if (status == VERB_OK && is_file_verb(argv[0]) && q->file == NULL)
        status = usage(argv[0], "which file?");
    if (status == VERB_OK)
        status = inspect_has(argv[0]) ? look_inside(q, argv[0]) : experiment(q, argv[0]);
    free(q);
    return status;
}
