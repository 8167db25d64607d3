/* `party volume` and `party latency`: this machine's own sound.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/parts.h"
#include "cli/verbs.h"
#include "wire/map.h"

struct setting {
    const char *verb;
    bool has_value;
    int64_t value;
};

static void write_setting(struct cbor_writer *w, void *ctx)
{
    const struct setting *s = ctx;

    cbor_write_array(w, 2);
    cbor_write_text(w, s->verb);
    if (s->has_value)
        cbor_write_int(w, s->value);
    else
        cbor_write_null(w);
}

static void put_volume(struct text *t, struct bytes body)
{
    put(t, "Volume %d %%.\n", (int)map_get_int(body, "volume", 100));
}

static void put_latency(struct text *t, const struct style *s, struct bytes body)
{
    int64_t us = map_get_int(body, "latency_us", 0);

    put_cut(t, s, map_get_text(body, "device", "?"), 60);
    put(t, " at %d Hz: ", (int)map_get_int(body, "rate", 0));
    if (us == 0) {
        text_add(t, "its sound comes out when the driver says.\n");
        return;
    }
    put(t, "its sound comes out %g ms %s, so it is played that much %s.\n",
        (double)(us < 0 ? -us : us) / 1000, us > 0 ? "late" : "early",
        us > 0 ? "earlier" : "later");
}

static int ask(struct session *s, struct setting *setting)
{
    struct bytes body;
    struct text t;
    int status = session_ask(s, write_setting, setting, &body);

    if (status != 0)
        return status;
    if (s->is_json) {
        session_print_json(body);
        return 0;
    }
    t = session_text(s);
    if (strcmp(s->verb, "volume") == 0)
        put_volume(&t, body);
    else
        put_latency(&t, &s->style, body);
    session_print(&t);
    return 0;
}

int verb_volume(struct session *s)
{
    struct setting setting = { .verb = s->verb, .has_value = s->args.operand_count > 0 };
    char text[16];
    size_t len = setting.has_value ? strlen(s->args.operands[0]) : 0;
    long percent = 0;

    if (len > 0 && len < sizeof(text)) {
        memcpy(text, s->args.operands[0], len + 1);
        text[len - (text[len - 1] == '%')] = '\0';
    }
    if (setting.has_value &&
        (len == 0 || len >= sizeof(text) || !args_number(text, 0, 100, &percent)))
        return session_fail(s, ERR_USAGE, "volume: it is a number from 0 to 100",
                            "for example party volume 70");
    setting.value = percent;
    return ask(s, &setting);
}

int verb_latency(struct session *s)
{
    struct setting setting = { .verb = s->verb, .has_value = s->args.operand_count > 0 };

    if (setting.has_value && !args_micros(s->args.operands[0], &setting.value))
        return session_fail(s, ERR_USAGE,
                            "latency: it is a time within 2 s, with its unit",
                            "for example 12.5ms, 800us or -3ms");
    return ask(s, &setting);
}
