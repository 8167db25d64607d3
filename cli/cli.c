/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"
#include "cli/up.h"
#include "cli/verbs.h"
#include "wire/map.h"

#define NAMES_MAX 32

struct verb {
    const char *name;
    const char *operands; /* as shown in the usage */
    int least, most;      /* operands; most -1: any number */
    int (*run)(struct session *s);
    const struct args_option *options; /* beyond the common ones */
    int option_count;
    const char *help;
};

/* ---- questions ---- */

static int ask_and_render(struct session *s,
                          void (*render)(struct text *t, const struct style *style,
                                         struct bytes body))
{
    struct bytes body;
    struct text t;
    int status = session_ask(s, NULL, NULL, &body);

    if (status != 0)
        return status;
    if (s->is_json) {
        session_print_json(body);
        return 0;
    }
    t = session_text(s);
    render(&t, &s->style, body);
    session_print(&t);
    return 0;
}

static int run_status(struct session *s)
{
    return ask_and_render(s, render_status);
}

static int run_peers(struct session *s)
{
    return ask_and_render(s, render_peers);
}

static int run_invites(struct session *s)
{
    return ask_and_render(s, render_invites);
}

static int run_clock(struct session *s)
{
    struct bytes body;
    struct bytes clock;
    struct bytes state;
    struct text t;
    int status = session_ask(s, NULL, NULL, &body);

    if (status != 0)
        return status;
    (void)map_find(body, "clock", &clock);
    state = map_get_text(clock, "utc_state", "none");
    if (s->is_json) {
        session_print_json(body);
    } else {
        t = session_text(s);
        render_clock(&t, &s->style, body);
        session_print(&t);
    }
    if (bytes_equal(state, bytes_of("synchronised", 12)))
        return 0;
    /* The table, or the JSON, has been printed: the failure is for stderr only. */
    if (bytes_equal(state, bytes_of("none", 4)))
        return cli_complain(
            ERR_CLOCK, "no clock source has answered",
            "wait some seconds, or name a time server: party up --ntp HOST");
    return cli_complain(ERR_CLOCK, "this machine's clock is not synchronised",
                        "run a time service such as chrony, or: party up --ntp HOST");
}

/* ---- actions ---- */

static void write_operand(struct cbor_writer *w, void *ctx)
{
    const struct session *s = ctx;

    cbor_write_array(w, 2);
    cbor_write_text(w, s->verb);
    cbor_write_text(w, s->args.operand_count > 0 ? s->args.operands[0] : "");
}

static int print_party(struct session *s, struct bytes body, const char *said,
                       const char *next)
{
    struct bytes id = map_get_text(body, "party", "");
    struct text t;

    if (s->is_json) {
        session_print_json(body);
        return 0;
    }
    t = session_text(s);
    put(&t, "%s (party ", said);
    put_clean(&t, bytes_of(id.data, id.len < 8 ? id.len : 8));
    put(&t, ").%s%s\n", next[0] != '\0' ? "  next: " : "", next);
    session_print(&t);
    return 0;
}

static int run_accept(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, write_operand, s, &body);

    return status != 0 ? status : print_party(s, body, "Accepted", "party watch");
}

static int run_decline(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, write_operand, s, &body);

    return status != 0 ? status : print_party(s, body, "Declined", "");
}

static int run_hand_over(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, write_operand, s, &body);

    return status != 0 ? status : print_party(s, body, "Handed over", "party status");
}

static int run_leave(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, NULL, NULL, &body);

    return status != 0 ? status : print_party(s, body, "Left", "");
}

static int run_end(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, NULL, NULL, &body);

    return status != 0 ? status : print_party(s, body, "Ended", "");
}

/* Say what was done; the name of the song takes a second question. */
static int tell_action(struct session *s, struct bytes body)
{
    uint8_t action[256];
    struct bytes kept = bytes_of(action, body.len);
    struct bytes state;
    struct text t;

    if (s->is_json || body.len > sizeof(action)) {
        session_print_json(body);
        return 0;
    }
    memcpy(action, body.data, body.len);
    control_verb(s->control, "status");
    if (control_call(s->control, SESSION_TIMEOUT_MS, &state) != 0)
        state = bytes_of(NULL, 0);
    t = session_text(s);
    render_action(&t, &s->style, s->verb, kept, state);
    session_print(&t);
    return 0;
}

static int run_action(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, NULL, NULL, &body);

    return status != 0 ? status : tell_action(s, body);
}

static void write_play(struct cbor_writer *w, void *ctx)
{
    cbor_write_array(w, 2);
    cbor_write_text(w, "play");
    cbor_write_int(w, *(long *)ctx);
}

static int run_play(struct session *s)
{
    struct bytes body;
    long number;
    int status;

    if (!args_number(s->args.operands[0], 1, 5, &number))
        return session_fail(s, ERR_USAGE, "play: a song is a number from 1 to 5",
                            "see party status");
    status = session_ask(s, write_play, &number, &body);
    return status != 0 ? status : tell_action(s, body);
}

