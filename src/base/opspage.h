/* opspage.h - the operations page of a daemon: /metrics (Prometheus text of the table), /healthz (200
 * while the process lives), /readyz (200 when ready() says so, else 503 with its reason as text).
 * The callbacks run on the page's own thread. */
#ifndef PARKWAY_BASE_OPSPAGE_H
#define PARKWAY_BASE_OPSPAGE_H

#include "base/httpd.h"

struct metric;
struct opspage {
    const struct metric *metrics;
    size_t metric_count;
    /* may be NULL; extra Prometheus text behind the table */
    void (*more)(void *ctx, struct buf *out);
    /* may be NULL (always ready); fills reason when false */
    bool (*ready)(void *ctx, char *reason, size_t size);
    void *ctx;
};
/* opspage_start - serve page, which is borrowed until httpd_stop, on address. port 0: nothing is started and
 * *out is NULL. Errors as httpd_start. */
NODISCARD int opspage_start(struct httpd **out, const char *address, int port,
                            const struct opspage *page, struct err *e);

#endif
