/* What is learnt from "it lies between here and there".
 *
 * A position that moves in steps says little in the middle of a step and much at its
 * ends: the frame was reached before the instant of the reading, and the next step was
 * not. A mean over n readings is right to a step / sqrt(n), the place where both ends
 * meet to a step / n. This is one update of a normal belief by such a reading, matched in
 * its first two moments (assumed density filtering; Minka 2001, section 3.2.1).
 *
 * Pure, and no libm: the same bits with every library.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_INTERVAL_H
#define AUDIO_INTERVAL_H

struct interval_news {
    double shift;  /* of the mean, in sigmas */
    double shrink; /* of the variance: what is left of it, > 0; above 1 it grows */
};

/* The belief is a normal one of mean 0 and sigma 1; the truth lies in [low, high], low <
 * high, seen from there; a share of the readings (0..1) is late, and then it lies
 * anywhere below high. */
struct interval_news interval_learn(double low, double high, double late_share);

#endif
