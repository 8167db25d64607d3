/* SPDX-License-Identifier: MIT */
#include "cli/up.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/render.h"
#include "wire/map.h"

#define LOG_KEEP_MAX (1024 * 1024) /* a longer log is put aside at the start */
#define LOOK_MS      50
#define START_MS     20000
#define TAIL_MAX     8192

/* ---- the log ---- */

static void make_folders(const char *file)
{
    char path[PATHS_MAX];

    snprintf(path, sizeof(path), "%s", file);
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
}

/* Open the log to append to, an overlong one put aside; -1 when that cannot be. */
static int open_log(const char *path)
{
    char old[PATHS_MAX + 8];
    struct stat st;

    make_folders(path);
    if (stat(path, &st) == 0 && st.st_size > LOG_KEEP_MAX) {
        snprintf(old, sizeof(old), "%s.old", path);
        (void)rename(path, old);
    }
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* What the node said before it ended: its line that begins with "party: ". */
static void read_error(const struct session *s, int log, off_t from, struct up *up)
{
    char tail[TAIL_MAX];
    ssize_t n = pread(log, tail, sizeof(tail) - 1, from);
    char *line;

    snprintf(up->error, sizeof(up->error), "the node ended at once; see %s",
             s->paths.log);
    if (n <= 0)
        return;
    tail[n] = '\0';
    for (line = strtok(tail, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "party: ", 7) == 0)
            snprintf(up->error, sizeof(up->error), "%s", line + 7);
    }
}

/* ---- the child ---- */

static void become_node(int log, int argc, char *const argv[])
{
    char **args = calloc((size_t)argc + 3, sizeof(*args));
    char name[] = "party";
    char verb[] = "node";
    int null = open("/dev/null", O_RDONLY);

    if (args == NULL || null < 0)
        _exit(1);
    args[0] = name;
    args[1] = verb;
    for (int i = 0; i < argc; i++)
        args[i + 2] = argv[i];
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(null);
    setsid();
    execv("/proc/self/exe", args);
    fprintf(stderr, "party: cannot start the node: %s; run party node\n",
            strerror(errno));
    _exit(1);
}

static void sleep_ms(int ms)
{
    struct timespec t = { .tv_nsec = ms * NS_PER_MS };

    nanosleep(&t, NULL);
}

static bool answers(struct session *s)
{
    struct bytes body;

    if (session_connect(s) != 0)
        return false;
    control_verb(s->control, "status");
    return control_call(s->control, SESSION_TIMEOUT_MS, &body) == 0;
}

/* Until it answers, ends, or takes too long. */
static int await(struct session *s, int log, off_t from, struct up *up)
{
    for (int waited = 0; waited < START_MS; waited += LOOK_MS) {
        int status;

        if (waitpid(up->pid, &status, WNOHANG) == up->pid) {
            read_error(s, log, from, up);
            return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status)
                                                                 : 1;
        }
        if (answers(s))
            return 0;
        sleep_ms(LOOK_MS);
    }
    snprintf(up->error, sizeof(up->error),
             "the node does not answer yet, after %d s; see %s", START_MS / 1000,
             s->paths.log);
    return err_exit_status(ERR_TIMEOUT);
}

int up_start(struct session *s, int argc, char *const argv[], struct up *up)
{
    char key[PATHS_MAX + 8];
    int log = open_log(s->paths.log);
    off_t from;
    int status;

    *up = (struct up){ .pid = -1 };
    if (log < 0) {
        snprintf(up->error, sizeof(up->error), "log %s: %s; make its folder writable",
                 s->paths.log, strerror(errno));
        return err_exit_status(ERR_FILE);
    }
    snprintf(key, sizeof(key), "%s/key", s->paths.data_dir);
    up->is_first = access(key, F_OK) != 0;
    from = lseek(log, 0, SEEK_END);
    up->pid = fork();
    if (up->pid == 0)
        become_node(log, argc, argv);
    if (up->pid < 0) {
        snprintf(up->error, sizeof(up->error), "cannot start a process: %s; end others",
                 strerror(errno));
        status = 1;
    } else {
        status = await(s, log, from, up);
    }
    close(log);
    return status;
}

/* ---- party up ---- */

/* Take --json out of the options, which the node has not, and see where its data is. */
static int take_own_options(int argc, char *argv[], struct session *s)
{
    int kept = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            s->args.values[OPTION_JSON] = "";
            continue;
        }
        if (strcmp(argv[i], "--data-dir") == 0 && i + 1 < argc)
            s->args.values[OPTION_DATA_DIR] = argv[i + 1];
        else if (strncmp(argv[i], "--data-dir=", 11) == 0)
            s->args.values[OPTION_DATA_DIR] = argv[i] + 11;
        argv[kept++] = argv[i];
    }
    return kept;
}

int up_fail(const struct session *s, const struct up *up, int status)
{
    char what[sizeof(up->error)];
    char *semicolon;

    fprintf(stderr, "party: %s\n", up->error);
    if (!s->is_json)
        return status;
    /* The line of the node is "what: why; what to do". */
    snprintf(what, sizeof(what), "%s", up->error);
    semicolon = strchr(what, ';');
    if (semicolon != NULL)
        *semicolon = '\0';
    session_print_error(status, what, semicolon != NULL ? semicolon + 2 : "");
    return status;
}

static int tell(struct session *s, const struct up *up)
{
    struct bytes body;
    struct bytes node;
    struct text t;
    int err;

    control_verb(s->control, "status");
    err = control_call(s->control, SESSION_TIMEOUT_MS, &body);
    if (err != 0)
        return session_fail_reply(s, err, body);
    (void)map_find(body, "node", &node);
    if (s->is_json) {
        session_print_json(node);
        return 0;
    }
    t = session_text(s);
    if (up->is_first)
        put(&t, "First start: made this node's key (%s/key).\n", s->paths.data_dir);
    text_add(&t, "Node ");
    put_clean(&t, map_get_text(node, "name", "?"));
    put(&t, " is up, process %d, at ", up->pid);
    put_clean(&t, map_get_text(node, "listen", "?"));
    put(&t, ".  Log: %s\n", s->paths.log);
    text_add(&t,
             "next: party host SONG.flac ..., or party invites;  to end: party down\n");
    session_print(&t);
    return 0;
}

int up_run(int argc, char *argv[])
{
    struct session s = { 0 };
    struct up up;
    int status;

    argc = take_own_options(argc, argv, &s);
    if (session_init(&s, "up") != 0)
        return session_fail(&s, ERR_FILE, "no place for the node's data is known",
                            "set HOME, or give --data-dir DIR");
    if (answers(&s)) {
        status = session_fail(&s, ERR_PORT, "a node runs here already",
                              "use it, or end it first: party down");
    } else {
        status = up_start(&s, argc, argv, &up);
        status = status != 0 ? up_fail(&s, &up, status) : tell(&s, &up);
    }
    session_finish(&s);
    return status;
}
