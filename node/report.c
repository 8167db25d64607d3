/* SPDX-License-Identifier: MIT */
#include "node/report.h"

#include "node/internal.h"
#include "wire/cbor.h"

#define REPORT_MAX (96 * 1024)

/* Keys of a map stand in the order of their encoding: shorter first, then by bytes. */

static void put_int(struct cbor_writer *w, const char *key, int64_t value)
{
    cbor_write_text(w, key);
    cbor_write_int(w, value);
}

/* A negative value, or one beyond all times, stands for "not known". */
static void put_known(struct cbor_writer *w, const char *key, int64_t value)
{
    cbor_write_text(w, key);
    if (value < 0 || value == TIME_NEVER)
        cbor_write_null(w);
    else
        cbor_write_int(w, value);
}

static void put_bool(struct cbor_writer *w, const char *key, bool value)
{
    cbor_write_text(w, key);
    cbor_write_bool(w, value);
}

static void put_text(struct cbor_writer *w, const char *key, const char *value)
{
    cbor_write_text(w, key);
    cbor_write_text(w, value);
}

static void put_id(struct cbor_writer *w, const uint8_t *id, size_t len)
{
    char hex[2 * SONG_ID_LEN + 1];

    hex_encode(id, len, hex);
    put_text(w, "id", hex);
}

static void put_addr(struct cbor_writer *w, const char *key, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];

    addr_format(a, text);
    put_text(w, key, text);
}

/* Room for a report; what it does not use is given back. */
static struct cbor_writer report_begin(struct node *n)
{
    struct cbor_writer w;
    uint8_t *room = effects_room(n->out, REPORT_MAX);

    cbor_writer_init(&w, room, room == NULL ? 0 : REPORT_MAX);
    return w;
}

static struct bytes report_end(struct node *n, const struct cbor_writer *w)
{
    struct bytes b = cbor_written(w);

    if (w->size > 0)
        n->out->used -= w->size - b.len;
    return b;
}

static int banned(const struct node *n)
{
    int count = 0;

    for (int i = 0; i < n->offenders.count; i++)
        count += n->offenders.rows[i].until_ns > n->now_ns;
    return count;
}

static void put_peer(struct node *n, struct cbor_writer *w, int peer)
{
    static const char *const hows[] = { "direct", "punched", "relayed" };
    const struct slot *s = slot_at(n, peer);

    cbor_write_map(w, 11);
    put_id(w, slot_rec(n, s)->id.b, NODE_ID_LEN);
    put_text(w, "how", hows[s->how]);
    put_addr(w, "addr", &slot_rec(n, s)->addr);
    put_text(w, "name", slot_name(s));
    put_int(w, "score", flood_score(&n->floods, peer, n->now_ns));
    put_bool(w, "forced", overlay_is_forced(&n->overlay, peer));
    put_known(w, "rtt_ns", liveness_rtt_ns(&n->liveness, peer));
    put_bool(w, "dialled", s->is_dialled);
    put_int(w, "in_rate", meter_rate(s->in, n->now_ns));
    put_int(w, "out_rate", meter_rate(s->out, n->now_ns));
    put_bool(w, "neighbour", overlay_is_active(&n->overlay, peer));
}

static int links_up(const struct node *n)
{
    int links = 0;

    for (int k = 0; k < n->slot_set.count; k++)
        links += n->slots[k]->state == SLOT_UP;
    return links;
}

static void put_links(struct node *n, struct cbor_writer *w)
{
    cbor_write_text(w, "peers");
    cbor_write_array(w, links_up(n));
    for (int k = 0; k < n->slot_set.count; k++) {
        if (n->slots[k]->state == SLOT_UP)
            put_peer(n, w, n->slots[k]->number);
    }
}

/* How dials from outside reach us. */
static void put_reach(struct node *n, struct cbor_writer *w)
{
    static const char *const names[] = { "unknown", "hidden", "punch", "open" };

    put_text(w, "reach", names[overlay_reach(&n->overlay)]);
}

