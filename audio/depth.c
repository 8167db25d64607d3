/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/depth.h"

#include <assert.h>

#include "base/time.h"

struct depth_params depth_params_default(void)
{
    return (struct depth_params){
        .least_ns = 200 * NS_PER_MS,
        .most_ns = 400 * NS_PER_MS,
        .suspect_ns = 60 * NS_PER_S,
        .calm_ns = 600 * NS_PER_S,
    };
}

void depth_init(struct depth *d, const struct depth_params *params)
{
    *d = (struct depth){ .params = *params,
                         .ns = params->least_ns,
                         .dropout_ns = TIME_NEVER };
}

void depth_set_card(struct depth *d, int rate, int capacity, int64_t now_ns)
{
    assert(rate > 0 && capacity > 0);
    d->rate = rate;
    d->capacity = capacity;
    d->calm_ns = now_ns;
}

void depth_add_dropout(struct depth *d, int64_t now_ns)
{
    bool is_second = d->dropout_ns != TIME_NEVER &&
                     now_ns - d->dropout_ns <= d->params.suspect_ns;

    if (is_second) {
        d->ns = time_min(2 * d->ns, d->params.most_ns);
    }
    d->dropout_ns = is_second ? TIME_NEVER : now_ns;
    d->calm_ns = now_ns;
}

int depth_frames(struct depth *d, int64_t now_ns)
{
    int64_t frames;

    if (d->ns > d->params.least_ns && now_ns - d->calm_ns >= d->params.calm_ns) {
        d->ns = d->ns / 2 > d->params.least_ns ? d->ns / 2 : d->params.least_ns;
        d->calm_ns = now_ns;
    }
    frames = mul_div(d->ns, d->rate, NS_PER_S);
    return frames < d->capacity ? (int)frames : d->capacity;
}
