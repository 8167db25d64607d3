/* Fuzz the reader of capture files.
 * fuzz: -max_len=512
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture c;
    double index;
    int64_t sum = 0;

    if (capture_parse(&c, bytes_of(data, size)) != ERR_NONE) {
        return 0;
    }
    for (int i = 0; i < c.run_count; i++) {
        int run = capture_at(&c, c.runs[i].start_ns, &index);

        assert(c.runs[i].first == sum && c.runs[i].frames > 0);
        assert(run < c.run_count);
        sum += c.runs[i].frames;
        if (run >= 0) {
            assert(index >= 0 && index < (double)c.runs[run].frames);
        }
    }
    assert(sum == c.frames);
    for (int64_t i = 0; i < c.frames; i++) {
        assert(c.mono[i] >= -1 && c.mono[i] <= 1);
    }
    capture_finish(&c);
    return 0;
}
