/* SPDX-License-Identifier: MIT */
#include "cli/paths.h"

#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An absolute path from the environment; relative ones are to be ignored (XDG 0.8). */
static const char *env_path(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value : NULL;
}

static const char *home(void)
{
    const char *value = env_path("HOME");
    const struct passwd *user = value == NULL ? getpwuid(geteuid()) : NULL;

    return user != NULL ? user->pw_dir : value;
}

static bool join(char *to, const char *a, const char *b)
{
    int n = snprintf(to, PATHS_MAX, "%s%s", a, b);

    return n > 0 && n < PATHS_MAX;
}

/* $name/party, else ~/otherwise/party. */
static bool xdg(char *to, const char *name, const char *otherwise, const char *tail)
{
    const char *base = env_path(name);
    char part[PATHS_MAX];

    if (base != NULL)
        return join(to, base, tail);
    return home() != NULL && join(part, home(), otherwise) && join(to, part, tail);
}

static bool control_path(char *to)
{
    const char *runtime = env_path("XDG_RUNTIME_DIR");
    int n;

    if (runtime != NULL)
        return join(to, runtime, "/party/control.sock");
    n = snprintf(to, PATHS_MAX, "/tmp/party-%u/control.sock", (unsigned)geteuid());
    return n > 0 && n < PATHS_MAX;
}

int paths_resolve(const char *data_dir, const char *socket, struct paths *p)
{
    bool is_fine;

    if (data_dir != NULL)
        is_fine = paths_absolute(data_dir, p->data_dir, sizeof(p->data_dir)) == 0 &&
                  join(p->control, p->data_dir, "/control.sock") &&
                  join(p->log, p->data_dir, "/log");
    else
        is_fine = xdg(p->data_dir, "XDG_DATA_HOME", "/.local/share", "/party") &&
                  xdg(p->log, "XDG_STATE_HOME", "/.local/state", "/party/log") &&
                  control_path(p->control);
    if (is_fine && socket != NULL)
        is_fine = join(p->control, socket, "");
    return is_fine ? 0 : ERR_FILE;
}

int paths_absolute(const char *path, char *out, size_t size)
{
    char here[PATH_MAX];
    int n;

    while (path[0] == '.' && path[1] == '/' && path[2] != '\0')
        path += 2;
    if (path[0] == '/') {
        n = snprintf(out, size, "%s", path);
    } else {
        if (getcwd(here, sizeof(here)) == NULL)
            return ERR_FILE;
        n = snprintf(out, size, "%s/%s", here, path);
    }
    return n > 0 && (size_t)n < size ? 0 : ERR_FILE;
}
