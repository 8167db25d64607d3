/* How well the floor line tells the time, over the networks of docs/design.md.
 *
 *     bench_clock [--seeds N] [--claim NAME]
 *
 * Prints medians over the seeds; bound violations are summed.  With --claim only the row
 * of that claim is run, and the last line is JSON: {"name","value","unit","goal","ok"}.
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

static const struct row rows[] = {
    { "LAN, 1 Hz", { .network = MODEL_LAN, HZ, .seconds = 8000 } },
    { "Wi-Fi, 1 Hz", { .network = MODEL_WIFI, HZ, .seconds = 8000 } },
    { "Wi-Fi power save, 1 Hz", { .network = MODEL_WIFI_PS, HZ, .seconds = 8000 } },
    { "Internet, 1 Hz", { .network = MODEL_INTERNET, HZ, .seconds = 8000 } },
    { "no floor, 1 Hz", { .network = MODEL_GAUSS, HZ, .seconds = 8000 } },
    { "LAN, prober", { .network = MODEL_LAN, .seconds = 8000 } },
    { "Wi-Fi, prober", { .network = MODEL_WIFI, .seconds = 8000 } },
    { "Wi-Fi power save, prober", { .network = MODEL_WIFI_PS, .seconds = 8000 } },
    { "Internet, prober", { .network = MODEL_INTERNET, .seconds = 8000 } },
    { "Wi-Fi, clocks 200 ppm apart",
      { .network = MODEL_WIFI, .seconds = 8000, .rate = 200e-6 } },
    { "LAN, wander 3e-8", { .network = MODEL_LAN, HZ, .seconds = 8000, .wander = 3e-8 } },
    { "Wi-Fi, wander 3e-8",
      { .network = MODEL_WIFI, HZ, .seconds = 8000, .wander = 3e-8 } },
    { "Wi-Fi, host steps 0.5 s, 1 Hz",
      { .network = MODEL_WIFI, HZ, .seconds = 2000, .step = 0.5, .step_at = 1000 } },
    { "Wi-Fi, host steps 0.5 s, prober",
      { .network = MODEL_WIFI, .seconds = 2000, .step = 0.5, .step_at = 1000 } },
    { "Wi-Fi, host steps 5 ms, prober",
      { .network = MODEL_WIFI, .seconds = 2000, .step = 0.005, .step_at = 1000 } },
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

#define ALL_ROWS -1

static const struct claim {
    const char *name;
    int row; /* ALL_ROWS: the sum over them */
    enum column column;
    double goal; /* at most */
    const char *unit;
} claims[] = {
    { "clock-lan-rms", 0, RMS, 1.2, "us" },
    { "clock-wifi-rms", 1, RMS, 10, "us" },
    { "clock-wifi-ps-rms", 2, RMS, 40, "us" },
    { "clock-internet-rms", 3, RMS, 15, "us" },
    { "clock-worst-network", 4, WORST, 3000, "us" },
    { "clock-wifi-1ms", 6, TO_1MS, 1.7, "s" },
    { "clock-wifi-100us", 6, TO_100US, 15, "s" },
    { "clock-bound", ALL_ROWS, VIOLATIONS, 0, "violations" },
    { "clock-step", 12, RECOVERED, 4, "s" },
    { "clock-congestion", 15, AFTER, 600, "us" },
    { "clock-cost", 6, COST, 100, "us" },
};

static void run_row(const struct row *row, int seeds, double out[static COLUMNS])
{
    static double values[COLUMNS][SEEDS_MAX];
    struct clock_params params = clock_params_default();
    double worst = 0;
    double violations = 0;

    for (int i = 0; i < seeds; i++) {
        struct model_result r;
        clock_t start = clock();

        model_run(&row->setup, &params, (uint64_t)(i + 1), &r);
        values[COST][i] = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC /
                          (double)r.samples;
        values[RMS][i] = r.rms;
        values[EARLY][i] = r.early;
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
    printf("%-32s %8.2f %8.2f %8.2f %9.1f %7.0f %5.1f %6.1f %7.1f %6.1f %5.0f %5.1f\n",
           row->name, v[RMS], v[EARLY], v[P99], v[MAX], v[BOUND], v[TO_1MS], v[TO_100US],
           v[AFTER], v[RECOVERED], v[VIOLATIONS], v[COST]);
}

static double measure(const struct claim *c, int seeds)
{
    double sum = 0;

    for (int i = 0; i < COUNT(rows); i++) {
        double v[COLUMNS];

        if (c->row == ALL_ROWS || c->row == i) {
            run_row(&rows[i], seeds, v);
            print_row(&rows[i], v);
            sum += v[c->column];
        }
    }
    return sum;
}

static int check_claim(const char *name, int seeds)
{
    for (int i = 0; i < COUNT(claims); i++) {
        const struct claim *c = &claims[i];
        double value;

        if (strcmp(c->name, name) != 0) {
            continue;
        }
        value = measure(c, seeds);
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
    int seeds = 8;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--claim") == 0) {
            claim = argv[i + 1];
        }
    }
    if (seeds < 1 || seeds > SEEDS_MAX) {
        fprintf(stderr, "bench_clock: --seeds is 1 to %d\n", SEEDS_MAX);
        return 2;
    }
    printf("%-32s %8s %8s %8s %9s %7s %5s %6s %7s %6s %5s %5s\n",
           "errors in us, times in s", "rms", "30-60 s", "p99", "max", "bound", "<1ms",
           "<100us", "after", "recov", "viol.", "cost");
    if (claim != NULL) {
        return check_claim(claim, seeds);
    }
    for (int i = 0; i < COUNT(rows); i++) {
        double v[COLUMNS];

        run_row(&rows[i], seeds, v);
        print_row(&rows[i], v);
    }
    return 0;
}
