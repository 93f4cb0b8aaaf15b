/* db.c - see db.h. The connection starts with parkway.report=on, so that the reply to a write
 * carries its position and no further round trip is needed; a plain PostgreSQL takes it for a
 * setting of some extension. */
#include "domain/db.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { LATER_MAX = 32 /* with the one that sends them */ };

struct db {
    char *url;
    char *name;
    struct direct *conn;
    int stop_fd;                                       /* 0: none */
    enum { TX_NONE, TX_ADDED, TX_OPEN, TX_FAILED } tx; /* added: "begin" has not been sent */
    bool not_router; /* this connection's server knows no parkway.* */
    int64_t wait_ms; /* parkway.wait_ms of this connection; -1: the router's own */
    bool pinned;     /* parkway.route of this connection is the primary */
    struct result *
        *later[LATER_MAX]; /* where the results of what was added go; NULL: nowhere */
    size_t later_count;
};

struct db *db_new(const char *url, const char *application_name)
{
    struct db *db = def_zalloc(1, sizeof *db);
    db->url = def_strdup(url);
    db->name = def_strdup(application_name);
    return db;
}

static void drop(struct db *db)
{
    direct_close(db->conn);
    db->conn = NULL;
    db->tx = TX_NONE;
    db->later_count = 0;
}

void db_close(struct db *db)
{
    drop(db);
}

void db_free(struct db *db)
{
    if (db != NULL) {
        drop(db);
        free(db->url);
        free(db->name);
        free(db);
    }
}

void db_stop_on(struct db *db, int fd)
{
    db->stop_fd = fd;
}

int db_connect(struct db *db, struct err *e)
{
    if (db->conn != NULL && db->tx == TX_NONE && direct_stale(db->conn)) {
        drop(db);
    }
    if (db->conn != NULL) {
        return 0;
    }
    struct direct_options o = {.application_name = db->name,
                               .options = "-c parkway.report=on",
                               .stop_fd = db->stop_fd};
    db->not_router = false;
    db->wait_ms = -1;
    db->pinned = false;
    return direct_open(&db->conn, db->url, &o, e);
}

static bool in_class(const struct err *e, const char *prefix)
{
    return strncmp(e->sqlstate, prefix, strlen(prefix)) == 0;
}

/* The server's verdict in the words of err.h; text and SQLSTATE stay. */
static int judge(struct db *db, int rc, struct err *e)
{
    static const struct {
        const char *prefix;
        int code;
    } table[] = {
        {"08001", ERR_UNAVAILABLE}, {"08004", ERR_UNAVAILABLE}, {"08", ERR_CLOSED},
        {"57P01", ERR_CLOSED},      {"57P02", ERR_CLOSED},      {"23505", ERR_CONFLICT},
        {"23", ERR_INVALID},        {"22", ERR_INVALID},        {"53", ERR_UNAVAILABLE},
        {"57P", ERR_UNAVAILABLE},   {"57014", ERR_TIMEOUT},     {"40", ERR_UNAVAILABLE},
        {"25006", ERR_UNAVAILABLE}, {"28", ERR_AUTH},           {"55000", ERR_CONFLICT},
    };
    if (rc == ERR_SQL) {
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
            if (in_class(e, table[i].prefix)) {
                rc = e->code = table[i].code;
                break;
            }
        }
    }
    if (rc == ERR_CLOSED || rc == ERR_PROTOCOL) {
        drop(db);
    }
    return rc;
}

/* Sends what was added. */
static int run(struct db *db, struct err *e)
{
    struct result *results[LATER_MAX];
    struct result **later[LATER_MAX];
    size_t count = db->later_count;
    memcpy(later, db->later, sizeof later);
    db->later_count = 0;
    bool open = db->tx != TX_NONE;
    int rc = judge(db, direct_run(db->conn, results, count, e), e);
    if (open && db->conn != NULL) { /* BEGIN may be what has failed */
        char status = direct_status(db->conn);
        db->tx = status == 'T' ? TX_OPEN : status == 'E' ? TX_FAILED : TX_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        if (later[i] != NULL) {
            *later[i] = results[i];
        } else {
            result_free(results[i]);
        }
    }
    return rc;
}

