/* trace.c - see trace.h. */
#include "base/trace.h"

enum { LENGTH = 55 };

static bool hex(const char *p, size_t n, bool nonzero)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return false;
        }
        any = any || p[i] != '0';
    }
    return any || !nonzero;
}

bool trace_parse(struct str text, char out[TRACE_TEXT_MAX])
{
    const char *p = text.p;
    if (text.n < LENGTH || p[2] != '-' || p[35] != '-' || p[52] != '-' || !hex(p, 2, false) ||
        !hex(p + 3, 32, true) || !hex(p + 36, 16, true) || !hex(p + 53, 2, false)) {
        return false;
    }
    bool version0 = p[0] == '0' && p[1] == '0';
    bool version255 = p[0] == 'f' && p[1] == 'f'; /* is not allowed */
    if (version255 || (version0 && text.n > LENGTH) || (text.n > LENGTH && p[LENGTH] != '-')) {
        return false;
    }
    if (out != NULL) {
        memcpy(out, p, LENGTH);
        out[LENGTH] = '\0';
    }
    return true;
}

bool trace_sampled(const char *text)
{
    char c = text[LENGTH - 1];
    return ((c <= '9' ? c - '0' : c - 'a' + 10) & 1) != 0;
}

/* The end of a comment that begins at p; NULL: it is not closed. Comments nest. */
static const char *comment_end(const char *p, const char *end)
{
    int depth = 0;
    while (end - p >= 2) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0) {
                return p;
            }
        } else {
            p++;
        }
    }
    return NULL;
}

bool trace_comment(struct str sql, char out[TRACE_TEXT_MAX])
{
    static const struct str name = {"traceparent='", 13};
    const char *end = sql.p + sql.n;
    const char *p = sql.p;
    while (end - p >= 2) {
        const char *slash = memchr(p, '/', (size_t)(end - p) - 1);
        if (slash == NULL) {
            return false;
        }
        p = slash + 1;
        const char *close = *p == '*' ? comment_end(slash, end) : NULL;
        if (close == NULL) {
            continue;
        }
        const char *at = memmem(slash, (size_t)(close - slash), name.p, name.n);
        const char *quote =
            at != NULL ? memchr(at + name.n, '\'', (size_t)(close - at) - name.n) : NULL;
        if (quote != NULL) {
            at += name.n;
            return trace_parse((struct str){at, (size_t)(quote - at)}, out);
        }
        p = close;
    }
    return false;
}
