/* log.c - see log.h. */
#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

static const char *log_daemon = "parkway";
static enum log_level log_at = LOG_INFO;
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_init(const char *daemon, enum log_level level)
{
    log_daemon = daemon;
    log_at = level;
}

void log_set_level(enum log_level level)
{
    log_at = level;
}

bool log_enabled(enum log_level level)
{
    return level <= log_at;
}

bool log_parse_level(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!log_enabled(level)) {
        return;
    }
    char line[4096];
    char when[CLOCK_TEXT_MAX];
    clock_text(clock_wall_us(), when);
    int n = snprintf(line, sizeof line, "%s %s %s ", when, log_daemon, names[level]);
    size_t at = n > 0 ? (size_t)n : 0;
    va_list ap;
    va_start(ap, fmt);
    n = vsnprintf(line + at, sizeof line - at - 1, fmt, ap);
    va_end(ap);
    size_t room = sizeof line - at - 2;
    size_t added = n > 0 ? (size_t)n : 0;
    added = added > room ? room : added;
    for (size_t i = at; i < at + added; i++) {
        if ((unsigned char)line[i] < ' ') {
            line[i] = ' '; /* one event, one line, whatever a peer sent */
        }
    }
    line[at + added] = '\n';
    /* a log that cannot be written must not stop the daemon */
    ssize_t ignored = write(STDERR_FILENO, line, at + added + 1);
    UNUSED(ignored);
}
