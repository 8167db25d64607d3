/* SPDX-License-Identifier: MIT */
#include "node/commands.h"

#include "node/internal.h"
#include "node/lab.h"
#include "node/report.h"
#include "wire/cbor.h"

#define PATH_LEN_MAX 4096
#define PREFIX_MAX   (2 * PARTY_ID_LEN)

void commands_reply(struct node *n, uint64_t id, int err, struct bytes body)
{
    static const uint8_t no_room[] = "\xa2\x64next\x69try again\x65"
                                     "error\x6eno room for it";
    struct effect *e = effects_add(n->out, EFFECT_REPLY);

    if (e == NULL)
        return;
    if (body.len == 0) {
        err = ERR_LIMIT;
        body = bytes_of(no_room, sizeof(no_room) - 1);
    }
    e->u.reply.id = id;
    e->u.reply.err = err;
    e->u.reply.body = body;
}

void commands_fail(struct node *n, uint64_t id, int err, struct bytes error,
                   const char *next)
{
    struct cbor_writer w;
    uint8_t body[1024];
    char text[601];

    error = node_clean_text(error);
    text_copy(text, sizeof(text), (const char *)error.data, error.len);
    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 2);
    cbor_write_text(&w, "next");
    cbor_write_text(&w, next);
    cbor_write_text(&w, "error");
    cbor_write_text(&w, text[0] != '\0' ? text : err_text(err));
    commands_reply(n, id, err, effects_copy(n->out, cbor_written(&w)));
}

static void fail(struct node *n, uint64_t id, int err, const char *error,
                 const char *next)
{
    commands_fail(n, id, err, bytes_of(error, strlen(error)), next);
}

static void answer_failed(struct node *n, uint64_t id, int err,
                          const struct party_answer *a)
{
    fail(n, id, err, a->error == NULL ? err_text(err) : a->error,
         a->next == NULL ? "see `party status`" : a->next);
}

void commands_answer_party(struct node *n, uint64_t id, int err,
                           const struct party_answer *a)
{
    struct cbor_writer w;
    uint8_t body[64];
    char hex[2 * PARTY_ID_LEN + 1];

    if (err != 0) {
        answer_failed(n, id, err, a);
        return;
    }
    hex_encode(a->party.b, PARTY_ID_LEN, hex);
    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 1);
    cbor_write_text(&w, "party");
    cbor_write_text(&w, hex);
    commands_reply(n, id, 0, effects_copy(n->out, cbor_written(&w)));
}

static void answer_action(struct node *n, uint64_t id, int err,
                          const struct party_answer *a)
{
    struct cbor_writer w;
    uint8_t body[128];

    if (err != 0) {
        answer_failed(n, id, err, a);
        return;
    }
    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 6);
    cbor_write_text(&w, "seq");
    cbor_write_uint(&w, a->seq);
    cbor_write_text(&w, "slot");
    cbor_write_int(&w, a->slot);
    cbor_write_text(&w, "at_ns");
    cbor_write_int(&w, a->at.ns);
    cbor_write_text(&w, "frame");
    cbor_write_int(&w, a->frame);
    cbor_write_text(&w, "lead_ms");
    cbor_write_int(&w, a->lead_ns / NS_PER_MS);
    cbor_write_text(&w, "playing");
    cbor_write_bool(&w, a->is_playing);
    commands_reply(n, id, 0, effects_copy(n->out, cbor_written(&w)));
}

static void act(struct node *n, uint64_t id, const struct party_command *c)
{
    struct party_answer a = { 0 };

    int err = party_act(&company_begin(n)->party, c, n->now_ns, &n->out->outbox, &a);

    answer_action(n, id, err, &a);
}

