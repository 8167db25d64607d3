/* SPDX-License-Identifier: MIT */
#include "node/slots.h"

#include <assert.h>

#include "node/internal.h"

#define SLOTS_FIRST 8 /* numbers in use at first */
#define SLOTS_SPARE 2 /* that stay when they become fewer */

const struct peer_rec *slot_rec(const struct node *n, const struct slot *s)
{
    return contacts_at(n->contacts, s->contact);
}

const char *slot_name(const struct slot *s)
{
    return s->name == NULL ? "" : s->name;
}

struct slot *slot_at(const struct node *n, int peer)
{
    assert(sparse_has(&n->slot_set, peer));
    return n->slots[sparse_place(&n->slot_set, peer)];
}

bool slot_is_taken(const struct node *n, int peer)
{
    return sparse_has(&n->slot_set, peer);
}

int slots_next(const struct node *n, int peer)
{
    return sparse_next(&n->slot_set, peer);
}

struct slot *slots_of_link(struct node *n, uint32_t link)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        if (n->slot_links[k] == link)
            return n->slots[k];
    }
    return NULL;
}

/* Numbers for so many. */
static int numbers_for(const struct node *n, int needed)
{
    int numbers = SLOTS_FIRST;

    while (numbers < needed)
        numbers += numbers < 16 ? 4 : numbers / 2;
    return numbers < n->params->peers_max ? numbers : n->params->peers_max;
}

/* The two tables side by side: links are looked for, slots are found. */
static void insert(struct node *n, struct slot *s, int number)
{
    struct sparse links = n->slot_set;
    int place = sparse_place(&links, number);

    n->slot_links = sparse_add(&links, &n->heap, n->slot_links, number,
                               sizeof(*n->slot_links));
    n->slots = sparse_add(&n->slot_set, &n->heap, n->slots, number, sizeof(void *));
    n->slot_links[place] = s->link;
    n->slots[place] = s;
    s->number = (uint8_t)number;
}

void slots_remove(struct node *n, struct slot *s)
{
    struct sparse links = n->slot_set;

    n->slot_links = sparse_remove(&links, &n->heap, n->slot_links, s->number,
                                  sizeof(*n->slot_links));
    n->slots = sparse_remove(&n->slot_set, &n->heap, n->slots, s->number, sizeof(void *));
}

void slots_give(struct node *n, struct slot *s)
{
    heap_give(&n->heap, s, 1, sizeof(*s));
}

bool slots_are_full(const struct node *n)
{
    return n->slot_set.count == n->params->peers_max;
}

struct slot *slots_add(struct node *n, const struct slot *like)
{
    int number;
    struct slot *s;

    if (slots_are_full(n))
        return NULL;
    if (n->slot_set.count == n->slot_numbers || n->slot_numbers == 0)
        n->slot_numbers = numbers_for(n, n->slot_numbers + 1);
    number = n->slot_numbers - 1;
    while (slot_is_taken(n, number))
        number--;
    s = heap_take(&n->heap, 1, sizeof(*s));
    *s = *like;
    insert(n, s, number);
    return s;
}

void slots_settle(struct node *n, struct slot *s)
{
    int number = 0;

    while (slot_is_taken(n, number))
        number++;
    if (number > s->number)
        return;
    slots_remove(n, s);
    insert(n, s, number);
}

void slots_shrink(struct node *n)
{
    int used = 0;

    for (int i = slots_next(n, 0); i >= 0; i = slots_next(n, i + 1))
        used = i + 1;
    used = numbers_for(n, used + SLOTS_SPARE);
    if (used < n->slot_numbers)
        n->slot_numbers = used;
}
