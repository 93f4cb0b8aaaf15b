/* conn.c - see conn.h. A thin skin over libpq: one way to open, one to ask, one mapping of
 * errors.
 *
 * Connections are opened with TCP keepalives (5 s idle, 2 s apart, 4 tries) and a user timeout
 * of 15 s, so that a peer that vanished without a word is noticed on the next use or within
 * that time. The server's notices are dropped; its errors become struct err with their
 * SQLSTATE. */
#include "pg/conn.h"

#include "base/buf.h"
#include "base/clock.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct conn {
    PGconn *pg;
    int answer_timeout_ms; /* 0: none */
    bool silent;           /* it has passed once: closed */
};

/* rows are a PGresult; the name only hides the type */
static PGresult *result_of(const struct rows *r)
{
    return (PGresult *)(uintptr_t)r;
}

static void drop_notice(void *arg, const PGresult *res)
{
    UNUSED(arg);
    UNUSED(res);
}

/* A login that the server refused has SQLSTATE class 28, 3D000 (no such database), or 0A/08P01;
 * libpq does not tell it before version 16 for a failed connect, so look at the text's meaning.
 */
static int open_failure(PGconn *pg)
{
    const char *text = PQerrorMessage(pg);
    if (PQconnectionNeedsPassword(pg) || strstr(text, "authentication failed") != NULL ||
        strstr(text, "no pg_hba.conf entry") != NULL) {
        return ERR_AUTH;
    }
    return ERR_UNAVAILABLE;
}

int conn_open(struct conn **out, const char *url, const struct conn_options *o, struct err *e)
{
    *out = NULL;
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d",
             o != NULL && o->connect_timeout_s > 0 ? o->connect_timeout_s : 5);
    const char *keys[12];
    const char *values[12];
    size_t n = 0;
#define PARAM(k, v)                                                                            \
    do {                                                                                       \
        keys[n] = (k);                                                                         \
        values[n++] = (v);                                                                     \
    } while (0)
    PARAM("keepalives_idle", "5");
    PARAM("keepalives_interval", "2");
    PARAM("keepalives_count", "4");
    PARAM("tcp_user_timeout", "15000");
    PARAM("connect_timeout", timeout);
    PARAM("dbname", url); /* expanded; what it names wins over the entries before it */
    PARAM("application_name",
          o != NULL && o->application_name != NULL ? o->application_name : "parkway");
    PARAM("client_encoding", "UTF8");
    if (o != NULL && o->options != NULL) {
        PARAM("options", o->options);
    }
    if (o != NULL && o->replication) {
        PARAM("replication", "database");
    }
#undef PARAM
    keys[n] = NULL;
    values[n] = NULL;
    PGconn *pg = PQconnectdbParams(keys, values, 1);
    if (pg == NULL) {
        return err_set(e, ERR_UNAVAILABLE, "could not connect: out of memory");
    }
    if (PQstatus(pg) != CONNECTION_OK) {
        int code = err_set(e, open_failure(pg), "could not connect: %s", PQerrorMessage(pg));
        PQfinish(pg);
        return code;
    }
    PQsetNoticeReceiver(pg, drop_notice, NULL);
    struct conn *c = def_zalloc(1, sizeof *c);
    c->pg = pg;
    c->answer_timeout_ms = o != NULL ? o->answer_timeout_ms : 0;
    *out = c;
    return 0;
}

void conn_close(struct conn *c)
{
    if (c != NULL) {
        PQfinish(c->pg);
        free(c);
    }
}

bool conn_lock_busy(int rc, const struct err *e)
{
    /* no lock keeps GRANT and TRUNCATE from one row of pg_class, and what the second one gets has no code of its own */
    bool raced = strcmp(e->sqlstate, "XX000") == 0 &&
                 (strstr(e->text, "tuple concurrently updated") != NULL ||
                  strstr(e->text, "tuple concurrently deleted") != NULL);
    return rc == ERR_SQL &&
           (raced || strcmp(e->sqlstate, "55P03") == 0 || strcmp(e->sqlstate, "40P01") == 0);
}

bool conn_alive(const struct conn *c)
{
    return c != NULL && !c->silent && PQstatus(c->pg) == CONNECTION_OK;
}

int conn_socket(const struct conn *c)
{
    return PQsocket(c->pg);
}

const char *conn_parameter(const struct conn *c, const char *name)
{
    return PQparameterStatus(c->pg, name);
}

void *conn_raw(struct conn *c)
{
    return c->pg;
}