struct seek {
    int64_t ms;
    bool is_relative;
};

static void write_seek(struct cbor_writer *w, void *ctx)
{
    const struct seek *seek = ctx;

    cbor_write_array(w, 3);
    cbor_write_text(w, "seek");
    cbor_write_int(w, seek->ms);
    cbor_write_bool(w, seek->is_relative);
}

static int run_seek(struct session *s)
{
    const char *text = s->args.operands[0];
    struct seek seek = { .is_relative = text[0] == '+' || text[0] == '-' };
    struct bytes body;
    int status;

    if (!args_time(text + seek.is_relative, &seek.ms))
        return session_fail(s, ERR_USAGE, "seek: no such time",
                            "for example 1:23, +10 or -10");
    if (text[0] == '-')
        seek.ms = -seek.ms;
    status = session_ask(s, write_seek, &seek, &body);
    return status != 0 ? status : tell_action(s, body);
}

static int run_down(struct session *s)
{
    struct bytes body;
    int status = session_ask(s, NULL, NULL, &body);

    if (status != 0)
        return status;
    if (s->is_json)
        session_print_json(body);
    /* It has said good-bye; its socket closes last of all. */
    (void)!control_next(s->control, SESSION_TIMEOUT_MS, &body);
    if (!s->is_json)
        puts("The node has stopped.");
    return 0;
}

/* ---- the table ---- */

static const struct args_option common[OPTION_OWN] = {
    { "--help", false }, { "--json", false }, { "--data-dir", true }, { "--socket", true }
};

static const struct args_option host_options[] = {
    { "--name", true }, { "--wanted", true }, { "--deadline", true }, { "--ready", true },
    { "--ttl", true },  { "--wait", false },  { "--audio", true }
};

static const struct args_option watch_options[] = { { "--csv", false },
                                                    { "--every", true } };

_Static_assert(OPTION_OWN + COUNT(watch_options) == WATCH_OPTIONS,
               "the enum is the table");
_Static_assert(OPTION_OWN + COUNT(host_options) == HOST_OPTIONS, "the enum is the table");
_Static_assert(HOST_OPTIONS <= ARGS_OPTIONS_MAX, "there is room for them");

static const struct verb verbs[] = {
    { "host", "SONG.flac... | FOLDER", 0, -1, verb_host, host_options,
      COUNT(host_options),
      "Call for guests and, when enough have come, play these songs everywhere at once.\n"
      "Of a folder the first five FLAC files are taken.  Starts a node when none runs.\n"
      "\n"
      "  --name NAME       of the party\n"
      "  --wanted N        start when so many guests have accepted (3); 0: do not wait\n"
      "  --deadline TIME   or after this, with who is there (for example 60, 2m)\n"
      "  --ready TIME      who is not ready by then is not waited for\n"
      "  --ttl N           how many hops the call goes, 1 to 12\n"
      "  --wait            return only when the music plays\n"
      "  --audio DEVICE    of the node, when one is started (see party node --help)\n"
      "\n"
      "example: party host --name Friday ~/Music/*.flac\n" },
    { "invites", "", 0, 0, run_invites, NULL, 0,
      "List the parties that this node was called to.\n" },
    { "accept", "[ID]", 0, 1, run_accept, NULL, 0,
      "Join the party whose id begins with ID; without it, the only one there is.\n" },
    { "decline", "[ID]", 0, 1, run_decline, NULL, 0, "Do not join; as for accept.\n" },
    { "status", "", 0, 0, run_status, NULL, 0,
      "Show the party, its songs and members, and this node.\n"
      "ERROR is how far a member's player believes its sound to be ahead of the party's\n"
      "time; +-BOUND is how wrong its clock can be, from measured round trips.\n" },
    { "watch", "", 0, 0, verb_watch, watch_options, COUNT(watch_options),
      "Show the party live; q ends it.  In a pipe: a line for each change; with --json\n"
      "one object a line.\n"
      "\n"
      "  --csv             rows of error, bound, rate and dropouts, one for each member\n"
      "  --every TIME      … at most so often (1s)\n"
      "\n"
      "example: party watch --csv --every 1s >sync.csv\n" },
    { "volume", "[PERCENT]", 0, 1, verb_volume, NULL, 0,
      "Say how loud this machine is, or set it; 0 to 100, for this node alone.\n" },
    { "latency", "[TIME]", 0, 1, verb_latency, NULL, 0,
      "Say how late this machine's sound comes out behind its card, or set it.  A "
      "device\n"
      "that is late (an amplifier, a television, radio) has a positive one, and is "
      "played\n"
      "to that much earlier.  It is kept for the device and its rate.\n"
      "\n"
      "example: party latency 12.5ms\n" },
    { "peers", "", 0, 0, run_peers, NULL, 0,
      "List the nodes that this one is linked to.\n" },
    { "clock", "", 0, 0, run_clock, NULL, 0,
      "Show where this node has its time from, and how good it is.\n"
      "Exit status 8 when there is no synchronised source.\n" },
    { "skip", "", 0, 0, run_action, NULL, 0, "Go to the next song.  For the host.\n" },
    { "pause", "", 0, 0, run_action, NULL, 0, "Silence everywhere.  For the host.\n" },
    { "resume", "", 0, 0, run_action, NULL, 0, "Go on after a pause.  For the host.\n" },
    { "play", "N", 1, 1, run_play, NULL, 0,
      "Play song number N of the party.  For the host.\n" },
    { "seek", "[+-]TIME", 1, 1, run_seek, NULL, 0,
      "Go to a time of the song (1:23, 83), or forth and back (+10, -10).  For the "
      "host.\n" },
    { "stop", "", 0, 0, run_action, NULL, 0, "End the music.  For the host.\n" },
    { "handover", "[NAME]", 0, 1, run_hand_over, NULL, 0,
      "Make the member with that name the host; without it, the fittest.  For the "
      "host.\n" },
    { "leave", "", 0, 0, run_leave, NULL, 0,
      "Leave the party.  When the host leaves, the fittest of those who are here leads\n"
      "on, and nobody hears it; with nobody else here the party ends.\n" },
    { "end", "", 0, 0, run_end, NULL, 0, "End the party for all.  For the host.\n" },
    { "down", "", 0, 0, run_down, NULL, 0,
      "Leave the party, say good-bye and end the node.\n" },
};

