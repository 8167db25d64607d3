/* SPDX-License-Identifier: MIT */
#include "base/log.h"

struct text log_begin(struct log *l, enum log_level level, const char *module,
                      const char *event)
{
    struct text t;
    struct log_line *line = &l->lines[LOG_LINES_MAX - 1];

    /* The last line is the scratch place, so one slot less is kept. */
    if (level > l->level) {
        text_init(&t, line->text, 1);
        return t;
    }
    if (l->count >= LOG_LINES_MAX - 1) {
        l->dropped++;
        text_init(&t, line->text, 1);
        return t;
    }
    line = &l->lines[l->count++];
    line->level = level;
    text_init(&t, line->text, sizeof(line->text));
    text_add(&t, module);
    text_add(&t, " ");
    text_add(&t, event);
    return t;
}

static void key_part(struct text *t, const char *key)
{
    text_add(t, " ");
    text_add(t, key);
    text_add(t, "=");
}

void log_text(struct text *t, const char *key, const char *value)
{
    key_part(t, key);
    text_add(t, value);
}

void log_int(struct text *t, const char *key, int64_t value)
{
    key_part(t, key);
    text_add_int(t, value);
}

void log_id(struct text *t, const char *key, const uint8_t *id)
{
    key_part(t, key);
    text_add_hex(t, id, 4);
}
