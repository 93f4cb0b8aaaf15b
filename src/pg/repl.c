/* repl.c - see repl.h. */
#include "pg/repl.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "pg/conn.h"
#include "pg/ident.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* PostgreSQL counts time from 2000-01-01. */
#define EPOCH_SHIFT_US INT64_C(946684800000000)

enum { LOOK_MS = 100 /* whether to stop, while the server takes its time */ };

struct repl {
    struct conn *conn;
    PGconn *pg;
};

int repl_open(struct repl **out, const char *url, int sender_timeout_ms, struct err *e)
{
    *out = NULL;
    char options[384];
    snprintf(options, sizeof options,
             CONN_EXACT_TEXTS
             " -c wal_sender_timeout=%d -c statement_timeout=0 -c lock_timeout=0"
             " -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0",
             sender_timeout_ms);
    struct conn_options o = {
        .application_name = "parkway relay", .options = options, .replication = true};
    struct conn *c;
    int rc = conn_open(&c, url, &o, e);
    if (rc != 0) {
        return rc;
    }
    struct repl *r = def_zalloc(1, sizeof *r);
    r->conn = c;
    r->pg = conn_raw(c);
    *out = r;
    return 0;
}

void repl_close(struct repl *r)
{
    if (r != NULL) {
        conn_close(r->conn);
        free(r);
    }
}

int repl_server_pid(const struct repl *r)
{
    return PQbackendPID(r->pg);
}

bool repl_is_local(const struct repl *r)
{
    struct sockaddr_storage own = {0};
    socklen_t n = sizeof own;
    return getsockname(PQsocket(r->pg), (struct sockaddr *)&own, &n) == 0 &&
           own.ss_family == AF_UNIX;
}

int repl_socket(const struct repl *r)
{
    return PQsocket(r->pg);
}

static int refused(struct repl *r, PGresult *res, const char *what, struct err *e)
{
    const char *state = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *text = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool gone =
        PQstatus(r->pg) != CONNECTION_OK || (state != NULL && strncmp(state, "57P", 3) == 0);
    int code = err_sql(e, gone ? ERR_CLOSED : ERR_SQL, state != NULL ? state : "", "%s: %s",
                       what, text != NULL ? text : PQerrorMessage(r->pg));
    PQclear(res);
    return code;
}

int repl_memory(struct repl *r, int64_t bytes, struct err *e)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SET logical_decoding_work_mem = '%" PRId64 "kB'", bytes / 1024);
    PGresult *res = PQexec(r->pg, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        return refused(r, res, "could not set the memory for decoding", e);
    }
    PQclear(res);
    return 0;
}

int repl_identify(struct repl *r, struct repl_system *out, struct err *e)
{
    PGresult *res = PQexec(r->pg, "IDENTIFY_SYSTEM");
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1) {
        return refused(r, res, "could not identify the primary", e);
    }
    uint32_t hi = 0;
    uint32_t lo = 0;
    out->system = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    out->timeline = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10);
    bool ok = sscanf(PQgetvalue(res, 0, 2), "%" SCNx32 "/%" SCNx32, &hi, &lo) == 2;
    out->flushed_lsn = (uint64_t)hi << 32 | lo;
    PQclear(res);
    return ok ? 0 : err_set(e, ERR_PROTOCOL, "could not read the primary's position");
}

static void cancel(struct repl *r)
{
    char why[256];
    PGcancel *c = PQgetCancel(r->pg);
    if (c != NULL) {
        (void)!PQcancel(c, why, sizeof why);
        PQfreeCancel(c);
    }
}

/* As PQexec, for what may wait for others as long as they like; a daemon that is told to stop gives it up. */
static PGresult *exec_patiently(struct repl *r, const char *sql)
{
    if (!PQsendQuery(r->pg, sql)) {
        return NULL;
    }
    bool cancelled = false;
    while (PQisBusy(r->pg)) {
        struct pollfd p = {.fd = PQsocket(r->pg), .events = POLLIN};
        (void)poll(&p, 1, LOOK_MS);
        if (!PQconsumeInput(r->pg)) {
            return NULL;
        }
        if (daemon_stopping() && !cancelled) {
            cancelled = true;
            cancel(r);
        }
    }
    PGresult *first = PQgetResult(r->pg);
    for (PGresult *more = first; more != NULL;) {
        more = PQgetResult(r->pg);
        PQclear(more);
    }
    return first;
}

/* snapshot NULL: none is exported. */
static int create_slot(struct repl *r, const char *slot, bool temporary, uint64_t *at,
                       char *snapshot, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "CREATE_REPLICATION_SLOT ");
    ident_quote(&sql, slot);
    buf_addf(&sql, "%s LOGICAL pgoutput %s", temporary ? " TEMPORARY" : "",
             snapshot != NULL ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
    PGresult *res = exec_patiently(r, buf_cstr(&sql));
    buf_fini(&sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1) {
        return refused(r, res, "could not create the replication slot", e);
    }
    uint32_t hi = 0;
    uint32_t lo = 0;
    bool ok = sscanf(PQgetvalue(res, 0, 1), "%" SCNx32 "/%" SCNx32, &hi, &lo) == 2;
    *at = (uint64_t)hi << 32 | lo;
    if (snapshot != NULL) {
        snprintf(snapshot, REPL_SNAPSHOT_MAX, "%s", PQgetvalue(res, 0, 2));
    }
    PQclear(res);
    return ok ? 0 : err_set(e, ERR_PROTOCOL, "could not read the slot's position");
}

