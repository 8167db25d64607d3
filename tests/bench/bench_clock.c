/* How well the floor line tells the time, over the networks of docs/design.md.
 *
 *     bench_clock [--seeds N] [--first SEED] [--claim NAME]
 *
 * Prints medians over the seeds, of which the first is 1 if not told otherwise; bound
 * violations are summed.  With --claim only the rows of that claim are run, of which the
 * worst counts, and the last line is JSON: {"name","value","unit","goal","ok"}.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "base/bytes.h"
#include "tests/clock/model.h"

#define SEEDS_MAX 1000
#define HZ        .interval_ns = NS_PER_S

enum column {
    RMS,
    EARLY,
    SONG,
    SONG_P99,
    PROBES,
    P99,
    MAX,
    BOUND,
    TO_1MS,
    TO_100US,
    AFTER,
    RECOVERED,
    VIOLATIONS,
    WORST, /* the greatest error of all seeds */
    COST,  /* us of processor time for each probe, the model included */
    COLUMNS
};

struct row {
    const char *name;
    struct model_setup setup;
};

#define STEADY(name_, network_)                                                          \
    { name_ ", 1 Hz", { .network = network_, HZ, .seconds = 8000 } },                    \
    {                                                                                    \
        name_ ", 1 Hz, wander 1e-9",                                                     \
        {                                                                                \
            .network = network_, HZ, .seconds = 8000, .wander = 1e-9                     \
        }                                                                                \
    }
#define PROBER(name_, network_)                                                          \
    {                                                                                    \
        name_ ", prober",                                                                \
        {                                                                                \
            .network = network_, .seconds = 8000                                         \
        }                                                                                \
    }
#define STEPPED(name_, step_)                                                            \
    .name = name_,                                                                       \
    .setup = { .network = MODEL_WIFI, .seconds = 2000, .step = step_, .step_at = 1000 }

enum {
    ROW_LAN = 0,      /* and with less wander */
    ROW_WIFI = 2,     /* likewise */
    ROW_WIFI_PS = 4,  /* likewise */
    ROW_INTERNET = 6, /* likewise */
    ROW_NO_FLOOR = 8, /* likewise */
    ROW_PROBER = 10,  /* four networks */
    ROW_WIFI_PROBER = 11,
    ROW_RIG_WIRED = 14,
    ROW_RIG_WIFI = 15,
    ROW_STEP = 19, /* four: both ways, each at 1 Hz and with the prober */
    ROW_CONGESTED = 24
};

static const struct row rows[] = {
    STEADY("LAN", MODEL_LAN),
    STEADY("Wi-Fi", MODEL_WIFI),
    STEADY("Wi-Fi power save", MODEL_WIFI_PS),
    STEADY("Internet", MODEL_INTERNET),
    STEADY("no floor", MODEL_GAUSS),
    PROBER("LAN", MODEL_LAN),
    PROBER("Wi-Fi", MODEL_WIFI),
    PROBER("Wi-Fi power save", MODEL_WIFI_PS),
    PROBER("Internet", MODEL_INTERNET),
    PROBER("rig's wired", MODEL_RIG_WIRED),
    PROBER("rig's wifi", MODEL_RIG_WIFI),
    { "Wi-Fi, clocks 400 ppm apart",
      { .network = MODEL_WIFI, .seconds = 8000, .rate = 400e-6 } },
    { "LAN, wander 3e-8", { .network = MODEL_LAN, HZ, .seconds = 8000, .wander = 3e-8 } },
    { "Wi-Fi, wander 3e-8",
      { .network = MODEL_WIFI, HZ, .seconds = 8000, .wander = 3e-8 } },
    { STEPPED("Wi-Fi, host steps +0.5 s, 1 Hz", 0.5), .setup.interval_ns = NS_PER_S },
    { STEPPED("Wi-Fi, host steps -0.5 s, 1 Hz", -0.5), .setup.interval_ns = NS_PER_S },
    { STEPPED("Wi-Fi, host steps +0.5 s, prober", 0.5) },
    { STEPPED("Wi-Fi, host steps -0.5 s, prober", -0.5) },
    { STEPPED("Wi-Fi, host steps 5 ms, prober", 0.005) },
    { "Wi-Fi, congested 15 min",
      { .network = MODEL_WIFI,
        HZ,
        .seconds = 3000,
        .congested_from = 1000,
        .congested_to = 1900 } },
    { "Wi-Fi, cut 10 min",
      { .network = MODEL_WIFI, HZ, .seconds = 3000, .cut_from = 1000, .cut_to = 1600 } },
    { "Wi-Fi, 1 ppm warmer in a minute",
      { .network = MODEL_WIFI, HZ, .seconds = 3000, .ramp = 1e-6, .step_at = 1000 } },
    { "Wi-Fi, 1 % bad stamps",
      { .network = MODEL_WIFI, HZ, .seconds = 3000, .bad_stamps = 0.01 } },
};

