/* SPDX-License-Identifier: MIT */
#include "sim/shrink.h"

#include <string.h>

#include "base/time.h"
#include "sim/child.h"
#include "sim/memory.h"

#define ROUND_NS (5 * NS_PER_S)
#define LIMIT_NS (8 * NS_PER_S) /* an entry is not made shorter than that */

struct shrinking {
    struct script *best;
    struct script *try;
    const struct trial_outcome *failure;
    int64_t until_ns;
    int runs;
};

/* Does s->try fail in the same way?  Then it is the best now. */
static bool attempt(struct shrinking *s)
{
    struct trial_outcome out;
    struct child child;

    if (child_wall_ns() >= s->until_ns)
        return false;
    s->runs++;
    child_begin(&child, s->try);
    child_end(&child, &out);
    if (!trial_is_same(&out, s->failure))
        return false;
    *s->best = *s->try;
    return true;
}

/* Leave out count entries from first on. */
static bool without(struct shrinking *s, int first, int count)
{
    struct script *t = s->try;
    int behind;

    *t = *s->best;
    if (first + count > t->count)
        count = t->count - first;
    behind = t->count - first - count;
    memmove(t->entries + first, t->entries + first + count,
            (size_t)behind * sizeof(*t->entries));
    t->count -= count;
    return attempt(s);
}

static void fewer_entries(struct shrinking *s)
{
    for (int chunk = (s->best->count + 1) / 2; chunk > 0; chunk /= 2) {
        for (int at = s->best->count - chunk; at > -chunk && s->best->count > 0;
             at -= chunk)
            (void)without(s, at < 0 ? 0 : at, chunk);
    }
}

static void fewer_sets(struct shrinking *s)
{
    for (int i = s->best->set_count - 1; i >= 0; i--) {
        *s->try = *s->best;
        s->try->sets[i] = s->try->sets[--s->try->set_count];
        (void)attempt(s);
    }
}

static bool names_node(const struct script *s, int node)
{
    for (int i = 0; i < s->count; i++) {
        const struct script_about *a = script_about((int)s->entries[i].kind);

        if ((a->who != SCRIPT_SERVERS && (s->entries[i].nodes >> node & 1) != 0) ||
            (a->by == SCRIPT_OTHERS && (s->entries[i].by >> node & 1) != 0))
            return true;
    }
    return false;
}

static void fewer_nodes(struct shrinking *s)
{
    do {
        *s->try = *s->best;
        s->try->nodes--;
    } while (s->try->nodes >= 2 && !names_node(s->try, s->try->nodes) && attempt(s));
}

static void shorter(struct shrinking *s)
{
    int64_t last_ns = s->failure->at_ns;

    for (int i = 0; i < s->best->count; i++) {
        *s->try = *s->best;
        s->try->entries[i].for_ns = s->try->entries[i].for_ns / 2 / NS_PER_MS * NS_PER_MS;
        if (s->try->entries[i].for_ns > LIMIT_NS / 16)
            (void)attempt(s);
    }
    if (last_ns >= s->best->length_ns)
        return;
    *s->try = *s->best;
    s->try->length_ns = (last_ns / ROUND_NS + 1) * ROUND_NS;
    for (int i = 0; i < s->try->count; i++) {
        struct script_entry *e = &s->try->entries[i];

        if (e->at_ns + e->for_ns > s->try->length_ns)
            e->for_ns = s->try->length_ns - e->at_ns;
        if (e->for_ns < 0)
            return;
    }
    (void)attempt(s);
}

int shrink_script(struct script *s, const struct trial_outcome *failure, int64_t for_ns)
{
    struct script *try = memory_new(1, sizeof(*try));
    struct shrinking k = { s, try, failure, child_wall_ns() + for_ns, 0 };
    int before;

    do {
        before = s->count + s->set_count + s->nodes;
        fewer_entries(&k);
        fewer_sets(&k);
        fewer_nodes(&k);
        shorter(&k);
    } while (s->count + s->set_count + s->nodes < before && child_wall_ns() < k.until_ns);
    free(try);
    return k.runs;
}
