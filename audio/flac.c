/* FLAC files as bytes: what they are, and their canonical form.  The sound is in
 * decoder.c. SPDX-License-Identifier: MIT */
#include "audio/flac.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "audio/flac_check.h"
#include "audio/xalloc.h"
#include "base/bytes.h"
#include "base/text.h"

#define STREAMINFO_LEN 34
#define BLOCK_HEAD     4
#define BLOCKS_MAX     1024          /* metadata blocks in a file */
#define COMMENT_MAX    (1024 * 1024) /* longer lists of tags are not read */
#define COPY_LEN       65536

enum block_type { BLOCK_STREAMINFO = 0, BLOCK_COMMENT = 4, BLOCK_INVALID = 127 };

bool flac_info_is_ok(const struct flac_info *info)
{
    return info->rate >= FLAC_RATE_MIN && info->rate <= FLAC_RATE_MAX &&
           info->channels >= 1 && info->channels <= FLAC_CHANNELS_MAX &&
           info->bits >= FLAC_BITS_MIN && info->bits <= FLAC_BITS_MAX &&
           info->blocksize_min >= 16 && info->blocksize_max >= info->blocksize_min &&
           info->frames > 0;
}

/* Read exactly len bytes at offset.  False: they are not there. */
static bool read_at(struct byte_stream *s, int64_t offset, uint8_t *data, size_t len)
{
    if (s->seek(s->ctx, offset) != ERR_NONE) {
        return false;
    }
    while (len > 0) {
        size_t n = len;

        if (s->read(s->ctx, data, &n) != ERR_NONE || n == 0) {
            return false;
        }
        data += n;
        len -= n;
    }
    return true;
}

static void parse_streaminfo(struct flac_info *info, const uint8_t *p)
{
    memcpy(info->streaminfo, p, STREAMINFO_LEN);
    info->blocksize_min = load_be16(p);
    info->blocksize_max = load_be16(p + 2);
    info->rate = (int)(load_be32(p + 10) >> 12);
    info->channels = (p[12] >> 1 & 7) + 1;
    info->bits = ((p[12] & 1) << 4 | p[13] >> 4) + 1;
    info->frames = (int64_t)(load_be64(p + 10) & 0xfffffffffu);
}

static uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* One "NAME=value".  The first of a name counts; text that is no UTF-8 does not. */
static void take_tag(struct flac_info *info, const char *s, size_t len)
{
    const struct {
        const char *name;
        char *to;
    } wanted[] = {
        { "TITLE=", info->title },
        { "ARTIST=", info->artist },
        { "ALBUM=", info->album },
    };

    for (int i = 0; i < COUNT(wanted); i++) {
        size_t name_len = strlen(wanted[i].name);

        if (len > name_len && strncasecmp(s, wanted[i].name, name_len) == 0 &&
            wanted[i].to[0] == '\0' && text_is_utf8(s + name_len, len - name_len)) {
            text_copy(wanted[i].to, FLAC_TAG_MAX + 1, s + name_len, len - name_len);
        }
    }
}

/* A VORBIS_COMMENT block.  Lengths that do not fit end it: tags are not worth an error.
 */
static void parse_comment(struct flac_info *info, const uint8_t *p, size_t len)
{
    size_t at;
    uint32_t count;

    if (len < 8 || load_le32(p) > len - 8) {
        return;
    }
    at = 4 + load_le32(p);
    count = load_le32(p + at);
    at += 4;
    for (uint32_t i = 0; i < count && len - at >= 4; i++) {
        uint32_t n = load_le32(p + at);

        at += 4;
        if (n > len - at) {
            return;
        }
        take_tag(info, (const char *)p + at, n);
        at += n;
    }
}

static void read_comment(struct byte_stream *s, struct flac_info *info, int64_t offset,
                         size_t len)
{
    uint8_t *data;

    if (len > COMMENT_MAX) {
        return;
    }
    data = xcalloc(len, 1);
    if (read_at(s, offset, data, len)) {
        parse_comment(info, data, len);
    }
    free(data);
}

/* The offset of "fLaC": 0, or behind an ID3v2 tag that some programs put there. */
static int64_t find_start(struct byte_stream *s, uint8_t head[static 10])
{
    memset(head, 0, 10);
    if (!read_at(s, 0, head, 10) || memcmp(head, "ID3", 3) != 0) {
        return 0;
    }
    return 10 + ((int64_t)(head[6] & 0x7f) << 21 | (head[7] & 0x7f) << 14 |
                 (head[8] & 0x7f) << 7 | (head[9] & 0x7f));
}

