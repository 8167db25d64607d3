/* The handshake patterns of Noise as tables of tokens, and their names.
 * Source: Noise revision 34, sections 7 and 9, appendix 18.1.
 * SPDX-License-Identifier: MIT */
#ifndef SECURE_NOISE_PATTERN_H
#define SECURE_NOISE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#define NOISE_PATTERN_MESSAGES_MAX 4
#define NOISE_PATTERN_TOKENS_MAX   6

/* END stands behind the last token, and first in a message that is not there.  In a DH
 * token the first letter is the initiator's key, the second the responder's. */
enum noise_token {
    NOISE_END = 0,
    NOISE_E,
    NOISE_S,
    NOISE_EE,
    NOISE_ES,
    NOISE_SE,
    NOISE_SS
};

struct noise_pattern {
    char name[5];
    bool knows_initiator; /* pre-message "-> s": the responder has the initiator's key */
    bool knows_responder; /* pre-message "<- s": the other way round */
    uint8_t messages[NOISE_PATTERN_MESSAGES_MAX][NOISE_PATTERN_TOKENS_MAX];
};

/* Read "XXpsk0+psk3" into a row of the table and a mask of modifiers (bit i: psk<i>).
 * False when it is no pattern of ours. */
bool noise_pattern_parse(const char *text, uint8_t *row, uint8_t *psk_mask);

/* The pattern in a row that noise_pattern_parse gave. */
const struct noise_pattern *noise_pattern_at(uint8_t row);

/* Handshake messages in it, 1..NOISE_PATTERN_MESSAGES_MAX; one means one-way. */
int noise_pattern_messages(const struct noise_pattern *p);

/* Whether this side must have a static key: it sends it, or the other knows it before. */
bool noise_pattern_needs_static(const struct noise_pattern *p, bool is_initiator);

#endif
