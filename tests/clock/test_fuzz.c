/* The corpus of fuzz_sntp, once through.  Run from the root of the source.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <dirent.h>

#include "tests/fuzz/fuzz_sntp.c"

#define CORPUS "tests/fuzz/corpus/sntp"

static void test_corpus(void **state)
{
    DIR *dir = opendir(CORPUS);
    struct dirent *entry;
    int files = 0;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[512];
        uint8_t data[4096];
        size_t size;
        FILE *f;

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), CORPUS "/%s", entry->d_name);
        f = fopen(path, "rb");
        assert_non_null(f);
        size = fread(data, 1, sizeof(data), f);
        (void)fclose(f);
        assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
        files++;
    }
    (void)closedir(dir);
    assert_true(files >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
