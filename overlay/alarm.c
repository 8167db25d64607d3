/* Neighbours that fall silent.  One that owes an acknowledgement holds no slot until
 * it is heard.  When many do at once the power may be cut where they are, and every
 * moment counts: then an answer that is late is enough, others are dialled without a
 * pause, and each node that is met hears of it by HELLO, so that it need not find out by
 * a flood of its own.  What it hears makes it ask and dial, no more: a slot is lost only
 * by silence.  SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#define LATE_MIN 2 /* one that is late may have work to do */

static bool is_most(const struct overlay *o, int count)
{
    return count >= LATE_MIN && 2 * count > o->active_count;
}

/* Neighbours that are in doubt; or late, where even those count. */
static int count_silent(const struct overlay *o, bool has_late)
{
    int count = 0;

    for (int i = 0; i < o->active_count; i++)
        count += liveness_is_doubted(o->liveness, o->active[i]) ||
                 (has_late && liveness_is_late(o->liveness, o->active[i]));
    return count;
}

static bool has_any(const struct overlay *o)
{
    return o->liveness != NULL && o->liveness->doubt_count > 0 && o->p->has_doubts;
}

bool view_is_doubted(const struct overlay *o, int peer)
{
    return has_any(o) && (liveness_is_doubted(o->liveness, peer) ||
                          liveness_is_late(o->liveness, peer));
}

bool overlay_is_alarmed(const struct overlay *o)
{
    return has_any(o) && is_most(o, count_silent(o, true));
}

int view_doubts(const struct overlay *o)
{
    return has_any(o) ? count_silent(o, overlay_is_alarmed(o)) : 0;
}

int view_doubted(const struct overlay *o)
{
    bool has_late = overlay_is_alarmed(o);
    int found = -1;

    for (int i = 0; i < o->active_count && has_any(o); i++) {
        if (liveness_is_doubted(o->liveness, o->active[i]))
            return o->active[i];
        if (has_late && liveness_is_late(o->liveness, o->active[i]))
            found = o->active[i];
    }
    return found;
}

/* It has said nothing since the alarm, nor shortly before. */
static bool is_unsure(const struct overlay *o, int peer)
{
    return view_peer(o, peer)->is_unsure &&
           liveness_heard_ns(o->liveness, peer) < o->alarm_ns &&
           !liveness_is_late(o->liveness, peer) &&
           !liveness_is_doubted(o->liveness, peer);
}

int view_unsure(const struct overlay *o)
{
    int count = 0;

    for (int i = 0; i < o->active_count && o->alarm_ns != TIME_NEVER; i++)
        count += is_unsure(o, o->active[i]);
    return count;
}

void view_doubt(struct overlay *o, int64_t now_ns)
{
    if (!o->p->has_doubts)
        return;
    o->refill_ns = now_ns;
    o->refill_wait_ns = o->p->refill_wait_ns;
    o->wake_ns = now_ns;
}

bool view_is_short(const struct overlay *o)
{
    return o->active_count - view_doubts(o) - view_unsure(o) < o->p->active_low;
}

static int rescues_left(const struct overlay *o, int64_t now_ns)
{
    return now_ns < o->rescue_until_ns ? o->rescue_left : 0;
}

bool view_is_rushed(const struct overlay *o, int64_t now_ns)
{
    return rescues_left(o, now_ns) > 0 ||
           (view_doubts(o) + view_unsure(o) > 0 && view_is_short(o));
}

int view_wanted(const struct overlay *o, int64_t now_ns)
{
    int room = view_room(o) + view_unsure(o);
    int left = rescues_left(o, now_ns);

    return room > left ? room : left;
}

void view_rescue(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    if (now_ns < o->rescue_until_ns || !overlay_is_alarmed(o) ||
        !bucket_small_take(&o->rescues, o->p->rescue_rate, now_ns))
        return;
    o->counts.rescues++;
    o->rescue_until_ns = now_ns + o->p->rescue_ns;
    o->rescue_left = (uint8_t)o->p->rescue_links;
    /* Who lives and only does not acknowledge says so now. */
    for (int i = 0; i < o->active_count; i++) {
        if (view_is_doubted(o, o->active[i]))
            liveness_ask(o->liveness, o->active[i], now_ns, out);
    }
}

void view_rescued(struct overlay *o, int64_t now_ns)
{
    o->rescue_left = (uint8_t)(o->rescue_left - (rescues_left(o, now_ns) > 0));
}

int64_t overlay_dial_patience_ns(const struct overlay *o)
{
    int64_t sum_ns = 0;
    int count = 0;

    for (int i = 0; i < o->active_count && o->liveness != NULL; i++) {
        int64_t rtt_ns = liveness_rtt_ns(o->liveness, o->active[i]);

        sum_ns += rtt_ns < 0 ? 0 : rtt_ns;
        count += rtt_ns >= 0;
    }
    return count == 0 || o->p->dial_patience_ns > 2 * sum_ns / count
               ? o->p->dial_patience_ns
               : 2 * sum_ns / count;
}

void overlay_alarm(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    if (o->liveness == NULL || !o->p->has_doubts || o->active_count == 0 ||
        o->alarm_ns != TIME_NEVER ||
        !bucket_small_take(&o->alarms, o->p->alarm_rate, now_ns))
        return;
    o->counts.alarms++;
    o->alarm_ns = now_ns;
    for (int i = 0; i < o->active_count; i++) {
        int peer = o->active[i];
        int64_t silence_ns = now_ns - liveness_heard_ns(o->liveness, peer);

        view_peer(o, peer)->is_unsure = silence_ns > o->p->check_fresh_ns;
        if (view_peer(o, peer)->is_unsure)
            liveness_ask(o->liveness, peer, now_ns, out);
    }
    view_settle(o, now_ns, out);
}

int64_t view_alarm_due(const struct overlay *o)
{
    int64_t due_ns = TIME_NEVER;

    for (int i = 0; i < o->active_count && o->alarm_ns != TIME_NEVER; i++) {
        if (is_unsure(o, o->active[i]))
            due_ns = time_min(due_ns,
                              o->alarm_ns + liveness_late_ns(o->liveness, o->active[i]));
    }
    return due_ns;
}

void view_alarm_tick(struct overlay *o, int64_t now_ns)
{
    for (int i = 0; i < o->active_count && o->alarm_ns != TIME_NEVER; i++) {
        int peer = o->active[i];

        if (is_unsure(o, peer) &&
            now_ns - o->alarm_ns >= liveness_late_ns(o->liveness, peer))
            liveness_late(o->liveness, peer);
    }
    if (o->liveness != NULL && liveness_take_doubts(o->liveness))
        view_doubt(o, now_ns);
    if (o->alarm_ns != TIME_NEVER && view_unsure(o) == 0)
        o->alarm_ns = TIME_NEVER;
}
