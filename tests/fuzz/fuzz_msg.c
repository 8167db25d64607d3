/* Fuzz all that wire/msg.h decodes.  Byte 0 chooses what; what is accepted must be strict
 * CBOR and encode to the very same bytes, also where the signed part of one message is
 * decoded out of another.
 * fuzz: -max_len=1200
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/wire/forms.h"
#include "wire/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

/* In a block of its own size, so that ASan sees one byte too many. */
static void need_same(enum form_kind kind, struct bytes in, const union any *a)
{
    uint8_t *out = malloc(in.len);

    need(out != NULL && form_encode(kind, a, out, in.len) == in.len);
    need(memcmp(out, in.data, in.len) == 0);
    need(form_encode(kind, a, out, in.len - 1) == 0);
    free(out);
}

/* Views stay inside the input. */
static void need_views_inside(enum form_kind kind, struct bytes in, union any *a)
{
    struct bytes *views[FORM_VIEWS_MAX];
    int n = form_views(kind, a, views);

    for (int i = 0; i < n; i++)
        need(views[i]->data >= in.data && views[i]->len <= in.len &&
             (size_t)(views[i]->data - in.data) <= in.len - views[i]->len);
}

static void decode(enum form_kind kind, struct bytes in, int depth);

/* What is signed inside: a flood in a message, a call in a flood, … */
static void decode_inner(enum form_kind kind, const union any *a, int depth)
{
    static const enum form_kind bodies[] = {
        [FLOOD_CALL] = FORM_CALL, [FLOOD_CLOSE] = FORM_CLOSE
    };

    if (kind == FORM_FLOOD) {
        if (a->flood.kind != FLOOD_TEST)
            decode(bodies[a->flood.kind], a->flood.body, depth);
    } else if (kind == FORM_ENTRY && a->entry.kind == ENTRY_SONG) {
        decode(FORM_MANIFEST, a->entry.u.song.manifest, depth);
    } else if (kind == FORM_MSG) {
        if (a->msg.type == MSG_FLOOD)
            decode(FORM_FLOOD, a->msg.u.flood.inner, depth);
        else if (a->msg.type == MSG_GOSSIP)
            decode(FORM_FLOOD, a->msg.u.gossip.inner, depth);
        else if (a->msg.type == MSG_PARTY_YIELD)
            decode(FORM_FLOOD, a->msg.u.party_yield.call.inner, depth);
        else if (a->msg.type == MSG_REPLY)
            decode(FORM_REPLY, a->msg.u.reply.inner, depth);
        else if (a->msg.type == MSG_LOG_ENTRY)
            decode(FORM_ENTRY, a->msg.u.log_entry.inner, depth);
    }
}

static void decode(enum form_kind kind, struct bytes in, int depth)
{
    union any a;

    if (form_decode(kind, in, &a) != 0)
        return;
    need(cbor_check(in) == 0 && depth < 3);
    need_same(kind, in, &a);
    need_views_inside(kind, in, &a);
    decode_inner(kind, &a, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        decode((enum form_kind)(data[0] % FORM_COUNT), bytes_of(data + 1, size - 1), 0);
    return 0;
}
