/* The verbs of whole-world testing: `swarm` runs the scripts of many seeds on all cores
 * and makes those that fail small; `play` runs one script and tells what happens;
 * `script` shows what a seed stands for.  SPDX-License-Identifier: MIT */
#ifndef SIM_HUNT_H
#define SIM_HUNT_H

#include <stdbool.h>

bool hunt_has(const char *verb);

/* argv[0] is "swarm", "play" or "script".  The exit status, as in sim/verbs.h. */
int hunt_verb(int argc, char **argv);

#endif
