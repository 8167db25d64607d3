/* Run files through a fuzz target where there is no libFuzzer: every file named on the
 * command line, and every file in a folder named there.  Link it with one fuzz_*.c.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files;

static void fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

/* The block is as long as the file, so that ASan sees one byte too many. */
static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size = 0;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        fail(path);
    rewind(f);
    data = malloc((size_t)size + (size == 0));
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size)
        fail(path);
    fclose(f);
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    files++;
}

static void run_folder(const char *path, DIR *dir)
{
    struct dirent *e;
    char name[4096];

    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof(name), "%s/%s", path, e->d_name) >= (int)sizeof(name)) {
            errno = ENAMETOOLONG;
            fail(path);
        }
        run_file(name);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);

        if (dir == NULL) {
            run_file(argv[i]);
        } else {
            run_folder(argv[i], dir);
            closedir(dir);
        }
    }
    printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
