/* SPDX-License-Identifier: MIT */
#include "sim/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/knobs.h"

#define HEAD       "party-sim script 1"
#define SEED_MAX   INT64_C(1000000000000)
#define LENGTH_MAX (24 * 3600 * NS_PER_S)

#define SOME(text, by, kind, least, most, words)                                         \
    {                                                                                    \
        text, SCRIPT_SOME, by, kind, least, most, true, words                            \
    }

static const struct script_about abouts[SCRIPT_KINDS] = {
    [SCRIPT_LOSS] = SOME("loss", SCRIPT_VALUE, VALUE_SHARE, 1, 900000,
                         "so much of what they send is lost"),
    [SCRIPT_DUPLICATE] = SOME("duplicate", SCRIPT_VALUE, VALUE_SHARE, 1, 1000000,
                              "so many of their datagrams come twice"),
    [SCRIPT_REORDER] = SOME("reorder", SCRIPT_VALUE, VALUE_TIME, 1, 10 * NS_PER_S,
                            "packets wait at random, so long on average"),
    [SCRIPT_SPIKES] = SOME("spikes", SCRIPT_VALUE, VALUE_TIME, 1, 10 * NS_PER_S,
                           "one packet in 20 waits so long on average"),
    [SCRIPT_SLOW] = SOME("slow", SCRIPT_VALUE, VALUE_TIME, 1, 10 * NS_PER_S,
                         "everything comes so much later"),
    [SCRIPT_SQUEEZE] = SOME("squeeze", SCRIPT_VALUE, VALUE_RATE, 8000,
                            INT64_C(1000000000), "they send no faster"),
    [SCRIPT_HALVES] = SOME("halves", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                           "they and all others do not hear each other"),
    [SCRIPT_ONE_WAY] = SOME("one-way", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                            "the others do not hear them"),
    [SCRIPT_ISOLATE] = SOME("isolate", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                            "each of them is alone"),
    [SCRIPT_BRIDGE] = SOME("bridge", SCRIPT_OTHERS, VALUE_INT, 0, 0,
                           "they and those do not hear each other; the rest hears all"),
    [SCRIPT_PAIR] = { "pair", SCRIPT_ONE, SCRIPT_OTHERS, VALUE_INT, 0, 0, true,
                      "it and that one do not hear each other" },
    [SCRIPT_FLAP] = { "flap", SCRIPT_ONE, SCRIPT_VALUE, VALUE_TIME, NS_PER_S / 10,
                      60 * NS_PER_S, true, "it is alone, then not, each for so long" },
    [SCRIPT_RESET] = { "reset", SCRIPT_SOME, SCRIPT_NOTHING, VALUE_INT, 0, 0, false,
                       "all their links end with a reset" },
    [SCRIPT_REBIND] = { "rebind", SCRIPT_SOME, SCRIPT_NOTHING, VALUE_INT, 0, 0, false,
                        "a NAT forgets their links, and nobody is told" },
    [SCRIPT_PAUSE] = SOME("pause", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                          "their processes are stopped (SIGSTOP)"),
    [SCRIPT_STALL] = SOME("stall", SCRIPT_VALUE, VALUE_TIME, NS_PER_S / 100,
                          30 * NS_PER_S, "they are stopped and go on, each for so long"),
    [SCRIPT_CRASH] = SOME("crash", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                          "their processes end, and start anew after that"),
    [SCRIPT_POWER] = SOME("power", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                          "their machines lose power, without a word"),
    [SCRIPT_WIPE] = SOME("wipe", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                         "as power, and they start with an empty disk"),
    [SCRIPT_START] = { "start", SCRIPT_SOME, SCRIPT_NOTHING, VALUE_INT, 0, 0, false,
                       "they start only now" },
    [SCRIPT_SLOW_DISK] = SOME("slow-disk", SCRIPT_VALUE, VALUE_TIME, 1, 60 * NS_PER_S,
                              "their disks take so long on average"),
    [SCRIPT_FULL_DISK] = SOME("full-disk", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                              "their disks refuse what is to be kept"),
    [SCRIPT_DEAD_DISK] = SOME("dead-disk", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                              "their disks take orders and do not answer"),
    [SCRIPT_ROT] = SOME("rot", SCRIPT_VALUE, VALUE_SHARE, 1, 1000000,
                        "so many blocks come damaged from their disks"),
    [SCRIPT_MUTE] = SOME("mute", SCRIPT_NOTHING, VALUE_INT, 0, 0,
                         "their sound cards are gone"),
    [SCRIPT_CLOCK_STEP] = SOME("clock-step", SCRIPT_VALUE, VALUE_TIME, -LENGTH_MAX,
                               LENGTH_MAX,
                               "their machines' wall clocks are so far ahead"),
    [SCRIPT_DRIFT] = { "drift", SCRIPT_SOME, SCRIPT_VALUE, VALUE_INT, -200, 200, false,
                       "from the start their crystals run so many ppm faster" },
    [SCRIPT_LYING_SERVER] = { "lying-server", SCRIPT_SERVERS, SCRIPT_VALUE, VALUE_TIME,
                              -3600 * NS_PER_S, 3600 * NS_PER_S, true,
                              "these time servers are so far ahead" },
    [SCRIPT_DEAF_SERVERS] = { "deaf-servers", SCRIPT_SERVERS, SCRIPT_NOTHING, VALUE_INT,
                              0, 0, true, "these time servers do not answer" },
    [SCRIPT_SKEW] = { "skew", SCRIPT_SOME, SCRIPT_NOTHING, VALUE_INT, 0, 0, false,
                      "from the start they live by the shipped constants" },
    [SCRIPT_CALLS] = { "calls", SCRIPT_SOME, SCRIPT_NOTHING, VALUE_INT, 0, 0, false,
                       "all of them call at once" },
    [SCRIPT_ORDER] = { "order", SCRIPT_SOME, SCRIPT_VERB, VALUE_INT, 0, 0, false,
                       "their users say so" },
};

