/* The verbs that need more than a request and a reply.  Each gets a session with its
 * options parsed, and returns the exit status.  SPDX-License-Identifier: MIT */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/session.h"

/* `party host`: own options, behind the common ones. */
enum {
    HOST_NAME = OPTION_OWN,
    HOST_WANTED,
    HOST_DEADLINE,
    HOST_READY,
    HOST_TTL,
    HOST_WAIT,
    HOST_AUDIO,
    HOST_OPTIONS
};

int verb_host(struct session *s);

/* `party volume` and `party latency`. */
int verb_volume(struct session *s);
int verb_latency(struct session *s);

/* `party watch`: own options. */
enum { WATCH_CSV = OPTION_OWN, WATCH_EVERY, WATCH_OPTIONS };

/* `party watch`; and until the party plays, for `party host --wait`. */
int verb_watch(struct session *s);
int verb_watch_until_playing(struct session *s);

/* The songs that operands name, files and folders of FLAC files, as absolute paths. */
#define SONGS_OFFERED 5

struct song_list {
    int count; /* of paths, at most SONGS_OFFERED */
    int found; /* in all */
    char paths[SONGS_OFFERED][PATHS_MAX];
};

/* Errors: ERR_FILE (not there, cannot be read, no FLAC in a folder), ERR_USAGE (none
 * named); message then says which and why. */
MUST_USE int cli_songs_find(char *const operands[], int count, struct song_list *out,
                            char *message, size_t size);

#endif
