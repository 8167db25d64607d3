/* What only the host may do: play, pause, skip …, and give the party to another one;
 * declared in party/session.h.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "party/act.h"
#include "party/host.h"
#include "party/session.h"
#include "party/state.h"

static int check_host(const struct party *p, struct party_answer *answer)
{
    if (p->role != PARTY_ROLE_HOST) {
        return answer_error(answer, ERR_DENIED, "only the host of a party may do that",
                            "ask the host, or leave with `party leave`");
    }
    if (!party_is_acting(p, p->now_ns)) {
        return answer_error(answer, ERR_STATE,
                            "too few of the party can be reached to decide anything",
                            "what is scheduled plays on; try again in some seconds");
    }
    return 0;
}

/* The member with that name, or the fittest; NULL: there is none. */
static const struct party_member *find_heir(struct party *p, const char *name)
{
    for (int i = 0; name[0] == '\0' && i < p->council.count; i++) {
        const struct party_member *m = state_member(p, p->council.keys[i]);

        if (m != NULL && !m->is_self && state_is_here(m)) {
            return m;
        }
    }
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (!m->is_self && state_is_here(m) &&
            (name[0] == '\0' || strcmp(m->name, name) == 0)) {
            return m;
        }
    }
    return NULL;
}

int party_hand_over(struct party *p, const char *name, int64_t now_ns, struct outbox *out,
                    struct party_answer *answer)
{
    const struct party_member *heir;
    int err;

    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    if (!state_is_open(p)) {
        return answer_error(answer, ERR_STATE, "there is no party here",
                            "call one with `party host SONG…`, or see `party invites`");
    }
    answer->party = p->log.party;
    err = check_host(p, answer);
    if (err != 0) {
        return err;
    }
    heir = p->phase == PARTY_CALLING ? NULL : find_heir(p, name);
    if (heir == NULL) {
        return answer_error(answer, ERR_NOT_FOUND,
                            "there is nobody of that name to lead it",
                            "`party status` lists the members");
    }
    host_resign(p, heir, out);
    host_run(p, out);
    return 0;
}

int party_act(struct party *p, const struct party_command *c, int64_t now_ns,
              struct outbox *out, struct party_answer *answer)
{
    int err;

    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    if (!state_is_open(p)) {
        return answer_error(answer, ERR_STATE, "there is no party here",
                            "call one with `party host SONG…`, or see `party invites`");
    }
    answer->party = p->log.party;
    err = check_host(p, answer);
    if (err != 0) {
        return err;
    }
    err = act(p, c, answer);
    host_run(p, out);
    return err;
}
