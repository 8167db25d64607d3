/* SPDX-License-Identifier: MIT */
#include "sim/succession.h"

#include <string.h>

#define DRIFT_PPM 1200 /* a party's clock against true time: its rate, and its host's */

void succession_note(struct succession_grant *g, const struct party *p)
{
    const struct ballot *b = &p->ballot;

    if (b->epoch == 0 || p->log.seq == 0 ||
        (b->epoch == g->epoch && party_id_equal(&g->party, &p->log.party)))
        return;
    g->party = p->log.party;
    g->epoch = b->epoch;
    memcpy(g->host, b->host, KEY_LEN);
    g->place = (struct succession_place){ p->log.at_epoch, p->log.seq };
}

bool succession_is_loss(const struct succession_grant *g, const struct party *host,
                        struct succession_place had)
{
    if (g->epoch != host->log.epoch || !party_id_equal(&g->party, &host->log.party) ||
        memcmp(g->host, host->log.host, KEY_LEN) != 0)
        return false;
    return g->place.at_epoch > had.at_epoch ||
           (g->place.at_epoch == had.at_epoch && g->place.seq > had.seq);
}

bool succession_time_holds(struct succession_time *t, const struct succession_time *now)
{
    int64_t step_ns = now->off_ns - t->off_ns;
    int64_t drift_ns = (now->at_ns - t->at_ns) / 1000000 * DRIFT_PPM;
    int64_t most_ns = t->bound_ns + now->bound_ns + drift_ns;
    bool is_same = party_id_equal(&t->party, &now->party);
    bool holds = !is_same || (step_ns <= most_ns && step_ns >= -most_ns);

    *t = *now;
    return holds;
}
