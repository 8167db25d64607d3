/* `party host`: offer songs, call for guests.  SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/up.h"
#include "cli/verbs.h"
#include "wire/map.h"

#define WANTED_DEFAULT 3
#define NAME_MAX_BYTES 64
#define READ_MS        120000
#define TICK_MS        250

struct wish {
    struct song_list songs;
    char name[NAME_MAX_BYTES + 1];
    long wanted;
    int64_t deadline_ms; /* 0: the node's default */
    int64_t ready_ms;    /* … */
    long ttl;            /* … */
};

static int fail_usage(const struct session *s, const char *option, const char *value,
                      const char *right)
{
    char what[512];

    snprintf(what, sizeof(what), "%s %s: %s", option, value, right);
    return session_fail(s, ERR_USAGE, what, "see party host --help");
}

static void default_name(struct wish *w)
{
    const struct passwd *user = getpwuid(geteuid());

    snprintf(w->name, sizeof(w->name), "%.40s's party",
             user != NULL ? user->pw_name : "somebody");
    if (!text_is_utf8(w->name, strlen(w->name)))
        snprintf(w->name, sizeof(w->name), "party");
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    }
    return len > 0 && len <= NAME_MAX_BYTES && text_is_utf8(name, len);
}

static int read_times(const struct session *s, struct wish *w)
{
    const char *deadline = s->args.values[HOST_DEADLINE];
    const char *ready = s->args.values[HOST_READY];

    if (deadline != NULL && (!args_time(deadline, &w->deadline_ms) || !w->deadline_ms))
        return fail_usage(s, "--deadline", deadline, "is no time; for example 60 or 2m");
    if (ready != NULL && (!args_time(ready, &w->ready_ms) || !w->ready_ms))
        return fail_usage(s, "--ready", ready, "is no time; for example 30 or 1m");
    return 0;
}

static int read_wish(const struct session *s, struct wish *w)
{
    const char *const *values = s->args.values;
    char message[PATHS_MAX + 128];
    int err;

    memset(w, 0, sizeof(*w));
    default_name(w);
    w->wanted = WANTED_DEFAULT;
    if (values[HOST_NAME] != NULL) {
        if (!is_name(values[HOST_NAME]))
            return fail_usage(s, "--name", values[HOST_NAME],
                              "must be 1 to 64 bytes of plain text");
        snprintf(w->name, sizeof(w->name), "%s", values[HOST_NAME]);
    }
    if (values[HOST_WANTED] != NULL &&
        !args_number(values[HOST_WANTED], 0, 63, &w->wanted))
        return fail_usage(s, "--wanted", values[HOST_WANTED],
                          "must be the number of guests to wait for, 0 to 63");
    if (values[HOST_TTL] != NULL && !args_number(values[HOST_TTL], 1, 12, &w->ttl))
        return fail_usage(s, "--ttl", values[HOST_TTL], "must be 1 to 12 hops");
    err = read_times(s, w);
    if (err != 0)
        return err;
    err = cli_songs_find(s->args.operands, s->args.operand_count, &w->songs, message,
                         sizeof(message));
    if (err == ERR_USAGE)
        return session_fail(s, err, message, "give up to five FLAC files, or a folder");
    if (err != 0)
        return session_fail(s, err, message, "name a FLAC file, or a folder of them");
    return 0;
}

