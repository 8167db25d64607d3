/* SPDX-License-Identifier: MIT */
#include "daemon/outputs.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN (OUTPUTS_DEVICE_MAX + 64)

void outputs_init(struct outputs *o)
{
    *o = (struct outputs){ .volume = 100 };
}

static int find(const struct outputs *o, const char *device, int rate)
{
    for (int i = 0; i < o->count; i++) {
        if (o->list[i].rate == rate && strcmp(o->list[i].device, device) == 0)
            return i;
    }
    return -1;
}

int64_t outputs_latency_us(const struct outputs *o, const char *device, int rate)
{
    int i = find(o, device, rate);

    return i < 0 ? 0 : o->list[i].latency_us;
}

static void forget(struct outputs *o, int i)
{
    o->count--;
    memmove(&o->list[i], &o->list[i + 1], (size_t)(o->count - i) * sizeof(o->list[0]));
}

int outputs_set_latency(struct outputs *o, const char *device, int rate,
                        int64_t latency_us)
{
    size_t len = strlen(device);
    int i = find(o, device, rate);

    if (len == 0 || len > OUTPUTS_DEVICE_MAX || strchr(device, '\n') != NULL ||
        latency_us > OUTPUTS_LATENCY_US_MAX || latency_us < -OUTPUTS_LATENCY_US_MAX)
        return ERR_LIMIT;
    if (i >= 0)
        forget(o, i);
    else if (o->count == OUTPUTS_MAX)
        forget(o, 0);
    o->list[o->count].rate = rate;
    o->list[o->count].latency_us = latency_us;
    memcpy(o->list[o->count].device, device, len + 1);
    o->count++;
    return 0;
}

/* One line without its end.  False: it is none of this file's. */
static bool read_line(struct outputs *o, const char *line)
{
    long long latency;
    int volume;
    int rate;
    int at = 0;

    if (sscanf(line, "volume %d%n", &volume, &at) == 1 && line[at] == '\0') {
        o->volume = volume;
        return volume >= 0 && volume <= 100;
    }
    return sscanf(line, "latency_us %lld %d %n", &latency, &rate, &at) == 2 && at > 0 &&
           rate > 0 && outputs_set_latency(o, line + at, rate, latency) == 0;
}

static int read_file(struct outputs *o, FILE *f, int *number)
{
    char line[LINE_MAX_LEN];

    for (*number = 1; fgets(line, sizeof(line), f) != NULL; (*number)++) {
        size_t len = strcspn(line, "\n");

        if (line[len] == '\0' && !feof(f))
            return ERR_FORMAT; /* too long */
        line[len] = '\0';
        if (len > 0 && !read_line(o, line))
            return ERR_FORMAT;
    }
    return ferror(f) ? ERR_FILE : 0;
}

int outputs_load(struct outputs *o, const char *folder, char *message, size_t size)
{
    char path[PATH_MAX];
    FILE *f;
    int number = 0;
    int err;

    outputs_init(o);
    snprintf(path, sizeof(path), "%s/outputs", folder);
    f = fopen(path, "re");
    if (f == NULL && errno == ENOENT)
        return 0;
    err = f == NULL ? ERR_FILE : read_file(o, f, &number);
    if (err == ERR_FILE)
        snprintf(message, size, "%.300s: %s; make it readable", path, strerror(errno));
    if (err == ERR_FORMAT)
        snprintf(message, size,
                 "%.300s: line %d cannot be understood; mend it, or delete the file",
                 path, number);
    if (f != NULL)
        fclose(f);
    if (err != 0)
        outputs_init(o);
    return err;
}

static bool write_file(const struct outputs *o, FILE *f)
{
    fprintf(f, "volume %d\n", o->volume);
    for (int i = 0; i < o->count; i++)
        fprintf(f, "latency_us %lld %d %s\n", (long long)o->list[i].latency_us,
                o->list[i].rate, o->list[i].device);
    return fflush(f) == 0 && fsync(fileno(f)) == 0;
}

int outputs_save(const struct outputs *o, const char *folder)
{
    char path[PATH_MAX];
    char part[PATH_MAX + 8];
    bool is_written;
    FILE *f;

    snprintf(path, sizeof(path), "%s/outputs", folder);
    snprintf(part, sizeof(part), "%s.part", path);
    f = fopen(part, "we");
    if (f == NULL)
        return ERR_FILE;
    is_written = write_file(o, f);
    is_written = fclose(f) == 0 && is_written;
    return is_written && rename(part, path) == 0 ? 0 : ERR_FILE;
}
