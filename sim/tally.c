/* SPDX-License-Identifier: MIT */
#include "sim/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define PATH_MAX_LEN 512

void tally_add(struct tally *t, const struct script *s, const struct trial_outcome *out)
{
    t->seeds++;
    t->party_s += (s->length_ns + TRIAL_CALM_NS) / NS_PER_S;
    for (int i = 0; i < SCRIPT_KINDS; i++)
        t->begun[i] += out->begun[i];
    t->elections += out->elections;
    t->parties += out->parties;
    t->members += out->members;
    if (!out->has_failed)
        return;
    t->failed++;
    results_row(&t->failures, "failed", (double)s->seed, (double)out->at_ns / 1e9);
}

int tally_silent_kinds(const struct tally *t)
{
    int count = 0;

    for (int i = 0; i < SCRIPT_KINDS; i++)
        count += (t->storm.kinds >> i & 1) != 0 && t->begun[i] == 0;
    return count;
}

/* ---- the file ---- */

/* Each number in it, by name, but for those of the kinds. */
struct field {
    const char *name;
    const char *unit;
    int64_t *value;
};

#define FIELDS 9

static void list_fields(struct tally *t, int64_t *next, struct field f[static FIELDS])
{
    const struct field all[FIELDS] = {
        { "length", "ns", &t->storm.length_ns },
        { "next", "", next },
        { "seeds", "", &t->seeds },
        { "failed", "", &t->failed },
        { "party", "s", &t->party_s },
        { "wall", "ms", &t->wall_ms },
        { "elections", "", &t->elections },
        { "parties", "", &t->parties },
        { "members", "", &t->members },
    };

    memcpy(f, all, sizeof(all));
}

static int64_t number_of(const struct results *r, const char *name)
{
    const struct result_figure *f = results_find(r, name);

    return f == NULL ? 0 : (int64_t)f->value;
}

static void take(struct tally *t, const struct results *r)
{
    struct field fields[FIELDS];
    int64_t next;

    list_fields(t, &next, fields);
    for (int i = 0; i < FIELDS; i++)
        *fields[i].value = number_of(r, fields[i].name);
    t->next = (uint64_t)next;
    t->storm.nodes = (int)number_of(r, "nodes");
    t->storm.kinds = (uint64_t)number_of(r, "kinds");
    for (int i = 0; i < SCRIPT_KINDS; i++)
        t->begun[i] = number_of(r, script_about(i)->name);
    for (int i = 0; i < r->row_count; i++)
        results_row(&t->failures, r->rows[i].series, r->rows[i].x, r->rows[i].y);
}

bool tally_read(struct tally *t, const char *path, char why[static SETUP_WHY_MAX])
{
    struct storm_options wanted = t->storm;
    struct results r = { 0 };
    FILE *file = fopen(path, "r");
    bool is_good;

    if (file == NULL) {
        (void)snprintf(why, SETUP_WHY_MAX, "%s", strerror(errno));
        return errno == ENOENT;
    }
    is_good = results_read(&r, file) && results_find(&r, "next") != NULL;
    (void)fclose(file);
    if (is_good)
        take(t, &r);
    else
        (void)snprintf(why, SETUP_WHY_MAX, "it is not by party-sim swarm");
    results_finish(&r);
    if (is_good && (wanted.nodes != t->storm.nodes || wanted.kinds != t->storm.kinds ||
                    wanted.length_ns != t->storm.length_ns)) {
        (void)snprintf(why, SETUP_WHY_MAX, "it is of runs with other options");
        return false;
    }
    return is_good;
}

static void fill(const struct tally *t, struct results *r)
{
    struct tally copy = *t;
    struct field fields[FIELDS];
    int64_t next = (int64_t)t->next;

    list_fields(&copy, &next, fields);
    for (int i = 0; i < FIELDS; i++)
        results_add(r, fields[i].name, fields[i].unit, (double)*fields[i].value);
    results_add(r, "nodes", "", t->storm.nodes);
    results_add(r, "kinds", "", (double)t->storm.kinds);
    for (int i = 0; i < SCRIPT_KINDS; i++)
        results_add(r, script_about(i)->name, "", (double)t->begun[i]);
    for (int i = 0; i < t->failures.row_count; i++) {
        const struct result_row *row = &t->failures.rows[i];

        results_row(r, row->series, row->x, row->y);
    }
}

bool tally_write(const struct tally *t, const char *path)
{
    struct results r = { 0 };
    char part[PATH_MAX_LEN];
    FILE *file;
    bool is_good;

    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return false;
    file = fopen(part, "w");
    if (file == NULL)
        return false;
    fill(t, &r);
    results_write(&r, file);
    results_finish(&r);
    is_good = ferror(file) == 0;
    return fclose(file) == 0 && is_good && rename(part, path) == 0;
}

/* ---- to be read ---- */

void tally_print(const struct tally *t, int64_t jobs)
{
    double s = t->wall_ms > 0 ? (double)t->wall_ms / 1000 : 1;

    printf(
        "%lld seeds in %.1f s on %lld processes (%.0f an hour each), %.1f party-hours,\n"
        "%lld elections, %lld parties led at the ends with %lld members\nhappened:",
        (long long)t->seeds, s, (long long)jobs,
        (double)t->seeds * 3600 / s / (double)jobs, (double)t->party_s / 3600,
        (long long)t->elections, (long long)t->parties, (long long)t->members);
    for (int i = 0; i < SCRIPT_KINDS; i++)
        printf("%s%s %lld", i % 6 == 0 ? "\n  " : ", ", script_about(i)->name,
               (long long)t->begun[i]);
    printf("\n%lld passed, %lld failed\n", (long long)(t->seeds - t->failed),
           (long long)t->failed);
}

void tally_print_json(const struct tally *t)
{
    printf("{\"seeds\":%lld,\"failed\":%lld,\"elections\":%lld,\"wall_s\":%.1f,"
           "\"party_hours\":%.2f,\"silent_kinds\":%d,\"begun\":{",
           (long long)t->seeds, (long long)t->failed, (long long)t->elections,
           (double)t->wall_ms / 1000, (double)t->party_s / 3600, tally_silent_kinds(t));
    for (int i = 0; i < SCRIPT_KINDS; i++)
        printf("%s\"%s\":%lld", i > 0 ? "," : "", script_about(i)->name,
               (long long)t->begun[i]);
    printf("}");
}

void tally_finish(struct tally *t)
{
    results_finish(&t->failures);
}
