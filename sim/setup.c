/* SPDX-License-Identifier: MIT */
#include "sim/setup.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/knobs.h"
#include "sim/tags.h"
#include "sim/world.h"

#define PPM 1000000

static const struct setting {
    const char *name;
    enum value_kind kind;
    size_t offset; /* of an int64_t */
    int64_t min;
    int64_t max;
    const char *about;
} settings[] = {
#define AT(field) offsetof(struct setup, field)
    { "nodes", VALUE_INT, AT(nodes), 2, 4000000, "nodes of the world" },
    { "threads", VALUE_INT, AT(threads), 1, 64, "threads of one run" },
    { "contacts", VALUE_INT, AT(contacts), 1, NODE_JOINS_MAX,
      "addresses that every node is given to join through" },
    { "start", VALUE_TIME, AT(start_ns), 0, 7 * 86400 * NS_PER_S,
      "all nodes start within this time" },
    { "settle", VALUE_TIME, AT(settle_ns), 0, 7 * 86400 * NS_PER_S,
      "nothing is done for so long after the start" },
    { "messages", VALUE_INT, AT(messages), 0, 1000000, "messages that are sent" },
    { "gap", VALUE_TIME, AT(gap_ns), NS_PER_MS, 3600 * NS_PER_S,
      "time between two messages" },
    { "wait", VALUE_TIME, AT(wait_ns), NS_PER_MS, 3600 * NS_PER_S,
      "a message is judged so long after it was sent" },
    { "ttl", VALUE_INT, AT(ttl), 0, FLOOD_TTL_MAX,
      "hops of a flood; 0: along the trees" },
    { "bytes", VALUE_BYTES, AT(bytes), 1, 8000, "of a message" },
    { "silent", VALUE_BOOL, AT(is_silent), 0, 1,
      "who dies loses its power: no reset reaches anybody" },
    { "fresh", VALUE_BOOL, AT(is_fresh), 0, 1,
      "attackers sign each flood with another key" },
    { "pace", VALUE_TIME, AT(pace_ns), 10 * NS_PER_MS, 3600 * NS_PER_S,
      "between two floods of an attacker" },
    { "share", VALUE_SHARE, AT(share_ppm), 0, PPM,
      "of the nodes: attackers, members, whom the experiment is about" },
    { "rounds", VALUE_INT, AT(rounds), 1, 1000000, "how often it is done" },
    { "servers", VALUE_INT, AT(servers), 0, WORLD_NTP_MAX,
      "time servers that all nodes ask; 0: only the system's clock" },
    { "length", VALUE_TIME, AT(length_ns), NS_PER_S, 400 * 86400 * NS_PER_S,
      "so long it is listened" },
    { "sample", VALUE_TIME, AT(sample_ns), NS_PER_MS, 3600 * NS_PER_S,
      "so often all sound cards are compared" },
    { "jump", VALUE_TIME, AT(jump_ns), 0, 86000 * NS_PER_S,
      "so often the host seeks to the start; 0: never" },
    { "crystal", VALUE_INT, AT(crystal_ppm), 0, 120,
      "clocks and sound cards are off by up to so many ppm" },
    { "wander", VALUE_INT, AT(wander_ppb), 0, 10000,
      "ppb that their rates change by at most every 16 s; 7: 1e-9, 69: 1e-8 per root s" },
    { "daily", VALUE_INT, AT(daily_ppb), 0, 20000,
      "ppb that they change by at most from midnight to noon" },
    { "sound.wake", VALUE_TIME, AT(wake_ns), NS_PER_MS, 150 * NS_PER_MS,
      "players wake so often (shipped: 10ms; rarely is cheaper)" },
    { "sound.buffer", VALUE_TIME, AT(buffer_ns), 20 * NS_PER_MS, 500 * NS_PER_MS,
      "so much is kept written ahead, and twice as much where it runs dry" },
    { "sound.stall", VALUE_SHARE, AT(stall_ppm), 0, PPM,
      "wakes of players that come late …" },
    { "sound.stall_mean", VALUE_TIME, AT(stall_ns), 0, 10 * NS_PER_S,
      "… by so much on average" },
    { "net.latency", VALUE_TIME, AT(net.latency.median_ns), 0, 60 * NS_PER_S,
      "one way: median (log-normal), of the access line (world)" },
    { "net.sigma", VALUE_SHARE, AT(net.latency.sigma_ppm), 0, 3 * PPM,
      "of the logarithm of the latency" },
    { "net.latency_min", VALUE_TIME, AT(net.latency.min_ns), 0, 60 * NS_PER_S,
      "one way, at least" },
    { "net.latency_max", VALUE_TIME, AT(net.latency.max_ns), 0, 60 * NS_PER_S,
      "one way, at most (uniform)" },
    { "net.jitter", VALUE_TIME, AT(net.jitter_ns), 0, 10 * NS_PER_S,
      "mean of what each packet takes longer" },
    { "net.spread", VALUE_TIME, AT(net.spread_ns), 0, 10 * NS_PER_S,
      "each packet comes up to this much sooner or later (uniform)" },
    { "net.spike", VALUE_SHARE, AT(net.spike_ppm), 0, PPM, "packets that wait …" },
    { "net.spike_min", VALUE_TIME, AT(net.spike_min_ns), 0, 10 * NS_PER_S,
      "… at least so long, and …" },
    { "net.spike_mean", VALUE_TIME, AT(net.spike_ns), 0, 10 * NS_PER_S,
      "… on average so much longer" },
    { "net.skew", VALUE_INT, AT(net.skew_percent), 0, 100,
      "the ways there and back differ by up to so many percent" },
    { "net.loss", VALUE_SHARE, AT(net.loss_ppm), 0, PPM / 2, "packets lost" },
    { "net.stall", VALUE_TIME, AT(net.retransmit_ns), 0, 60 * NS_PER_S,
      "what a lost segment costs a link" },
    { "net.uplink", VALUE_RATE, AT(net.uplink_bps), 0, INT64_C(100000000000),
      "of every machine; 0: no limit" },
    { "net.cone", VALUE_SHARE, AT(net.cone_ppm), 0, PPM, "machines behind a cone NAT" },
    { "net.symmetric", VALUE_SHARE, AT(net.symmetric_ppm), 0, PPM,
      "machines behind a symmetric NAT" },
    { "net.punch", VALUE_SHARE, AT(net.punch_ppm), 0, PPM,
      "pairs behind cone NATs whose SYNs may cross" },
#undef AT
};

