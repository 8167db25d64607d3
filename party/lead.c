/* What only the host may do: play, pause, skip …, give the party to another one, and end
 * it for all; and how one leaves, as a host by giving it away.  Declared in
 * party/session.h.  SPDX-License-Identifier: MIT */
#include "party/lead.h"

#include <string.h>

#include "party/act.h"
#include "party/guest.h"
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

/* Every command begins so: there must be a party … */
static int begin(struct party *p, int64_t now_ns, struct party_answer *answer)
{
    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    if (!state_is_open(p)) {
        return answer_error(answer, ERR_STATE, "there is no party here",
                            "call one with `party host SONG…`, or see `party invites`");
    }
    answer->party = p->log.party;
    return 0;
}

/* … and for most of them we must be its host, and able to act. */
static int begin_as_host(struct party *p, int64_t now_ns, struct party_answer *answer)
{
    int err = begin(p, now_ns, answer);

    return err == 0 ? check_host(p, answer) : err;
}

static bool may_lead(const struct party_member *m, bool must_be_ready)
{
    return m != NULL && !m->is_self && state_is_here(m) &&
           (m->is_ready || !must_be_ready);
}

/* The fittest that is here, by the order of the council; NULL: there is none. */
static const struct party_member *find_fittest(struct party *p, bool must_be_ready)
{
    for (int i = 0; i < p->council.count; i++) {
        const struct party_member *m = state_member(p, p->council.keys[i]);

        if (may_lead(m, must_be_ready)) {
            return m;
        }
    }
    for (int i = 0; i < p->member_count; i++) {
        if (may_lead(&p->members[i], must_be_ready)) {
            return &p->members[i];
        }
    }
    return NULL;
}

/* The member with that name, or the fittest; NULL: there is none. */
static const struct party_member *find_heir(struct party *p, const char *name)
{
    const struct party_member *ready = find_fittest(p, true);

    for (int i = 0; name[0] != '\0' && i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (may_lead(m, false) && strcmp(m->name, name) == 0) {
            return m;
        }
    }
    if (name[0] != '\0') {
        return NULL;
    }
    return ready != NULL ? ready : find_fittest(p, false);
}

const struct party_member *lead_heir(struct party *p)
{
    return p->phase == PARTY_CALLING ? NULL : find_heir(p, "");
}

int party_hand_over(struct party *p, const char *name, int64_t now_ns, struct outbox *out,
                    struct party_answer *answer)
{
    const struct party_member *heir;
    int err = begin_as_host(p, now_ns, answer);

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
    int err = begin_as_host(p, now_ns, answer);

    if (err != 0) {
        return err;
    }
    err = act(p, c, answer);
    host_run(p, out);
    return err;
}

/* ---- to leave ---- */

/* Who can carry the party on when we go; NULL: nobody, or nothing of it is there yet. */
static const struct party_member *successor(struct party *p)
{
    if (!party_is_acting(p, p->now_ns) || p->phase == PARTY_CALLING) {
        return NULL;
    }
    return state_is_before_play(p) ? find_fittest(p, true) : find_heir(p, "");
}

/* We go, and do not come back by ourselves when the next host calls.  Those who still
 * take us for the host are not to think that the party has ended. */
static void go(struct party *p, struct outbox *out)
{
    p->role = PARTY_ROLE_GUEST;
    p->invites->left = p->log.party;
    guest_leave(p, out);
}

/* The party goes on, and needs neither our grant nor our seat any more. */
static bool is_free(const struct party *p)
{
    return p->role == PARTY_ROLE_GUEST && p->has_said_so && !p->is_held &&
           p->council.count > 0 && p->council.epoch == p->log.epoch &&
           council_rank(&p->council, p->self->sign_public) < 0;
}

/* The party cannot do without us yet: it was given away a moment ago, or we are the only
 * one, or one of two, whose grants count. */
static bool is_needed(const struct party *p)
{
    return p->is_resigned || (p->role == PARTY_ROLE_GUEST && p->council.count <= 2 &&
                              council_rank(&p->council, p->self->sign_public) >= 0);
}

/* To leave, once the others can do without us. */
static void begin_to_leave(struct party *p)
{
    p->is_leaving = true;
    p->has_said_so = false;
    p->leave_ns = p->now_ns;
    p->leave_limit_ns = p->now_ns + p->params->leave_ns;
}

void lead_run(struct party *p, struct outbox *out)
{
    if (!p->is_leaving || !state_is_open(p)) {
        return;
    }
    if (is_free(p) || p->now_ns >= p->leave_limit_ns) {
        go(p, out);
    } else if (p->role == PARTY_ROLE_GUEST && p->now_ns >= p->leave_ns) {
        p->has_said_so = guest_say_leave(p, out) || p->has_said_so;
        p->leave_ns = p->now_ns + p->params->leave_every_ns;
    }
}

int64_t lead_wake_ns(const struct party *p)
{
    if (!p->is_leaving) {
        return TIME_NEVER;
    }
    return p->role == PARTY_ROLE_GUEST ? time_min(p->leave_ns, p->leave_limit_ns)
                                       : p->leave_limit_ns;
}

bool party_is_leaving(const struct party *p)
{
    return p->is_leaving;
}

int party_leave(struct party *p, int64_t now_ns, struct outbox *out,
                struct party_answer *answer)
{
    const struct party_member *heir;
    int err = begin(p, now_ns, answer);

    if (err != 0) {
        return err;
    }
    if (p->is_leaving) {
        go(p, out);
        return 0;
    }
    if (is_needed(p)) {
        begin_to_leave(p);
        lead_run(p, out);
        return 0;
    }
    if (p->role == PARTY_ROLE_GUEST) {
        guest_leave(p, out);
        return 0;
    }
    heir = successor(p);
    if (heir == NULL) {
        host_end(p, p->phase == PARTY_PLAYING ? CLOSE_ENDED : CLOSE_CANCELLED, out);
        return 0;
    }
    begin_to_leave(p);
    host_resign(p, heir, out);
    host_run(p, out);
    return 0;
}

int party_end(struct party *p, int64_t now_ns, struct outbox *out,
              struct party_answer *answer)
{
    int err = begin_as_host(p, now_ns, answer);

    if (err == 0) {
        host_end(p, p->phase == PARTY_PLAYING ? CLOSE_ENDED : CLOSE_CANCELLED, out);
    }
    return err;
}
