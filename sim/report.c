/* SPDX-License-Identifier: MIT */
#include "sim/report.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

static double us(int64_t ns)
{
    return (double)ns / 1000;
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void list_faults(int faults, char *text, size_t size)
{
    struct text t;

    text_init(&t, text, size);
    for (int i = 0; i < FAULT_KINDS; i++) {
        if ((faults >> i & 1) == 0)
            continue;
        if (t.len > 0)
            text_add(&t, ",");
        text_add(&t, fault_name(i));
    }
    if (t.len == 0)
        text_add(&t, "none");
}

struct flood_sum {
    int64_t floods;
    int64_t sent;
    int64_t duplicates;
    int up;
    int degrees;
};

static struct flood_sum sum_floods(const struct experiment *e)
{
    const struct world *w = &e->world;
    struct flood_sum s = { 0 };

    for (int i = 0; i < w->p.node_count; i++) {
        const struct flood_counts *f;
        int active[OVERLAY_ACTIVE_MAX];

        if (!world_is_up(w, i))
            continue;
        f = flood_counts(node_floods(w->nodes[i].node));
        s.sent += f->sent;
        s.duplicates += f->duplicates;
        s.degrees += overlay_active(node_overlay(w->nodes[i].node), active);
        s.up++;
        if (i == e->plan.host)
            s.floods = f->admitted;
    }
    return s;
}

void report_table(const struct experiment *e, double wall_s)
{
    const struct check *c = &e->check;
    const struct world *w = &e->world;
    struct flood_sum f = sum_floods(e);
    char faults[128];
    char hash[RUN_HASH_TEXT];

    list_faults(e->plan.faults, faults, sizeof(faults));
    run_hash_text(&w->hash, hash);
    printf("seed              %llu\n", (unsigned long long)e->options.seed);
    printf("nodes             %d, %.1f neighbours each\n", w->p.node_count,
           f.up > 0 ? (double)f.degrees / f.up : 0.0);
    printf(
        "network           %s, loss %.2f %%, one way %.2f to %.2f ms, jitter %.2f ms\n",
        e->plan.net, (double)w->p.net.loss_ppm / 1e4,
        (double)w->p.net.latency.min_ns / 1e6, (double)w->p.net.latency.max_ns / 1e6,
        (double)w->p.net.jitter_ns / 1e6);
    printf("faults            %s\n", faults);
    printf("virtual time      %.1f s\n", seconds(w->now_ns));
    if (e->started_ns == TIME_NEVER)
        printf("music             never began\n");
    else
        printf("call to music     %.2f s\n", seconds(e->started_ns - e->plan.host_ns));
    printf("members           %d at most, %d accepted\n", e->members_max, e->accepts);
    printf("call reached      %lld nodes\n", (long long)e->call_reach);
    printf("floods            %lld, %.1f messages per node and flood\n",
           (long long)f.floods,
           f.floods > 0 && f.up > 0 ? (double)f.sent / (double)f.floods / f.up : 0.0);
    printf("shared            %lld blocks, %.1f MB\n", (long long)w->counts.blocks_stored,
           (double)w->counts.bytes_stored / 1e6);
    printf("commands          %d given, %d carried out\n", e->commands, e->commands_done);
    printf("actions taken     %lld by members, %lld late, at most by %.1f ms\n",
           (long long)c->actions, (long long)c->late, (double)c->late_max_ns / 1e6);
    printf("between cards     p50 %.1f us, p99 %.1f us, max %.1f us (%lld pairs)\n",
           us(histogram_quantile(&c->pairs, 500)), us(histogram_quantile(&c->pairs, 990)),
           us(c->pairs.max), (long long)c->pairs.count);
    printf("to party time     p50 %.1f us, p99 %.1f us, max %.1f us\n",
           us(histogram_quantile(&c->truth, 500)), us(histogram_quantile(&c->truth, 990)),
           us(c->truth.max));
    printf("claimed bounds    p50 %.1f us, %lld violated\n",
           us(histogram_quantile(&c->bounds, 500)), (long long)c->bound_violations);
    printf("heard             %lld looks with sound, %lld behind, %lld silent\n",
           (long long)c->listening, (long long)c->behind, (long long)c->silent);
    printf("network load      %lld frames, %.1f MB, %lld datagrams, %lld lost\n",
           (long long)w->counts.frames, (double)w->counts.frame_bytes / 1e6,
           (long long)w->counts.datagrams, (long long)w->counts.datagrams_lost);
    printf("events            %lld in %.2f s, %.0f per second\n",
           (long long)w->counts.events, wall_s, (double)w->counts.events / wall_s);
    printf("memory            %.2f MB per node\n", (double)w->node_bytes / 1e6);
    printf("hash              %s\n", hash);
    printf("invariants        %s\n", c->has_failed ? "VIOLATED" : "held");
}

void report_json(const struct experiment *e, double wall_s)
{
    const struct check *c = &e->check;
    const struct world *w = &e->world;
    struct flood_sum f = sum_floods(e);
    char faults[128];
    char hash[RUN_HASH_TEXT];

    list_faults(e->plan.faults, faults, sizeof(faults));
    run_hash_text(&w->hash, hash);
    printf(
        "{\"seed\":%llu,\"nodes\":%d,\"net\":\"%s\",\"loss_ppm\":%lld,\"faults\":\"%s\",",
        (unsigned long long)e->options.seed, w->p.node_count, e->plan.net,
        (long long)w->p.net.loss_ppm, faults);
    printf("\"virtual_s\":%.3f,\"wall_s\":%.3f,\"start_s\":%.3f,\"members\":%d,",
           seconds(w->now_ns), wall_s,
           e->started_ns == TIME_NEVER ? -1.0 : seconds(e->started_ns - e->plan.host_ns),
           e->members_max);
    printf(
        "\"reach\":%lld,\"floods\":%lld,\"flood_messages\":%lld,\"bytes_shared\":%lld,",
        (long long)e->call_reach, (long long)f.floods, (long long)f.sent,
        (long long)w->counts.bytes_stored);
    printf("\"commands\":%d,\"commands_done\":%d,\"actions\":%lld,\"late\":%lld,",
           e->commands, e->commands_done, (long long)c->actions, (long long)c->late);
    printf("\"pair_p50_us\":%.1f,\"pair_p99_us\":%.1f,\"pair_max_us\":%.1f,",
           us(histogram_quantile(&c->pairs, 500)), us(histogram_quantile(&c->pairs, 990)),
           us(c->pairs.max));
    printf("\"truth_p50_us\":%.1f,\"truth_p99_us\":%.1f,\"truth_max_us\":%.1f,",
           us(histogram_quantile(&c->truth, 500)), us(histogram_quantile(&c->truth, 990)),
           us(c->truth.max));
    printf("\"bound_p50_us\":%.1f,\"bound_violations\":%lld,\"events\":%lld,",
           us(histogram_quantile(&c->bounds, 500)), (long long)c->bound_violations,
           (long long)w->counts.events);
    printf("\"node_bytes\":%zu,\"hash\":\"%s\",\"ok\":%s}\n", w->node_bytes, hash,
           c->has_failed ? "false" : "true");
}

void report_violation(const struct experiment *e)
{
    const struct experiment_options *o = &e->options;
    const struct check *c = &e->check;

    printf("VIOLATED seed %llu, at %.6f s", (unsigned long long)o->seed,
           seconds(c->at_ns));
    if (c->node >= 0)
        printf(", node %d", c->node);
    printf(": %s\n  repeat: party-sim --nodes %d --seed %llu", c->what, o->nodes,
           (unsigned long long)o->seed);
    if (o->seconds > 0)
        printf(" --seconds %d", o->seconds);
    if (o->net != NULL)
        printf(" --net %s", o->net);
    if (o->loss_ppm >= 0)
        printf(" --loss %.4f", (double)o->loss_ppm / 1e4);
    if (o->latency_ns >= 0)
        printf(" --latency-ms %.6f", (double)o->latency_ns / 1e6);
    if (o->jitter_ns >= 0)
        printf(" --jitter-ms %.6f", (double)o->jitter_ns / 1e6);
    if (o->song_kib > 0)
        printf(" --song-kib %d", o->song_kib);
    if (o->faults >= 0) {
        char faults[128];

        list_faults(o->faults, faults, sizeof(faults));
        printf(" --faults %s", faults);
    }
    printf(" --verbose\n");
}
