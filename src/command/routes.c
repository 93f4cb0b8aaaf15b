/* routes.c - see routes.h. */
#include "command/routes.h"

bool routes_match(const char *pattern, struct str path, struct str *name)
{
    size_t at = 0;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '*') {
            const char *slash = memchr(path.p + at, '/', path.n - at);
            size_t n = slash != NULL ? (size_t)(slash - path.p) - at : path.n - at;
            if (n == 0) {
                return false;
            }
            if (name != NULL) {
                *name = (struct str){path.p + at, n};
            }
            at += n;
        } else if (at < path.n && path.p[at] == *p) {
            at++;
        } else {
            return false;
        }
    }
    return at == path.n;
}

static const char *method_of(const struct request *q)
{
    return strcmp(q->http->method, "HEAD") == 0 ? "GET" : q->http->method;
}

void routes_serve(const struct route *table, size_t count, struct request *q)
{
    struct buf allow = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        struct str name = STR_NULL;
        if (!routes_match(table[i].path, q->http->path, &name)) {
            continue;
        }
        if (strcmp(table[i].method, method_of(q)) == 0) {
            q->name = name;
            buf_fini(&allow);
            table[i].handler(q);
            return;
        }
        buf_addf(&allow, "%s%s", allow.len > 0 ? ", " : "", table[i].method);
        if (strcmp(table[i].method, "GET") == 0) {
            buf_adds(&allow, ", HEAD");
        }
    }
    if (allow.len > 0) {
        httpd_reply_header(q->reply, "Allow", "%s", buf_cstr(&allow));
        request_refuse(q, 405, "%s is not allowed here, only %s", q->http->method,
                       buf_cstr(&allow));
    } else {
        request_refuse(q, 404, "no such path: %.*s", STR_ARG(q->http->path));
    }
    buf_fini(&allow);
}
