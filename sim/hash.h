/* The run hash: 128 bits over every event and every effect of a run, in order.  Two runs
 * with the same hash did the same.  Not cryptographic.  SPDX-License-Identifier: MIT */
#ifndef SIM_HASH_H
#define SIM_HASH_H

#include <stdint.h>

#include "base/bytes.h"

#define RUN_HASH_TEXT 33 /* hex digits and the NUL */

struct run_hash {
    uint64_t a;
    uint64_t b;
};

void run_hash_init(struct run_hash *h);
void run_hash_word(struct run_hash *h, uint64_t word);

/* The bytes with their length. */
void run_hash_bytes(struct run_hash *h, struct bytes data);

void run_hash_text(const struct run_hash *h, char text[static RUN_HASH_TEXT]);

#endif
