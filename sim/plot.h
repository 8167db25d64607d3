/* A picture of a sweep's series: a gnuplot script beside the data, and the SVG that it
 * makes.  SPDX-License-Identifier: MIT */
#ifndef SIM_PLOT_H
#define SIM_PLOT_H

#include "sim/sweep.h"

/* DIR/plot.dat, plot.gp and, where gnuplot is installed, plot.svg: for each series of the
 * kind and each point the median over the seeds, with a band from the 5th to the 95th
 * percentile.  Nothing when the kind has no plot.  False when a file cannot be written.
 */
bool plot_write(const struct sweep *w, const struct results *all);

#endif