static const char *const words[][2] = {
    { "levels", "of the nodes that die, one branch for each: 10% 50% 90%" },
    { "crypto",
      "real, tags (keyed tags of the same lengths), auto (tags above 200 nodes)" },
    { "rule", "of elections: fenced (as shipped) or classic (the bully without leases)" },
    { "card", "mixed, i2s, hda, usb (steps of 1, 16, 48 frames), ideal" },
    { "abuse", "none, step, liar-server, liar-peer, liar-heir, liar-host, suspend, "
               "suspend-host, jam, jam-long, ramp, crash" },
    { "net.model",
      "40ms, world, lan, wifi, internet, wired, wifi-rig, wifi-ps, uniform, matrix" },
    { "net.matrix", "file of one-way latencies in ms; sets the model to matrix" },
    { "net.groups", "address groups (/16) that the machines are spread over; 0: one" },
    { "preset", "party (as shipped) or hyparview (the paper's constants, no repairs)" },
};

void setup_default(struct setup *s)
{
    struct sound_params sound = sound_params_default();

    *s = (struct setup){
        .nodes = 1000,
        .threads = 1,
        .contacts = 3,
        .start_ns = 10 * NS_PER_S,
        .settle_ns = 120 * NS_PER_S,
        .messages = 10,
        .gap_ns = NS_PER_S,
        .wait_ns = 5 * NS_PER_S,
        .ttl = 10,
        .bytes = 330,
        .share_ppm = PPM / 10,
        .pace_ns = 10 * NS_PER_MS,
        .rounds = 1,
        .length_ns = 600 * NS_PER_S,
        .sample_ns = 100 * NS_PER_MS,
        .crystal_ppm = 60,
        .wander_ppb = 69,
        .stall_ppm = sound.stall_ppm,
        .stall_ns = sound.stall_ns,
        .wake_ns = sound.wake_ns,
        .buffer_ns = sound.depth.least_ns,
        .level_count = 1,
        .levels_ppm = { PPM / 2 },
        .node = node_params_default(),
    };
    (void)snprintf(s->net_name, sizeof(s->net_name), "40ms");
    (void)net_params_named(s->net_name, &s->net);
    s->node.is_lab = true;
    s->node.state_period_ns = TIME_NEVER;
}