static void add(struct db *db, const char *sql, size_t param_count, const struct str *params,
                struct result **out)
{
    ASSERT(db->later_count < LATER_MAX);
    if (out != NULL) {
        *out = NULL;
    }
    direct_add(db->conn, sql, param_count, params);
    db->later[db->later_count++] = out;
}

/* One statement behind what was added. */
static int query(struct db *db, const char *sql, size_t param_count, const struct str *params,
                 struct result **out, struct err *e)
{
    add(db, sql, param_count, params, out);
    return run(db, e);
}

/* A setting of the router, which answers it itself. A server that does not take it has nothing to wait for, and no
 * replica. */
static int ask_router(struct db *db, const char *sql, struct err *e)
{
    struct err ignored = ERR_INIT;
    if (query(db, sql, 0, NULL, NULL, &ignored) != 0 && db->conn == NULL) {
        *e = ignored;
        return e->code;
    }
    return 0;
}

static int set_wait(struct db *db, int64_t wait_ms, struct err *e)
{
    char sql[64];
    if (wait_ms < 0) {
        snprintf(sql, sizeof sql, "set parkway.wait_ms = default");
    } else {
        snprintf(sql, sizeof sql, "set parkway.wait_ms = %lld", (long long)wait_ms);
    }
    db->wait_ms = wait_ms;
    return ask_router(db, sql, e);
}

static int pin(struct db *db, bool pinned, struct err *e)
{
    if (db->pinned == pinned || db->tx != TX_NONE) { /* a transaction is on the primary */
        return 0;
    }
    int rc =
        ask_router(db, pinned ? "set parkway.route = primary" : "set parkway.route = auto", e);
    db->pinned = rc == 0 ? pinned : db->pinned;
    return rc;
}

int db_write(struct db *db, const char *sql, size_t param_count, const struct str *params,
             struct result **out, struct err *e)
{
    int rc = db_connect(db, e);
    if (rc == 0 && strncmp(sql, "select", 6) == 0) { /* others change something */
        rc = pin(db, true, e);
    }
    return rc == 0 ? query(db, sql, param_count, params, out, e) : rc;
}

static int read_once(struct db *db, const struct db_freshness *fresh, const char *sql,
                     size_t param_count, const struct str *params, struct result **out,
                     struct err *e)
{
    int64_t wait_ms = fresh != NULL ? fresh->wait_ms : -1;
    int rc = db_connect(db, e);
    if (rc == 0 && wait_ms != db->wait_ms && db->tx == TX_NONE) {
        rc = set_wait(db, wait_ms, e);
    }
    rc = rc == 0 ? pin(db, false, e) : rc;
    if (rc != 0) {
        return rc;
    }
    /* The token travels in a comment: no round trip of its own. */
    struct buf text = BUF_INIT;
    if (fresh != NULL && fresh->position.p != NULL) {
        buf_addf(&text, "/* parkway.position=%.*s */ ", STR_ARG(fresh->position));
    }
    buf_adds(&text, sql);
    rc = query(db, buf_cstr(&text), param_count, params, out, e);
    if (rc == ERR_SQL && db->tx == TX_NONE && in_class(e, "42P01")) {
        rc = e->code = ERR_UNAVAILABLE; /* a read model that is being built is not there yet */
    }
    buf_fini(&text);
    return rc;
}

int db_read(struct db *db, const struct db_freshness *fresh, const char *sql,
            size_t param_count, const struct str *params, struct result **out, struct err *e)
{
    bool in_transaction = db->tx != TX_NONE;
    int rc = read_once(db, fresh, sql, param_count, params, out, e);
    if (!in_transaction && rc == ERR_CLOSED) {
        rc = read_once(db, fresh, sql, param_count, params, out, e);
    }
    return rc;
}

int db_begin(struct db *db, struct err *e)
{
    ASSERT(db->tx == TX_NONE);
    int rc = db_connect(db, e);
    if (rc == 0) {
        add(db, "begin", 0, NULL, NULL);
        db->tx = TX_ADDED;
    }
    return rc;
}

int db_later(struct db *db, const char *sql, size_t param_count, const struct str *params,
             struct result **out, struct err *e)
{
    int rc = db->tx == TX_NONE ? err_set(e, ERR_CLOSED, "the transaction has ended") : 0;
    if (rc == 0 && db->later_count == LATER_MAX - 1) {
        rc = run(db, e);
    }
    if (rc == 0) {
        add(db, sql, param_count, params, out);
    }
    return rc;
}