static void put_node(struct node *n, struct cbor_writer *w)
{
    int active[OVERLAY_ACTIVE_MAX];
    int64_t in = 0;
    int64_t out = 0;

    for (int k = 0; k < n->slot_set.count; k++) {
        in += meter_rate(n->slots[k]->in, n->now_ns);
        out += meter_rate(n->slots[k]->out, n->now_ns);
    }
    cbor_write_text(w, "node");
    cbor_write_map(w, 12);
    put_id(w, n->self.id.b, NODE_ID_LEN);
    put_text(w, "name", n->name);
    put_int(w, "links", links_up(n));
    put_int(w, "peers", overlay_active(&n->overlay, active));
    put_reach(n, w);
    put_addr(w, "listen", n->reachable.len > 0 ? &n->reachable : &n->listen);
    put_int(w, "in_rate", in);
    put_int(w, "passive", n->overlay.passive.count);
    put_bool(w, "private", n->psk != NULL);
    put_int(w, "out_rate", out);
    put_int(w, "offenders", banned(n));
    put_int(w, "uptime_ms", (n->now_ns - n->start_ns) / NS_PER_MS);
}

static int audio_slot(const struct node *n)
{
    bool is_playing = n->audio != NULL && n->audio->a.is_playing;

    for (int slot = 0; is_playing && slot < POOL_SLOTS; slot++) {
        const struct party_song *s = party_song(node_party(n), slot);

        if (s->is_set && song_id_equal(&s->id, &n->audio->a.song))
            return slot;
    }
    return -1;
}

static void put_audio(struct node *n, struct cbor_writer *w)
{
    static const struct heard_audio silence = { .a = { .volume = 100,
                                                       .card_sigma_ns = -1 } };
    const struct heard_audio *h = n->audio == NULL ? &silence : n->audio;

    cbor_write_text(w, "audio");
    cbor_write_map(w, 15);
    put_bool(w, "card", n->has_card);
    put_known(w, "song", audio_slot(n));
    cbor_write_text(w, "error");
    if (h->message[0] == '\0')
        cbor_write_null(w);
    else
        cbor_write_text(w, h->message);
    put_int(w, "volume", h->a.volume);
    put_bool(w, "playing", h->a.is_playing);
    put_int(w, "resyncs", h->a.resyncs);
    put_int(w, "card_ppb", h->a.card_ppb);
    put_int(w, "depth_ns", h->a.depth_ns);
    put_int(w, "phase_ns", h->a.phase_ns);
    put_int(w, "rate_ppb", h->a.rate_ppb);
    put_bool(w, "realtime", h->a.is_realtime);
    put_bool(w, "resident", h->a.is_resident);
    put_known(w, "sigma_ns", h->a.card_sigma_ns);
    put_int(w, "underruns", h->a.underruns);
    put_int(w, "latency_ns", h->a.latency_ns);
}

static const char *clock_role(struct node *n, const char **state,
                              struct clock_stats *stats)
{
    static const char *const names[] = { "unsynced", "holdover", "locked" };
    struct party_reference r;

    *stats = (struct clock_stats){ .rtt_median_ns = -1, .sigma_ns = -1, .bound_ns = -1 };
    *state = names[CLOCK_UNSYNCED];
    if (!party_reference(node_party(n), &r))
        return "alone";
    if (r.is_self) {
        stats->sigma_ns = 0;
        stats->bound_ns = 0;
        *state = names[CLOCK_LOCKED];
        return "host";
    }
    if (n->company->prober != NULL) {
        clock_filter_stats(&n->company->prober->filter, n->now_ns, stats);
        *state = names[prober_state(n->company->prober, n->now_ns)];
    }
    return "guest";
}

/* How good the time is, for people, by its statistical error: of the party's time, or of
 * UTC where there is no party. */
static const char *grade_of(const struct node *n, const char *role, const char *state,
                            const struct clock_stats *stats,
                            const struct utc_estimate *utc)
{
    int64_t sigma_ns = stats->sigma_ns;

    if (strcmp(role, "alone") == 0) {
        sigma_ns = utc->is_synchronised ? clock_line_sigma_at(&utc->line, n->now_ns) : -1;
        state = utc->state == CLOCK_HOLDOVER ? "holdover" : "locked";
    }
    if (sigma_ns < 0 || sigma_ns == TIME_NEVER || strcmp(state, "unsynced") == 0)
        return "X";
    if (sigma_ns >= 5 * NS_PER_MS || strcmp(state, "holdover") == 0)
        return "D";
    if (sigma_ns >= NS_PER_MS)
        return "C";
    return sigma_ns >= 100 * NS_PER_US ? "B" : "A";
}

