/* SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include <string.h>

#include "base/bytes.h"

static const struct lab_kind *const kinds[] = {
    &lab_reach,  &lab_heal,     &lab_paper, &lab_tree,   &lab_idle,     &lab_join,
    &lab_churn,  &lab_cut,      &lab_nat,   &lab_attack, &lab_flood,    &lab_eclipse,
    &lab_repeat, &lab_detector, &lab_ring,  &lab_elect,  &lab_failover, &lab_sync,
    &lab_wifi,   &lab_abuse,    &lab_soak,
};

int lab_kind_count(void)
{
    return COUNT(kinds);
}

const struct lab_kind *lab_kind_at(int i)
{
    return kinds[i];
}

const struct lab_kind *lab_kind_find(const char *name)
{
    for (int i = 0; i < COUNT(kinds); i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}