static const char *const verbs[] = {
    "skip",     "pause", "resume", "stop", "play", "seek",
    "handover", "leave", "accept", "end",  "host",
};

const struct script_about *script_about(int kind)
{
    return kind >= 0 && kind < SCRIPT_KINDS ? &abouts[kind] : NULL;
}

int script_verb_count(void)
{
    return COUNT(verbs);
}

const char *script_verb(int verb)
{
    return verb >= 0 && verb < COUNT(verbs) ? verbs[verb] : NULL;
}

/* ---- writing ---- */

static size_t write_list(char *to, size_t size, uint32_t bits)
{
    size_t len = 0;

    for (int i = 0; i < 32 && len + 4 < size; i++) {
        if ((bits >> i & 1) != 0)
            len += (size_t)snprintf(to + len, size - len, "%s%d", len > 0 ? "," : "", i);
    }
    to[len] = '\0';
    return len;
}

static void write_by(const struct script_entry *e, char *to, size_t size)
{
    const struct script_about *a = &abouts[e->kind];
    char value[VALUE_TEXT_MAX];

    if (a->by == SCRIPT_VERB) {
        (void)snprintf(to, size, "%s", verbs[e->by]);
    } else if (a->by == SCRIPT_OTHERS) {
        (void)write_list(to, size, (uint32_t)e->by);
    } else {
        value_format(a->value, e->by, value);
        (void)snprintf(to, size, "%s", value);
    }
}

void script_line(const struct script_entry *e, char line[static SCRIPT_LINE_MAX])
{
    const struct script_about *a = &abouts[e->kind];
    char at[VALUE_TEXT_MAX];
    char list[64];
    char by[64];
    char length[VALUE_TEXT_MAX];
    size_t len;

    value_format(VALUE_TIME, e->at_ns, at);
    (void)write_list(list, sizeof(list), e->nodes);
    len = (size_t)snprintf(line, SCRIPT_LINE_MAX, "at %s %s nodes %s", at, a->name, list);
    if (a->by != SCRIPT_NOTHING) {
        write_by(e, by, sizeof(by));
        len += (size_t)snprintf(line + len, SCRIPT_LINE_MAX - len, " by %s", by);
    }
    if (a->has_length) {
        value_format(VALUE_TIME, e->for_ns, length);
        (void)snprintf(line + len, SCRIPT_LINE_MAX - len, " for %s", length);
    }
}

