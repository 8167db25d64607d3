/* SPDX-License-Identifier: MIT */
#include "sim/latency.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "sim/memory.h"
#include "sim/random.h"

#define ONE            (INT64_C(1) << 32) /* 1 in fixed point */
#define PPM            1000000
#define NORMAL_TERMS   12 /* uniform draws in one normal one: it ends at 6 sigma */
#define LOG2_E_PPT     INT64_C(1442695040889)
#define ROWS_MAX       4096
#define LINE_MAX       (1 << 18)
#define ONE_WAY_MAX_US 60000000

/* 2^(i / 64) * 2^32 */
static const int64_t exp2_table[65] = {
    4294967296, 4341736423, 4389014833, 4436808071, 4485121744, 4533961517, 4583333121,
    4633242347, 4683695048, 4734697143, 4786254615, 4838373510, 4891059943, 4944320094,
    4998160210, 5052586606, 5107605667, 5163223846, 5219447668, 5276283726, 5333738689,
    5391819295, 5450532358, 5509884764, 5569883475, 5630535530, 5691848042, 5753828203,
    5816483285, 5879820635, 5943847684, 6008571941, 6074001000, 6140142534, 6207004303,
    6274594148, 6342919999, 6411989869, 6481811861, 6552394164, 6623745059, 6695872913,
    6768786189, 6842493438, 6917003306, 6992324534, 7068465956, 7145436504, 7223245206,
    7301901189, 7381413680, 7461792005, 7543045592, 7625183973, 7708216783, 7792153760,
    7877004752, 7962779710, 8049488696, 8137141881, 8225749546, 8315322086, 8405870007,
    8497403930, 8589934592,
};

/* value * e^(x / 2^32 * sigma): 2 to the integer and the fractional part of the exponent,
 * the latter by interpolation, within 2 in 100,000. */
static int64_t scale_exp(int64_t value, int64_t x, int64_t sigma_ppm)
{
    int64_t power = mul_div(mul_div(x, sigma_ppm, PPM), LOG2_E_PPT,
                            INT64_C(1000000000000));
    int64_t whole = power >> 32;
    int64_t fraction = power & (ONE - 1);
    int64_t i = fraction >> 26;
    int64_t rest = fraction & ((INT64_C(1) << 26) - 1);
    int64_t factor = exp2_table[i] + ((exp2_table[i + 1] - exp2_table[i]) * rest >> 26);
    int64_t scaled = mul_div(value, factor, ONE);

    assert(whole > -32 && whole < 16);
    return whole >= 0 ? scaled << whole : scaled >> -whole;
}

/* Nearly normal, in fixed point: the sum of twelve uniform draws has variance 1.  Its
 * tail is a little lighter: p99 is 2.31 sigma instead of 2.33, and it ends at 6. */
static int64_t normal(uint64_t seed, uint64_t a, uint64_t b)
{
    int64_t sum = -NORMAL_TERMS * 32768 + NORMAL_TERMS / 2; /* of draws of 65,536 */

    for (uint64_t k = 0; k < NORMAL_TERMS / 4; k++) {
        uint64_t word = random_word(seed, RANDOM_PATH, a, b * 4 + k);

        sum += (int64_t)(word & 0xffff) + (int64_t)(word >> 16 & 0xffff) +
               (int64_t)(word >> 32 & 0xffff) + (int64_t)(word >> 48);
    }
    return sum * 65536;
}

bool latency_named(const char *name, struct latency_params *p)
{
    if (strcmp(name, "40ms") == 0) {
        *p = (struct latency_params){ .kind = LATENCY_LOGNORMAL,
                                      .median_ns = 40 * NS_PER_MS,
                                      .sigma_ppm = 600000 };
        return true;
    }
    if (strcmp(name, "world") == 0) {
        *p = (struct latency_params){ .kind = LATENCY_PLANE,
                                      .min_ns = 2 * NS_PER_MS,
                                      .median_ns = 4 * NS_PER_MS,
                                      .sigma_ppm = 1500000,
                                      .side_ns = 95 * NS_PER_MS };
        return true;
    }
    return false;
}

/* Where a machine is: two coordinates of 0..2^20-1, and how far it is from the street. */
static int64_t access_ns(const struct latency_params *p, uint64_t seed, int machine,
                         int64_t place[static 2])
{
    uint64_t word = random_word(seed, RANDOM_PATH, UINT64_MAX, (uint64_t)machine);

    place[0] = (int64_t)(word & 0xfffff);
    place[1] = (int64_t)(word >> 20 & 0xfffff);
    return scale_exp(p->median_ns, normal(seed, UINT64_MAX - 1, (uint64_t)machine),
                     p->sigma_ppm);
}

static int64_t plane_ns(const struct latency_params *p, uint64_t seed, int from, int to)
{
    int64_t a[2];
    int64_t b[2];
    int64_t access = access_ns(p, seed, from, a) + access_ns(p, seed, to, b);
    int64_t dx = a[0] - b[0];
    int64_t dy = a[1] - b[1];

    return access + mul_div(root_floor(dx * dx + dy * dy), p->side_ns, 1 << 20);
}

