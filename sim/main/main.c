/* party-sim: the options, and many seeds on all cores.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>

#include "sim/experiment.h"
#include "sim/report.h"
#include "sim/verbs.h"

#define NODES_MAX 10000

struct options {
    struct experiment_options run;
    uint64_t first;
    uint64_t last;
    bool is_json;
    bool is_hash_only;
    bool is_verbose;
    bool is_range; /* --seeds, even of one */
};

static const char usage[] =
    "usage: party-sim party [--nodes N] [--seed S | --seeds A..B] [--seconds T]\n"
    "                 [--net lan|wifi|internet] [--loss PERCENT] [--latency-ms MS]\n"
    "                 [--jitter-ms MS] [--song-kib K] [--faults none|LIST]\n"
    "                 [--json] [--hash-only] [--trace] [--verbose]\n"
    "LIST is of late, leave, crash, dark, restart, disk, clock, liar,\n"
    "cut, rot; party-sim(1) has it all.\n";

/* ---- options ---- */

static bool read_int(const char *s, int64_t max, int64_t *out)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(s, &end, 10);
    if (end == s || *end != '\0' || errno != 0 || v < 0 || v > max)
        return false;
    *out = v;
    return true;
}

/* A decimal number as value * 10^places; no floating point, so that it is exact. */
static bool read_fixed(const char *s, int places, int64_t max, int64_t *out)
{
    int64_t v = 0;
    bool has_point = false;
    bool has_digit = false;

    for (; *s != '\0'; s++) {
        if (*s == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*s < '0' || *s > '9' || v > max)
            return false;
        has_digit = true;
        if (has_point && places-- <= 0)
            continue;
        v = v * 10 + (*s - '0');
    }
    for (; places > 0; places--)
        v *= 10;
    *out = v;
    return has_digit && v <= max;
}

static bool read_seeds(const char *s, struct options *o)
{
    char *end;

    errno = 0;
    o->is_range = true;
    o->first = strtoull(s, &end, 10);
    if (end == s || strncmp(end, "..", 2) != 0)
        return false;
    s = end + 2;
    o->last = strtoull(s, &end, 10);
    return end != s && *end == '\0' && errno == 0 && o->last >= o->first;
}

static bool read_faults(const char *s, int *faults)
{
    *faults = 0;
    if (strcmp(s, "none") == 0)
        return true;
    while (*s != '\0') {
        size_t len = strcspn(s, ",");
        int bit = 0;

        while (bit < FAULT_KINDS &&
               (strlen(fault_name(bit)) != len || memcmp(fault_name(bit), s, len) != 0))
            bit++;
        if (bit == FAULT_KINDS)
            return false;
        *faults |= 1 << bit;
        s += len + (s[len] == ',');
    }
    return true;
}

static bool read_flag(const char *name, struct options *o)
{
    if (strcmp(name, "--json") == 0)
        o->is_json = true;
    else if (strcmp(name, "--hash-only") == 0)
        o->is_hash_only = true;
    else if (strcmp(name, "--trace") == 0)
        o->run.is_traced = true;
    else if (strcmp(name, "--verbose") == 0)
        o->is_verbose = o->run.is_logged = true;
    else
        return false;
    return true;
}

static bool read_size(const char *name, const char *value, struct options *o)
{
    int64_t v;

    if (strcmp(name, "--nodes") == 0 && read_int(value, NODES_MAX, &v) && v >= 2)
        o->run.nodes = (int)v;
    else if (strcmp(name, "--seconds") == 0 && read_int(value, 1000000, &v) && v > 0)
        o->run.seconds = (int)v;
    else if (strcmp(name, "--song-kib") == 0 && read_int(value, 4096, &v) && v > 0)
        o->run.song_kib = (int)v;
    else if (strcmp(name, "--seed") == 0 && read_int(value, INT64_MAX, &v))
        o->first = o->last = (uint64_t)v;
    else
        return strcmp(name, "--seeds") == 0 && read_seeds(value, o);
    return true;
}

static bool read_value(const char *name, const char *value, struct options *o)
{
    struct net_params net;

    if (strcmp(name, "--net") == 0) {
        o->run.net = value;
        return net_params_named(value, &net);
    }
    if (strcmp(name, "--loss") == 0)
        return read_fixed(value, 4, 500000, &o->run.loss_ppm);
    if (strcmp(name, "--latency-ms") == 0)
        return read_fixed(value, 6, INT64_C(2000000000), &o->run.latency_ns);
    if (strcmp(name, "--jitter-ms") == 0)
        return read_fixed(value, 6, INT64_C(1000000000), &o->run.jitter_ns);
    if (strcmp(name, "--faults") == 0)
        return read_faults(value, &o->run.faults);
    return read_size(name, value, o);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){
        .run = { .nodes = 12,
                 .loss_ppm = -1,
                 .latency_ns = -1,
                 .jitter_ns = -1,
                 .faults = -1 },
        .first = 1,
        .last = 1,
    };
    for (int i = 1; i < argc; i++) {
        if (read_flag(argv[i], o))
            continue;
        if (i + 1 == argc || !read_value(argv[i], argv[i + 1], o)) {
            fprintf(stderr, "party-sim: bad option: %s\n%s", argv[i], usage);
            return false;
        }
        i++;
    }
    return true;
}