static const struct claim {
    const char *name;
    int row; /* the first, and how many; the worst of them counts */
    int rows;
    enum column column;
    double goal; /* at most */
    const char *unit;
} claims[] = {
    { "clock-lan-rms", ROW_LAN, 2, RMS, 1.2, "us" },
    { "clock-wifi-rms", ROW_WIFI, 2, RMS, 10, "us" },
    { "clock-wifi-ps-rms", ROW_WIFI_PS, 2, RMS, 40, "us" },
    { "clock-internet-rms", ROW_INTERNET, 2, RMS, 15, "us" },
    { "clock-worst-network", ROW_NO_FLOOR, 2, WORST, 3000, "us" },
    { "clock-wifi-1ms", ROW_WIFI, 2, TO_1MS, 1.7, "s" },
    { "clock-wifi-100us", ROW_WIFI, 2, TO_100US, 15, "s" },
    { "clock-bound", 0, COUNT(rows), VIOLATIONS, 0, "violations" },
    { "clock-step", ROW_STEP, 4, RECOVERED, 4, "s" },
    { "clock-congestion", ROW_CONGESTED, 1, AFTER, 600, "us" },
    { "clock-cost", ROW_WIFI_PROBER, 1, COST, 100, "us" },
};

static void run_row(const struct row *row, int first, int seeds,
                    double out[static COLUMNS])
{
    static double values[COLUMNS][SEEDS_MAX];
    struct clock_params params = clock_params_default();
    double worst = 0;
    double violations = 0;

    for (int i = 0; i < seeds; i++) {
        struct model_result r;
        clock_t start = clock();

        model_run(&row->setup, &params, (uint64_t)(first + i), &r);
        values[COST][i] = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC /
                          (double)r.samples;
        values[RMS][i] = r.rms;
        values[EARLY][i] = r.early;
        values[SONG][i] = r.song;
        values[SONG_P99][i] = r.song_p99;
        values[PROBES][i] = r.probes;
        values[P99][i] = r.p99;
        values[MAX][i] = r.max;
        values[BOUND][i] = r.bound;
        values[TO_1MS][i] = r.to_1ms;
        values[TO_100US][i] = r.to_100us;
        values[AFTER][i] = r.after;
        values[RECOVERED][i] = r.recovered;
        violations += r.violations;
        worst = r.max > worst ? r.max : worst;
    }
    for (int c = 0; c < COLUMNS; c++) {
        out[c] = model_median(values[c], seeds);
    }
    out[VIOLATIONS] = violations;
    out[WORST] = worst;
}

static void print_row(const struct row *row, const double *v)
{
    printf(
        "%-34s %8.2f %8.2f %8.2f %8.2f %5.1f %8.2f %9.1f %7.0f %5.1f %6.1f %7.1f %6.1f "
        "%5.0f %5.1f\n",
        row->name, v[RMS], v[EARLY], v[SONG], v[SONG_P99], v[PROBES], v[P99], v[MAX],
        v[BOUND], v[TO_1MS], v[TO_100US], v[AFTER], v[RECOVERED], v[VIOLATIONS], v[COST]);
}

static double measure(const struct claim *c, int first, int seeds)
{
    double worst = 0;

    for (int i = c->row; i < c->row + c->rows; i++) {
        double v[COLUMNS];

        run_row(&rows[i], first, seeds, v);
        print_row(&rows[i], v);
        worst = v[c->column] > worst ? v[c->column] : worst;
    }
    return worst;
}

static int check_claim(const char *name, int first, int seeds)
{
    for (int i = 0; i < COUNT(claims); i++) {
        const struct claim *c = &claims[i];
        double value;

        if (strcmp(c->name, name) != 0) {
            continue;
        }
        value = measure(c, first, seeds);
        printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"goal\":%g,\"ok\":%s}\n",
               c->name, value, c->unit, c->goal, value <= c->goal ? "true" : "false");
        return value <= c->goal ? 0 : 1;
    }
    fprintf(stderr, "bench_clock: no claim \"%s\"; there are:", name);
    for (int i = 0; i < COUNT(claims); i++) {
        fprintf(stderr, " %s", claims[i].name);
    }
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *claim = NULL;
    int first = 1;
    int seeds = 8;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--first") == 0) {
            first = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--claim") == 0) {
            claim = argv[i + 1];
        }
    }
    if (seeds < 1 || seeds > SEEDS_MAX) {
        fprintf(stderr, "bench_clock: --seeds is 1 to %d\n", SEEDS_MAX);
        return 2;
    }
    printf("%-34s %8s %8s %8s %8s %5s %8s %9s %7s %5s %6s %7s %6s %5s %5s\n",
           "errors in us, times in s", "rms", "30-60 s", "10-70 s", "p99", "Hz", "p99",
           "max", "bound", "<1ms", "<100us", "after", "recov", "viol.", "cost");
    if (claim != NULL) {
        return check_claim(claim, first, seeds);
    }
    for (int i = 0; i < COUNT(rows); i++) {
        double v[COLUMNS];

        run_row(&rows[i], first, seeds, v);
        print_row(&rows[i], v);
    }
    return 0;
}