/* Those that the program knows beside ours. */
static const char *const others[] = { "up", "node", "demo", "sim", "help" };

static const struct verb *find_verb(const char *name)
{
    for (int i = 0; i < COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

void cli_help(void)
{
    puts("party: hear the same song at the same instant, with no server\n"
         "  party demo                    see it on this machine, no sound card needed\n"
         "  party up --join HOST          run a node, and find others through HOST\n"
         "  party host SONG.flac ...      call for guests and play        party skip\n"
         "  party invites, party accept   see who calls, join             party leave\n"
         "  party watch, party status     the party, live or once         party stop\n"
         "  party volume 70               of this machine alone\n"
         "  party peers, party clock      who is near, how good is the time\n"
         "  party down                    end the node\n"
         "example: party host --name Friday ~/Music/*.flac\n"
         "more:    party help VERB, man party");
}

static int help_verb(const struct verb *v)
{
    printf("usage: party %s%s%s%s [--json] [--data-dir DIR | --socket PATH]\n\n%s",
           v->name, v->option_count > 0 ? " [option...]" : "",
           v->operands[0] != '\0' ? " " : "", v->operands, v->help);
    return 0;
}

static int unknown(const char *name)
{
    const char *names[NAMES_MAX];
    char what[128];
    char next[128];
    const char *nearest;
    int count = 0;

    for (int i = 0; i < COUNT(verbs); i++)
        names[count++] = verbs[i].name;
    for (int i = 0; i < COUNT(others); i++)
        names[count++] = others[i];
    nearest = args_nearest(name, names, count);
    snprintf(what, sizeof(what), "%.40s: no such verb", name);
    if (nearest != NULL)
        snprintf(next, sizeof(next), "did you mean: party %s", nearest);
    else
        snprintf(next, sizeof(next), "see them all: party help");
    return cli_complain(ERR_USAGE, what, next);
}

static int run_verb(const struct verb *v, int argc, char *argv[])
{
    struct args_option options[ARGS_OPTIONS_MAX];
    struct session s = { 0 };
    char message[256];
    char next[64];
    int count = OPTION_OWN + v->option_count;
    int status;

    memcpy(options, common, sizeof(common));
    if (v->option_count > 0)
        memcpy(options + OPTION_OWN, v->options,
               (size_t)v->option_count * sizeof(options[0]));
    snprintf(next, sizeof(next), "see party %s --help", v->name);
    if (args_parse(argc, argv, options, count, &s.args, message, sizeof(message)) != 0)
        return cli_complain(ERR_USAGE, message, next);
    if (s.args.values[OPTION_HELP] != NULL)
        return help_verb(v);
    if (s.args.operand_count < v->least ||
        (v->most >= 0 && s.args.operand_count > v->most)) {
        snprintf(message, sizeof(message), "%s: takes %s", v->name,
                 v->operands[0] != '\0' ? v->operands : "no operand");
        return cli_complain(ERR_USAGE, message, next);
    }
    if (session_init(&s, v->name) != 0)
        return cli_complain(ERR_FILE, "no place for the node's data is known",
                            "set HOME, or give --data-dir DIR");
    status = v->run(&s);
    session_finish(&s);
    return status;
}

int cli_run(int argc, char *argv[])
{
    const char *name = argv[0];
    const struct verb *v;

    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0) {
        cli_help();
        return 0;
    }
    if (strcmp(name, "up") == 0)
        return up_run(argc - 1, argv + 1);
    v = find_verb(name);
    return v != NULL ? run_verb(v, argc - 1, argv + 1) : unknown(name);
}
