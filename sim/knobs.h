/* Every constant of every protocol by its name, so that experiments can set and sweep it.
 * The table is made from the headers of the parameters (tools/knobs.sh), and the words
 * about each are those that stand there.  SPDX-License-Identifier: MIT */
#ifndef SIM_KNOBS_H
#define SIM_KNOBS_H

#include "node/params.h"
#include "sim/value.h"

/* How many there are, the name of each ("overlay.active_max"; times without "_ns"), what
 * it is, and its kind. */
int knobs_count(void);
const char *knob_name(int knob);
const char *knob_about(int knob);
enum value_kind knob_kind(int knob);

/* By name; -1: there is none. */
int knob_find(const char *name);

/* Set one in params.  False when the text is no value for it; *why then says what is. */
bool knob_set(struct node_params *params, int knob, const char *text, const char **why);

/* Its value in params, as text. */
void knob_get(const struct node_params *params, int knob,
              char text[static VALUE_TEXT_MAX]);

#endif
