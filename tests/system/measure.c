/* measure CAPTURE… -- SONG.flac…: what the cards emitted, and how far they were apart, as
 * one line of JSON.  See audio/measure.h.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/flac.h"
#include "audio/measure.h"

static int decode(struct measure_song *song, const char *path)
{
    struct flac_info info;
    float *frames;
    char why[200];

    if (flac_load(path, CAPTURE_FRAMES_MAX, &frames, &info, why, sizeof(why)) != 0)
        return -1;
    *song = (struct measure_song){ frames, info.frames, info.rate };
    return 0;
}

static void print(const struct measure *m, const struct capture *captures)
{
    printf("{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"windows\":%lld,\"mismatches\":%lld,"
           "\"lone\":%lld,\"cards\":[",
           m->all.p50_us, m->all.p99_us, m->all.max_us, (long long)m->all.windows,
           (long long)m->all.mismatches, (long long)m->all.lone);
    for (int i = 0; i < m->cards; i++)
        printf("%s{\"played_s\":%.1f,\"jumps\":%d,\"breaks\":%d,\"rate_ppm\":%.1f}",
               i > 0 ? "," : "", m->played_s[i], m->jumps[i], captures[i].breaks,
               (double)captures[i].rate_ppt / 1e6);
    printf("]}\n");
}

int main(int argc, char **argv)
{
    static struct capture captures[MEASURE_CARDS_MAX];
    static struct measure_song songs[MEASURE_SONGS_MAX];
    struct measure *m;
    int count = 0;
    int song_count = 0;
    int i = 1;

    for (; i < argc && strcmp(argv[i], "--") != 0 && count < MEASURE_CARDS_MAX; i++) {
        if (capture_load(&captures[count++], argv[i]) != 0) {
            fprintf(stderr, "measure: %s: no capture\n", argv[i]);
            return 1;
        }
    }
    for (i++; i < argc && song_count < MEASURE_SONGS_MAX; i++) {
        if (decode(&songs[song_count++], argv[i]) != 0) {
            fprintf(stderr, "measure: %s: no song\n", argv[i]);
            return 1;
        }
    }
    if (measure_create(&m, captures, count, songs, song_count) != 0)
        return 1;
    print(m, captures);
    measure_destroy(m);
    for (int k = 0; k < count; k++)
        capture_finish(&captures[k]);
    for (int k = 0; k < song_count; k++)
        free((void *)(uintptr_t)songs[k].frames);
    return 0;
}
