/* SPDX-License-Identifier: MIT */
#include "sim/cone.h"

#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "secure/link.h"
#include "sim/memory.h"

void cone_init(struct cone *c)
{
    *c = (struct cone){ .count = 0 };
    for (int i = 0; i < SCRIPT_NODES_MAX; i++)
        c->nodes[i] = (struct cone_node){ -1, -1, -1, TIME_NEVER };
}

void cone_finish(struct cone *c)
{
    free(c->steps);
}

/* ---- noting ---- */

/* The type of a message in a frame of sim/tags.h, whose body is plain; 0 for one of a
 * handshake. */
static uint8_t type_of(struct bytes frame)
{
    static struct msg m; /* too large for the stack */

    if (frame.len <= LINK_OVERHEAD ||
        msg_decode(bytes_of(frame.data, frame.len - LINK_OVERHEAD), &m) != 0)
        return 0;
    return (uint8_t)m.type;
}

/* The verb of a request: an array that begins with a short text. */
static void take_verb(struct bytes request, char verb[static CONE_VERB_MAX])
{
    size_t len = request.len > 1 && request.data[1] >> 5 == 3 ? request.data[1] & 31 : 0;

    if (len < 24 && len + 2 <= request.len)
        text_copy(verb, CONE_VERB_MAX, (const char *)request.data + 2, len);
}

static struct cone_state state_of(const struct world *w, int node)
{
    const struct party *p = node_party(w->nodes[node].node);

    return (struct cone_state){
        .role = (uint8_t)p->role,
        .phase = (uint8_t)p->phase,
        .candidacy = (uint8_t)p->candidacy.state,
        .council = (uint8_t)p->council.count,
        .is_acting = party_is_acting(p, p->now_ns),
        .party = (uint16_t)(p->log.party.b[0] << 8 | p->log.party.b[1]),
        .epoch = (uint32_t)p->log.epoch,
        .seq = (uint32_t)p->log.seq,
    };
}

static bool is_change(const struct cone_state *a, const struct cone_state *b)
{
    return a->role != b->role || a->phase != b->phase || a->candidacy != b->candidacy ||
           a->council != b->council || a->is_acting != b->is_acting ||
           a->party != b->party || a->epoch != b->epoch;
}

/* The step of a node that sent what it numbers so. */
static int sender(const struct cone *c, int node, uint32_t number)
{
    int step = c->nodes[node].last;

    while (step >= 0 && c->steps[step].before >= 0 &&
           c->steps[c->steps[step].before].sent_end > number)
        step = c->steps[step].before;
    return step;
}

static int cause_of(const struct cone *c, const struct world *w, int node,
                    const struct event *e)
{
    struct world_cause cause = world_cause(w, node);

    if (e->kind == EVENT_WAKE)
        return c->nodes[node].armer;
    return cause.kind == WORLD_SENT ? sender(c, cause.from, cause.number) : -1;
}

static struct cone_step *add(struct cone *c)
{
    if (c->count == c->room) {
        c->room = c->room == 0 ? 4096 : 2 * c->room;
        c->steps = memory_grow(c->steps, (size_t)c->room, sizeof(*c->steps));
    }
    return &c->steps[c->count++];
}

void cone_note(struct cone *c, const struct world *w, int node, const struct event *e)
{
    const struct world_node *n = &w->nodes[node];
    struct cone_node *mine = &c->nodes[node];
    int cause = cause_of(c, w, node, e);
    struct cone_step *s = add(c);
    struct cone_state none = { .role = 0 };

    *s = (struct cone_step){ .at_ns = w->now_ns,
                             .node = node,
                             .cause = cause,
                             .before = mine->last,
                             .changed = mine->changed,
                             .sent_end = n->number,
                             .event = (uint8_t)e->kind,
                             .state = state_of(w, node) };
    if (e->kind == EVENT_LINK_RECEIVED)
        s->type = type_of(e->u.received.frame);
    if (e->kind == EVENT_COMMAND)
        take_verb(e->u.command.request, s->verb);
    s->is_change = is_change(&s->state,
                             s->before < 0 ? &none : &c->steps[s->before].state);
    mine->last = c->count - 1;
    if (s->is_change || e->kind == EVENT_COMMAND || e->kind == EVENT_START)
        mine->changed = mine->last;
    if (n->wake_ns != mine->wake_ns)
        mine->armer = mine->last;
    mine->wake_ns = n->wake_ns;
}

/* ---- backwards ---- */

static void mark(bool *is_in, int step)
{
    if (step >= 0)
        is_in[step] = true;
}

int cone_of(const struct cone *c, int node, int max, int steps[])
{
    int end = node < 0 ? c->count - 1 : c->nodes[node].last;
    bool *is_in;
    int count = 0;

    if (end < 0)
        return 0;
    is_in = memory_new((size_t)c->count, sizeof(*is_in));
    is_in[end] = true;
    for (int i = end; i >= 0 && count < max; i--) {
        if (!is_in[i])
            continue;
        steps[count++] = i;
        /* Who only waited for an instant had no other reason. */
        if (c->steps[i].event != EVENT_WAKE)
            mark(is_in, c->steps[i].cause);
        mark(is_in, c->steps[i].changed);
    }
    free(is_in);
    for (int i = 0; i < count / 2; i++) {
        int other = steps[i];

        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = other;
    }
    return count;
}

/* ---- as text ---- */

