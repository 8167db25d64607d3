/* A folder for one test, removed with all that is in it.  SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_TEMP_H
#define TESTS_DAEMON_TEMP_H

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

struct temp {
    char dir[64];
};

static inline int temp_setup(void **state)
{
    struct temp *t = calloc(1, sizeof(*t));

    strcpy(t->dir, "/tmp/party-test-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    *state = t;
    return 0;
}

static inline void temp_remove(const char *path)
{
    struct dirent *e;
    DIR *d = opendir(path);

    while (d != NULL && (e = readdir(d)) != NULL) {
        char inner[512];
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof(inner), "%.200s/%.255s", path, e->d_name);
        if (lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
            temp_remove(inner);
        else
            unlink(inner);
    }
    if (d != NULL)
        closedir(d);
    rmdir(path);
}

static inline int temp_teardown(void **state)
{
    struct temp *t = *state;

    temp_remove(t->dir);
    free(t);
    return 0;
}

static inline const char *temp_path(const struct temp *t, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", t->dir, name);
    return path;
}

static inline void temp_write(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

#endif
