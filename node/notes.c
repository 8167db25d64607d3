/* Notes for the user.  SPDX-License-Identifier: MIT */
#include "node/internal.h"

#define NOTE_KEEP_NS (60 * NS_PER_S)

struct bytes node_clean_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return bytes_of(NULL, 0);
    }
    if (!text_is_utf8((const char *)text.data, text.len))
        return bytes_of(NULL, 0);
    return text;
}

void node_note(struct node *n, const char *text)
{
    struct note *note;

    if (n->notes == NULL)
        n->notes = heap_take(&n->heap, NOTES_MAX, sizeof(*n->notes));
    for (int i = 0; i < NOTES_MAX; i++) {
        if (strcmp(n->notes[i].text, text) == 0)
            return;
    }
    note = &n->notes[n->note_next];
    n->note_next = (n->note_next + 1) % NOTES_MAX;
    note->at_ns = n->now_ns;
    text_copy(note->text, sizeof(note->text), text, strlen(text));
    n->judge_ns = time_min(n->judge_ns, n->now_ns + n->params->map_period_ns);
    n->is_state_stale = true;
}

void node_notes_drop(struct node *n)
{
    heap_give(&n->heap, n->notes, NOTES_MAX, sizeof(*n->notes));
    n->notes = NULL;
    n->note_next = 0;
}

void node_notes_forget(struct node *n)
{
    bool any = false;

    for (int i = 0; n->notes != NULL && i < NOTES_MAX; i++) {
        if (n->notes[i].text[0] == '\0')
            continue;
        if (n->now_ns - n->notes[i].at_ns <= NOTE_KEEP_NS) {
            any = true;
            continue;
        }
        n->notes[i].text[0] = '\0';
        n->is_state_stale = true;
    }
    if (!any)
        node_notes_drop(n);
}