void script_write(const struct script *s, FILE *file)
{
    char line[SCRIPT_LINE_MAX];
    char length[VALUE_TEXT_MAX];

    value_format(VALUE_TIME, s->length_ns, length);
    (void)fprintf(file, HEAD "\nseed = %llu\nnodes = %d\nnet = %s\nlength = %s\n",
                  (unsigned long long)s->seed, s->nodes, s->net, length);
    for (int i = 0; i < s->set_count; i++)
        (void)fprintf(file, "set %s = %s\n", s->sets[i].name, s->sets[i].value);
    for (int i = 0; i < s->count; i++) {
        script_line(&s->entries[i], line);
        (void)fprintf(file, "%s\n", line);
    }
}

/* ---- reading ---- */

struct reading {
    struct script *s;
    int line;
    char *why;
};

static bool complain(const struct reading *r, const char *what, const char *word)
{
    (void)snprintf(r->why, SETUP_WHY_MAX, "line %d: %s%s%s", r->line, what,
                   word[0] != '\0' ? ": " : "", word);
    return false;
}

static bool read_value(const struct reading *r, enum value_kind kind, const char *text,
                       int64_t least, int64_t most, int64_t *value)
{
    const char *why;

    if (!value_parse(kind, text, value, &why))
        return complain(r, why, text);
    return (*value >= least && *value <= most) || complain(r, "out of range", text);
}

static bool read_list(const struct reading *r, const char *text, int limit,
                      uint32_t *bits)
{
    *bits = 0;
    while (*text != '\0') {
        char *end;
        long n = strtol(text, &end, 10);

        if (end == text || n < 0 || n >= limit || (*end != ',' && *end != '\0'))
            return complain(r, "nodes are numbers from 0, as in 1,3", text);
        *bits |= UINT32_C(1) << n;
        text = end + (*end == ',');
    }
    return *bits != 0 || complain(r, "no node is named", "");
}

static bool read_verb(const struct reading *r, const char *text, int64_t *verb)
{
    for (*verb = 0; *verb < COUNT(verbs); (*verb)++) {
        if (strcmp(verbs[*verb], text) == 0)
            return true;
    }
    return complain(r, "no such order", text);
}

static bool read_by(const struct reading *r, struct script_entry *e, const char *text)
{
    const struct script_about *a = &abouts[e->kind];
    uint32_t others;

    switch ((int)a->by) {
    case SCRIPT_VERB:
        return read_verb(r, text, &e->by);
    case SCRIPT_OTHERS:
        if (!read_list(r, text, r->s->nodes, &others))
            return false;
        e->by = others;
        return true;
    case SCRIPT_VALUE:
        return read_value(r, a->value, text, a->least, a->most, &e->by);
    default:
        return complain(r, "this takes no \"by\"", text);
    }
}

static bool read_kind(const struct reading *r, struct script_entry *e, const char *text)
{
    for (int i = 0; text != NULL && i < SCRIPT_KINDS; i++) {
        if (strcmp(abouts[i].name, text) == 0) {
            e->kind = (enum script_kind)i;
            return true;
        }
    }
    return complain(r, "nothing that can happen", text == NULL ? "" : text);
}

static bool is_whole(const struct reading *r, const struct script_entry *e, bool has_by)
{
    const struct script_about *a = &abouts[e->kind];

    if (e->nodes == 0)
        return complain(r, "it lacks \"nodes\"", a->name);
    if (a->who == SCRIPT_ONE && (e->nodes & (e->nodes - 1)) != 0)
        return complain(r, "it is of one node only", a->name);
    if (a->by != SCRIPT_NOTHING && !has_by)
        return complain(r, "it lacks \"by\"", a->name);
    if (a->has_length != (e->for_ns > 0))
        return complain(r, a->has_length ? "it lacks \"for\"" : "it has no length",
                        a->name);
    return e->at_ns + e->for_ns <= r->s->length_ns ||
           complain(r, "it ends too late", a->name);
}

