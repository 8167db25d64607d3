/* SPDX-License-Identifier: MIT */
#include "daemon/sockaddr.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

socklen_t sockaddr_of(const struct addr *a, int family, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof(*to));
    if (family == AF_INET && a->len == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;

        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    if (family == AF_INET6 && (a->len == 4 || a->len == 16)) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        if (a->len == 16) {
            memcpy(&in6->sin6_addr, a->ip, 16);
        } else {
            memcpy(in6->sin6_addr.s6_addr, mapped, 12);
            memcpy(in6->sin6_addr.s6_addr + 12, a->ip, 4);
        }
        return sizeof(*in6);
    }
    return 0;
}

bool sockaddr_to_addr(const struct sockaddr *from, struct addr *a)
{
    struct addr out = { .len = 0 };

    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, from, sizeof(in));
        memcpy(out.ip, &in.sin_addr, 4);
        out.len = 4;
        out.port = ntohs(in.sin_port);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, from, sizeof(in6));
        out.port = ntohs(in6.sin6_port);
        if (memcmp(in6.sin6_addr.s6_addr, mapped, 12) == 0) {
            memcpy(out.ip, in6.sin6_addr.s6_addr + 12, 4);
            out.len = 4;
        } else {
            memcpy(out.ip, in6.sin6_addr.s6_addr, 16);
            out.len = 16;
        }
    } else {
        return false;
    }
    *a = out;
    return true;
}

static bool read_port(const char *s, uint16_t *port)
{
    char *end;
    long v;

    if (*s < '0' || *s > '9')
        return false;
    v = strtol(s, &end, 10);
    if (*end != '\0' || v < 1 || v > 65535)
        return false;
    *port = (uint16_t)v;
    return true;
}

int sockaddr_split(const char *text, uint16_t port, char *host, size_t size,
                   uint16_t *out_port)
{
    const char *begin = text;
    const char *end;
    const char *behind;

    if (*text == '[') {
        begin = text + 1;
        end = strchr(begin, ']');
        if (end == NULL)
            return ERR_USAGE;
        behind = end + 1;
    } else {
        const char *colon = strchr(text, ':');

        /* More than one colon: a bare IPv6 address. */
        if (colon != NULL && strchr(colon + 1, ':') != NULL)
            colon = NULL;
        end = colon != NULL ? colon : text + strlen(text);
        behind = end;
    }
    if (end == begin || (size_t)(end - begin) >= size)
        return ERR_USAGE;
    if (*behind == ':' && !read_port(behind + 1, &port))
        return ERR_USAGE;
    if (*behind != ':' && *behind != '\0')
        return ERR_USAGE;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    *out_port = port;
    return 0;
}

int sockaddr_resolve(const char *text, uint16_t port, struct addr *list, int max,
                     const char **why)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found = NULL;
    char host[256];
    int count = 0;
    int status;

    *why = "is not HOST or HOST:PORT";
    if (sockaddr_split(text, port, host, sizeof(host), &port) != 0)
        return ERR_USAGE;
    status = getaddrinfo(host, NULL, &hints, &found);
    if (status != 0) {
        *why = gai_strerror(status);
        return status == EAI_AGAIN ? ERR_UNREACHABLE : ERR_NOT_FOUND;
    }
    for (struct addrinfo *i = found; i != NULL && count < max; i = i->ai_next) {
        if (!sockaddr_to_addr(i->ai_addr, &list[count]))
            continue;
        list[count++].port = port;
    }
    freeaddrinfo(found);
    *why = "has no address";
    return count > 0 ? count : ERR_NOT_FOUND;
}
