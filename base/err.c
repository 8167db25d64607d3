/* SPDX-License-Identifier: MIT */
#include "base/err.h"

static const struct {
    const char *text;
    int status;
} table[] = {
#define ERR_ROW(name, status, text) { text, status },
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

static int in_range(int err)
{
    return err <= 0 && err > -ERR_COUNT;
}

const char *err_text(int err)
{
    return in_range(err) ? table[-err].text : "unknown error";
}

int err_exit_status(int err)
{
    return in_range(err) ? table[-err].status : 1;
}
