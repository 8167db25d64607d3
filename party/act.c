/* SPDX-License-Identifier: MIT */
#include "party/act.h"

#include "party/publish.h"
#include "party/state.h"

/* How far ahead an action must lie for the slowest member to hear of it in time. */
static int64_t lead_ns(const struct party *p)
{
    int64_t max_ns = p->params->lead_max_ns;
    int64_t rtt_ns = 0;
    int64_t sigma_ns = 0;
    int64_t lead;

    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (!m->has_status || !state_is_here(m) || m->sigma_ns < 0) {
            continue;
        }
        rtt_ns = m->rtt_ns > rtt_ns ? time_min(m->rtt_ns, max_ns) : rtt_ns;
        sigma_ns = m->sigma_ns > sigma_ns ? time_min(m->sigma_ns, max_ns) : sigma_ns;
    }
    lead = p->params->lead_min_ns + p->params->lead_rtts * rtt_ns +
           p->params->lead_sigmas * sigma_ns;
    return time_min(lead, max_ns);
}

struct party_time act_schedule(struct party *p, struct party_time now)
{
    const struct timeline_action *last = timeline_last(&p->timeline);
    struct party_time at;

    p->lead_ns = lead_ns(p);
    at.ns = now.ns + p->lead_ns;
    if (last != NULL && at.ns <= last->at.ns) {
        at.ns = last->at.ns + NS_PER_MS;
    }
    return at;
}

int answer_error(struct party_answer *a, int err, const char *error, const char *next)
{
    a->error = error;
    a->next = next;
    return err;
}

/* The next song, counted from what is heard now and not from what will be heard when the
 * action takes effect: that may be the next one already. */
static void skip(const struct party *p, struct party_time now,
                 const struct timeline_position *then, struct timeline_action *a)
{
    const struct timeline_action *last = timeline_last(&p->timeline);
    struct party_time seen = { last->at.ns > now.ns ? last->at.ns : now.ns };
    struct timeline_position pos = timeline_at(&p->timeline, seen);
    bool is_there = then->slot == pos.slot + 1;

    if (pos.slot + 1 < timeline_song_count(&p->timeline)) {
        a->slot = pos.slot + 1;
        a->frame = is_there ? then->frame : 0;
        a->is_playing = pos.is_playing;
    } else {
        a->slot = pos.slot;
        a->frame = p->timeline.pool[pos.slot].frames;
        a->is_playing = false;
    }
}

static void seek(const struct party *p, const struct party_command *c,
                 const struct timeline_position *then, struct timeline_action *a)
{
    const struct timeline_song *s = &p->timeline.pool[then->slot];
    int64_t limit_ms = TIMELINE_SONG_MAX_NS / NS_PER_MS;
    int64_t ms = c->seek_ms;

    ms = ms > limit_ms ? limit_ms : ms;
    ms = ms < -limit_ms ? -limit_ms : ms;
    a->slot = then->slot;
    a->frame = mul_div(ms, s->rate, 1000) + (c->is_relative ? then->frame : 0);
    a->frame = a->frame > s->frames ? s->frames : a->frame;
    a->frame = a->frame < 0 ? 0 : a->frame;
    a->is_playing = then->is_playing;
}

static int over(struct party_answer *answer)
{
    return answer_error(answer, ERR_STATE, "the last song has ended",
                        "play one again with `party play 1`");
}

/* What the command makes of the timeline at a->at, where it would stand at then. */
static int compute(const struct party *p, const struct party_command *c,
                   struct party_time now, struct timeline_action *a,
                   struct party_answer *answer)
{
    struct timeline_position then = timeline_at(&p->timeline, a->at);

    a->slot = then.slot;
    a->frame = then.frame;
    switch (c->verb) {
    case ACTION_PAUSE:
        a->is_playing = false;
        return then.is_playing ? 0
                               : answer_error(answer, ERR_STATE, "nothing is playing",
                                              "go on with `party resume`");
    case ACTION_RESUME:
        a->is_playing = true;
        if (then.is_playing) {
            return answer_error(answer, ERR_STATE, "it is playing already",
                                "stop it for a while with `party pause`");
        }
        return then.is_over ? over(answer) : 0;
    case ACTION_SKIP:
        skip(p, now, &then, a);
        return then.is_over ? over(answer) : 0;
    case ACTION_JUMP:
        *a = (struct timeline_action){ a->at, c->number - 1, 0, true };
        if (c->number < 1 || c->number > timeline_song_count(&p->timeline)) {
            return answer_error(answer, ERR_NOT_FOUND, "no such song in this party",
                                "`party status` shows the numbers");
        }
        return 0;
    case ACTION_SEEK:
        seek(p, c, &then, a);
        return then.is_over ? over(answer) : 0;
    case ACTION_STOP:
        *a = (struct timeline_action){ a->at, 0, 0, false };
        return 0;
    case ACTION_PLAY:
        break;
    }
    return answer_error(answer, ERR_USAGE, "no such action", "see `party --help`");
}

int act(struct party *p, const struct party_command *c, struct party_answer *answer)
{
    struct timeline_action a;
    struct party_time now;
    int err;

    if (state_is_before_play(p)) {
        return answer_error(answer, ERR_STATE, "the party has not started yet",
                            "`party status` shows what it waits for");
    }
    if (!state_now(p, &now)) {
        return answer_error(answer, ERR_CLOCK, "the party's clock is not known just now",
                            "`party clock` says why; try again in a moment");
    }
    if (timeline_pending(&p->timeline, now) >= p->params->pending_max) {
        return answer_error(answer, ERR_LIMIT, "too many actions at once",
                            "wait until the last ones have been carried out");
    }
    a = (struct timeline_action){ .at = act_schedule(p, now) };
    err = compute(p, c, now, &a, answer);
    if (err != 0) {
        return err;
    }
    publish_action(p, &a, c->verb);
    answer->at = a.at;
    answer->lead_ns = a.at.ns - now.ns;
    answer->seq = p->log.seq;
    answer->slot = a.slot;
    answer->frame = a.frame;
    answer->is_playing = a.is_playing;
    return 0;
}
