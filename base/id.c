/* SPDX-License-Identifier: MIT */
#include "base/id.h"

void hex_encode(const uint8_t *data, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * len] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, size_t text_len, uint8_t *data, size_t len)
{
    if (text_len != 2 * len)
        return false;
    for (size_t i = 0; i < text_len; i++) {
        if (digit_value(text[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)((unsigned)digit_value(text[2 * i]) << 4 |
                            (unsigned)digit_value(text[2 * i + 1]));
    return true;
}
