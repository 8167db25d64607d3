/* A network address: IPv4 or IPv6 and a port, as plain bytes.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Enough for "[ffff:…]:65535" and the NUL. */
#define ADDR_TEXT_MAX 56

struct addr {
    uint8_t ip[16];
    uint16_t port; /* host order; 0 means none */
    uint8_t len;   /* of ip: 4, 16, or 0 for "no address" */
};

bool addr_equal(const struct addr *a, const struct addr *b);

/* Same host, whatever the port. */
bool addr_same_ip(const struct addr *a, const struct addr *b);

/* True for 0.0.0.0 and ::, the "any" address, whatever the port. */
bool addr_is_any(const struct addr *a);

/* "192.0.2.1:4747", "[2001:db8::1]:4747", or "-" for no address. */
void addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX]);

/* Read "192.0.2.1:4747" or "[2001:db8::1]:4747"; a missing ":port" takes port.
 * Errors: ERR_USAGE when it is no numeric address.  Names are resolved elsewhere. */
MUST_USE int addr_parse(const char *text, uint16_t port, struct addr *a);

#endif
