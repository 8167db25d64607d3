/* The `party` command: asks the node, and prints.  SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#define PARTY_VERSION "0.1.0"

/* Run one verb; argv[0] is the verb, behind it its options.  What belongs to other
 * folders (node, demo, sim) is not known here.  Returns the exit status. */
int cli_run(int argc, char *argv[]);

/* The ten lines that say what `party` is, on stdout. */
void cli_help(void);

/* A mistake of the user's, in one line on stderr: "party: what; next".  Returns the exit
 * status of err. */
int cli_complain(int err, const char *what, const char *next);

#endif
