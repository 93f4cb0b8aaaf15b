/* request.h - one HTTP request of the command service: what handlers read from it and how they
 * answer. Lives on a worker's stack for the time of the request. */
#ifndef PARKWAY_COMMAND_REQUEST_H
#define PARKWAY_COMMAND_REQUEST_H

#include "base/httpd.h"
#include "base/json.h"
#include "domain/db.h"

struct request {
    const struct httpd_request *http;
    struct httpd_reply *reply;
    struct db *db; /* the worker's own */
    struct db *(*db_of)(
        void *service);       /* that of the worker which calls it: a stream's later pages */
    struct str name;          /* the path's variable segment; p NULL: the route has none */
    void *service;            /* struct command *, for the pages about the service itself */
    struct eventpage *events; /* the live streams of events */
};

/* request_freshness - the headers Parkway-Position and Parkway-Wait-Ms; ERR_INVALID when malformed. */
NODISCARD int request_freshness(const struct request *q, struct db_freshness *out,
                                struct err *e);

/* request_fail - the error as status and {"code","message"}; what is no fault of the client is logged. */
void request_fail(struct request *q, const struct err *e);
/* request_refuse - the same with a status of its own. */
void request_refuse(struct request *q, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Headers of an answer: where it was read, or where the write took place and its position. After a read
 * whose position no replica had, the connection is given up: it would make its next readers wait
 * for a position that may never come. */
void request_mark_read(struct request *q, const struct db_freshness *fresh);
void request_mark_write(struct request *q);
/* request_forbid_cache - for what changes something, also when it is a GET. */
void request_forbid_cache(struct request *q);

/* request_show - the whole answer to a GET of one row: look finds it by the path's variable segment, write shows row 0 of what it
 * gave. Returns look's result, or that of request_freshness. */
int request_show(struct request *q,
                 int (*look)(struct db *db, const struct db_freshness *fresh, struct str ref,
                             struct result **out, struct err *e),
                 void (*write)(struct json *j, const struct result *rows, size_t i));

#endif
