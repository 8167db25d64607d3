/* SPDX-License-Identifier: MIT */
#include "party/promises.h"

static int find(const struct promises *t, const struct party_id *party)
{
    for (int i = 0; i < PROMISES_MAX; i++) {
        if ((t->list[i].epoch > 0 || t->list[i].obeyed > 0) &&
            party_id_equal(&t->list[i].party, party)) {
            return i;
        }
    }
    return -1;
}

static struct promise promise_at(const struct promises *t, int i)
{
    return (struct promise){ i, t->list[i].party, t->list[i].epoch, t->list[i].obeyed };
}

struct promise promises_find(const struct promises *t, const struct party_id *party)
{
    int i = find(t, party);

    return i < 0 ? (struct promise){ .party = *party } : promise_at(t, i);
}

struct promise promises_put(struct promises *t, const struct party_id *party,
                            uint64_t epoch, uint64_t obeyed)
{
    int i = find(t, party);

    if (i < 0) {
        i = t->next;
        t->next = (i + 1) % PROMISES_MAX;
        t->list[i].party = *party;
        t->list[i].epoch = 0;
        t->list[i].obeyed = 0;
    }
    if (epoch > t->list[i].epoch) {
        t->list[i].epoch = epoch;
    }
    if (obeyed > t->list[i].obeyed) {
        t->list[i].obeyed = obeyed;
    }
    return promise_at(t, i);
}

void promises_recall(struct promises *t, const struct promise *p)
{
    if (p->slot < 0 || p->slot >= PROMISES_MAX || (p->epoch == 0 && p->obeyed == 0)) {
        return;
    }
    t->list[p->slot].party = p->party;
    t->list[p->slot].epoch = p->epoch;
    t->list[p->slot].obeyed = p->obeyed;
    t->next = (p->slot + 1) % PROMISES_MAX;
}
