/* `party watch`: the state, live.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/csv.h"
#include "cli/render.h"
#include "cli/verbs.h"
#include "wire/map.h"

#define KEY_MAX 8192

static volatile sig_atomic_t is_interrupted;
static volatile sig_atomic_t is_resized;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static void on_resize(int number)
{
    (void)number;
    is_resized = 1;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction a = { .sa_handler = handler };

    sigemptyset(&a.sa_mask);
    sigaction(number, &a, NULL);
}

/* ---- the terminal ---- */

struct terminal {
    bool is_raw;
    struct termios before;
};

/* Keys come one by one, and the screen is another one that is left behind clean. */
static void terminal_open(struct terminal *t)
{
    struct termios raw;

    handle(SIGINT, on_interrupt);
    handle(SIGTERM, on_interrupt);
    handle(SIGWINCH, on_resize);
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->before) == 0) {
        raw = t->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        t->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    fputs("\033[?1049h\033[?25l", stdout);
}

static void terminal_close(struct terminal *t)
{
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (t->is_raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

/* Put a text on the screen line by line, each cut to the window, without a flicker. */
static void redraw(const struct text *t, const struct style *s, int rows)
{
    const char *p = t->data;

    fputs("\033[H", stdout);
    for (int row = 0; row < rows - 1 && *p != '\0'; row++) {
        size_t len = strcspn(p, "\n");

        /* A line that is too wide is cut whole characters at a time. */
        while (len > 0 && put_columns(p, len) > s->width)
            len--;
        fwrite(p, 1, len, stdout);
        fputs("\033[0m\033[K\r\n", stdout);
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

static int window(struct style *s)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return 24;
    s->width = size.ws_col;
    return size.ws_row;
}

static void show_screen(struct session *s, struct bytes state)
{
    struct text t = session_text(s);
    int rows = window(&s->style);

    render_watch(&t, &s->style, state);
    put_paint(&t, &s->style, PAINT_DIM);
    text_add(&t, "q quit");
    put_paint(&t, &s->style, PAINT_NONE);
    redraw(&t, &s->style, rows);
}

/* ---- lines ---- */

struct lines {
    char key[KEY_MAX]; /* of the last line */
};

static void show_line(struct session *s, struct lines *l, struct bytes state)
{
    char buffer[KEY_MAX];
    struct text key;
    struct text t;
    time_t now = time(NULL);
    struct tm tm;

    text_init(&key, buffer, sizeof(buffer));
    render_key(&key, state);
    if (strcmp(key.data, l->key) == 0)
        return;
    memcpy(l->key, key.data, key.len + 1);
    localtime_r(&now, &tm);
    t = session_text(s);
    put(&t, "%02d:%02d:%02d  ", tm.tm_hour, tm.tm_min, tm.tm_sec);
    render_line(&t, &s->style, state);
    session_print(&t);
}

/* ---- rows ---- */

struct rows {
    bool is_wanted;
    int64_t every_ns;
    int64_t next_ns; /* monotonic: no rows before */
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* How often, from the command line.  0, or the exit status: the failure has been told. */
static int rows_init(struct rows *r, const struct session *s)
{
    const char *every = s->args.values[WATCH_EVERY];
    int64_t ms = 1000;

    *r = (struct rows){ .is_wanted = s->args.values[WATCH_CSV] != NULL };
    if (every != NULL && !r->is_wanted)
        return session_fail(s, ERR_USAGE, "watch: --every is for --csv",
                            "party watch --csv --every 1s");
    if (every != NULL && (!args_time(every, &ms) || ms < 100))
        return session_fail(s, ERR_USAGE, "watch: --every takes a time from 100ms on",
                            "for example --every 1s");
    r->every_ns = ms * NS_PER_MS;
    return 0;
}

static void rows_begin(struct session *s)
{
    struct text t = session_text(s);

    csv_head(&t);
    session_print(&t);
}

static void show_rows(struct session *s, struct rows *r, struct bytes state)
{
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    struct text t;

    if (now_ns < r->next_ns)
        return;
    /* In step with the time that it began at, and not with when states come. */
    r->next_ns = now_ns - r->next_ns < r->every_ns ? r->next_ns + r->every_ns
                                                   : now_ns + r->every_ns;
    t = session_text(s);
    csv_rows(&t, state, clock_ns(CLOCK_REALTIME));
    session_print(&t);
}

/* ---- the loop ---- */

static int begin(struct session *s)
{
    int err = session_connect(s);

    if (err != 0)
        return session_fail_connect(s, err);
    control_verb(s->control, "watch");
    err = control_send(s->control, SESSION_TIMEOUT_MS);
    return err != 0 ? session_fail_reply(s, err, bytes_of(NULL, 0)) : 0;
}

static bool wants_to_quit(void)
{
    char c;

    return read(STDIN_FILENO, &c, 1) == 1 && (c == 'q' || c == 'Q' || c == 4);
}

/* Wait for the next state, or a reason to end: false. */
static bool await_state(struct session *s, bool has_keys)
{
    while (!is_interrupted) {
        struct pollfd p[2] = { { .fd = control_fd(s->control), .events = POLLIN },
                               { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN } };

        if (control_has_next(s->control))
            return true;
        if (poll(p, 2, -1) < 0) {
            if (errno != EINTR)
                return false;
            continue;
        }
        if (p[1].revents != 0 && wants_to_quit())
            return false;
        if (p[0].revents != 0)
            return true;
    }
    return false;
}

static int watch(struct session *s, struct rows *rows, bool has_keys)
{
    struct lines lines = { .key = "" };
    struct bytes state;
    int err = 0;

    while (await_state(s, has_keys)) {
        err = control_next(s->control, SESSION_TIMEOUT_MS, &state);
        if (err != 0)
            break;
        if (rows->is_wanted)
            show_rows(s, rows, state);
        else if (s->is_json)
            session_print_json(state);
        else if (s->is_terminal)
            show_screen(s, state);
        else
            show_line(s, &lines, state);
        if (ferror(stdout))
            break;
    }
    return err;
}

int verb_watch(struct session *s)
{
    struct terminal terminal = { .is_raw = false };
    const char *term = getenv("TERM");
    struct rows rows;
    int status = rows_init(&rows, s);
    int err;

    if (status == 0)
        status = begin(s);
    if (status != 0)
        return status;
    if (term == NULL || strcmp(term, "dumb") == 0 || rows.is_wanted)
        s->is_terminal = false;
    if (rows.is_wanted)
        rows_begin(s);
    if (s->is_terminal)
        terminal_open(&terminal);
    err = watch(s, &rows, terminal.is_raw);
    if (s->is_terminal)
        terminal_close(&terminal);
    if (err == ERR_CLOSED)
        return session_fail(s, err, "the node has gone", "start it again: party up");
    return err != 0 ? session_fail_reply(s, err, bytes_of(NULL, 0)) : 0;
}

int verb_watch_until_playing(struct session *s)
{
    struct lines lines = { .key = "" };
    int status = begin(s);
    int err = 0;

    while (status == 0 && err == 0) {
        struct bytes state;
        struct bytes party;
        struct bytes phase;

        err = control_next(s->control, -1, &state);
        if (err != 0)
            break;
        if (!s->is_json)
            show_line(s, &lines, state);
        (void)map_find(state, "party", &party);
        phase = map_get_text(party, "phase", "ended");
        if (bytes_equal(phase, bytes_of("playing", 7)))
            return 0;
        if (bytes_equal(phase, bytes_of("ended", 5)))
            return session_fail(s, ERR_TIMEOUT, "the party ended before it began",
                                "see the notes of party status");
    }
    return status != 0 ? status : session_fail_reply(s, err, bytes_of(NULL, 0));
}
