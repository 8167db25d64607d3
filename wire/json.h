/* CBOR to JSON (RFC 8259), compact: what `party --json` prints.
 * SPDX-License-Identifier: MIT */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

/* Append one encoded item to t as JSON.  Byte strings become hex text; in texts the
 * quote, the backslash and all control characters (also U+007F..U+009F, which steer
 * terminals) are escaped.
 *
 * Errors: ERR_MALFORMED when the item is not strict CBOR, a map has a key that is no text
 * or an integer is below int64; ERR_LIMIT when it does not fit.  What t holds is then no
 * whole JSON. */
MUST_USE int json_from_cbor(struct bytes item, struct text *t);

#endif
