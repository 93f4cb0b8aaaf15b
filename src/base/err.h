/* err.h - failures of the world and bad input, as values.
 *
 * A function that can fail returns 0 or a negative ERR_* and fills the caller's struct err with
 * the detail. Callers add context with err_add on the way up and do not log; the layer that
 * decides (retry, close, exit) logs once. One list below makes code, name, exit status
 * (shared by every CLI command), HTTP status and retry class. Thread: any; no state. */
#ifndef PARKWAY_BASE_ERR_H
#define PARKWAY_BASE_ERR_H

#include "base/def.h"

/* RETRY_NEVER: the same call fails again. RETRY_LATER: the peer or the moment may change.
 * RETRY_RECONNECT: the connection is gone; open a new one, with backoff. */
enum err_retry { RETRY_NEVER, RETRY_LATER, RETRY_RECONNECT };

/* clang-format off */
/*    name              code  exit http  retry            sentence */
#define ERR_LIST(X)                                                                                \
    X(ERR_FAIL,          -1,  1,  500, RETRY_NEVER,     "failure")                                 \
    X(ERR_USAGE,         -2,  2,  400, RETRY_NEVER,     "usage error")                             \
    X(ERR_INVALID,       -3,  2,  400, RETRY_NEVER,     "invalid value")                           \
    X(ERR_NOT_FOUND,     -4,  3,  404, RETRY_NEVER,     "not found")                               \
    X(ERR_CONFLICT,      -5,  4,  409, RETRY_NEVER,     "conflict or illegal state")               \
    X(ERR_UNAVAILABLE,   -6,  5,  503, RETRY_LATER,     "database or broker unavailable")          \
    X(ERR_CLOSED,        -7,  5,  503, RETRY_RECONNECT, "connection closed")                       \
    X(ERR_AUTH,          -8,  5,  503, RETRY_LATER,     "authentication failed")                   \
    X(ERR_TIMEOUT,       -9,  6,  504, RETRY_LATER,     "timeout")                                 \
    X(ERR_FULL,         -10,  5,  503, RETRY_LATER,     "queue or window full")                    \
    X(ERR_PROTOCOL,     -11,  1,  502, RETRY_RECONNECT, "protocol violation")                      \
    X(ERR_TOO_LARGE,    -12,  2,  413, RETRY_NEVER,     "too large")                               \
    X(ERR_SQL,          -13,  1,  500, RETRY_NEVER,     "statement refused by the database")       \
    X(ERR_FENCED,       -14,  4,  409, RETRY_LATER,     "another process holds the lock")          \
    X(ERR_LOST,         -15,  1,  500, RETRY_NEVER,     "history was lost")                        \
    X(ERR_DAMAGED,      -16,  1,  500, RETRY_LATER,     "damaged data")
/* clang-format on */

enum err_code {
    ERR_NONE = 0,
#define X(name, code, exit, http, retry, text) name = (code),
    ERR_LIST(X)
#undef X
};

struct err {
    int code;
    char sqlstate[6]; /* "" when the failure has none */
    char text[1024];  /* one line, lower case, no full stop */
};

#define ERR_INIT                                                                               \
    {                                                                                          \
        0, "", ""                                                                              \
    }

/* err_set - fill e (may be NULL) and return code. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* err_sql - as err_set with an SQLSTATE of five characters. */
int err_sql(struct err *e, int code, const char *sqlstate, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* err_add - put "context: " before the text of e; returns e->code. */
int err_add(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *err_name(int code);
const char *err_sentence(int code);
int err_exit(int code);
int err_http(int code);
enum err_retry err_retry(int code);

#endif