static const char *const types[] = {
    [MSG_HELLO] = "HELLO",
    [MSG_PING] = "PING",
    [MSG_PONG] = "PONG",
    [MSG_JOIN] = "JOIN",
    [MSG_FORWARD_JOIN] = "FORWARD_JOIN",
    [MSG_NEIGHBOR] = "NEIGHBOR",
    [MSG_NEIGHBOR_ACK] = "NEIGHBOR_ACK",
    [MSG_DISCONNECT] = "DISCONNECT",
    [MSG_SHUFFLE] = "SHUFFLE",
    [MSG_SHUFFLE_REPLY] = "SHUFFLE_REPLY",
    [MSG_FLOOD] = "FLOOD",
    [MSG_REPLY] = "REPLY",
    [MSG_ISLAND] = "ISLAND",
    [MSG_PROBE] = "PROBE",
    [MSG_PROBE_ACK] = "PROBE_ACK",
    [MSG_DIGEST] = "DIGEST",
    [MSG_GOSSIP] = "GOSSIP",
    [MSG_IHAVE] = "IHAVE",
    [MSG_GRAFT] = "GRAFT",
    [MSG_PRUNE] = "PRUNE",
    [MSG_SEEN] = "SEEN",
    [MSG_PULL] = "PULL",
    [MSG_REACH] = "REACH",
    [MSG_MEET] = "MEET",
    [MSG_RELAY] = "RELAY",
    [MSG_SUMMARY] = "SUMMARY",
    [MSG_PARTY_JOIN] = "PARTY_JOIN",
    [MSG_PARTY_WELCOME] = "PARTY_WELCOME",
    [MSG_PARTY_LEAVE] = "PARTY_LEAVE",
    [MSG_PARTY_BEAT] = "PARTY_BEAT",
    [MSG_PARTY_STATUS] = "PARTY_STATUS",
    [MSG_PARTY_YIELD] = "PARTY_YIELD",
    [MSG_LOG_ENTRY] = "LOG_ENTRY",
    [MSG_LOG_GET] = "LOG_GET",
    [MSG_ELECT] = "ELECT",
    [MSG_ELECT_OK] = "ELECT_OK",
    [MSG_CLAIM] = "CLAIM",
    [MSG_GRANT] = "GRANT",
    [MSG_DENY] = "DENY",
    [MSG_HANDOVER] = "HANDOVER",
    [MSG_COORD] = "COORD",
    [MSG_PARTY_OFFER] = "PARTY_OFFER",
    [MSG_PARTY_UNISON] = "PARTY_UNISON",
    [MSG_LEAVES_GET] = "LEAVES_GET",
    [MSG_LEAVES] = "LEAVES",
    [MSG_HAVE] = "HAVE",
    [MSG_HAVE_BLOCKS] = "HAVE_BLOCKS",
    [MSG_WANT] = "WANT",
    [MSG_BLOCK] = "BLOCK",
    [MSG_CANCEL] = "CANCEL",
    [MSG_REFUSE] = "REFUSE",
};

void cone_what(const struct cone *c, int step, char text[static SCRIPT_LINE_MAX])
{
    const struct cone_step *s = &c->steps[step];
    const char *type = s->type < COUNT(types) ? types[s->type] : NULL;

    if (s->event == EVENT_COMMAND)
        (void)snprintf(text, SCRIPT_LINE_MAX, "the user says %s", s->verb);
    else
        (void)snprintf(text, SCRIPT_LINE_MAX, "%s",
                       type != NULL ? type : world_event_name((enum event_kind)s->event));
}

void cone_state_text(const struct cone_state *s, char text[static SCRIPT_LINE_MAX])
{
    static const char *const phases[] = { "idle",    "calling", "joining", "sharing",
                                          "playing", "paused",  "stopped", "ended" };
    static const char *const roles[] = { "nobody", "host", "guest" };
    static const char *const stands[] = { "",           ", waiting",  ", asking",
                                          ", yielding", ", claiming", ", voting" };

    (void)snprintf(text, SCRIPT_LINE_MAX, "%s%s, %s, party %04x, epoch %u, entry %u%s",
                   s->is_acting ? "acting " : "", roles[s->role], phases[s->phase],
                   s->party, s->epoch, s->seq, stands[s->candidacy]);
}

void cone_line(const struct cone *c, int step, char line[static SCRIPT_LINE_MAX])
{
    const struct cone_step *s = &c->steps[step];
    char what[SCRIPT_LINE_MAX];
    char state[SCRIPT_LINE_MAX] = "";
    char from[64] = "";

    cone_what(c, step, what);
    if (s->is_change)
        cone_state_text(&s->state, state);
    if (s->cause >= 0 && s->event == EVENT_WAKE)
        (void)snprintf(from, sizeof(from), " set at %.3f s",
                       (double)c->steps[s->cause].at_ns / 1e9);
    else if (s->cause >= 0 && c->steps[s->cause].node != s->node)
        (void)snprintf(from, sizeof(from), " of node %d at %.3f s",
                       c->steps[s->cause].node, (double)c->steps[s->cause].at_ns / 1e9);
    (void)snprintf(line, SCRIPT_LINE_MAX, "%10.3f s  node %d: %.60s%s%s%.100s",
                   (double)s->at_ns / 1e9, s->node, what, from,
                   state[0] != '\0' ? ": " : "", state);
}

void cone_print(const struct cone *c, const int steps[], int count,
                const struct script *s)
{
    char line[SCRIPT_LINE_MAX];
    int64_t shown_ns = count > 0 ? c->steps[steps[0]].at_ns : 0;

    for (int i = 0; i < count; i++) {
        int64_t at_ns = c->steps[steps[i]].at_ns;

        for (int k = 0; k < s->count; k++) {
            if (s->entries[k].at_ns >= shown_ns && s->entries[k].at_ns < at_ns) {
                script_line(&s->entries[k], line);
                printf("%12s  %s\n", "", line);
            }
        }
        shown_ns = at_ns;
        cone_line(c, steps[i], line);
        printf("%s\n", line);
    }
}
