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

static bool is_get_command(const struct route *r)
{
    return strcmp(r->method, ROUTES_GET_COMMAND) == 0;
}

/* Whether the route is for the request's method. */
static bool takes(const struct route *r, const char *method)
{
    if (is_get_command(r)) {
        return strcmp(method, "GET") == 0;
    }
    return strcmp(r->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

void routes_serve(const struct route *table, size_t count, bool get_commands, struct request *q)
{
    struct buf allow = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        struct str name = STR_NULL;
        if ((is_get_command(&table[i]) && !get_commands) ||
            !routes_match(table[i].path, q->http->path, &name)) {
            continue;
        }
        if (takes(&table[i], q->http->method)) {
            q->name = name;
            buf_fini(&allow);
            table[i].handler(q);
            return;
        }
        buf_addf(&allow, "%s%s", allow.len > 0 ? ", " : "",
                 is_get_command(&table[i]) ? "GET" : table[i].method);
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