/* Connect, and start a node first if none runs.  0, or the exit status. */
static int connect_or_start(struct session *s)
{
    char *options[4];
    char data_dir[] = "--data-dir";
    char audio[] = "--audio";
    char values[2][PATHS_MAX];
    int count = 0;
    int status;
    struct up up;
    int err = session_connect(s);

    if (err == 0)
        return 0;
    if (err != ERR_NO_NODE || s->has_socket)
        return session_fail_connect(s, err);
    if (s->data_dir != NULL) {
        snprintf(values[0], PATHS_MAX, "%s", s->paths.data_dir);
        options[count++] = data_dir;
        options[count++] = values[0];
    }
    if (s->args.values[HOST_AUDIO] != NULL) {
        snprintf(values[1], PATHS_MAX, "%s", s->args.values[HOST_AUDIO]);
        options[count++] = audio;
        options[count++] = values[1];
    }
    status = up_start(s, count, options, &up);
    if (status != 0)
        return up_fail(s, &up, status);
    if (up.is_first)
        fprintf(stderr, "First start: made this node's key (%s/key).\n",
                s->paths.data_dir);
    fprintf(stderr, "Started a node (process %d, log %s; to end it: party down).\n",
            up.pid, s->paths.log);
    return 0;
}

static void write_request(struct cbor_writer *w, const struct wish *wish)
{
    cbor_write_array(w, 7);
    cbor_write_text(w, "host");
    cbor_write_text(w, wish->name);
    cbor_write_array(w, wish->songs.count);
    for (int i = 0; i < wish->songs.count; i++)
        cbor_write_text(w, wish->songs.paths[i]);
    cbor_write_int(w, wish->wanted);
    cbor_write_int(w, wish->deadline_ms);
    cbor_write_int(w, wish->ready_ms);
    cbor_write_int(w, wish->ttl);
}

/* Wait while the node reads and checks the songs; on a terminal, say so. */
static int await_reply(struct session *s, const struct wish *w, struct bytes *body)
{
    bool is_told = false;
    int err = control_send(s->control, SESSION_TIMEOUT_MS);

    *body = bytes_of(NULL, 0);
    if (err != 0)
        return err;
    for (int waited = 0; waited < READ_MS; waited += TICK_MS) {
        err = control_next(s->control, TICK_MS, body);
        if (err != ERR_TIMEOUT || body->len > 0)
            break;
        if (s->is_terminal && waited >= TICK_MS) {
            printf("\rreading and checking %d song%s, %d s ", w->songs.count,
                   w->songs.count == 1 ? "" : "s", waited / 1000);
            fflush(stdout);
            is_told = true;
        }
    }
    if (is_told)
        printf("\r%*s\r", 60, "");
    return err;
}

static void tell(struct session *s, const struct wish *w, struct bytes body)
{
    struct text t = session_text(s);
    struct bytes id = map_get_text(body, "party", "");

    put_paint(&t, &s->style, PAINT_BOLD);
    put(&t, "\"%s\"", w->name);
    put_paint(&t, &s->style, PAINT_NONE);
    put(&t, " is called: %d song%s, id ", w->songs.count, w->songs.count == 1 ? "" : "s");
    put_clean(&t, bytes_of(id.data, id.len < 8 ? id.len : 8));
    if (w->wanted == 0)
        text_add(&t, ".  It starts as soon as it is ready.\n");
    else
        put(&t, ".  It starts when %ld guest%s accepted, or at the deadline.\n",
            w->wanted, w->wanted == 1 ? " has" : "s have");
    text_add(&t,
             "guests run: party accept    you: party watch, party skip, party stop\n");
    session_print(&t);
}

int verb_host(struct session *s)
{
    struct wish *w = calloc(1, sizeof(*w));
    struct bytes body;
    int status;
    int err;

    if (w == NULL)
        abort();
    status = read_wish(s, w);
    if (status == 0 && w->songs.found > SONGS_OFFERED)
        fprintf(stderr, "%d songs; the first five are offered.\n", w->songs.found);
    if (status == 0)
        status = connect_or_start(s);
    if (status == 0) {
        write_request(control_request(s->control), w);
        err = await_reply(s, w, &body);
        if (err != 0)
            status = session_fail_reply(s, err, body);
        else if (s->is_json)
            session_print_json(body);
        else
            tell(s, w, body);
    }
    free(w);
    if (status == 0 && s->args.values[HOST_WAIT] != NULL)
        status = verb_watch_until_playing(s);
    return status;
}
