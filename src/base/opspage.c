/* opspage.c - see opspage.h. One worker thread: a scrape is rare and short, and ready() of every daemon only
 * looks at memory. It has no state of its own. */
#include "base/opspage.h"

#include "base/metric.h"

static void serve(void *ctx, const struct httpd_request *q, struct httpd_reply *r)
{
    const struct opspage *page = ctx;
    bool metrics = str_eq(q->path, STR("/metrics"));
    bool ready = str_eq(q->path, STR("/readyz"));
    if (!metrics && !ready && !str_eq(q->path, STR("/healthz"))) {
        httpd_reply_error(r, 404, "no such path: try /metrics, /healthz or /readyz");
        return;
    }
    if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0) {
        httpd_reply_header(r, "Allow", "GET, HEAD");
        httpd_reply_error(r, 405, "only GET and HEAD are allowed here");
        return;
    }
    if (metrics) {
        r->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metric_write(page->metrics, page->metric_count, &r->body);
        if (page->more != NULL) {
            page->more(page->ctx, &r->body);
        }
        return;
    }
    r->content_type = "text/plain; charset=utf-8";
    char reason[256] = "";
    if (ready && page->ready != NULL && !page->ready(page->ctx, reason, sizeof reason)) {
        r->status = 503;
        buf_addf(&r->body, "%s\n", reason);
        return;
    }
    buf_adds(&r->body, "ok\n");
}

int opspage_start(struct httpd **out, const char *address, int port, const struct opspage *page,
                  struct err *e)
{
    *out = NULL;
    if (port == 0) {
        return 0;
    }
    struct httpd_options o = {.places = &address,
                              .place_count = 1,
                              .port = port,
                              .threads = 1,
                              .connections_max = 64};
    return httpd_start(out, &o, serve, (void *)(uintptr_t)page, e);
}
