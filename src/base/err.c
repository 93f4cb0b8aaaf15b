/* err.c - see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct err *e, int code, const char *sqlstate, const char *fmt, va_list ap)
{
    if (e == NULL) {
        return;
    }
    char text[sizeof e->text];
    /* fmt's arguments may point into e->text: format aside, then copy. */
    vsnprintf(text, sizeof text, fmt, ap);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' ';
        }
    }
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ') {
        text[--n] = '\0';
    }
    e->code = code;
    snprintf(e->sqlstate, sizeof e->sqlstate, "%s", sqlstate);
    memcpy(e->text, text, n + 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, code, "", fmt, ap);
    va_end(ap);
    return code;
}

int err_sql(struct err *e, int code, const char *sqlstate, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(e, code, sqlstate, fmt, ap);
    va_end(ap);
    return code;
}

int err_add(struct err *e, const char *fmt, ...)
{
    char context[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    char text[sizeof e->text];
    snprintf(text, sizeof text, "%s: %.700s", context, e->text);
    memcpy(e->text, text, strlen(text) + 1);
    return e->code;
}

struct row {
    int code;
    const char *name;
    const char *sentence;
    int exit;
    int http;
    enum err_retry retry;
};

static const struct row rows[] = {
#define X(name, code, exit, http, retry, text) {code, #name, text, exit, http, retry},
    ERR_LIST(X)
#undef X
};

static const struct row *find(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return &rows[0];
}

const char *err_name(int code)
{
    return code == 0 ? "OK" : find(code)->name;
}

const char *err_sentence(int code)
{
    return code == 0 ? "ok" : find(code)->sentence;
}

int err_exit(int code)
{
    return code == 0 ? 0 : find(code)->exit;
}

int err_http(int code)
{
    return code == 0 ? 200 : find(code)->http;
}

enum err_retry err_retry(int code)
{
    return code == 0 ? RETRY_NEVER : find(code)->retry;
}