static void run_host(struct node *n, uint64_t id, struct cbor_reader *r)
{
    const struct party *party = node_party(n);
    struct hosting *h;
    struct bytes paths[CALL_SONGS_MAX];
    struct bytes name = cbor_read_text(r, MSG_NAME_MAX);
    int count = cbor_read_array(r, CALL_SONGS_MAX);
    uint64_t wanted;
    uint64_t deadline_ms;
    uint64_t ready_ms;
    uint64_t ttl;

    for (int i = 0; i < count; i++)
        paths[i] = cbor_read_text(r, PATH_LEN_MAX);
    wanted = cbor_read_uint(r, PARTY_MEMBERS_MAX);
    deadline_ms = cbor_read_uint(r, 24 * 3600 * 1000);
    ready_ms = cbor_read_uint(r, 24 * 3600 * 1000);
    ttl = cbor_read_uint(r, 12);
    if (!cbor_is_done(r) || count == 0) {
        fail(n, id, ERR_USAGE, "host: give one to five songs and sane limits",
             "see `party help host`");
        return;
    }
    if (n->hosting != NULL ||
        (party->role != PARTY_ROLE_NONE && party->phase != PARTY_ENDED)) {
        fail(n, id, ERR_STATE, "this node is in a party already",
             "`party leave` first, or see `party status`");
        return;
    }
    h = heap_take(&n->heap, 1, sizeof(*h));
    n->hosting = h;
    h->command = id;
    text_copy(h->name, sizeof(h->name), (const char *)name.data, name.len);
    h->wanted = (int)wanted;
    h->deadline_ns = (int64_t)deadline_ms * NS_PER_MS;
    h->ready_ns = (int64_t)ready_ms * NS_PER_MS;
    h->ttl = (int)ttl;
    songs_import(n, paths, count);
}

static void run_choice(struct node *n, uint64_t id, struct cbor_reader *r, bool is_accept)
{
    struct bytes prefix = cbor_read_text(r, PREFIX_MAX);
    struct party_answer a = { 0 };
    char text[PREFIX_MAX + 1];
    struct party *p;
    int err;

    if (!cbor_is_done(r)) {
        fail(n, id, ERR_USAGE, "an invite is named by the first digits of its id",
             "see `party invites`");
        return;
    }
    text_copy(text, sizeof(text), (const char *)prefix.data, prefix.len);
    p = &company_begin(n)->party;
    if (is_accept)
        err = party_accept(p, text, n->now_ns, &n->out->outbox, &a);
    else
        err = party_decline(p, text, n->now_ns, &a);
    commands_answer_party(n, id, err, &a);
}

static void run_accept(struct node *n, uint64_t id, struct cbor_reader *r)
{
    run_choice(n, id, r, true);
}

static void run_decline(struct node *n, uint64_t id, struct cbor_reader *r)
{
    run_choice(n, id, r, false);
}

static struct leaving *leaving(struct node *n)
{
    if (n->leaving == NULL)
        n->leaving = heap_take(&n->heap, 1, sizeof(*n->leaving));
    return n->leaving;
}

static void run_leave(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct party_answer a = { 0 };
    int err;

    (void)r;
    err = party_leave(&company_begin(n)->party, n->now_ns, &n->out->outbox, &a);
    if (err == 0 && party_is_leaving(&n->company->party)) {
        struct leaving *l = leaving(n);

        l->is_leave = true;
        l->leave = id;
    } else {
        commands_answer_party(n, id, err, &a);
    }
}

static void run_end(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct party_answer a = { 0 };
    int err;

    (void)r;
    err = party_end(&company_begin(n)->party, n->now_ns, &n->out->outbox, &a);
    commands_answer_party(n, id, err, &a);
}

static void run_hand_over(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct bytes name = cbor_read_text(r, MSG_NAME_MAX);
    struct party_answer a = { 0 };
    char text[MSG_NAME_MAX + 1];
    int err;

    if (!cbor_is_done(r)) {
        fail(n, id, ERR_USAGE, "handover: a member is given by its name",
             "see `party status`");
        return;
    }
    text_copy(text, sizeof(text), (const char *)name.data, name.len);
    err = party_hand_over(&company_begin(n)->party, text, n->now_ns, &n->out->outbox, &a);
    commands_answer_party(n, id, err, &a);
}

static void run_play(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct party_command c = { .verb = ACTION_JUMP };

    c.number = (int)cbor_read_uint(r, 1000);
    if (cbor_is_done(r))
        act(n, id, &c);
    else
        fail(n, id, ERR_USAGE, "play: a song is named by its number in the pool",
             "see `party status` for the numbers");
}

static void run_seek(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct party_command c = { .verb = ACTION_SEEK };

    c.seek_ms = cbor_read_int(r);
    c.is_relative = cbor_read_bool(r);
    if (cbor_is_done(r) && c.seek_ms > -TIMELINE_SONG_MAX_NS / NS_PER_MS &&
        c.seek_ms < TIMELINE_SONG_MAX_NS / NS_PER_MS)
        act(n, id, &c);
    else
        fail(n, id, ERR_USAGE, "seek: no such time", "give minutes:seconds, or +10, -10");
}

static void run_skip(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    act(n, id, &(struct party_command){ .verb = ACTION_SKIP });
}

static void run_pause(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    act(n, id, &(struct party_command){ .verb = ACTION_PAUSE });
}

