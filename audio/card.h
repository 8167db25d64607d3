/* A simulated card's crystal, and the recorder of what it plays (format:
 * audio/capture.h).
 *
 * All in this header, because it is shared by the virtual sink and by an ALSA plugin that
 * is loaded into other programs and links with nothing of ours.  Times are true raw time:
 * CLOCK_MONOTONIC_RAW as it is, whatever error the node's own clock has been given.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_CARD_H
#define AUDIO_CARD_H

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define CARD_RECORD_FRAMES 4096 /* written at once: what a killed player loses */
#define CARD_HEAD          32
#define CARD_RECORD_HEAD   16

struct card {
    int rate;         /* nominal */
    int64_t rate_ppt; /* the crystal runs faster by this, parts per 10^12 */
    int64_t start_ns; /* of the present run */
    int64_t delay_ns; /* from the card to the loudspeaker: captured frames leave later */
    int fd;           /* of the capture, -1 for none */
    int count;        /* frames in buffer */
    int64_t frame;    /* of the present run, first one in buffer */
    bool has_broken;  /* the next record is the first of a run */
    uint8_t buffer[CARD_RECORD_HEAD + 4 * CARD_RECORD_FRAMES];
};

static inline int64_t card_true_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* True frames per nanosecond. */
static inline double card_speed(const struct card *c)
{
    return (double)c->rate * (1 + (double)c->rate_ppt * 1e-12) / (double)NS_PER_S;
}

/* Frames of the present run that have begun to play at an instant. */
static inline int64_t card_frames(const struct card *c, int64_t true_ns)
{
    return (int64_t)floor((double)(true_ns - c->start_ns) * card_speed(c));
}

/* The instant at which a frame of the present run leaves. */
static inline int64_t card_instant(const struct card *c, int64_t frame)
{
    return c->start_ns + (int64_t)floor((double)frame / card_speed(c) + 0.5);
}

static inline void card_store(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static inline uint64_t card_load(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

/* The end of the last whole record of an older capture by the same card, or 0 when the
 * file is none, or one from before the machine started. */
static inline int64_t card_find_end(int fd, const uint8_t *head, int64_t size)
{
    uint8_t old[CARD_HEAD];
    int64_t end = CARD_HEAD;

    if (pread(fd, old, CARD_HEAD, 0) != CARD_HEAD || memcmp(old, head, CARD_HEAD) != 0) {
        return 0;
    }
    while (pread(fd, old, CARD_RECORD_HEAD, end) == CARD_RECORD_HEAD) {
        int64_t next = end + CARD_RECORD_HEAD + 4 * (int64_t)card_load(old + 8, 4);

        if ((int64_t)card_load(old, 8) > card_true_ns()) {
            return 0;
        }
        if (next > size) {
            break;
        }
        end = next;
    }
    return end;
}

/* Open the capture; an older one of the same card is gone on with.  path NULL or "": no
 * capture.  False when it cannot be written. */
static inline bool card_open(struct card *c, const char *path, int rate, int64_t rate_ppt)
{
    uint8_t head[CARD_HEAD] = "PARTYCAP";
    struct stat st;
    int64_t end;

    *c = (struct card){
        .rate = rate, .rate_ppt = rate_ppt, .fd = -1, .has_broken = true
    };
    if (path == NULL || path[0] == '\0') {
        return true;
    }
    c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (c->fd < 0 || fstat(c->fd, &st) != 0) {
        return false;
    }
    card_store(head + 8, 1, 4);
    card_store(head + 12, (uint64_t)rate, 4);
    card_store(head + 16, (uint64_t)rate_ppt, 8);
    end = card_find_end(c->fd, head, (int64_t)st.st_size);
    if (ftruncate(c->fd, (off_t)end) != 0 || lseek(c->fd, (off_t)end, SEEK_SET) != end) {
        return false;
    }
    return end > 0 || write(c->fd, head, CARD_HEAD) == CARD_HEAD;
}

/* Write the buffered frames out as one record.  A full disk ends the capture. */
static inline void card_flush(struct card *c)
{
    size_t len = CARD_RECORD_HEAD + 4 * (size_t)c->count;

    if (c->count == 0) {
        return;
    }
    card_store(c->buffer, (uint64_t)(card_instant(c, c->frame) + c->delay_ns), 8);
    card_store(c->buffer + 8, (uint64_t)c->count, 4);
    card_store(c->buffer + 12, c->has_broken ? 1 : 0, 4);
    if (c->fd >= 0 && write(c->fd, c->buffer, len) != (ssize_t)len) {
        close(c->fd);
        c->fd = -1;
    }
    c->has_broken = false;
    c->frame += c->count;
    c->count = 0;
}

/* A run begins: its frame 0 leaves at true_ns. */
static inline void card_start(struct card *c, int64_t true_ns)
{
    card_flush(c);
    c->start_ns = true_ns;
    c->frame = 0;
    c->has_broken = true;
}

/* The next frame of the run has left. */
static inline void card_play(struct card *c, int16_t left, int16_t right)
{
    uint8_t *p = c->buffer + CARD_RECORD_HEAD + 4 * c->count;

    card_store(p, (uint16_t)left, 2);
    card_store(p + 2, (uint16_t)right, 2);
    if (++c->count == CARD_RECORD_FRAMES) {
        card_flush(c);
    }
}

static inline void card_close(struct card *c)
{
    card_flush(c);
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
}

#endif
