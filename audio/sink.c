/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/sink.h"

#include <stdio.h>
#include <string.h>

#include "audio/sink_kinds.h"

typedef int open_kind(struct sink **sink, const char *argument,
                      const struct sink_config *config, char *message, size_t size);

static int open_none(struct sink **sink, const char *argument,
                     const struct sink_config *config, char *message, size_t size)
{
    if (argument[0] != '\0') {
        snprintf(message, size, "the sink \"none\" takes no argument");
        return ERR_USAGE;
    }
    return sink_open_virtual(sink, "", config, message, size);
}

static const struct {
    const char *name;
    open_kind *open;
} kinds[] = {
    { "alsa", sink_open_alsa },
    { "none", open_none },
    { "virtual", sink_open_virtual },
};

int sink_open(struct sink **sink, const char *spec, const struct sink_config *config,
              char *message, size_t size)
{
    size_t len = strcspn(spec, ":");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].name) == len && strncmp(spec, kinds[i].name, len) == 0) {
            const char *argument = spec[len] == ':' ? spec + len + 1 : "";

            return kinds[i].open(sink, argument, config, message, size);
        }
    }
    snprintf(message, size,
             "no such sound output: \"%.40s\"; use alsa:DEVICE, none, or virtual:…",
             spec);
    return ERR_USAGE;
}

void sink_status(struct sink *s, struct sink_status *status)
{
    *status = (struct sink_status){ .state = SINK_GONE };
    s->ops->status(s, status);
}

int sink_writable(struct sink *s)
{
    return s->ops->writable(s);
}

int sink_write(struct sink *s, const float *frames, int count)
{
    return s->ops->write(s, frames, count);
}

int sink_start(struct sink *s)
{
    return s->ops->start(s);
}

int sink_rewind(struct sink *s, int count)
{
    return s->ops->rewind(s, count);
}

int sink_recover(struct sink *s)
{
    return s->ops->recover(s);
}

void sink_close(struct sink *s)
{
    if (s != NULL) {
        s->ops->close(s);
    }
}
