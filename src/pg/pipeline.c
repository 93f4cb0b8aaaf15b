/* pipeline.c - see pipeline.h. */
#include "pg/pipeline.h"

#include <libpq-fe.h>

static int send_failed(struct conn *c, const char *what, struct err *e)
{
    PGconn *pg = conn_raw(c);
    int code = PQstatus(pg) == CONNECTION_OK ? ERR_FAIL : ERR_CLOSED;
    return err_set(e, code, "%s: %s", what, PQerrorMessage(pg));
}

int pipeline_prepare(struct conn *c, const char *name, const char *sql, struct err *e)
{
    return conn_check(c, PQprepare(conn_raw(c), name, sql, 0, NULL), NULL, e);
}

int pipeline_begin(struct conn *c, struct err *e)
{
    if (!conn_alive(c)) {
        return err_set(e, ERR_CLOSED, "the connection is gone");
    }
    return PQenterPipelineMode(conn_raw(c)) == 1 ? 0 : send_failed(c, "could not begin", e);
}

int pipeline_send(struct conn *c, const char *sql, struct err *e)
{
    bool ok = PQsendQueryParams(conn_raw(c), sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
    return ok ? 0 : send_failed(c, "could not send a statement", e);
}

int pipeline_send_prepared(struct conn *c, const char *name, size_t param_count,
                           const struct pipeline_param *params, struct err *e)
{
    const char *values[PIPELINE_PARAMS_MAX];
    int lengths[PIPELINE_PARAMS_MAX];
    int formats[PIPELINE_PARAMS_MAX];
    ASSERT(param_count <= PIPELINE_PARAMS_MAX);
    for (size_t i = 0; i < param_count; i++) {
        if (params[i].value.n > INT32_MAX) {
            return err_set(e, ERR_TOO_LARGE, "parameter %zu has %zu bytes", i,
                           params[i].value.n);
        }
        values[i] = params[i].value.p;
        lengths[i] = (int)params[i].value.n;
        formats[i] = params[i].binary;
    }
    bool ok = PQsendQueryPrepared(conn_raw(c), name, (int)param_count, values, lengths, formats,
                                  0) == 1;
    return ok ? 0 : send_failed(c, "could not send a statement", e);
}

/* The results of one statement: its own and the NULL behind it. */
static int take_statement(struct conn *c, int64_t *affected, struct rows **last, bool *skipped,
                          struct err *e)
{
    PGconn *pg = conn_raw(c);
    PGresult *res = PQgetResult(pg);
    *skipped = PQresultStatus(res) == PGRES_PIPELINE_ABORTED;
    if (*skipped) {
        PQclear(res);
    } else {
        struct rows *rows = NULL;
        int rc = conn_check(c, res, &rows, e);
        if (rc != 0) {
            while (conn_alive(c) && (res = PQgetResult(pg)) != NULL) {
                PQclear(res);
            }
            return rc;
        }
        if (affected != NULL) {
            *affected = rows_affected(rows);
        }
        if (last != NULL && rows_columns(rows) > 0) {
            rows_free(*last);
            *last = rows;
        } else {
            rows_free(rows);
        }
    }
    while ((res = PQgetResult(pg)) != NULL) {
        PQclear(res);
    }
    return 0;
}

int pipeline_end(struct conn *c, size_t count, int64_t *affected, struct rows **last,
                 size_t *failed, struct err *e)
{
    PGconn *pg = conn_raw(c);
    int rc = 0;
    struct err ignored = ERR_INIT;
    if (last != NULL) {
        *last = NULL;
    }
    if (PQpipelineSync(pg) != 1) {
        return send_failed(c, "could not send a batch", e);
    }
    for (size_t i = 0; i < count && conn_alive(c); i++) {
        bool skipped;
        int one = take_statement(c, affected != NULL ? &affected[i] : NULL, last, &skipped,
                                 rc == 0 ? e : &ignored);
        if (one != 0 && rc == 0) {
            rc = one;
            if (failed != NULL) {
                *failed = i;
            }
        }
    }
    PGresult *res;
    while (conn_alive(c) && (res = PQgetResult(pg)) != NULL) {
        bool synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        PQclear(res);
        if (synced) {
            break;
        }
    }
    if (!conn_alive(c) || PQexitPipelineMode(pg) != 1) {
        rc = rc != 0 && rc != ERR_SQL ? rc : send_failed(c, "the connection was lost", e);
    }
    if (rc != 0 && last != NULL) {
        rows_free(*last);
        *last = NULL;
    }
    return rc;
}

int pipeline_copy_begin(struct conn *c, const char *sql, struct err *e)
{
    PGresult *res = PQexec(conn_raw(c), sql);
    if (PQresultStatus(res) == PGRES_COPY_IN) {
        PQclear(res);
        return 0;
    }
    struct rows *none = NULL;
    int rc = conn_check(c, res, &none, e);
    rows_free(none);
    return rc != 0 ? rc : err_set(e, ERR_FAIL, "no COPY");
}

int pipeline_copy_data(struct conn *c, struct str data, struct err *e)
{
    enum { PIECE = 64 * 1024 }; /* libpq's buffer grows to what one call gives it */
    while (data.n > 0) {
        size_t n = data.n < PIECE ? data.n : PIECE;
        if (PQputCopyData(conn_raw(c), data.p, (int)n) != 1) {
            return send_failed(c, "could not send rows", e);
        }
        data.p += n;
        data.n -= n;
    }
    return 0;
}

int pipeline_copy_end(struct conn *c, bool complete, int64_t *count, struct err *e)
{
    PGconn *pg = conn_raw(c);
    if (PQputCopyEnd(pg, complete ? NULL : "abandoned") != 1) {
        return send_failed(c, "could not end the rows", e);
    }
    struct rows *rows = NULL;
    int rc = conn_check(c, PQgetResult(pg), &rows, e);
    if (rc == 0 && count != NULL) {
        *count = rows_affected(rows);
    }
    rows_free(rows);
    PGresult *res;
    while (conn_alive(c) && (res = PQgetResult(pg)) != NULL) {
        PQclear(res);
    }
    return complete || rc != ERR_SQL ? rc : 0;
}

int pipeline_copy_out(struct conn *c, const char *sql, struct err *e)
{
    PGresult *res = PQexec(conn_raw(c), sql);
    if (PQresultStatus(res) == PGRES_COPY_OUT) {
        PQclear(res);
        return 0;
    }
    struct rows *none = NULL;
    int rc = conn_check(c, res, &none, e);
    rows_free(none);
    return rc != 0 ? rc : err_set(e, ERR_FAIL, "no COPY");
}

int pipeline_copy_row(struct conn *c, struct str *row, struct err *e)
{
    PGconn *pg = conn_raw(c);
    char *text = NULL;
    PQfreemem((void *)(uintptr_t)row->p);
    *row = STR_NULL;
    int n = PQgetCopyData(pg, &text, 0);
    if (n > 0) {
        *row = (struct str){text, (size_t)n};
        return 0;
    }
    struct rows *none = NULL;
    int rc = n == -1 ? conn_check(c, PQgetResult(pg), &none, e) : send_failed(c, "lost", e);
    rows_free(none);
    PGresult *res;
    while (conn_alive(c) && (res = PQgetResult(pg)) != NULL) {
        PQclear(res);
    }
    return rc;
}
