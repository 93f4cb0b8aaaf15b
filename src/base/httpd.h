/* httpd.h - a small HTTP/1.1 server on libmicrohttpd: the command service's front, and
 * /metrics, /healthz, /readyz of every daemon. The only file that knows the library.
 *
 * Handlers run on the server's own threads (`threads` of them; 0: one), must be thread-safe,
 * and may block. Keep-alive, Content-Length, 413 above body_max_bytes, 408/close after
 * timeout_ms. */
#ifndef PARKWAY_BASE_HTTPD_H
#define PARKWAY_BASE_HTTPD_H

#include "base/buf.h"
#include "base/err.h"

struct httpd;

struct httpd_request {
    const char *method; /* "GET", … */
    struct str path;    /* percent-decoded, without the query */
    struct str body;    /* whole; borrowed until the handler returns */
    void *peer;         /* for httpd_header and httpd_query */
};
/* value of a request header, or of a query parameter; NULL when absent; borrowed. */
const char *httpd_header(const struct httpd_request *q, const char *name);
const char *httpd_query(const struct httpd_request *q, const char *name);

struct httpd_header_line {
    char name[48];
    char value[256];
};
struct httpd_reply {
    int status;
    const char *content_type; /* static; default application/json */
    struct buf body;
    struct httpd_header_line headers[8];
    size_t header_count;
};
void httpd_reply_header(struct httpd_reply *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* httpd_reason - the reason phrase of a status, "Not Found"; static. */
const char *httpd_reason(int status);

typedef void httpd_handler(void *ctx, const struct httpd_request *q, struct httpd_reply *r);

struct httpd_options {
    const char *address; /* "127.0.0.1" */
    int port;
    int threads;
    size_t body_max_bytes; /* default 1 MiB when 0 */
    int64_t timeout_ms;    /* of an idle or slow connection; default 15000 when 0 */
};

/* httpd_start - listen and serve. ERR_UNAVAILABLE "could not listen on …: address already in
 * use". */
NODISCARD int httpd_start(struct httpd **out, const struct httpd_options *o, httpd_handler *h,
                          void *ctx, struct err *e);
void httpd_stop(struct httpd *h);

/* The operations page of a daemon: /metrics (Prometheus text of the table), /healthz (200 while
 * the process lives), /readyz (200 when ready() says so, else 503 with its reason as text). */
struct metric;
struct httpd_ops {
    const struct metric *metrics;
    size_t metric_count;
    /* may be NULL; extra Prometheus text behind the table */
    void (*more)(void *ctx, struct buf *out);
    /* may be NULL (always ready); fills reason when false */
    bool (*ready)(void *ctx, char *reason, size_t size);
    void *ctx;
};
/* port 0: nothing is started and *out is NULL. ops is borrowed for the server's life. */
NODISCARD int httpd_start_ops(struct httpd **out, const char *address, int port,
                              const struct httpd_ops *ops, struct err *e);

#endif
