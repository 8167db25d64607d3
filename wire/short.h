/* Short ways for the four messages that are nearly all of them where many nodes are:
 * PING, PONG, FLOOD, and SEEN of one flood.  They are read and written without the codec,
 * byte by byte as their one encoding is.  Private to wire/.  SPDX-License-Identifier: MIT
 */
#ifndef WIRE_SHORT_H
#define WIRE_SHORT_H

#include "wire/msg.h"

/* False: the codec has to read it, and may find it good or bad. */
bool short_read(struct bytes in, struct msg *m);

/* As msg_encode, but 0 also for what the codec has to write. */
size_t short_write(const struct msg *m, uint8_t *out, size_t size);

#endif
