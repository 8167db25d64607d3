/* Memory that is there or the program ends: only for what is allocated at start, or for
 * tools.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_XALLOC_H
#define AUDIO_XALLOC_H

#include <stdlib.h>

/* Zeroed room for count items of size bytes; free() releases it. */
static inline void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count == 0 ? 1 : count, size);

    if (p == NULL) {
        abort();
    }
    return p;
}

#endif
