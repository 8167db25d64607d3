/* The k-th least of many.  SPDX-License-Identifier: MIT */
#ifndef BASE_KTH_H
#define BASE_KTH_H

#include <stdint.h>

/* The k-th least of n values, 0 <= k < n; they are left in another order. */
int64_t kth_least(int64_t *v, int n, int k);

#endif