void setup_finish(struct setup *s)
{
    latency_matrix_finish(&s->matrix);
}

const struct suite *setup_suite(const struct setup *s)
{
    bool is_tags = s->crypto == CRYPTO_TAGS ||
                   (s->crypto == CRYPTO_AUTO && s->nodes > SETUP_REAL_NODES_MAX);

    return is_tags ? &suite_tags : &suite_real;
}

static bool refuse(char *why, const char *name, const char *text, const char *expected)
{
    (void)snprintf(why, SETUP_WHY_MAX, "%s cannot be \"%.60s\": it is %s", name, text,
                   expected);
    return false;
}

static bool set_setting(struct setup *s, const struct setting *x, const char *text,
                        char *why)
{
    char low[VALUE_TEXT_MAX];
    char high[VALUE_TEXT_MAX];
    char expected[SETUP_WHY_MAX / 2];
    const char *what;
    int64_t value;

    if (!value_parse(x->kind, text, &value, &what))
        return refuse(why, x->name, text, what);
    if (value < x->min || value > x->max) {
        value_format(x->kind, x->min, low);
        value_format(x->kind, x->max, high);
        (void)snprintf(expected, sizeof(expected), "from %s to %s", low, high);
        return refuse(why, x->name, text, expected);
    }
    memcpy((char *)s + x->offset, &value, sizeof(value));
    return true;
}

/* ---- what is no number ---- */

static bool set_levels(struct setup *s, const char *text, char *why)
{
    char copy[SETUP_PATH_MAX];
    char *save = NULL;
    int count = 0;

    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (char *w = strtok_r(copy, " ,", &save); w != NULL;
         w = strtok_r(NULL, " ,", &save)) {
        const char *what;
        int64_t value;

        if (count == SETUP_LEVELS_MAX || !value_parse(VALUE_SHARE, w, &value, &what) ||
            value < 0 || value >= PPM)
            return refuse(why, "levels", text, "up to 16 shares below 100%: 10% 50% 90%");
        s->levels_ppm[count++] = value;
    }
    if (count == 0)
        return refuse(why, "levels", text, "up to 16 shares below 100%: 10% 50% 90%");
    s->level_count = count;
    return true;
}

static const char *const cryptos[] = { "auto", "real", "tags" };
static const char *const cards[] = { "mixed", "i2s", "hda", "usb", "ideal" };
static const char *const abuses[] = {
    "none",    "step",         "liar-server", "liar-peer", "liar-heir", "liar-host",
    "suspend", "suspend-host", "jam",         "jam-long",  "ramp",      "crash",
};

/* Which of these words it is; -1: none. */
static int find_word(const char *const list[], int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(text, list[i]) == 0)
            return i;
    }
    return -1;
}

static bool set_crypto(struct setup *s, const char *text, char *why)
{
    int i = find_word(cryptos, COUNT(cryptos), text);

    if (i < 0)
        return refuse(why, "crypto", text, "auto, real or tags");
    s->crypto = (enum setup_crypto)i;
    return true;
}

static bool set_card(struct setup *s, const char *text, char *why)
{
    int i = find_word(cards, COUNT(cards), text);

    if (i < 0)
        return refuse(why, "card", text, "mixed, i2s, hda, usb or ideal");
    s->card = (enum sound_card)i;
    return true;
}

