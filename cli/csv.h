/* The state as rows of CSV (RFC 4180): one for each member and look, so that members may
 * come and go.  SPDX-License-Identifier: MIT */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include "base/text.h"
#include "cli/put.h"

/* The names of the columns. */
void csv_head(struct text *t);

/* The rows of a state, as it was at wall_ns; none without a party.  What is not known is
 * empty. */
void csv_rows(struct text *t, struct bytes state, int64_t wall_ns);

#endif
