/* `party demo`: a party of real daemons on this machine, with simulated sound cards, and
 * a verdict from what left those cards.  SPDX-License-Identifier: MIT */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

/* The command; argv[0] is "demo".  Returns the exit status: 0 when every promise was
 * kept, 1 when not, else that of the error (base/err.h). */
int demo_main(int argc, char **argv);

#endif