static bool read_entry(struct reading *r, char *rest)
{
    struct script_entry e = { .kind = SCRIPT_LOSS };
    char *save = NULL;
    const char *at = strtok_r(rest, " \t", &save);
    bool has_by = false;
    const char *word;

    if (r->s->count == SCRIPT_ENTRIES_MAX)
        return complain(r, "more than 256 things happen", "");
    if (at == NULL || !read_value(r, VALUE_TIME, at, 0, r->s->length_ns, &e.at_ns))
        return at != NULL || complain(r, "when?", "");
    if (!read_kind(r, &e, strtok_r(NULL, " \t", &save)))
        return false;
    while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
        const char *text = strtok_r(NULL, " \t", &save);
        int limit = abouts[e.kind].who == SCRIPT_SERVERS ? 4 : r->s->nodes;

        if (text == NULL)
            return complain(r, "it ends too early, behind", word);
        if (strcmp(word, "nodes") == 0) {
            if (!read_list(r, text, limit, &e.nodes))
                return false;
        } else if (strcmp(word, "for") == 0) {
            if (!read_value(r, VALUE_TIME, text, 1, LENGTH_MAX, &e.for_ns))
                return false;
        } else if (strcmp(word, "by") != 0) {
            return complain(r, "\"nodes\", \"by\" or \"for\" is expected, not", word);
        } else if (!read_by(r, &e, text)) {
            return false;
        }
        has_by |= strcmp(word, "by") == 0;
    }
    if (!is_whole(r, &e, has_by))
        return false;
    r->s->entries[r->s->count++] = e;
    return true;
}

static bool read_set(struct reading *r, const char *name, const char *value)
{
    struct node_params params = node_params_default();
    struct script_set *set = &r->s->sets[r->s->set_count];
    int knob = knob_find(name);
    const char *why;

    if (knob < 0)
        return complain(r, "no constant has this name (party-sim params lists them)",
                        name);
    if (!knob_set(&params, knob, value, &why))
        return complain(r, why, value);
    if (r->s->set_count == SCRIPT_SETS_MAX || strlen(name) >= sizeof(set->name) ||
        strlen(value) >= sizeof(set->value))
        return complain(r, "too many or too long constants", name);
    (void)snprintf(set->name, sizeof(set->name), "%s", name);
    (void)snprintf(set->value, sizeof(set->value), "%s", value);
    r->s->set_count++;
    return true;
}

static bool read_fact(struct reading *r, const char *name, const char *value)
{
    struct net_params net;
    int64_t n;

    if (strcmp(name, "seed") == 0) {
        if (!read_value(r, VALUE_INT, value, 0, SEED_MAX, &n))
            return false;
        r->s->seed = (uint64_t)n;
    } else if (strcmp(name, "nodes") == 0) {
        if (!read_value(r, VALUE_INT, value, 2, SCRIPT_NODES_MAX, &n))
            return false;
        r->s->nodes = (int)n;
    } else if (strcmp(name, "length") == 0) {
        return read_value(r, VALUE_TIME, value, NS_PER_S, LENGTH_MAX, &r->s->length_ns);
    } else if (strcmp(name, "net") == 0) {
        if (strlen(value) >= sizeof(r->s->net) || !net_params_named(value, &net))
            return complain(r, "no such network", value);
        (void)snprintf(r->s->net, sizeof(r->s->net), "%s", value);
    } else {
        return complain(r, "neither seed, nodes, net, length, set nor at", name);
    }
    return true;
}

static bool read_line(struct reading *r, char *line)
{
    char *save = NULL;
    char *word;
    char *value;

    line[strcspn(line, "#\r\n")] = '\0';
    line += strspn(line, " \t");
    if (*line == '\0')
        return true;
    if (strncmp(line, "at ", 3) == 0)
        return read_entry(r, line + 3);
    word = strtok_r(line, " \t=", &save);
    if (strcmp(word, "set") == 0) {
        word = strtok_r(NULL, " \t=", &save);
        value = strtok_r(NULL, " \t=", &save);
        return (word != NULL && value != NULL && read_set(r, word, value)) ||
               (value == NULL && complain(r, "it goes: set NAME = VALUE", ""));
    }
    value = strtok_r(NULL, " \t=", &save);
    return value == NULL ? complain(r, "a value is missing behind", word)
                         : read_fact(r, word, value);
}

bool script_read(struct script *s, FILE *file, char why[static SETUP_WHY_MAX])
{
    struct reading r = { s, 1, why };
    char line[SCRIPT_LINE_MAX];

    *s = (struct script){
        .seed = 1, .nodes = 5, .net = "wifi", .length_ns = 120 * NS_PER_S
    };
    if (fgets(line, sizeof(line), file) == NULL || strncmp(line, HEAD, strlen(HEAD)) != 0)
        return complain(&r, "a script begins with \"" HEAD "\"", "");
    while (fgets(line, sizeof(line), file) != NULL) {
        r.line++;
        if (strchr(line, '\n') == NULL && !feof(file))
            return complain(&r, "this line is too long", "");
        if (!read_line(&r, line))
            return false;
    }
    return true;
}
