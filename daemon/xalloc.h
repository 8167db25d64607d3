/* Memory of the driver: zeroed, or the program ends.  There is nothing sensible that a
 * daemon of this size could do without a few kilobytes.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_XALLOC_H
#define DAEMON_XALLOC_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Never NULL; free() gives it back. */
static inline void *xalloc(size_t size)
{
    void *p = calloc(1, size > 0 ? size : 1);

    if (p == NULL) {
        fputs("party: out of memory\n", stderr);
        abort();
    }
    return p;
}

#endif