static void put_clock(struct node *n, struct cbor_writer *w)
{
    static const char *const leaps[] = { "none", "insert", "delete" };
    struct utc_estimate utc;
    struct clock_stats stats;
    const char *state;
    const char *role = clock_role(n, &state, &stats);

    utc_estimate(&n->utc, n->now_ns, &utc);
    cbor_write_text(w, "clock");
    cbor_write_map(w, 14);
    put_text(w, "leap", leaps[utc.leap]);
    put_text(w, "role", role);
    put_text(w, "grade", grade_of(n, role, state, &stats, &utc));
    put_text(w, "state", state);
    put_int(w, "resets", stats.resets);
    put_known(w, "rtt_ns", stats.rtt_median_ns);
    cbor_write_text(w, "utc_ns");
    if (utc.line.is_valid)
        cbor_write_int(w, clock_line_to_remote(&utc.line, n->now_ns));
    else
        cbor_write_null(w);
    put_int(w, "samples", stats.samples);
    put_known(w, "bound_ns", stats.bound_ns);
    put_int(w, "rate_ppb", stats.rate_ppt / 1000);
    put_known(w, "sigma_ns", stats.sigma_ns);
    put_int(w, "skew_ppb", stats.skew_ppt / 1000);
    put_text(w, "utc_state",
             !utc.line.is_valid    ? "none"
             : utc.is_synchronised ? "synchronised"
                                   : "unsynchronised");
    put_known(w, "utc_bound_ns", utc.line.is_valid ? utc.bound_ns : -1);
}

/* Why a source is not believed, or not asked as it was: nothing when all is well. */
static const char *why_of(const struct utc_source_info *info)
{
    if (info->kod[0] != '\0')
        return info->kod;
    if (info->packet != SNTP_OK)
        return sntp_verdict_text(info->packet);
    return info->verdict == UTC_SOURCE_FALSE ? "outvoted" : "";
}

static void put_source(struct node *n, struct cbor_writer *w, int i)
{
    static const char *const verdicts[] = { "waiting", "ok", "falseticker", "unreachable",
                                            "denied" };
    struct utc_source_info info;
    bool has_offset;

    utc_source_info(&n->utc, i, n->now_ns, &info);
    has_offset = info.bound_ns != TIME_NEVER;
    cbor_write_map(w, 11);
    put_text(w, "why", why_of(&info));
    put_addr(w, "addr", &info.addr);
    put_int(w, "reach", info.reach);
    put_text(w, "state", verdicts[info.verdict]);
    put_int(w, "poll_s",
            info.verdict == UTC_SOURCE_STOPPED ? 0 : info.interval_ns / NS_PER_S);
    put_known(w, "rtt_ns", info.stats.samples > 0 ? info.stats.rtt_min_ns : -1);
    put_int(w, "stratum", info.stratum);
    put_known(w, "bound_ns", info.bound_ns);
    put_int(w, "rate_ppb", info.stats.rate_ppt / 1000);
    put_int(w, "skew_ppb", info.stats.skew_ppt / 1000);
    cbor_write_text(w, "offset_ns");
    if (has_offset)
        cbor_write_int(w, info.offset_ns);
    else
        cbor_write_null(w);
}

static void put_system(struct node *n, struct cbor_writer *w)
{
    const struct utc_os *os = &n->utc.os;
    bool is_voting = os->has_line && os->is_synchronised;
    bool is_chosen = (n->utc.chosen >> n->utc.count & 1) != 0;
    struct utc_estimate utc;

    utc_estimate(&n->utc, n->now_ns, &utc);
    cbor_write_map(w, 11);
    put_text(w, "why",
             is_voting && !is_chosen      ? "outvoted"
             : os->has_line && !is_voting ? "unsynchronised"
                                          : "");
    put_text(w, "addr", "system");
    put_int(w, "reach", os->has_line ? 255 : 0);
    put_text(w, "state",
             !os->has_line ? "waiting"
             : !is_voting  ? "unreachable"
             : is_chosen   ? "ok"
                           : "falseticker");
    put_int(w, "poll_s", 16);
    put_known(w, "rtt_ns", -1);
    put_int(w, "stratum", 0);
    put_known(w, "bound_ns", is_voting ? clock_line_bound_at(&os->line, n->now_ns) : -1);
    put_int(w, "rate_ppb", os->line.rate_ppt / 1000);
    put_int(w, "skew_ppb", os->line.bound_ppt / 1000);
    cbor_write_text(w, "offset_ns");
    if (os->has_line && utc.line.is_valid)
        cbor_write_int(w, clock_line_to_remote(&os->line, n->now_ns) -
                              clock_line_to_remote(&utc.line, n->now_ns));
    else
        cbor_write_null(w);
}

