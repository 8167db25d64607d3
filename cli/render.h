/* What the node answers, for a person: from the CBOR of docs/control.md to text.
 *
 * Pure: a body goes in, lines come out.  What is missing in a body is shown as "-", so
 * that an older or newer node can be looked at too.  SPDX-License-Identifier: MIT */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include "cli/put.h"

/* `party status`, and the screen of `party watch` (which has a bar as well). */
void render_status(struct text *t, const struct style *s, struct bytes state);
void render_watch(struct text *t, const struct style *s, struct bytes state);

/* One line that says what a change is about: `party watch` when it is not on a terminal.
 * key has no positions and no errors in it: as long as it is the same there is no news.
 */
void render_line(struct text *t, const struct style *s, struct bytes state);
void render_key(struct text *key, struct bytes state);

void render_links(struct text *t, const struct style *s, struct bytes body);
void render_peers(struct text *t, const struct style *s, struct bytes body);
void render_clock(struct text *t, const struct style *s, struct bytes body);
void render_invites(struct text *t, const struct style *s, struct bytes body);

/* What an action will do: "skip: Two from 0:00, in 0.3 s".  pool is that of a state, and
 * may be empty. */
void render_action(struct text *t, const struct style *s, const char *verb,
                   struct bytes action, struct bytes state);

#endif