static bool set_abuse(struct setup *s, const char *text, char *why)
{
    int i = find_word(abuses, COUNT(abuses), text);

    if (i < 0)
        return refuse(why, "abuse", text, "one of those that party-sim params shows");
    s->abuse = (enum sync_abuse)i;
    return true;
}

static bool set_rule(struct setup *s, const char *text, char *why)
{
    if (strcmp(text, "fenced") != 0 && strcmp(text, "classic") != 0)
        return refuse(why, "rule", text, "fenced or classic");
    s->node.party.is_classic = strcmp(text, "classic") == 0;
    return true;
}

static bool set_model(struct setup *s, const char *text, char *why)
{
    struct net_params net = { .retransmit_ns = 200 * NS_PER_MS };

    if (strcmp(text, "uniform") == 0)
        net.latency = (struct latency_params){ .kind = LATENCY_UNIFORM,
                                               .min_ns = 10 * NS_PER_MS,
                                               .max_ns = 200 * NS_PER_MS };
    else if (!net_params_named(text, &net))
        return refuse(
            why, "net.model", text,
            "40ms, world, lan, wifi, internet, wired, wifi-rig, wifi-ps or uniform");
    s->net = net;
    (void)snprintf(s->net_name, sizeof(s->net_name), "%s", text);
    return true;
}

static bool set_matrix(struct setup *s, const char *text, char *why)
{
    latency_matrix_finish(&s->matrix);
    if (!latency_matrix_read(text, &s->matrix, why, SETUP_WHY_MAX))
        return false;
    (void)snprintf(s->matrix_path, sizeof(s->matrix_path), "%s", text);
    (void)snprintf(s->net_name, sizeof(s->net_name), "matrix");
    s->net.latency = (struct latency_params){ .kind = LATENCY_MATRIX,
                                              .min_ns = NS_PER_US,
                                              .matrix = &s->matrix };
    return true;
}

static bool set_groups(struct setup *s, const char *text, char *why)
{
    const char *what;
    int64_t value;

    if (!value_parse(VALUE_INT, text, &value, &what) || value < 0 || value > 60000)
        return refuse(why, "net.groups", text, "a number of groups up to 60000");
    s->net.address_groups = (int)value;
    return true;
}

/* HyParView as its paper has it (TR-07-13, section 5.1): its sizes and walks, requests of
 * high priority that cannot be refused, and none of our repairs or limits. */
static void preset_hyparview(struct node_params *p)
{
    static const struct {
        const char *name;
        const char *value;
    } list[] = {
        { "overlay.active_max", "5" },      { "overlay.active_low", "5" },
        { "overlay.passive_max", "30" },    { "overlay.join_walk", "6" },
        { "overlay.passive_walk", "3" },    { "overlay.shuffle_active", "3" },
        { "overlay.shuffle_passive", "4" }, { "overlay.forced_max", "5" },
        { "overlay.forced_old", "5" },      { "overlay.forced_rate.period", "0" },
        { "overlay.join_gap", "0" },        { "overlay.has_split", "no" },
        { "overlay.tells_accepted", "no" }, { "overlay.check_fresh", "0" },
        { "overlay.chosen_min", "0" },      { "overlay.pinned", "0" },
        { "overlay.group_min", "0" },       { "overlay.learn_max", "0" },
        { "overlay.anchor_period", "0" },   { "overlay.active_need", "0" },
        { "overlay.dials_haste", "4" },     { "overlay.closed_shuffles", "1000000" },
        { "flood.has_acks", "no" },         { "flood.has_push", "no" },
        { "flood.has_scores", "no" },
    };
    const char *why;

    for (int i = 0; i < COUNT(list); i++) {
        int knob = knob_find(list[i].name);

        if (knob >= 0)
            (void)knob_set(p, knob, list[i].value, &why);
    }
}

static bool set_preset(struct setup *s, const char *text, char *why)
{
    if (strcmp(text, "hyparview") == 0) {
        preset_hyparview(&s->node);
        return true;
    }
    return strcmp(text, "party") == 0 ||
           refuse(why, "preset", text, "party or hyparview");
}

