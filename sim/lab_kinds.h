/* The kinds of experiments; one file for each family.  SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_KINDS_H
#define SIM_LAB_KINDS_H

#include "sim/lab.h"

extern const struct lab_kind lab_heal; /* lab_heal.c */
extern const struct lab_kind lab_paper;
extern const struct lab_kind lab_reach; /* lab_reach.c */
extern const struct lab_kind lab_tree;
extern const struct lab_kind lab_idle;
extern const struct lab_kind lab_join; /* lab_join.c */
extern const struct lab_kind lab_churn;
extern const struct lab_kind lab_cut;
extern const struct lab_kind lab_nat;
extern const struct lab_kind lab_attack; /* lab_attack.c */
extern const struct lab_kind lab_flood;
extern const struct lab_kind lab_eclipse; /* lab_eclipse.c */
extern const struct lab_kind lab_repeat;
extern const struct lab_kind lab_detector; /* lab_detector.c */
extern const struct lab_kind lab_ring;     /* lab_ring.c */
extern const struct lab_kind lab_elect;    /* lab_elect.c */
extern const struct lab_kind lab_failover;
extern const struct lab_kind lab_sync; /* lab_sync.c */
extern const struct lab_kind lab_wifi;
extern const struct lab_kind lab_abuse;
extern const struct lab_kind lab_soak;

#endif
