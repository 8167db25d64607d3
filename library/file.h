/* Files as the library uses them: whole reads and writes at a place, whole replacement,
 * and errno as enum err.  SPDX-License-Identifier: MIT */
#ifndef LIBRARY_FILE_H
#define LIBRARY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/* ERR_DISK when there is no room, ERR_NOMEM, or ERR_FILE for all other values of errno.
 */
int file_err(int error_number);

/* Read exactly len bytes.  Errors: ERR_CORRUPT when the file ends before, ERR_FILE. */
MUST_USE int file_read_at(int fd, void *data, size_t len, uint64_t offset);

/* Write all bytes.  Errors: ERR_DISK, ERR_FILE. */
MUST_USE int file_write_at(int fd, struct bytes data, uint64_t offset);

/* Wait until all that was written is on the disk.  Errors: ERR_DISK, ERR_FILE. */
MUST_USE int file_sync(int fd);

/* Put data in place of the file name in the directory, synced, whole or not at all.
 * Errors: ERR_DISK, ERR_FILE. */
MUST_USE int file_replace(int dir_fd, const char *name, struct bytes data);

/* Copy all of a file to another, synced.  Errors: ERR_DISK, ERR_FILE. */
MUST_USE int file_copy(int from_fd, int to_fd);

#endif
