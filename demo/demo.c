/* SPDX-License-Identifier: MIT */
#include "demo/demo.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "demo/tunes.h"
#include "demo/verdict.h"

#define SONG_PATH_MAX (CAST_PATH_MAX + 256)

struct options {
    int nodes;
    double seconds;
    const char *songs;
    const char *keep;
    const char *plugin;
    const char *claim; /* name of a row of docs/claims.tsv */
    double max_p99_us;
    bool wants_json;
    bool wants_help;
};

static const char help[] =
    "party demo: a party of real nodes on this machine, with simulated sound cards\n"
    "\n"
    "  --nodes N           nodes, 2 to 16 (5)\n"
    "  --seconds S         of play, 10 to 120 (20)\n"
    "  --songs DIR         play the first five FLAC files of DIR (default: five tunes of "
    "our own)\n"
    "  --keep DIR          work in DIR and leave logs and captures there\n"
    "  --alsa-plugin DIR   play through alsa-lib and the card for tests in DIR\n"
    "  --max-p99-us N      the bar for the verdict (1000)\n"
    "  --json              one line of JSON on standard output, the rest on standard "
    "error\n"
    "\n"
    "Exit status 0 when every promise was kept, 1 when not.\n";

static bool number(const char *text, double least, double most, double *value)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || !(v >= least && v <= most))
        return false;
    *value = v;
    return true;
}

static bool take_option(struct options *o, const char *name, const char *value)
{
    double v = 0;

    if (strcmp(name, "--nodes") == 0 && number(value, 2, CAST_MAX, &v)) {
        o->nodes = (int)v;
        return true;
    }
    if (strcmp(name, "--seconds") == 0)
        return number(value, 10, 120, &o->seconds);
    if (strcmp(name, "--max-p99-us") == 0)
        return number(value, 0, 1e6, &o->max_p99_us);
    if (strcmp(name, "--songs") == 0)
        o->songs = value;
    else if (strcmp(name, "--keep") == 0)
        o->keep = value;
    else if (strcmp(name, "--alsa-plugin") == 0)
        o->plugin = value;
    else if (strcmp(name, "--claim") == 0)
        o->claim = value;
    else
        return false;
    return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){ .nodes = 5, .seconds = 20, .max_p99_us = 1000 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            o->wants_json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            o->wants_help = true;
        } else if (i + 1 < argc && take_option(o, argv[i], argv[i + 1])) {
            i++;
        } else {
            fprintf(stderr,
                    "party: demo: %s: no such option, or a value out of range; see "
                    "`party demo --help`\n",
                    argv[i]);
            return false;
        }
    }
    return true;
}

static int is_flac(const struct dirent *d)
{
    size_t len = strlen(d->d_name);

    return d->d_name[0] != '.' && len > 5 &&
           strcasecmp(d->d_name + len - 5, ".flac") == 0;
}

/* The first five FLAC files of a folder, by name. */
static int find_songs(const char *dir, char paths[][SONG_PATH_MAX], char *error,
                      size_t size)
{
    struct dirent **list = NULL;
    char *real = realpath(dir, NULL);
    int found = real == NULL ? -1 : scandir(real, &list, is_flac, alphasort);
    int count = 0;

    if (found < 0)
        snprintf(error, size, "%.200s: %s; give a folder with FLAC files", dir,
                 strerror(errno));
    else if (found < 2)
        snprintf(error, size, "%.200s: fewer than two FLAC files in it", dir);
    for (int i = 0; i < found; i++) {
        if (count < SCRIPT_SONGS_MAX && found >= 2)
            snprintf(paths[count++], SONG_PATH_MAX, "%.500s/%.200s", real,
                     list[i]->d_name);
        free(list[i]);
    }
    free(list);
    free(real);
    return count;
}

static int render_songs(const char *dir, char paths[][SONG_PATH_MAX], char *error,
                        size_t size)
{
    for (int i = 0; i < TUNES_COUNT; i++) {
        snprintf(paths[i], SONG_PATH_MAX, "%.500s/%s", dir, tunes_info(i)->file_name);
        if (tunes_render(i, paths[i], error, size) != 0)
            return 0;
    }
    return TUNES_COUNT;
}

static int run(const struct options *o, const char *dir, struct cast *c,
               struct verdict *v)
{
    static char paths[SCRIPT_SONGS_MAX][SONG_PATH_MAX];
    struct script s = { .seconds = o->seconds };
    char error[512] = "";
    int err;

    s.is_live = isatty(2) && !o->wants_json && getenv("NO_COLOR") == NULL;
    s.is_quiet = o->claim != NULL;
    s.song_count = o->songs != NULL ? find_songs(o->songs, paths, error, sizeof(error))
                                    : render_songs(dir, paths, error, sizeof(error));
    for (int i = 0; i < s.song_count; i++)
        s.songs[i] = paths[i];
    if (s.song_count == 0) {
        *c = (struct cast){ 0 };
        snprintf(c->error, sizeof(c->error), "%s", error);
        return ERR_FILE;
    }
    if (!s.is_quiet)
        fprintf(stderr,
                "starting %d nodes on 127.0.0.1 to 127.0.0.%d, each with a sound "
                "card of its own crystal\n",
                o->nodes, o->nodes);
    err = cast_start(c, dir, o->nodes, o->plugin);
    if (err == 0)
        err = script_run(&s, c);
    if (err != 0)
        return err;
    return verdict_make(v, &s, c, o->max_p99_us);
}

static void print_claim(const struct verdict *v, const char *name)
{
    bool is_p99 = strcmp(name, "demo-underruns") != 0;
    double value = is_p99 ? v->pairwise.p99_us : (double)v->underruns;

    printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"goal\":%.0f,\"ok\":%s}\n",
           name, value, is_p99 ? "us" : "underruns", is_p99 ? v->max_p99_us : 0.0,
           v->is_passed ? "true" : "false");
}

static void print_verdict(const struct options *o, const struct verdict *v)
{
    if (o->claim != NULL) {
        verdict_print(v, stderr);
        print_claim(v, o->claim);
    } else if (o->wants_json) {
        verdict_print(v, stderr);
        verdict_json(v, stdout);
    } else {
        verdict_print(v, stdout);
    }
}

static int make_dir(const struct options *o, char *dir, size_t size)
{
    const char *tmp = getenv("TMPDIR");

    if (o->keep != NULL) {
        if (mkdir(o->keep, 0700) != 0 && errno != EEXIST)
            return ERR_FILE;
        return realpath(o->keep, dir) == NULL ? ERR_FILE : 0;
    }
    snprintf(dir, size, "%.300s/party-demo-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(dir) == NULL ? ERR_FILE : 0;
}

int demo_main(int argc, char **argv)
{
    static char dir[4096];
    struct options o;
    struct verdict v;
    struct cast c = { 0 };
    int err;

    if (!parse(&o, argc, argv))
        return err_exit_status(ERR_USAGE);
    if (o.wants_help) {
        fputs(help, stdout);
        return 0;
    }
    err = make_dir(&o, dir, sizeof(dir));
    if (err != 0) {
        fprintf(stderr, "party: demo: cannot make a folder to work in: %s; set TMPDIR\n",
                strerror(errno));
        return err_exit_status(err);
    }
    err = run(&o, dir, &c, &v);
    if (err != 0)
        fprintf(stderr, "\nparty: demo: %s\n",
                c.error[0] != '\0' ? c.error : err_text(err));
    else
        print_verdict(&o, &v);
    cast_stop(&c);
    if (o.keep == NULL)
        cast_remove(dir);
    if (err != 0)
        return err_exit_status(err);
    return v.is_passed ? 0 : 1;
}
