/* What flac.c and decoder.c share, and nobody else needs.  SPDX-License-Identifier: MIT
 */
#ifndef AUDIO_FLAC_CHECK_H
#define AUDIO_FLAC_CHECK_H

#include <stdbool.h>

#include "audio/flac.h"

/* True when rate, channels, bits, block sizes and length are within the bounds of flac.h.
 */
bool flac_info_is_ok(const struct flac_info *info);

#endif
