/* Every way in which something can fail, with its text and the exit status that the
 * command gives for it (docs/party.1 lists them).  SPDX-License-Identifier: MIT */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* X(name, exit status, text).  Values are 0, -1, -2 … in this order and travel in replies
 * of the control socket, so new ones go to the end. */
#define ERR_LIST(X)                                                                      \
    X(ERR_NONE, 0, "no error")                                                           \
    X(ERR_INTERNAL, 1, "internal error")                                                 \
    X(ERR_NOMEM, 1, "out of memory")                                                     \
    X(ERR_LIMIT, 1, "a limit is reached")                                                \
    X(ERR_USAGE, 2, "usage")                                                             \
    X(ERR_NO_NODE, 3, "no node is running")                                              \
    X(ERR_DENIED, 4, "not allowed")                                                      \
    X(ERR_KEY, 4, "wrong channel key")                                                   \
    X(ERR_NOT_FOUND, 5, "not found")                                                     \
    X(ERR_UNREACHABLE, 6, "unreachable")                                                 \
    X(ERR_TIMEOUT, 6, "timed out")                                                       \
    X(ERR_AUDIO, 7, "audio device")                                                      \
    X(ERR_CLOCK, 8, "no clock")                                                          \
    X(ERR_FILE, 9, "file")                                                               \
    X(ERR_FORMAT, 9, "not a FLAC file")                                                  \
    X(ERR_CORRUPT, 9, "damaged file")                                                    \
    X(ERR_PORT, 10, "address in use")                                                    \
    X(ERR_DISK, 11, "disk full")                                                         \
    X(ERR_MALFORMED, 1, "malformed")                                                     \
    X(ERR_AGAIN, 1, "not yet")                                                           \
    X(ERR_CLOSED, 6, "closed")                                                           \
    X(ERR_STATE, 4, "not possible now")

#define ERR_ORDINAL(name, status, text) name##_ORDINAL,
enum { ERR_LIST(ERR_ORDINAL) ERR_COUNT };
#undef ERR_ORDINAL

#define ERR_VALUE(name, status, text) name = -name##_ORDINAL,
enum err { ERR_LIST(ERR_VALUE) };
#undef ERR_VALUE

/* The text of an error, for a person; "unknown error" for a value out of range. */
const char *err_text(int err);

/* The exit status of the command for an error; 1 for a value out of range. */
int err_exit_status(int err);

#define MUST_USE __attribute__((warn_unused_result))

#endif
