/* SPDX-License-Identifier: MIT */
#include "secure/noise_pattern.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

/* Short, as the spec writes them. */
enum {
    E = NOISE_E,
    S = NOISE_S,
    EE = NOISE_EE,
    ES = NOISE_ES,
    SE = NOISE_SE,
    SS = NOISE_SS
};

/* clang-format off */
static const struct noise_pattern patterns[] = {
    /* One-way, section 7.4. */
    { "N",    false, true,  { { E, ES } } },
    { "K",    true,  true,  { { E, ES, SS } } },
    { "X",    false, true,  { { E, ES, S, SS } } },
    /* Fundamental, section 7.5. */
    { "NN",   false, false, { { E }, { E, EE } } },
    { "NK",   false, true,  { { E, ES }, { E, EE } } },
    { "NX",   false, false, { { E }, { E, EE, S, ES } } },
    { "XN",   false, false, { { E }, { E, EE }, { S, SE } } },
    { "XK",   false, true,  { { E, ES }, { E, EE }, { S, SE } } },
    { "XX",   false, false, { { E }, { E, EE, S, ES }, { S, SE } } },
    { "KN",   true,  false, { { E }, { E, EE, SE } } },
    { "KK",   true,  true,  { { E, ES, SS }, { E, EE, SE } } },
    { "KX",   true,  false, { { E }, { E, EE, SE, S, ES } } },
    { "IN",   false, false, { { E, S }, { E, EE, SE } } },
    { "IK",   false, true,  { { E, ES, S, SS }, { E, EE, SE } } },
    { "IX",   false, false, { { E, S }, { E, EE, SE, S, ES } } },
    /* Deferred, section 7.6 and appendix 18.1. */
    { "NK1",  false, true,  { { E }, { E, EE, ES } } },
    { "NX1",  false, false, { { E }, { E, EE, S }, { ES } } },
    { "X1N",  false, false, { { E }, { E, EE }, { S }, { SE } } },
    { "X1K",  false, true,  { { E, ES }, { E, EE }, { S }, { SE } } },
    { "XK1",  false, true,  { { E }, { E, EE, ES }, { S, SE } } },
    { "X1K1", false, true,  { { E }, { E, EE, ES }, { S }, { SE } } },
    { "X1X",  false, false, { { E }, { E, EE, S, ES }, { S }, { SE } } },
    { "XX1",  false, false, { { E }, { E, EE, S }, { ES, S, SE } } },
    { "X1X1", false, false, { { E }, { E, EE, S }, { ES, S }, { SE } } },
    { "K1N",  true,  false, { { E }, { E, EE }, { SE } } },
    { "K1K",  true,  true,  { { E, ES }, { E, EE }, { SE } } },
    { "KK1",  true,  true,  { { E }, { E, EE, SE, ES } } },
    { "K1K1", true,  true,  { { E }, { E, EE, ES }, { SE } } },
    { "K1X",  true,  false, { { E }, { E, EE, S, ES }, { SE } } },
    { "KX1",  true,  false, { { E }, { E, EE, SE, S }, { ES } } },
    { "K1X1", true,  false, { { E }, { E, EE, S }, { SE, ES } } },
    { "I1N",  false, false, { { E, S }, { E, EE }, { SE } } },
    { "I1K",  false, true,  { { E, ES, S }, { E, EE }, { SE } } },
    { "IK1",  false, true,  { { E, S }, { E, EE, SE, ES } } },
    { "I1K1", false, true,  { { E, S }, { E, EE, ES }, { SE } } },
    { "I1X",  false, false, { { E, S }, { E, EE, S, ES }, { SE } } },
    { "IX1",  false, false, { { E, S }, { E, EE, SE, S }, { ES } } },
    { "I1X1", false, false, { { E, S }, { E, EE, S }, { SE, ES } } },
};
/* clang-format on */

static int find(const char *name, size_t len)
{
    for (int i = 0; i < COUNT(patterns); i++) {
        if (strlen(patterns[i].name) == len && memcmp(patterns[i].name, name, len) == 0)
            return i;
    }
    return -1;
}

/* "psk0+psk3" as a mask.  Each once, in order, none behind the last message. */
static bool parse_modifiers(const char *text, int messages, uint8_t *psk_mask)
{
    unsigned mask = 0;

    while (*text != '\0') {
        int digit;

        if (strncmp(text, "psk", 3) != 0 || text[3] < '0' || text[3] > '9')
            return false;
        digit = text[3] - '0';
        if (digit > messages || mask >> digit != 0)
            return false;
        mask |= 1u << digit;
        text += 4;
        if (*text == '+' && text[1] != '\0')
            text++;
        else if (*text != '\0')
            return false;
    }
    *psk_mask = (uint8_t)mask;
    return true;
}

bool noise_pattern_parse(const char *text, uint8_t *row, uint8_t *psk_mask)
{
    size_t len = strcspn(text, "p");
    int found = find(text, len);

    if (found < 0)
        return false;
    *row = (uint8_t)found;
    return parse_modifiers(text + len, noise_pattern_messages(&patterns[found]),
                           psk_mask);
}

const struct noise_pattern *noise_pattern_at(uint8_t row)
{
    assert(row < COUNT(patterns));
    return &patterns[row];
}

int noise_pattern_messages(const struct noise_pattern *p)
{
    int n = 0;

    while (n < NOISE_PATTERN_MESSAGES_MAX && p->messages[n][0] != NOISE_END)
        n++;
    return n;
}

static bool sends_static(const uint8_t tokens[static NOISE_PATTERN_TOKENS_MAX])
{
    for (int i = 0; i < NOISE_PATTERN_TOKENS_MAX && tokens[i] != NOISE_END; i++) {
        if (tokens[i] == NOISE_S)
            return true;
    }
    return false;
}

bool noise_pattern_needs_static(const struct noise_pattern *p, bool is_initiator)
{
    if (is_initiator ? p->knows_initiator : p->knows_responder)
        return true;
    for (int i = is_initiator ? 0 : 1; i < NOISE_PATTERN_MESSAGES_MAX; i += 2) {
        if (sends_static(p->messages[i]))
            return true;
    }
    return false;
}
