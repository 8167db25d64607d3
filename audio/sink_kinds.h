/* The kinds of sinks, for audio/sink.c alone.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_SINK_KINDS_H
#define AUDIO_SINK_KINDS_H

#include "audio/sink.h"

/* As sink_open; argument is what follows "kind:" in the spec, "" when nothing does. */
MUST_USE int sink_open_alsa(struct sink **sink, const char *argument,
                            const struct sink_config *config, char *message, size_t size);
MUST_USE int sink_open_virtual(struct sink **sink, const char *argument,
                               const struct sink_config *config, char *message,
                               size_t size);

#endif