static int64_t uniform_ns(const struct latency_params *p, uint64_t seed, int from, int to)
{
    uint64_t low = (uint64_t)(from < to ? from : to);
    uint64_t high = (uint64_t)(from < to ? to : from);

    return random_between(random_word(seed, RANDOM_PATH, low, high), p->min_ns,
                          p->max_ns);
}

static int64_t matrix_ns(const struct latency_params *p, int from, int to)
{
    int rows = p->matrix->rows;

    return p->matrix->one_way_us[(from % rows) * rows + to % rows] * NS_PER_US;
}

int64_t latency_ns(const struct latency_params *p, uint64_t seed, int from, int to)
{
    int64_t ns = 0;

    switch (p->kind) {
    case LATENCY_UNIFORM:
        ns = uniform_ns(p, seed, from, to);
        break;
    case LATENCY_LOGNORMAL:
        ns = scale_exp(p->median_ns, normal(seed, (uint64_t)from, (uint64_t)to),
                       p->sigma_ppm);
        break;
    case LATENCY_PLANE:
        ns = plane_ns(p, seed, from, to);
        break;
    case LATENCY_MATRIX:
        ns = matrix_ns(p, from, to);
        break;
    }
    return ns > p->min_ns ? ns : p->min_ns;
}

int64_t latency_least_ns(const struct latency_params *p)
{
    int64_t least = 0;

    if (p->kind == LATENCY_LOGNORMAL)
        least = scale_exp(p->median_ns, -6 * ONE, p->sigma_ppm) - 1;
    if (p->kind == LATENCY_PLANE)
        least = 2 * (scale_exp(p->median_ns, -6 * ONE, p->sigma_ppm) - 1);
    if (p->kind == LATENCY_MATRIX) {
        least = INT64_MAX;
        for (int i = 0; i < p->matrix->rows * p->matrix->rows; i++)
            least = time_min(least, p->matrix->one_way_us[i] * NS_PER_US);
    }
    return least > p->min_ns ? least : p->min_ns;
}

/* ---- the file ---- */

struct reading {
    const char *path;
    int line;
    int row;
    struct latency_matrix *m;
    char *text;
    int text_size;
};

static bool complain(const struct reading *r, const char *what)
{
    (void)snprintf(r->text, (size_t)r->text_size, "%s:%d: %s", r->path, r->line, what);
    return false;
}

/* One number in milliseconds at *at, which is moved behind it. */
static bool read_number(const struct reading *r, char **at, int32_t *us)
{
    char *end;
    double ms = strtod(*at, &end);

    if (end == *at || !(ms >= 0 && ms * 1000 <= ONE_WAY_MAX_US))
        return complain(r, "a latency is a number of milliseconds from 0 to 60000");
    *us = (int32_t)(ms * 1000 + 0.5);
    *at = end;
    return true;
}

static bool add_row(struct reading *r, const int32_t *row, int count)
{
    struct latency_matrix *m = r->m;

    if (m->rows == 0) {
        m->rows = count;
        m->one_way_us = memory_new((size_t)count * (size_t)count, sizeof(int32_t));
    }
    if (count != m->rows)
        return complain(r, "this line has not as many numbers as the first one");
    if (r->row == m->rows)
        return complain(r,
                        "more lines than numbers in a line: the matrix must be square");
    memcpy(&m->one_way_us[r->row++ * m->rows], row, (size_t)count * sizeof(*row));
    return true;
}

static bool read_line(struct reading *r, char *line)
{
    static int32_t row[ROWS_MAX];
    int count = 0;

    line[strcspn(line, "#\r\n")] = '\0';
    for (char *at = line;;) {
        at += strspn(at, " \t,;");
        if (*at == '\0')
            break;
        if (count == ROWS_MAX)
            return complain(r, "more than 4096 numbers in a line");
        if (!read_number(r, &at, &row[count++]))
            return false;
    }
    return count == 0 || add_row(r, row, count);
}

static bool read_lines(struct reading *r, FILE *f)
{
    char *line = memory_new(1, LINE_MAX);
    bool is_good = true;

    while (is_good && fgets(line, LINE_MAX, f) != NULL) {
        r->line++;
        is_good = strlen(line) < LINE_MAX - 1 ? read_line(r, line)
                                              : complain(r, "this line is too long");
    }
    free(line);
    if (is_good && (r->row == 0 || r->row != r->m->rows))
        return complain(r, r->row == 0 ? "no numbers in this file"
                                       : "fewer lines than numbers in a line: the matrix "
                                         "must be square");
    return is_good;
}

bool latency_matrix_read(const char *path, struct latency_matrix *m, char *text,
                         int text_size)
{
    struct reading r = { .path = path, .m = m, .text = text, .text_size = text_size };
    FILE *f = fopen(path, "r");
    bool is_good;

    *m = (struct latency_matrix){ 0 };
    if (f == NULL) {
        (void)snprintf(text, (size_t)text_size, "%s: %s", path, strerror(errno));
        return false;
    }
    is_good = read_lines(&r, f);
    (void)fclose(f);
    if (!is_good)
        latency_matrix_finish(m);
    return is_good;
}

void latency_matrix_finish(struct latency_matrix *m)
{
    free(m->one_way_us);
    *m = (struct latency_matrix){ 0 };
}