/* ---- runs ---- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_one(const struct options *o, uint64_t seed)
{
    struct experiment_options run = o->run;
    struct experiment *e = calloc(1, sizeof(*e));
    double begin = now_s();
    char hash[RUN_HASH_TEXT];
    int status;

    if (e == NULL)
        return 1;
    run.seed = seed;
    status = experiment_run(e, &run);
    run_hash_text(&e->world.hash, hash);
    if (o->is_json)
        report_json(e, now_s() - begin);
    else if (o->is_hash_only)
        printf("%llu %s\n", (unsigned long long)seed, hash);
    else if ((o->first == o->last && !o->is_range) || o->is_verbose)
        report_table(e, now_s() - begin);
    else
        printf("seed %llu %s %s\n", (unsigned long long)seed, hash,
               status == 0 ? "ok" : "FAILED");
    if (status != 0 && !o->is_json)
        report_violation(e);
    experiment_finish(e);
    free(e);
    return status;
}

/* A run of its own process, its output in a file. */
struct job {
    uint64_t seed;
    pid_t pid;
    FILE *out;
};

static void start_job(const struct options *o, struct job *j, uint64_t seed)
{
    j->seed = seed;
    j->out = tmpfile();
    if (j->out == NULL) {
        perror("party-sim");
        exit(1);
    }
    fflush(stdout);
    j->pid = fork();
    if (j->pid != 0)
        return;
    dup2(fileno(j->out), STDOUT_FILENO);
    dup2(fileno(j->out), STDERR_FILENO);
    exit(run_one(o, seed));
}

/* Wait for a run and show what it said.  True when it went well. */
static bool finish_job(const struct options *o, struct job *j)
{
    int status = -1;
    int c;

    if (j->pid > 0)
        waitpid(j->pid, &status, 0);
    rewind(j->out);
    while ((c = getc(j->out)) != EOF)
        putchar(c);
    fclose(j->out);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        printf("VIOLATED seed %llu: the program died, status %d\n"
               "  repeat: party-sim --nodes %d --seed %llu --verbose\n",
               (unsigned long long)j->seed, status, o->run.nodes,
               (unsigned long long)j->seed);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_many(const struct options *o)
{
    enum { JOBS_MAX = 256 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int width = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (int)cores;
    struct job jobs[JOBS_MAX];
    uint64_t next = o->first;
    uint64_t passed = 0;
    uint64_t total = o->last - o->first + 1;

    for (uint64_t done = 0; done < total; done++) {
        while (next - o->first < total && next - o->first - done < (uint64_t)width) {
            start_job(o, &jobs[(next - o->first) % (uint64_t)width], next);
            next++;
        }
        passed += finish_job(o, &jobs[done % (uint64_t)width]);
    }
    if (!o->is_json && !o->is_hash_only)
        printf("%llu passed, %llu failed\n", (unsigned long long)passed,
               (unsigned long long)(total - passed));
    return passed == total ? 0 : 1;
}

static int party(int argc, char **argv)
{
    struct options o;

    if (!read_options(argc, argv, &o))
        return 2;
    return !o.is_range ? run_one(&o, o.first) : run_many(&o);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return argc > 1 && strcmp(argv[1], "help") == 0;
}

/* Of a party, or of all verbs. */
static void help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "party") == 0) {
            fputs(usage, stdout);
            return;
        }
    }
    verb_help();
}

int main(int argc, char **argv)
{
    if (argc < 2 || asks_for_help(argc, argv)) {
        help(argc, argv);
        return argc < 2 ? VERB_USAGE : VERB_OK;
    }
    if (strcmp(argv[1], "party") == 0)
        return party(argc - 1, argv + 1);
    if (strncmp(argv[1], "--", 2) == 0)
        return party(argc, argv);
    if (verb_exists(argv[1]))
        return verb_run(argc - 1, argv + 1);
    fprintf(stderr, "party-sim: no such verb: %s; party-sim --help lists them\n",
            argv[1]);
    return VERB_USAGE;
}
