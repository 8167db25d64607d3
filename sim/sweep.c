/* SPDX-License-Identifier: MIT */
#include "sim/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/memory.h"

#define PATH_LEN 512
#define JOBS_MAX 256

int64_t sweep_count(const struct sweep *w)
{
    return spec_points(w->spec) * (int64_t)(w->spec->last - w->spec->first + 1);
}

int64_t sweep_point(const struct sweep *w, int64_t job)
{
    return job % spec_points(w->spec);
}

uint64_t sweep_seed(const struct sweep *w, int64_t job)
{
    return w->spec->first + (uint64_t)(job / spec_points(w->spec));
}

static void path_of(const struct sweep *w, int64_t job, const char *end,
                    char path[static PATH_LEN])
{
    (void)snprintf(path, PATH_LEN, "%s/job-%lld-seed-%llu%s", w->dir,
                   (long long)sweep_point(w, job), (unsigned long long)sweep_seed(w, job),
                   end);
}

bool sweep_read(const struct sweep *w, int64_t job, struct results *r)
{
    char path[PATH_LEN];
    FILE *f;
    bool is_read;

    path_of(w, job, ".txt", path);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    is_read = results_read(r, f);
    (void)fclose(f);
    if (!is_read)
        (void)fprintf(stderr, "party-sim: %s is damaged: remove it and run again\n",
                      path);
    return is_read;
}

static bool has_file(const struct sweep *w, int64_t job)
{
    char path[PATH_LEN];
    struct stat st;

    path_of(w, job, ".txt", path);
    return stat(path, &st) == 0;
}

int64_t sweep_done(const struct sweep *w)
{
    int64_t done = 0;

    for (int64_t i = 0; i < sweep_count(w); i++)
        done += has_file(w, i);
    return done;
}

static double seconds(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool write_file(const struct sweep *w, int64_t job, const struct results *r)
{
    char path[PATH_LEN];
    char temporary[PATH_LEN];
    char end[32];
    FILE *f;
    bool is_written;

    (void)snprintf(end, sizeof(end), ".tmp-%ld", (long)getpid());
    path_of(w, job, ".txt", path);
    path_of(w, job, end, temporary);
    f = fopen(temporary, "w");
    if (f == NULL) {
        (void)fprintf(stderr, "party-sim: %s: %s\n", temporary, strerror(errno));
        return false;
    }
    (void)fprintf(f, "# %s\n", w->command);
    results_write(r, f);
    is_written = fflush(f) == 0;
    is_written = fclose(f) == 0 && is_written && rename(temporary, path) == 0;
    if (!is_written)
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    return is_written;
}

bool sweep_take_dir(const struct sweep *w)
{
    char path[PATH_LEN];
    char temporary[PATH_LEN];
    char why[SETUP_WHY_MAX];
    struct spec *old = memory_new(1, sizeof(*old));
    bool is_good = true;

    (void)snprintf(path, sizeof(path), "%s/%s", w->dir, SWEEP_SPEC_FILE);
    (void)snprintf(temporary, sizeof(temporary), "%s/spec.tmp-%ld", w->dir,
                   (long)getpid());
    spec_init(old);
    if (access(path, F_OK) == 0 &&
        (!spec_read(old, path, why) || !spec_is_same(old, w->spec))) {
        (void)fprintf(stderr,
                      "party-sim: %s has results of another experiment: see %s there; "
                      "name another directory, or remove it\n",
                      w->dir, SWEEP_SPEC_FILE);
        is_good = false;
    } else if (!spec_write(w->spec, temporary) || rename(temporary, path) != 0) {
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
        is_good = false;
    }
    free(old);
    return is_good;
}

int sweep_run_job(const struct sweep *w, int64_t job)
{
    struct setup *setup;
    struct results r = { 0 };
    char why[SETUP_WHY_MAX];
    double wall = seconds(CLOCK_MONOTONIC);
    bool is_good;

    if (has_file(w, job))
        return 0;
    setup = memory_new(1, sizeof(*setup));
    setup_default(setup);
    w->kind->defaults(setup);
    is_good = spec_apply(w->spec, sweep_point(w, job), setup, why);
    if (is_good) {
        w->kind->run(setup, sweep_seed(w, job), &r);
        results_add(&r, "wall_s", "s", seconds(CLOCK_MONOTONIC) - wall);
        is_good = write_file(w, job, &r);
    } else {
        (void)fprintf(stderr, "party-sim: %s\n", why);
    }
    results_finish(&r);
    setup_finish(setup);
    free(setup);
    return is_good ? 0 : 1;
}

/* ---- many ---- */

static void show_progress(const struct sweep *w, int64_t done, int64_t total, int failed,
                          double began)
{
    double took = seconds(CLOCK_MONOTONIC) - began;

    if (w->is_quiet)
        return;
    (void)fprintf(stderr, "\r%s: %lld of %lld runs, %d failed, %.0f s", w->kind->name,
                  (long long)done, (long long)total, failed, took);
    if (done > 0 && done < total)
        (void)fprintf(stderr, ", about %.0f s left",
                      took / (double)done * (double)(total - done));
    (void)fprintf(stderr, "   %s", done == total ? "\n" : "");
}

static pid_t start(const struct sweep *w, int64_t job)
{
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    if (pid == 0)
        _exit(sweep_run_job(w, job));
    if (pid < 0)
        perror("party-sim: fork");
    return pid;
}

static bool wait_for_one(void)
{
    int status = -1;

    while (wait(&status) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "\nparty-sim: a run died of signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int sweep_run(const struct sweep *w)
{
    int64_t total = sweep_count(w);
    int64_t next = 0;
    int64_t done = 0;
    int running = 0;
    int failed = 0;
    double began = seconds(CLOCK_MONOTONIC);
    int width = w->jobs < 1 ? 1 : w->jobs > JOBS_MAX ? JOBS_MAX : w->jobs;

    while (done < total) {
        while (next < total && running < width) {
            if (has_file(w, next)) {
                done++;
            } else if (start(w, next) > 0) {
                running++;
            } else {
                done++;
                failed++;
            }
            next++;
        }
        show_progress(w, done, total, failed, began);
        if (running == 0)
            continue;
        failed += wait_for_one() ? 0 : 1;
        running--;
        done++;
    }
    show_progress(w, done, total, failed, began);
    return failed;
}