static bool set_word(struct setup *s, const char *name, const char *text, char *why,
                     bool *is_known)
{
    *is_known = true;
    if (strcmp(name, "levels") == 0)
        return set_levels(s, text, why);
    if (strcmp(name, "crypto") == 0)
        return set_crypto(s, text, why);
    if (strcmp(name, "card") == 0)
        return set_card(s, text, why);
    if (strcmp(name, "abuse") == 0)
        return set_abuse(s, text, why);
    if (strcmp(name, "rule") == 0)
        return set_rule(s, text, why);
    if (strcmp(name, "net.model") == 0)
        return set_model(s, text, why);
    if (strcmp(name, "net.matrix") == 0)
        return set_matrix(s, text, why);
    if (strcmp(name, "net.groups") == 0)
        return set_groups(s, text, why);
    if (strcmp(name, "preset") == 0)
        return set_preset(s, text, why);
    *is_known = false;
    return false;
}

bool setup_set(struct setup *s, const char *name, const char *text,
               char why[static SETUP_WHY_MAX])
{
    bool is_known;
    bool is_set = set_word(s, name, text, why, &is_known);
    const char *what;
    int knob;

    if (is_known)
        return is_set;
    for (int i = 0; i < COUNT(settings); i++) {
        if (strcmp(settings[i].name, name) == 0)
            return set_setting(s, &settings[i], text, why);
    }
    knob = knob_find(name);
    if (knob < 0) {
        (void)snprintf(why, SETUP_WHY_MAX,
                       "there is no \"%.60s\"; party-sim params lists all names", name);
        return false;
    }
    return knob_set(&s->node, knob, text, &what) || refuse(why, name, text, what);
}

static void get_word(const struct setup *s, const char *name, char *text, int size)
{
    if (strcmp(name, "crypto") == 0)
        (void)snprintf(text, (size_t)size, "%s", cryptos[s->crypto]);
    else if (strcmp(name, "card") == 0)
        (void)snprintf(text, (size_t)size, "%s", cards[s->card]);
    else if (strcmp(name, "abuse") == 0)
        (void)snprintf(text, (size_t)size, "%s", abuses[s->abuse]);
    else if (strcmp(name, "rule") == 0)
        (void)snprintf(text, (size_t)size, "%s",
                       s->node.party.is_classic ? "classic" : "fenced");
    else if (strcmp(name, "net.model") == 0)
        (void)snprintf(text, (size_t)size, "%s", s->net_name);
    else if (strcmp(name, "net.matrix") == 0)
        (void)snprintf(text, (size_t)size, "%s", s->matrix_path);
    else if (strcmp(name, "net.groups") == 0)
        (void)snprintf(text, (size_t)size, "%d", s->net.address_groups);
    else if (strcmp(name, "levels") == 0) {
        int len = 0;

        for (int i = 0; i < s->level_count && len < size; i++) {
            char level[VALUE_TEXT_MAX];

            value_format(VALUE_SHARE, s->levels_ppm[i], level);
            len += snprintf(text + len, (size_t)(size - len), "%s%s", i > 0 ? " " : "",
                            level);
        }
    }
}

void setup_get(const struct setup *s, const char *name, char *text, int size)
{
    char value[VALUE_TEXT_MAX] = "";
    int knob = knob_find(name);

    text[0] = '\0';
    get_word(s, name, text, size);
    if (text[0] != '\0')
        return;
    for (int i = 0; i < COUNT(settings); i++) {
        int64_t number;

        if (strcmp(settings[i].name, name) != 0)
            continue;
        memcpy(&number, (const char *)s + settings[i].offset, sizeof(number));
        value_format(settings[i].kind, number, value);
    }
    if (value[0] == '\0' && knob >= 0)
        knob_get(&s->node, knob, value);
    (void)snprintf(text, (size_t)size, "%s", value);
}

int setup_count(void)
{
    return COUNT(settings) + COUNT(words);
}

const char *setup_name(int i)
{
    return i < COUNT(settings) ? settings[i].name : words[i - COUNT(settings)][0];
}

const char *setup_about(int i)
{
    return i < COUNT(settings) ? settings[i].about : words[i - COUNT(settings)][1];
}