int db_flush(struct db *db, struct err *e)
{
    return db->later_count > 0 ? run(db, e) : 0;
}

int db_role(struct db *db, const char *role, struct err *e)
{
    char sql[96];
    int n = snprintf(sql, sizeof sql, "set local role %s", role[0] != '\0' ? role : "none");
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    return db_later(db, sql, 0, NULL, NULL, e);
}

int db_act_as(struct db *db, const char *owner, bool *alone, struct err *e)
{
    *alone = db->tx == TX_NONE;
    int rc = *alone ? db_begin(db, e) : 0;
    rc = rc == 0 ? db_role(db, owner, e) : rc;
    if (rc != 0 && *alone) {
        db_rollback(db);
    }
    return rc;
}

int db_act_end(struct db *db, bool alone, int rc, struct err *e)
{
    if (rc == 0) {
        rc = alone ? db_commit(db, e) : db_role(db, "", e);
    }
    if (rc != 0 && alone) {
        db_rollback(db);
    }
    return rc;
}

/* What was added fails before the commit, which is skipped then and leaves the transaction open. */
int db_commit(struct db *db, struct err *e)
{
    if (db->tx == TX_NONE) { /* as drop leaves it */
        return err_set(e, ERR_CLOSED, "the connection was lost before the commit");
    }
    int rc = db->tx == TX_FAILED /* COMMIT would roll back, and say so in its tag alone */
                 ? err_set(e, ERR_SQL, "the transaction had failed before the commit")
                 : query(db, "commit", 0, NULL, NULL, e);
    if (rc != 0) {
        db_rollback(db);
    }
    db->tx = TX_NONE;
    return rc;
}

void db_rollback(struct db *db)
{
    if (db->conn == NULL || db->tx == TX_NONE) {
        return;
    }
    struct err ignored = ERR_INIT;
    bool open = db->tx != TX_ADDED;
    direct_forget(db->conn);
    db->later_count = 0;
    db->tx = TX_NONE;
    if (open && query(db, "rollback", 0, NULL, NULL, &ignored) != 0) {
        drop(db);
    }
}

bool db_in_transaction(const struct db *db)
{
    return db->tx != TX_NONE;
}

/* One text from the router, or NULL rows. */
static struct result *show(struct db *db, const char *sql)
{
    if (db->conn == NULL || db->not_router || db->tx != TX_NONE) {
        return NULL;
    }
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = query(db, sql, 0, NULL, &rows, &e);
    if (rc == ERR_SQL) {
        db->not_router = true; /* 42704: unrecognized configuration parameter */
    }
    if (rc == 0 && result_count(rows) == 1 && result_columns(rows) > 0) {
        return rows;
    }
    if (rc == 0) {
        result_free(rows);
    }
    return NULL;
}

void db_position(struct db *db, char out[POSITION_TEXT_MAX])
{
    out[0] = '\0';
    const char *reported =
        db->conn != NULL ? direct_parameter(db->conn, "parkway.position") : NULL;
    struct result *rows = reported != NULL ? NULL : show(db, "show parkway.position");
    snprintf(out, POSITION_TEXT_MAX, "%s",
             reported != NULL ? reported
             : rows != NULL   ? result_text(rows, 0, 0)
                              : "");
    if (rows != NULL) {
        result_free(rows);
    }
}

/* "<where>: <why>"; where is "primary" or the name of a replica. */
enum db_route db_route(struct db *db)
{
    struct result *rows = show(db, "show parkway.route");
    enum db_route r = DB_ROUTE_UNKNOWN;
    if (rows != NULL) {
        const char *text = result_text(rows, 0, 0);
        size_t n = strcspn(text, ":");
        if (n > 0) {
            r = str_eq((struct str){text, n}, STR("primary")) ? DB_ROUTE_PRIMARY
                                                              : DB_ROUTE_REPLICA;
        }
        result_free(rows);
    }
    return r;
}

const char *db_route_text(enum db_route r)
{
    return r == DB_ROUTE_REPLICA ? "replica" : r == DB_ROUTE_PRIMARY ? "primary" : "unknown";
}