int conn_check(struct conn *c, void *result, struct rows **out, struct err *e)
{
    PGresult *res = result;
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
              status == PGRES_EMPTY_QUERY || status == PGRES_SINGLE_TUPLE;
    if (ok) {
        if (out != NULL) {
            *out = (struct rows *)res;
        } else {
            PQclear(res);
        }
        return 0;
    }
    const char *state = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *text = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *detail = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL) : NULL;
    int code = conn_alive(c) ? ERR_SQL : ERR_CLOSED;
    if (state != NULL && strcmp(state, "57P01") == 0) {
        code = ERR_CLOSED; /* terminated by an administrator: the socket closes next */
    }
    err_sql(e, code, state != NULL ? state : "", "%s%s%s",
            text != NULL ? text : PQerrorMessage(c->pg), detail != NULL ? ": " : "",
            detail != NULL ? detail : "");
    PQclear(res);
    return code;
}

/* The last result of what was sent, as PQexec would give it; NULL with c->silent: it took too long. */
static PGresult *await(struct conn *c)
{
    int64_t until = clock_mono_us() + (int64_t)c->answer_timeout_ms * 1000;
    PGresult *last = NULL;
    for (;;) {
        while (PQisBusy(c->pg)) {
            struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
            int64_t left = until - clock_mono_us();
            c->silent = left <= 0;
            if (c->silent) {
                PQclear(last);
                return NULL;
            }
            if (poll(&p, 1, (int)(left / 1000) + 1) > 0 && !PQconsumeInput(c->pg)) {
                break; /* the connection is gone: PQgetResult says it */
            }
        }
        PGresult *next = PQgetResult(c->pg);
        if (next == NULL) {
            return last;
        }
        if (last != NULL && PQresultStatus(last) == PGRES_FATAL_ERROR) {
            PQclear(next);
        } else {
            PQclear(last);
            last = next;
        }
    }
}

/* sent: what PQsendQuery or PQsendQueryParams said. */
static int answer(struct conn *c, int sent, struct rows **out, struct err *e)
{
    PGresult *res = sent ? await(c) : NULL;
    if (c->silent) {
        return err_set(e, ERR_TIMEOUT, "the server has not answered for %d s",
                       c->answer_timeout_ms / 1000);
    }
    return conn_check(c, res, out, e);
}

int conn_exec(struct conn *c, const char *sql, struct err *e)
{
    if (c->answer_timeout_ms > 0) {
        return answer(c, !c->silent && PQsendQuery(c->pg, sql), NULL, e);
    }
    return conn_check(c, PQexec(c->pg, sql), NULL, e);
}

int conn_query(struct conn *c, const char *sql, size_t param_count, const struct str *params,
               struct rows **out, struct err *e)
{
    enum { FEW = 16 };
    const char *few[FEW];
    const char **values = param_count <= FEW ? few : def_zalloc(param_count, sizeof *values);
    struct buf texts = BUF_INIT; /* libpq wants text parameters NUL-terminated */
    for (size_t i = 0; i < param_count; i++) {
        if (params[i].p != NULL) {
            buf_addstr(&texts, params[i]);
            buf_u8(&texts, 0);
        }
    }
    size_t at = 0;
    for (size_t i = 0; i < param_count; i++) {
        values[i] = params[i].p != NULL ? texts.mem + at : NULL;
        at += params[i].p != NULL ? params[i].n + 1 : 0;
    }
    if (out != NULL) {
        *out = NULL;
    }
    int code;
    if (c->answer_timeout_ms > 0) {
        int sent = !c->silent &&
                   PQsendQueryParams(c->pg, sql, (int)param_count, NULL, values, NULL, NULL, 0);
        code = answer(c, sent, out, e);
    } else {
        code = conn_check(
            c, PQexecParams(c->pg, sql, (int)param_count, NULL, values, NULL, NULL, 0), out, e);
    }
    buf_fini(&texts);
    if (values != few) {
        free(values);
    }
    return code;
}

size_t rows_count(const struct rows *r)
{
    return (size_t)PQntuples(result_of(r));
}

size_t rows_columns(const struct rows *r)
{
    return (size_t)PQnfields(result_of(r));
}

struct str rows_get(const struct rows *r, size_t row, size_t column)
{
    PGresult *res = result_of(r);
    if (PQgetisnull(res, (int)row, (int)column)) {
        return STR_NULL;
    }
    return (struct str){PQgetvalue(res, (int)row, (int)column),
                        (size_t)PQgetlength(res, (int)row, (int)column)};
}

const char *rows_text(const struct rows *r, size_t row, size_t column)
{
    return PQgetvalue(result_of(r), (int)row, (int)column);
}

int64_t rows_int(const struct rows *r, size_t row, size_t column)
{
    return strtoll(rows_text(r, row, column), NULL, 10);
}

int64_t rows_affected(const struct rows *r)
{
    return strtoll(PQcmdTuples(result_of(r)), NULL, 10);
}

void rows_free(struct rows *r)
{
    PQclear(result_of(r));
}