struct bytes report_clock(struct node *n)
{
    struct cbor_writer w = report_begin(n);

    cbor_write_map(&w, 2);
    put_clock(n, &w);
    cbor_write_text(&w, "sources");
    cbor_write_array(&w, n->utc.count + 1);
    for (int i = 0; i < n->utc.count; i++)
        put_source(n, &w, i);
    put_system(n, &w);
    return report_end(n, &w);
}

static void put_song(struct node *n, struct cbor_writer *w, int slot)
{
    const struct party_song *s = party_song(node_party(n), slot);

    cbor_write_map(w, 11);
    put_id(w, s->id.b, SONG_ID_LEN);
    put_int(w, "bits", s->bits);
    put_int(w, "held", s->held);
    put_int(w, "rate", s->rate);
    put_int(w, "slot", slot);
    put_text(w, "album", s->album);
    put_int(w, "bytes", (int64_t)s->bytes);
    put_text(w, "title", s->title);
    put_int(w, "total", s->total);
    put_text(w, "artist", s->artist);
    put_int(w, "duration_ms",
            s->rate == 0 ? 0 : mul_div((int64_t)s->frames, 1000, s->rate));
}

static int bits_of(uint64_t v)
{
    int count = 0;

    for (; v != 0; v &= v - 1)
        count++;
    return count;
}

/* What was not told is null. */
static void put_told(struct cbor_writer *w, const char *key, bool is_told, int64_t value)
{
    cbor_write_text(w, key);
    if (is_told)
        cbor_write_int(w, value);
    else
        cbor_write_null(w);
}

static void put_told_bool(struct cbor_writer *w, const char *key, bool is_told,
                          bool value)
{
    cbor_write_text(w, key);
    if (is_told)
        cbor_write_bool(w, value);
    else
        cbor_write_null(w);
}

static void put_member(const struct party *p, struct cbor_writer *w,
                       const struct party_member *m)
{
    bool is_told = unison_is_told(p, m);
    bool is_playing = is_told && m->sound.is_playing;

    cbor_write_map(w, 16);
    put_id(w, m->id.b, NODE_ID_LEN);
    put_addr(w, "addr", &m->addr);
    put_told(w, "held", m->has_status, bits_of(m->songs_held));
    put_bool(w, "here", !m->is_away);
    put_bool(w, "host", m->is_host);
    put_text(w, "name", m->name);
    put_bool(w, "self", m->is_self);
    put_told(w, "jumps", is_told, m->sound.jumps);
    put_told_bool(w, "ready", m->has_status, m->is_ready);
    put_known(w, "rtt_ns", m->has_status && m->rtt_ns > 0 ? m->rtt_ns : -1);
    put_told_bool(w, "playing", is_told, is_playing);
    put_known(w, "bound_ns", m->has_status || is_told ? m->bound_ns : -1);
    put_told(w, "dropouts", is_told, m->sound.dropouts);
    put_told(w, "phase_ns", is_playing, m->sound.phase_ns);
    put_told(w, "rate_ppb", is_playing, m->sound.rate_ppb);
    put_known(w, "sigma_ns", m->has_status ? m->sigma_ns : -1);
}

static const char *phase_name(enum party_phase phase)
{
    static const char *const names[] = { "idle",    "calling", "joining", "sharing",
                                         "playing", "paused",  "stopped", "ended" };

    return names[phase];
}

static void put_pool(struct node *n, struct cbor_writer *w)
{
    int count = 0;

    for (int slot = 0; slot < POOL_SLOTS; slot++)
        count += party_song(node_party(n), slot)->is_set;
    cbor_write_text(w, "pool");
    cbor_write_array(w, count);
    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        if (party_song(node_party(n), slot)->is_set)
            put_song(n, w, slot);
    }
}

