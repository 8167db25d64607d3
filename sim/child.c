/* SPDX-License-Identifier: MIT */
#include "sim/child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/memory.h"

int64_t child_wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void child_begin(struct child *c, const struct script *s)
{
    struct trial_options options = { .is_told = false };
    struct trial_outcome out;
    int ends[2];

    if (pipe(ends) != 0)
        memory_fail();
    (void)fflush(NULL);
    c->pid = fork();
    if (c->pid < 0)
        memory_fail();
    if (c->pid == 0) {
        trial_run(s, &options, &out);
        _exit(write(ends[1], &out, sizeof(out)) != (ssize_t)sizeof(out));
    }
    close(ends[1]);
    c->fd = ends[0];
}

/* The child's answer, all of it. */
static bool read_all(int fd, void *to, size_t len)
{
    size_t got = 0;
    ssize_t n;

    while (got < len && (n = read(fd, (char *)to + got, len - got)) > 0)
        got += (size_t)n;
    return got == len;
}

void child_end(struct child *c, struct trial_outcome *out)
{
    int status;

    if (!read_all(c->fd, out, sizeof(*out))) {
        *out = (struct trial_outcome){ .has_failed = true, .node = -1 };
        (void)snprintf(out->what, sizeof(out->what), "the program died");
    }
    close(c->fd);
    waitpid(c->pid, &status, 0);
    c->pid = 0;
}
