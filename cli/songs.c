/* The songs that the user names.  SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/verbs.h"

#define FOLDER_FILES_MAX 100000

static int complain(char *message, size_t size, const char *path, const char *why)
{
    snprintf(message, size, "%s: %s", path, why);
    return ERR_FILE;
}

static int add(struct song_list *out, const char *path, char *message, size_t size)
{
    char *to;

    out->found++;
    if (out->count == SONGS_OFFERED)
        return 0;
    to = out->paths[out->count];
    if (access(path, R_OK) != 0)
        return complain(message, size, path, strerror(errno));
    if (paths_absolute(path, to, PATHS_MAX) != 0)
        return complain(message, size, path, "the name is too long");
    if (!text_is_utf8(to, strlen(to)))
        return complain(message, size, path, "its name is no UTF-8; rename it");
    out->count++;
    return 0;
}

static int is_flac(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' &&
           strcasecmp(entry->d_name + len - 5, ".flac") == 0;
}

static int add_folder(struct song_list *out, const char *folder, char *message,
                      size_t size)
{
    struct dirent **names;
    char path[PATHS_MAX];
    int err = 0;
    int n = scandir(folder, &names, is_flac, alphasort);

    if (n < 0)
        return complain(message, size, folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        int len = snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

        if (err == 0 && len < (int)sizeof(path))
            err = add(out, path, message, size);
        free(names[i]);
    }
    free(names);
    if (n == 0)
        return complain(message, size, folder, "there is no FLAC file in this folder");
    return err;
}

int cli_songs_find(char *const operands[], int count, struct song_list *out,
                   char *message, size_t size)
{
    out->count = 0;
    out->found = 0;
    if (count == 0) {
        snprintf(message, size, "no song was named");
        return ERR_USAGE;
    }
    for (int i = 0; i < count; i++) {
        struct stat st;
        int err;

        if (stat(operands[i], &st) != 0)
            return complain(message, size, operands[i], strerror(errno));
        if (S_ISDIR(st.st_mode))
            err = add_folder(out, operands[i], message, size);
        else
            err = add(out, operands[i], message, size);
        if (err != 0)
            return err;
    }
    return 0;
}
