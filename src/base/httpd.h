/* httpd.h - an HTTP/1.1 server on libmicrohttpd: the command service's front, and the operations page of
 * every daemon (opspage.h). Only httpd.c knows the library.
 *
 * Handlers run on the server's worker threads, must be thread-safe, and may block; a connection that is idle,
 * slow, or waits for its answer costs no thread. Keep-alive, pipelining, Content-Length, chunked bodies, 100-continue;
 * 413 above body_max_bytes; a silent connection is closed after timeout_ms, and a request has twice as
 * long to arrive. Above connections_max new connections get 503 and are closed; a request that no worker
 * took within timeout_ms gets 503. Errors are {"code","message"}.
 *
 * An answer is either whole (Content-Length) or a stream: a producer is asked for the next bytes whenever the client has
 * taken the ones before, so that an answer of any length takes HTTPD_CHUNK bytes or so of memory. */
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

/* ---- streams ---- */

enum { HTTPD_CHUNK = 65536 };

enum httpd_turn {
    HTTPD_MORE, /* go on when these bytes are taken; there must be some */
    HTTPD_WAIT, /* nothing more for now: again after httpd_wake, or after wait_ms */
    HTTPD_END,  /* the answer is complete */
    HTTPD_FAILED /* it cannot be completed: the connection is closed, and the client sees a cut body */
};
struct httpd_stream; /* one answer in the course of being given */

/* httpd_producer - appends the next bytes, about HTTPD_CHUNK of them, to out (empty at the call). On a worker
 * thread, one call at a time, not always the same thread; may block, which takes the thread from others; is not
 * called again after HTTPD_END and HTTPD_FAILED. *wait_ms, for HTTPD_WAIT: at most so long (in steps of half a
 * second); the default is 15000. While a stream waits, a client that went away is noticed
 * within a second; what the producer writes from time to time shows the rest (RFC 9112 knows no other way). */
typedef enum httpd_turn httpd_producer(void *ctx, struct buf *out, int64_t *wait_ms);
/* httpd_release - frees ctx: called once, on a worker thread, when the answer has ended, for whatever reason. */
typedef void httpd_release(void *ctx);
/* httpd_wake - asks the producer again that said HTTPD_WAIT, or is about to. Any thread, until the release
 * returns: who wakes from elsewhere takes the same lock there as the release does. */
void httpd_wake(struct httpd_stream *s);

/* ---- answers ---- */

struct httpd_header_line {
    char name[48];
    char value[256];
};
struct httpd_reply {
    int status;
    const char *content_type; /* static; default application/json */
    struct buf body;          /* the whole answer, or the first bytes of a stream */
    struct httpd_header_line headers[8];
    size_t header_count;
    struct httpd_stream *stream; /* httpd_reply_stream's */
};
void httpd_reply_header(struct httpd_reply *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* httpd_reply_error - the status, and {"code":reason,"message":text} as the body; what is not UTF-8 in text
 * becomes '?'. */
void httpd_reply_error(struct httpd_reply *r, int status, const char *text);
/* httpd_reply_stream - the answer goes on behind body with what next yields. At most once an answer, as the
 * handler's last word: an error afterwards is next's HTTPD_FAILED. */
struct httpd_stream *httpd_reply_stream(struct httpd_reply *r, httpd_producer *next,
                                        httpd_release *release, void *ctx);

/* httpd_reason - the reason phrase of a status, "Not Found"; static. */
const char *httpd_reason(int status);

typedef void httpd_handler(void *ctx, const struct httpd_request *q, struct httpd_reply *r);

/* ---- the server ---- */

struct httpd_options {
    const char *const *places; /* acceptor.h; borrowed during the start */
    size_t place_count;
    int port;              /* of places without one */
    int threads;           /* handlers and producers at a time */
    int connections_max;   /* default 256 when 0 */
    size_t body_max_bytes; /* default 1 MiB when 0 */
    int64_t timeout_ms;    /* of an idle or slow connection; default 15000 when 0 */
    /* httpd_stop calls it, once, when handlers should return at once; may be NULL. */
    void (*hurry)(void *ctx);
};

/* httpd_start - listen and serve; *out is set before the first handler runs. ERR_UNAVAILABLE "could not listen on …: Address already in
 * use". */
NODISCARD int httpd_start(struct httpd **out, const struct httpd_options *o, httpd_handler *h,
                          void *ctx, struct err *e);
/* httpd_stop - takes no more connections and requests, ends idle connections, waiting streams and, with 503,
 * what no worker has begun, all at once; what is being answered has 3 s. Then hurry() is called and every
 * connection closed. Returns when the last handler has. */
void httpd_stop(struct httpd *h);

/* httpd_connections - how many are open now, those of httpd_start's limit. Any thread. */
int httpd_connections(const struct httpd *h);

#endif
