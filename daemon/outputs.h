/* How this user's sound outputs are used: the volume of the node, and how late each
 * card's sound comes out.  Kept in the data directory, in the file "outputs", which is
 * text:
 *
 *     volume 80
 *     latency_us 12500 48000 alsa:hw:1,0
 *
 * A latency belongs to a device and the rate that it runs at, as both change it.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_OUTPUTS_H
#define DAEMON_OUTPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OUTPUTS_MAX            32
#define OUTPUTS_DEVICE_MAX     511
#define OUTPUTS_LATENCY_US_MAX 2000000

struct outputs {
    int volume; /* percent, 0..100 */
    int count;
    struct {
        int rate;           /* frames per second */
        int64_t latency_us; /* positive: late.  Within +-OUTPUTS_LATENCY_US_MAX */
        char device[OUTPUTS_DEVICE_MAX + 1];
    } list[OUTPUTS_MAX]; /* the last one that was set comes last */
};

/* Full volume, and no card is late. */
void outputs_init(struct outputs *o);

/* Read what the folder has, if it has any.  Errors: ERR_FILE (cannot be read),
 * ERR_FORMAT (not such a file); o is then as after outputs_init, and message, one line of
 * size bytes, says what is wrong and what to do. */
MUST_USE int outputs_load(struct outputs *o, const char *folder, char *message,
                          size_t size);

/* Write it, so that a crash leaves the old file or the new.  Errors: ERR_FILE. */
MUST_USE int outputs_save(const struct outputs *o, const char *folder);

/* How late a device is at a rate; 0 when nobody has said. */
int64_t outputs_latency_us(const struct outputs *o, const char *device, int rate);

/* Where there is no room, what was set longest ago is forgotten.  Errors: ERR_LIMIT (the
 * name is too long, or it is later than can be). */
MUST_USE int outputs_set_latency(struct outputs *o, const char *device, int rate,
                                 int64_t latency_us);

#endif