/* How far apart the members are, and between its keys the position in the song. */
static void put_unison(struct node *n, struct cbor_writer *w, int64_t position_ms)
{
    const struct unison *u = &node_party(n)->unison;
    const char *who = NULL;

    for (int i = 0; u->apart_ns >= 0 && i < node_party(n)->member_count; i++) {
        if (node_id_equal(&node_party(n)->members[i].id, &u->off))
            who = node_party(n)->members[i].name;
    }
    put_known(w, "apart_ns", u->apart_ns);
    cbor_write_text(w, "apart_who");
    if (who != NULL)
        cbor_write_text(w, who);
    else
        cbor_write_null(w);
    put_bool(w, "apart_alarm", u->is_alarm);
    put_known(w, "position_ms", position_ms);
    put_told(w, "apart_off_ns", u->apart_ns >= 0, u->off_ns);
    put_known(w, "apart_bound_ns", u->apart_ns >= 0 ? u->bound_ns : -1);
}

static void put_party(struct node *n, struct cbor_writer *w)
{
    static const char *const hearings[] = { "well", "slow", "slow-here", "silent" };
    struct party_status s = { .role = PARTY_ROLE_NONE };

    if (n->company != NULL)
        party_status(&n->company->party, n->now_ns, &s);
    cbor_write_text(w, "party");
    if (s.role == PARTY_ROLE_NONE) {
        cbor_write_null(w);
        return;
    }
    cbor_write_map(w, 20);
    put_id(w, s.party->b, PARTY_ID_LEN);
    put_int(w, "seq", (int64_t)s.seq);
    put_text(w, "host", s.host_name);
    put_int(w, "more", flood_more(&n->floods));
    put_text(w, "name", s.name);
    put_pool(n, w);
    put_text(w, "role", s.role == PARTY_ROLE_HOST ? "host" : "guest");
    put_known(w, "slot", s.has_position ? s.slot : -1);
    put_int(w, "epoch", (int64_t)s.epoch);
    put_text(w, "phase", phase_name(s.phase));
    put_bool(w, "acting", s.is_acting);
    put_text(w, "hearing", hearings[s.hearing]);
    put_known(w, "left_ms", s.left_ns < 0 ? -1 : s.left_ns / NS_PER_MS);
    cbor_write_text(w, "members");
    cbor_write_array(w, s.member_count);
    for (int i = 0; i < s.member_count; i++)
        put_member(&n->company->party, w, &n->company->party.members[i]);
    put_unison(n, w, s.has_position && s.rate > 0 ? mul_div(s.frame, 1000, s.rate) : -1);
}

/* The party's notes, then the node's own of the last minutes. */
static void put_notes(struct node *n, struct cbor_writer *w)
{
    int party = 0;
    int own = 0;

    while (party_note(node_party(n), party) != NULL)
        party++;
    for (int i = 0; n->notes != NULL && i < NOTES_MAX; i++)
        own += n->notes[i].text[0] != '\0';
    cbor_write_text(w, "notes");
    cbor_write_array(w, party + own);
    for (int i = 0; i < party; i++)
        cbor_write_text(w, party_note(node_party(n), i));
    for (int i = 0; n->notes != NULL && i < NOTES_MAX; i++) {
        const struct note *note = &n->notes[(n->note_next + i) % NOTES_MAX];

        if (note->text[0] != '\0')
            cbor_write_text(w, note->text);
    }
}

static bool is_shown(const struct invite *v)
{
    return v->state == INVITE_OPEN || v->state == INVITE_LEFT;
}

static int open_invites(const struct node *n)
{
    int count = 0;

    for (int i = 0; i < n->invites.count; i++)
        count += is_shown(&n->invites.list[i]);
    return count;
}

struct bytes report_state(struct node *n)
{
    struct cbor_writer w = report_begin(n);

    cbor_write_map(&w, 7);
    put_node(n, &w);
    put_audio(n, &w);
    put_clock(n, &w);
    put_notes(n, &w);
    put_party(n, &w);
    put_links(n, &w);
    put_int(&w, "invites", open_invites(n));
    return report_end(n, &w);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x100000001b3); /* FNV-1a, by words */
}

static uint64_t mix_party(const struct node *n, uint64_t h)
{
    const struct party *p = node_party(n);

    h = mix(h, (uint64_t)p->phase << 8 | (uint64_t)p->role << 4 | pulse_hearing(p));
    h = mix(h, load_be64(p->call.candidate.party.b));
    h = mix(h, p->log.seq);
    h = mix(h, p->unison.is_alarm);
    h = mix(h, (uint64_t)p->note_count);
    h = mix(h, (uint64_t)open_invites(n));
    for (int i = 0; i < POOL_SLOTS; i++)
        h = mix(h, (uint64_t)p->pool[i].held);
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        h = mix(h, m->songs_held << 3 | (uint64_t)m->is_ready << 2 |
                       (uint64_t)m->is_away << 1 | m->has_status);
    }
    return h;
}