int repl_slot_create(struct repl *r, const char *slot, uint64_t *at, struct err *e)
{
    return create_slot(r, slot, false, at, NULL, e);
}

int repl_slot_export(struct repl *r, const char *slot, bool temporary, uint64_t *at,
                     char *snapshot, struct err *e)
{
    return create_slot(r, slot, temporary, at, snapshot, e);
}

int repl_slot_drop(struct repl *r, const char *slot, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "DROP_REPLICATION_SLOT ");
    ident_quote(&sql, slot);
    PGresult *res = PQexec(r->pg, buf_cstr(&sql));
    buf_fini(&sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        return refused(r, res, "could not drop the replication slot", e);
    }
    PQclear(res);
    return 0;
}

int repl_start(struct repl *r, const char *slot, const char *publication, uint64_t lsn,
               struct err *e)
{
    struct buf name = BUF_INIT;
    struct buf sql = BUF_INIT;
    ident_quote(&name, publication);
    buf_adds(&sql, "START_REPLICATION SLOT ");
    ident_quote(&sql, slot);
    buf_addf(&sql, " LOGICAL %" PRIX32 "/%" PRIX32 " (proto_version '1', publication_names ",
             (uint32_t)(lsn >> 32), (uint32_t)lsn);
    ident_literal(&sql, buf_cstr(&name));
    buf_adds(&sql, ", messages 'true')");
    PGresult *res = PQexec(r->pg, buf_cstr(&sql));
    buf_fini(&sql);
    buf_fini(&name);
    if (PQresultStatus(res) != PGRES_COPY_BOTH) {
        return refused(r, res, "could not start replication", e);
    }
    PQclear(res);
    if (PQsetnonblocking(r->pg, 1) != 0) {
        return err_set(e, ERR_CLOSED, "could not start replication: %s", PQerrorMessage(r->pg));
    }
    return 0;
}

static int parse(struct repl_event *ev, struct str bytes, struct err *e)
{
    struct rd rd = rd_of(bytes);
    uint8_t type = rd_u8(&rd);
    if (type == 'w') {
        ev->kind = REPL_DATA;
        ev->wal_start = rd_u64(&rd);
        ev->wal_end = rd_u64(&rd);
        ev->sent_us = (int64_t)rd_u64(&rd) + EPOCH_SHIFT_US;
        ev->msg = rd_bytes(&rd, rd_left(&rd));
    } else if (type == 'k') {
        ev->kind = REPL_KEEPALIVE;
        ev->wal_end = rd_u64(&rd);
        ev->sent_us = (int64_t)rd_u64(&rd) + EPOCH_SHIFT_US;
        ev->reply_wanted = rd_u8(&rd) != 0;
    } else {
        return err_set(e, ERR_PROTOCOL, "replication message of unknown type 0x%02x", type);
    }
    return rd.bad ? err_set(e, ERR_PROTOCOL, "replication message is too short") : 0;
}

int repl_next(struct repl *r, struct repl_event *ev, struct err *e)
{
    *ev = (struct repl_event){.kind = REPL_NONE};
    char *mem = NULL;
    int n = PQgetCopyData(r->pg, &mem, 1);
    if (n == 0) {
        if (PQflush(r->pg) < 0 || !PQconsumeInput(r->pg)) {
            return err_set(e, ERR_CLOSED, "the primary's connection was lost: %s",
                           PQerrorMessage(r->pg));
        }
        n = PQgetCopyData(r->pg, &mem, 1);
    }
    if (n == 0) {
        return 0;
    }
    if (n == -1) {
        PGresult *res = PQgetResult(r->pg);
        if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
            return refused(r, res, "the primary ended the stream", e);
        }
        PQclear(res);
        return err_set(e, ERR_CLOSED, "the primary ended the stream");
    }
    if (n < 0) {
        return err_set(e, ERR_CLOSED, "the primary's connection was lost: %s",
                       PQerrorMessage(r->pg));
    }
    ev->mem = mem;
    int rc = parse(ev, (struct str){mem, (size_t)n}, e);
    if (rc != 0) {
        repl_event_free(ev);
    }
    return rc;
}

void repl_event_free(struct repl_event *ev)
{
    repl_free(ev->mem);
    ev->mem = NULL;
    ev->msg = STR_NULL;
}

void repl_free(void *mem)
{
    PQfreemem(mem);
}

int repl_feedback(struct repl *r, uint64_t written, uint64_t flushed, bool reply_wanted,
                  struct err *e)
{
    char bytes[34];
    struct buf b = {bytes, 0, 0, sizeof bytes}; /* exactly full below: never grows */
    buf_u8(&b, 'r');
    buf_u64(&b, written);
    buf_u64(&b, flushed);
    buf_u64(&b, flushed);
    buf_u64(&b, (uint64_t)(clock_wall_us() - EPOCH_SHIFT_US));
    buf_u8(&b, reply_wanted);
    if (PQputCopyData(r->pg, bytes, sizeof bytes) < 0 || PQflush(r->pg) < 0) {
        return err_set(e, ERR_CLOSED, "the primary's connection was lost: %s",
                       PQerrorMessage(r->pg));
    }
    return 0;
}
