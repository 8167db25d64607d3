/* Fuzz the files of latencies.  A matrix that is accepted is square, and holds ways that
 * can be; one that is refused says why.
 * fuzz: -max_len=2000
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/latency.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct latency_matrix m;
    char why[256] = "";

    if (fd < 0) {
        fd = memfd_create("matrix", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    need(fd >= 0 && ftruncate(fd, 0) == 0);
    need(pwrite(fd, data, size, 0) == (ssize_t)size);
    if (!latency_matrix_read(path, &m, why, sizeof(why))) {
        need(why[0] != '\0' && strlen(why) < sizeof(why));
        return 0;
    }
    need(m.rows > 0);
    for (int i = 0; i < m.rows * m.rows; i++)
        need(m.one_way_us[i] >= 0);
    for (int i = 0; i < 3; i++) {
        struct latency_params p = { .kind = LATENCY_MATRIX,
                                    .min_ns = 1000,
                                    .matrix = &m };

        need(latency_ns(&p, 1, i, i + 1) >= latency_least_ns(&p));
    }
    latency_matrix_finish(&m);
    return 0;
}