uint64_t report_digest(struct node *n)
{
    int active[OVERLAY_ACTIVE_MAX];
    struct clock_stats stats;
    const char *state;
    uint64_t h = mix_party(n, UINT64_C(0xcbf29ce484222325));

    for (int k = 0; k < n->slot_set.count; k++)
        h = mix(h, n->slots[k]->state == SLOT_UP ? 1 + n->slots[k]->number : 0);
    h = mix(h, (uint64_t)overlay_active(&n->overlay, active) << 8 | (uint64_t)banned(n));
    (void)clock_role(n, &state, &stats);
    h = mix(h, (uint64_t)state[0] << 8 | (uint64_t)n->utc.line.is_valid);
    h = mix(h, (uint64_t)n->has_card << 1 |
                   (n->audio != NULL && n->audio->message[0] != '\0'));
    return h;
}

static void put_passive(struct node *n, struct cbor_writer *w)
{
    const struct passive *v = &n->overlay.passive;

    cbor_write_text(w, "passive");
    cbor_write_array(w, v->count);
    for (int i = 0; i < v->count; i++) {
        const struct peer_rec *rec = passive_rec(v, i);

        cbor_write_map(w, 3);
        put_id(w, rec->id.b, NODE_ID_LEN);
        put_addr(w, "addr", &rec->addr);
        put_int(w, "fails", passive_fails(v, i));
    }
}

static void put_offenders(struct node *n, struct cbor_writer *w)
{
    cbor_write_text(w, "offenders");
    cbor_write_array(w, banned(n));
    for (int i = 0; i < n->offenders.count; i++) {
        const struct offender *x = &n->offenders.rows[i];

        if (x->until_ns <= n->now_ns)
            continue;
        cbor_write_map(w, 3);
        put_id(w, x->id.b, NODE_ID_LEN);
        put_addr(w, "addr", &x->addr);
        put_int(w, "left_ms", (x->until_ns - n->now_ns) / NS_PER_MS);
    }
}

struct bytes report_peers(struct node *n)
{
    struct cbor_writer w = report_begin(n);

    cbor_write_map(&w, 4);
    put_links(n, &w);
    put_reach(n, &w);
    put_passive(n, &w);
    put_offenders(n, &w);
    return report_end(n, &w);
}

static void put_invite(struct node *n, struct cbor_writer *w, const struct invite *v)
{
    cbor_write_map(w, 6);
    put_id(w, v->party.b, PARTY_ID_LEN);
    put_text(w, "host", v->host_name);
    put_text(w, "name", v->name);
    cbor_write_text(w, "songs");
    cbor_write_array(w, v->song_count);
    for (int i = 0; i < v->song_count; i++)
        cbor_write_text(w, v->songs[i].title);
    put_known(w, "left_ms",
              v->is_running || v->deadline_ns < n->now_ns
                  ? -1
                  : (v->deadline_ns - n->now_ns) / NS_PER_MS);
    put_bool(w, "running", v->is_running);
}

struct bytes report_invites(struct node *n)
{
    struct cbor_writer w = report_begin(n);

    cbor_write_map(&w, 1);
    cbor_write_text(&w, "invites");
    cbor_write_array(&w, open_invites(n));
    for (int i = 0; i < n->invites.count; i++) {
        if (is_shown(&n->invites.list[i]))
            put_invite(n, &w, &n->invites.list[i]);
    }
    return report_end(n, &w);
}

struct bytes report_floods(struct node *n)
{
    const struct flood_counts *counts = flood_counts(&n->floods);
    const struct flood_newest *newest = flood_newest(&n->floods);
    struct cbor_writer w = report_begin(n);

    cbor_write_map(&w, 7);
    put_id(&w, newest->id.b, FLOOD_ID_LEN);
    put_int(&w, "hops", newest->hops);
    put_int(&w, "sent", counts->sent);
    put_int(&w, "at_ns", newest->at_ns);
    put_int(&w, "now_ns", n->now_ns);
    put_int(&w, "admitted", counts->admitted);
    put_int(&w, "duplicates", counts->duplicates);
    return report_end(n, &w);
}
