/* SPDX-License-Identifier: MIT */
#include "sim/random.h"

#include <assert.h>

#include "base/time.h"

#define LN_2 INT64_C(2977044472) /* ln 2 * 2^32 */

/* ln(1 + i / 64) * 2^32 */
static const int64_t ln_table[65] = {
    0,          66589974,   132163268,  196750459,  260380768,  323082134,  384881291,
    445803834,  505874286,  565116154,  623551984,  681203418,  738091233,  794235396,
    849655098,  904368797,  958394255,  1011748572, 1064448219, 1116509066, 1167946415,
    1218775023, 1269009132, 1318662486, 1367748360, 1416279581, 1464268541, 1511727226,
    1558667227, 1605099758, 1651035675, 1696485489, 1741459379, 1785967210, 1830018543,
    1873622647, 1916788510, 1959524856, 2001840147, 2043742599, 2085240191, 2126340670,
    2167051565, 2207380193, 2247333665, 2286918897, 2326142616, 2365011363, 2403531508,
    2441709246, 2479550612, 2517061482, 2554247578, 2591114477, 2627667611, 2663912276,
    2699853634, 2735496721, 2770846446, 2805907598, 2840684851, 2875182766, 2909405794,
    2943358281, 2977044472
};

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_word(uint64_t seed, enum random_stream stream, uint64_t a, uint64_t b)
{
    uint64_t z = mix(seed + UINT64_C(0x9e3779b97f4a7c15) * (1 + (uint64_t)stream));

    z = mix(z ^ (a + UINT64_C(0x9e3779b97f4a7c15)));
    return mix(z ^ (b + UINT64_C(0xd1b54a32d192ed03)));
}

int64_t random_below(uint64_t word, int64_t n)
{
    __extension__ typedef unsigned __int128 wide;

    assert(n > 0);
    return (int64_t)(((wide)word * (uint64_t)n) >> 64);
}

int64_t random_between(uint64_t word, int64_t from, int64_t to)
{
    return from + random_below(word, to - from + 1);
}

bool random_chance(uint64_t word, int64_t ppm)
{
    return random_below(word, 1000000) < ppm;
}

/* -ln(u) = (zeros + 1) ln 2 - ln(1 + f), where u = 2^-(zeros + 1) (1 + f). */
int64_t random_exponential(uint64_t word, int64_t mean)
{
    uint64_t u = word | 1;
    int zeros = __builtin_clzll(u);
    uint64_t f = zeros == 63 ? 0 : u << (zeros + 1); /* of 2^64 */
    int i = (int)(f >> 58);
    int64_t rest = (int64_t)(f << 6 >> 32); /* of 2^32 */
    int64_t ln = ln_table[i] + ((ln_table[i + 1] - ln_table[i]) * (rest >> 8) >> 24);

    return mul_div((zeros + 1) * LN_2 - ln, mean, INT64_C(1) << 32);
}
