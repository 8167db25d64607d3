/* Hoare: Algorithm 65, FIND (1961).  SPDX-License-Identifier: MIT */
#include "base/kth.h"

int64_t kth_least(int64_t *v, int n, int k)
{
    int lo = 0;
    int hi = n - 1;

    while (lo < hi) {
        int64_t pivot = v[k];
        int i = lo;
        int j = hi;

        while (i <= j) {
            int64_t x = v[i];
            int64_t y = v[j];

            if (x < pivot) {
                i++;
            } else if (y > pivot) {
                j--;
            } else {
                v[i++] = y;
                v[j--] = x;
            }
        }
        lo = j < k ? i : lo;
        hi = k < i ? j : hi;
    }
    return v[k];
}
