/* Addresses between our form and the system's, and names to addresses.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_SOCKADDR_H
#define DAEMON_SOCKADDR_H

#include <sys/socket.h>

#include "base/addr.h"

/* Fill a sockaddr for a socket of this family (AF_INET, AF_INET6); an IPv4 address goes
 * to an IPv6 socket in its mapped form.  The length, or 0 when it cannot be said there.
 */
socklen_t sockaddr_of(const struct addr *a, int family, struct sockaddr_storage *to);

/* A mapped IPv4 address becomes plain IPv4.  False for other families. */
bool sockaddr_to_addr(const struct sockaddr *from, struct addr *a);

/* Split "HOST", "HOST:PORT", "[V6]", "[V6]:PORT"; without a port it becomes port.
 * Errors: ERR_USAGE when it has no such form, or host has no room. */
MUST_USE int sockaddr_split(const char *text, uint16_t port, char *host, size_t size,
                            uint16_t *out_port);

/* Resolve HOST[:PORT]; takes seconds where a name server is slow.  At most max addresses
 * are written; their count, at least 1.  Errors: ERR_USAGE (no such form), ERR_NOT_FOUND
 * (unknown name), ERR_UNREACHABLE (no name server answers); *why is then text. */
MUST_USE int sockaddr_resolve(const char *text, uint16_t port, struct addr *list, int max,
                              const char **why);

#endif
