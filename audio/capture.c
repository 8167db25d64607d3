/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/capture.h"

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/xalloc.h"
#include "base/time.h"

#define PPT_MAX  INT64_C(1000000000) /* 1000 ppm */
#define RUNS_MAX 100000
#define RATE_MIN 8000
#define RATE_MAX 192000

struct record {
    int64_t start_ns;
    int64_t frames;
    bool is_break;
    const uint8_t *samples;
};

static uint64_t load_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

static double speed(const struct capture *c)
{
    return (double)c->rate * (1 + (double)c->rate_ppt * 1e-12) / (double)NS_PER_S;
}

/* The record at *at, which moves behind it.  1: there is one, 0: the end, or an error. */
static int next_record(struct bytes file, size_t *at, struct record *r, bool *is_cut)
{
    const uint8_t *p = file.data + *at;
    size_t left = file.len - *at;
    uint64_t frames;

    if (left < CAPTURE_RECORD_LEN) {
        *is_cut = *is_cut || left > 0;
        return 0;
    }
    frames = load_le(p + 8, 4);
    if (frames == 0 || frames > CAPTURE_RECORD_MAX) {
        return ERR_CORRUPT;
    }
    if (frames * 4 > left - CAPTURE_RECORD_LEN) {
        *is_cut = true;
        return 0;
    }
    r->start_ns = (int64_t)load_le(p, 8);
    r->frames = (int64_t)frames;
    r->is_break = (load_le(p + 12, 4) & CAPTURE_FLAG_BREAK) != 0;
    r->samples = p + CAPTURE_RECORD_LEN;
    if (r->start_ns < 0 || r->start_ns > INT64_MAX / 2) {
        return ERR_CORRUPT;
    }
    *at += CAPTURE_RECORD_LEN + (size_t)frames * 4;
    return 1;
}

static int parse_head(struct capture *c, struct bytes file)
{
    if (file.len < CAPTURE_HEAD_LEN || memcmp(file.data, "PARTYCAP", 8) != 0 ||
        load_le(file.data + 8, 4) != 1) {
        return ERR_FORMAT;
    }
    if (load_le(file.data + 12, 4) < RATE_MIN || load_le(file.data + 12, 4) > RATE_MAX) {
        return ERR_FORMAT;
    }
    c->rate = (int)load_le(file.data + 12, 4);
    c->rate_ppt = (int64_t)load_le(file.data + 16, 8);
    return c->rate_ppt > PPT_MAX || c->rate_ppt < -PPT_MAX ? ERR_FORMAT : ERR_NONE;
}

/* The instant at which the last run ends; before every other one when there is none. */
static int64_t end_of(const struct capture *c)
{
    const struct capture_run *r;

    if (c->run_count == 0) {
        return INT64_MIN;
    }
    r = &c->runs[c->run_count - 1];
    return r->start_ns + (int64_t)((double)r->frames / speed(c));
}

/* Append a record: to the last run when it goes on there, else as a run of its own. */
static int append(struct capture *c, const struct record *r)
{
    int64_t off_ns = c->run_count == 0 ? TIME_NEVER : r->start_ns - end_of(c);
    int64_t frame_ns = NS_PER_S / c->rate;

    if (c->run_count > 0 && off_ns < -frame_ns) {
        return ERR_CORRUPT;
    }
    if (!r->is_break && off_ns < frame_ns) {
        c->runs[c->run_count - 1].frames += r->frames;
    } else {
        c->runs[c->run_count++] = (struct capture_run){ r->start_ns, c->frames,
                                                        r->frames };
        c->breaks += c->run_count > 1;
    }
    for (int64_t i = 0; i < r->frames; i++) {
        const uint8_t *p = r->samples + 4 * i;
        int sum = (int16_t)load_le(p, 2) + (int16_t)load_le(p + 2, 2);

        c->mono[c->frames + i] = (float)sum / 65536.0f;
    }
    c->frames += r->frames;
    return ERR_NONE;
}

/* Count what there is, so that memory is taken once and only for what is there. */
static int survey(struct bytes file, int64_t *frames, int *records, bool *is_cut)
{
    size_t at = CAPTURE_HEAD_LEN;
    struct record r;
    int more;

    *frames = 0;
    *records = 0;
    while ((more = next_record(file, &at, &r, is_cut)) == 1) {
        *frames += r.frames;
        *records += 1;
        if (*frames > CAPTURE_FRAMES_MAX || *records > RUNS_MAX) {
            return ERR_LIMIT;
        }
    }
    return more;
}

int capture_parse(struct capture *c, struct bytes file)
{
    struct capture made = { .rate = 0 };
    size_t at = CAPTURE_HEAD_LEN;
    int64_t frames;
    int records;
    struct record r;
    int err = parse_head(&made, file);

    if (err == ERR_NONE) {
        err = survey(file, &frames, &records, &made.is_cut);
    }
    if (err != ERR_NONE) {
        return err;
    }
    made.mono = xcalloc((size_t)frames, sizeof(float));
    made.runs = xcalloc((size_t)records, sizeof(*made.runs));
    while (err == ERR_NONE && next_record(file, &at, &r, &made.is_cut) == 1) {
        err = append(&made, &r);
    }
    if (err != ERR_NONE) {
        capture_finish(&made);
        return err;
    }
    *c = made;
    return ERR_NONE;
}

static int read_all(int fd, uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, data, len);

        if (n <= 0) {
            return ERR_FILE;
        }
        data += n;
        len -= (size_t)n;
    }
    return ERR_NONE;
}

int capture_load(struct capture *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data = NULL;
    int err = ERR_FILE;

    if (fd < 0) {
        return ERR_FILE;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        err = st.st_size > 8 * CAPTURE_FRAMES_MAX ? ERR_LIMIT : ERR_NONE;
    }
    if (err == ERR_NONE) {
        data = xcalloc((size_t)st.st_size, 1);
        err = read_all(fd, data, (size_t)st.st_size);
    }
    if (err == ERR_NONE) {
        err = capture_parse(c, bytes_of(data, (size_t)st.st_size));
    }
    free(data);
    close(fd);
    return err;
}

int capture_at(const struct capture *c, int64_t true_ns, double *index)
{
    for (int i = 0; i < c->run_count; i++) {
        const struct capture_run *r = &c->runs[i];
        double x = (double)(true_ns - r->start_ns) * speed(c);

        if (x >= 0 && x < (double)r->frames) {
            *index = x;
            return i;
        }
    }
    return -1;
}

void capture_finish(struct capture *c)
{
    free(c->mono);
    free(c->runs);
    *c = (struct capture){ .rate = 0 };
}