static void run_resume(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    act(n, id, &(struct party_command){ .verb = ACTION_RESUME });
}

static void run_stop(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    act(n, id, &(struct party_command){ .verb = ACTION_STOP });
}

static void run_status(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    commands_reply(n, id, 0, report_state(n));
}

static void run_peers(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    commands_reply(n, id, 0, report_peers(n));
}

static void run_clock(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    commands_reply(n, id, 0, report_clock(n));
}

static void run_invites(struct node *n, uint64_t id, struct cbor_reader *r)
{
    (void)r;
    commands_reply(n, id, 0, report_invites(n));
}

/* The driver stops the node after this step: say good-bye to all. */
static void go_down(struct node *n, uint64_t id)
{
    static const uint8_t empty_map[] = { 0xa0 };

    overlay_leave(&n->overlay, n->now_ns, &n->out->outbox);
    commands_reply(n, id, 0, bytes_of(empty_map, sizeof(empty_map)));
}

static void run_down(struct node *n, uint64_t id, struct cbor_reader *r)
{
    struct party_answer a = { 0 };

    (void)r;
    if (node_party(n)->role != PARTY_ROLE_NONE && !party_is_leaving(node_party(n)))
        (void)!party_leave(&n->company->party, n->now_ns, &n->out->outbox, &a);
    if (party_is_leaving(node_party(n))) {
        struct leaving *l = leaving(n);

        l->is_down = true;
        l->down = id;
    } else {
        go_down(n, id);
    }
}

void commands_left(struct node *n)
{
    struct party_answer a = { .party = node_party(n)->log.party };
    struct leaving l = *n->leaving;

    if (party_is_leaving(node_party(n)))
        return;
    commands_forget(n);
    if (l.is_leave)
        commands_answer_party(n, l.leave, 0, &a);
    if (l.is_down)
        go_down(n, l.down);
    n->is_state_stale = true;
    node_stir(n);
}

void commands_forget(struct node *n)
{
    heap_give(&n->heap, n->leaving, 1, sizeof(*n->leaving));
    n->leaving = NULL;
}

struct verb {
    const char *name;
    int arguments;
    void (*run)(struct node *n, uint64_t id, struct cbor_reader *r);
};

static const struct verb verbs[] = {
    { "status", 0, run_status },
    { "peers", 0, run_peers },
    { "clock", 0, run_clock },
    { "invites", 0, run_invites },
    { "host", 6, run_host },
    { "accept", 1, run_accept },
    { "decline", 1, run_decline },
    { "skip", 0, run_skip },
    { "pause", 0, run_pause },
    { "resume", 0, run_resume },
    { "stop", 0, run_stop },
    { "play", 1, run_play },
    { "seek", 2, run_seek },
    { "leave", 0, run_leave },
    { "handover", 1, run_hand_over },
    { "watch", 0, run_status },
    { "end", 0, run_end },
    { "down", 0, run_down },
};

static const struct verb lab_verbs[] = {
    { "flood", 2, node_lab_flood },
    { "floods", 0, node_lab_floods },
    { "dial", 2, node_lab_dial },
    { "say", 2, node_lab_say },
};

static const struct verb *find_verb(const struct verb *list, int count, struct bytes name)
{
    for (int i = 0; i < count; i++) {
        if (bytes_equal(name, bytes_of(list[i].name, strlen(list[i].name))))
            return &list[i];
    }
    return NULL;
}

void commands_run(struct node *n, uint64_t id, struct bytes request)
{
    struct cbor_reader r;
    const struct verb *verb;
    const struct verb *lab;
    struct bytes name;
    int count;

    if (cbor_check(request) != 0) {
        fail(n, id, ERR_MALFORMED, "the request is no strict CBOR",
             "see docs/control.md");
        return;
    }
    cbor_reader_init(&r, request);
    count = cbor_read_array(&r, 16);
    name = cbor_read_text(&r, 16);
    verb = find_verb(verbs, COUNT(verbs), name);
    lab = find_verb(lab_verbs, COUNT(lab_verbs), name);
    if (verb == NULL)
        verb = lab;
    if (verb == NULL || count < 1)
        fail(n, id, ERR_USAGE, "no such verb", "see docs/control.md");
    else if (count != 1 + verb->arguments)
        fail(n, id, ERR_USAGE, "a wrong number of arguments", "see docs/control.md");
    else if (verb == lab && !n->params->is_lab)
        fail(n, id, ERR_DENIED, "this node is no laboratory", "see docs/control.md");
    else
        verb->run(n, id, &r);
}