/* All metadata blocks.  Errors: ERR_FORMAT, ERR_CORRUPT. */
static int read_blocks(struct byte_stream *s, struct flac_info *info, int64_t at)
{
    uint8_t head[BLOCK_HEAD];
    uint8_t streaminfo[STREAMINFO_LEN];

    for (int i = 0; i < BLOCKS_MAX; i++) {
        size_t len;
        int type;

        if (!read_at(s, at, head, sizeof(head))) {
            return ERR_CORRUPT;
        }
        type = head[0] & 0x7f;
        len = load_be32(head) & 0xffffff;
        at += BLOCK_HEAD;
        if ((i == 0) != (type == BLOCK_STREAMINFO) || type == BLOCK_INVALID ||
            (i == 0 && len != STREAMINFO_LEN)) {
            return ERR_FORMAT;
        }
        if (i == 0) {
            if (!read_at(s, at, streaminfo, sizeof(streaminfo))) {
                return ERR_CORRUPT;
            }
            parse_streaminfo(info, streaminfo);
        } else if (type == BLOCK_COMMENT) {
            read_comment(s, info, at, len);
        }
        at += (int64_t)len;
        if ((head[0] & 0x80) != 0) {
            info->audio_offset = at;
            return at < info->file_size ? ERR_NONE : ERR_CORRUPT;
        }
    }
    return ERR_FORMAT;
}

static void explain(int err, const char *path, const struct flac_info *info,
                    char *message, size_t size)
{
    if (err == ERR_CORRUPT) {
        snprintf(message, size,
                 "%s: the file is damaged, its head ends early: get it again", path);
    } else if (info->rate != 0 && info->frames == 0) {
        snprintf(
            message, size,
            "%s: the FLAC file does not say how long it is: re-encode it with \"flac\"",
            path);
    } else if (info->rate != 0) {
        snprintf(message, size,
                 "%s: FLAC of %d Hz, %d channels, %d bits is beyond what can be played: "
                 "re-encode it to 48000 Hz stereo",
                 path, info->rate, info->channels, info->bits);
    } else {
        snprintf(message, size,
                 "%s: this is not a FLAC file, whatever its name says: convert it with "
                 "\"flac\"",
                 path);
    }
}

int flac_probe_stream(struct byte_stream *s, const char *path, struct flac_info *info,
                      char *message, size_t size)
{
    struct flac_info found = { .file_size = s->length(s->ctx) };
    uint8_t head[10];
    int64_t start = find_start(s, head);
    uint8_t magic[4];
    int err = ERR_FORMAT;

    if (read_at(s, start, magic, 4) && memcmp(magic, "fLaC", 4) == 0) {
        err = read_blocks(s, &found, start + 4);
    }
    if (err == ERR_NONE && !flac_info_is_ok(&found)) {
        err = ERR_FORMAT;
    }
    if (err != ERR_NONE) {
        explain(err, path, &found, message, size);
        return err;
    }
    *info = found;
    return ERR_NONE;
}

int flac_probe(const char *path, struct flac_info *info, char *message, size_t size)
{
    struct byte_stream s;
    int err = byte_stream_open_file(&s, path, message, size);

    if (err == ERR_NONE) {
        err = flac_probe_stream(&s, path, info, message, size);
        byte_stream_close(&s);
    }
    return err;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return errno == ENOSPC || errno == EDQUOT ? ERR_DISK : ERR_FILE;
        }
        data += n;
        len -= (size_t)n;
    }
    return ERR_NONE;
}

static int copy_frames(struct byte_stream *s, const struct flac_info *info, int fd)
{
    static const uint8_t head[] = { 'f', 'L', 'a', 'C', 0x80, 0, 0, STREAMINFO_LEN };
    uint8_t *buffer = xcalloc(COPY_LEN, 1);
    int err = write_all(fd, head, sizeof(head));

    if (err == ERR_NONE) {
        err = write_all(fd, info->streaminfo, STREAMINFO_LEN);
    }
    if (err == ERR_NONE) {
        err = s->seek(s->ctx, info->audio_offset);
    }
    while (err == ERR_NONE) {
        size_t len = COPY_LEN;

        err = s->read(s->ctx, buffer, &len);
        if (err != ERR_NONE || len == 0) {
            break;
        }
        err = write_all(fd, buffer, len);
    }
    free(buffer);
    return err;
}

/* Copy to a new file; on failure there is none. */
static int copy_to(struct byte_stream *s, const struct flac_info *info,
                   const char *path_out, char *message, size_t size)
{
    int fd = open(path_out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int err = fd < 0 ? ERR_FILE : copy_frames(s, info, fd);
    int error = errno;

    if (fd >= 0 && close(fd) != 0 && err == ERR_NONE) {
        error = errno;
        err = ERR_FILE;
    }
    if (err != ERR_NONE) {
        snprintf(
            message, size, "%s: cannot be written: %s: %s", path_out, strerror(error),
            err == ERR_DISK ? "free some space" : "check the path and who may write it");
        if (fd >= 0) {
            unlink(path_out);
        }
    }
    return err;
}

int flac_canonical_copy(const char *path_in, const char *path_out, char *message,
                        size_t size)
{
    struct flac_info info;
    struct byte_stream s;
    int err = byte_stream_open_file(&s, path_in, message, size);

    if (err != ERR_NONE) {
        return err;
    }
    err = flac_probe_stream(&s, path_in, &info, message, size);
    if (err == ERR_NONE) {
        err = copy_to(&s, &info, path_out, message, size);
    }
    byte_stream_close(&s);
    return err;
}
