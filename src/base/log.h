/* log.h - one event, one line, on stderr: time, daemon, level, text, then key=value.
 *
 *   2026-01-01T00:00:00.123Z relay info slot created slot=parkway lsn=0/15D6A28
 *
 * Text as in PostgreSQL's messages: lower case, no full stop, "could not do x: reason", advice
 * in hint=. A value that may hold blanks is written key="%s" (log_clean makes it one line). No
 * row values and no SQL above debug; secrets never. Thread: any (one write(2) a line). The
 * level is one of the few globals of the project. */
#ifndef PARKWAY_BASE_LOG_H
#define PARKWAY_BASE_LOG_H

#include "base/def.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* log_init - name the process in every line; daemon must live for ever. */
void log_init(const char *daemon, enum log_level level);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* log_parse_level - "error"|"warn"|"info"|"debug"; false when unknown. */
bool log_parse_level(const char *name, enum log_level *out);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                         \
    do {                                                                                       \
        if (log_enabled(LOG_DEBUG)) {                                                          \
            log_line(LOG_DEBUG, __VA_ARGS__);                                                  \
        }                                                                                      \
    } while (0)

#endif
