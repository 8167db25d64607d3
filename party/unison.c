/* SPDX-License-Identifier: MIT */
#include "party/unison.h"

#include "party/session.h"
#include "party/state.h"

/* What is farther off than that is as bad as that. */
#define PHASE_MAX_NS (3600 * NS_PER_S)
#define RATE_MAX_PPB 1000000000

void unison_init(struct unison *u)
{
    *u = (struct unison){ .apart_ns = -1, .since_ns = TIME_NEVER };
}

static int64_t clamp(int64_t v, int64_t most)
{
    return v > most ? most : v < -most ? -most : v;
}

void unison_take(struct party *p, struct party_member *m, const struct msg_sound *s)
{
    m->sound = *s;
    m->sound.phase_ns = clamp(s->phase_ns, PHASE_MAX_NS);
    m->sound.rate_ppb = clamp(s->rate_ppb, RATE_MAX_PPB);
    m->sound_ns = p->now_ns;
}

bool unison_is_told(const struct party *p, const struct party_member *m)
{
    return m->sound_ns != TIME_NEVER &&
           p->now_ns - m->sound_ns <= p->params->unison_keep_ns;
}

static struct party_member *member_of_id(struct party *p, const struct node_id *id)
{
    for (int i = 0; i < p->member_count; i++) {
        if (node_id_equal(&p->members[i].id, id)) {
            return &p->members[i];
        }
    }
    return NULL;
}

void unison_take_round(struct party *p, const struct msg_party_unison *m)
{
    for (int i = 0; i < m->count; i++) {
        struct party_member *row = member_of_id(p, &m->list[i].id);

        if (row == NULL || row->is_self) {
            continue; /* of oneself one knows better */
        }
        row->bound_ns = m->list[i].bound_ns > INT64_MAX ? -1
                                                        : (int64_t)m->list[i].bound_ns;
        unison_take(p, row, &m->list[i].sound);
    }
    unison_look(p);
}

/* Fill a round with members whose sound is known.  True when anybody plays at all. */
static bool fill_round(struct party *p, struct msg_party_unison *m)
{
    bool is_playing = false;
    int last = p->unison.next;

    for (int i = 0; i < p->member_count; i++) {
        int which = (p->unison.next + i) % p->member_count;
        const struct party_member *row = &p->members[which];

        if (!unison_is_told(p, row)) {
            continue;
        }
        is_playing |= row->sound.is_playing;
        if (m->count < MSG_UNISON_MAX) {
            m->list[m->count].id = row->id;
            m->list[m->count].bound_ns = row->bound_ns < 0 ? UINT64_MAX
                                                           : (uint64_t)row->bound_ns;
            m->list[m->count].sound = row->sound;
            m->count++;
            last = which + 1;
        }
    }
    p->unison.next = last;
    return is_playing && m->count > 0;
}

void unison_send_round(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_UNISON };

    m.u.party_unison.party = p->log.party;
    m.u.party_unison.epoch = p->log.epoch;
    if (!fill_round(p, &m.u.party_unison)) {
        return;
    }
    for (int i = 0; i < p->peer_room; i++) {
        const struct party_peer *l = &p->peers[i];

        if (l->is_up && l->is_pushed && l->pushed_seq == p->log.seq) {
            outbox_push(out, i, &m);
        }
    }
}

/* ---- who is off ---- */

/* Members whose sound is known and who play, by how far they are ahead. */
static int sort_players(const struct party *p,
                        const struct party_member *sorted[static PARTY_MEMBERS_MAX])
{
    int count = 0;

    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];
        int at = count;

        if (!unison_is_told(p, m) || !m->sound.is_playing) {
            continue;
        }
        for (; at > 0 && sorted[at - 1]->sound.phase_ns > m->sound.phase_ns; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = m;
        count++;
    }
    return count;
}

static int64_t bound_of(const struct party_member *a, const struct party_member *b)
{
    int64_t most = INT64_MAX / 4;
    int64_t of_a = a->bound_ns < 0 ? most : time_min(a->bound_ns, most);
    int64_t of_b = b->bound_ns < 0 ? most : time_min(b->bound_ns, most);

    return of_a + of_b;
}

static void measure(struct party *p)
{
    const struct party_member *sorted[PARTY_MEMBERS_MAX];
    int count = sort_players(p, sorted);
    const struct party_member *first;
    const struct party_member *last;
    const struct party_member *middle;

    p->unison.apart_ns = -1;
    if (count < 2) {
        return;
    }
    first = sorted[0];
    last = sorted[count - 1];
    middle = sorted[(count - 1) / 2];
    if (count == 2) {
        /* Of two, the one that is less off the plan counts as the middle. */
        middle = first->sound.phase_ns + last->sound.phase_ns > 0 ? first : last;
    }
    p->unison.apart_ns = last->sound.phase_ns - first->sound.phase_ns;
    p->unison.bound_ns = bound_of(first, last);
    if (last->sound.phase_ns - middle->sound.phase_ns >
        middle->sound.phase_ns - first->sound.phase_ns) {
        p->unison.off = last->id;
        p->unison.off_ns = last->sound.phase_ns - middle->sound.phase_ns;
    } else {
        p->unison.off = first->id;
        p->unison.off_ns = first->sound.phase_ns - middle->sound.phase_ns;
    }
}

static void tell(struct party *p)
{
    const struct unison *u = &p->unison;
    const struct party_member *m = member_of_id(p, &u->off);
    struct text t = state_log(p, u->is_alarm ? LOG_WARN : LOG_INFO,
                              u->is_alarm ? "apart" : "together");

    if (u->is_alarm && m != NULL) {
        log_id(&t, "who", u->off.b);
        log_int(&t, "ahead_us", u->off_ns / NS_PER_US);
        state_note(p, m->name, u->off_ns > 0 ? " is ahead of" : " is behind",
                   " the others so that ears notice");
    }
}

void unison_look(struct party *p)
{
    struct unison *u = &p->unison;
    bool is_apart;

    measure(p);
    is_apart = u->apart_ns > p->params->ear_ns;
    if (is_apart == u->is_alarm) {
        u->since_ns = TIME_NEVER;
    } else if (u->since_ns == TIME_NEVER) {
        u->since_ns = p->now_ns;
    } else if (p->now_ns - u->since_ns >= p->params->ear_wait_ns) {
        u->is_alarm = is_apart;
        u->since_ns = TIME_NEVER;
        tell(p);
    }
}
