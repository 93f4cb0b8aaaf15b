/* eventrows.c - see eventrows.h. A row is put into the form that the log would have brought it in, and goes the relay's own
 * way to an event from there. */
#include "ops/eventrows.h"

#include "event/setup.h"
#include "pg/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FETCH_ROWS = 100,
    /* in front of the row's own columns */
    ROW_SEQ = 0,
    ROW_TIME = 1,
    ROW_COLUMNS = 2
};

struct eventrows {
    struct conn *primary;
    struct epoch epoch;
    struct event_relation *relation;
    struct rows *page;
    size_t row; /* the next one of the page */
    struct buf msg;
    struct event event;
};

/* What the publication lets out of the table, one row a column. */
static const char table_sql[] =
    "select w.oid, a.attname, a.atttypid, quote_ident(a.attname), w.source, w.filter, r.epoch"
    "  from parkway.rows_of('public.events') w"
    "  join parkway.relay r on r.publication = $1"
    "  join pg_attribute a on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped"
    "   and a.attgenerated = '' and a.attname = any (w.columns)"
    " order by a.attnum";

enum { TAB_OID, TAB_COLUMN, TAB_TYPE, TAB_QUOTED, TAB_SOURCE, TAB_FILTER, TAB_EPOCH };

static int describe(struct eventrows *r, const struct rows *table, struct err *e)
{
    struct pgoutput_msg m;
    buf_reset(&r->msg);
    buf_u8(&r->msg, PGOUTPUT_RELATION);
    buf_u32(&r->msg, (uint32_t)rows_int(table, 0, TAB_OID));
    buf_addz(&r->msg, "public");
    buf_addz(&r->msg, "events");
    buf_u8(&r->msg, 'd');
    buf_u16(&r->msg, (uint16_t)rows_count(table));
    for (size_t i = 0; i < rows_count(table); i++) {
        buf_u8(&r->msg, 0);
        buf_addz(&r->msg, rows_text(table, i, TAB_COLUMN));
        buf_u32(&r->msg, (uint32_t)rows_int(table, i, TAB_TYPE));
        buf_u32(&r->msg, UINT32_MAX); /* no type modifier */
    }
    int rc = pgoutput_parse(buf_str(&r->msg), &m, e);
    if (rc == 0) {
        r->relation = event_relation_new(&m);
    }
    return rc;
}

static int declare(struct eventrows *r, const struct rows *table, int64_t from_seq,
                   int64_t from_s, struct err *e)
{
    const char *filter = rows_text(table, 0, TAB_FILTER);
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "declare parkway_events no scroll cursor for"
                   " select seq, (extract(epoch from occurred_at) * 1000000)::bigint");
    for (size_t i = 0; i < rows_count(table); i++) {
        buf_addf(&sql, ", %s", rows_text(table, i, TAB_QUOTED));
    }
    buf_addf(&sql,
             " from %s where seq >= %" PRId64 " and occurred_at >= to_timestamp(%" PRId64
             ") and (%s) order by seq",
             rows_text(table, 0, TAB_SOURCE), from_seq, from_s,
             filter[0] != '\0' ? filter : "true");
    int rc = conn_exec(r->primary, buf_cstr(&sql), e);
    buf_fini(&sql);
    return rc;
}

static int look_up(struct eventrows *r, int64_t from_seq, int64_t from_s, struct err *e)
{
    struct rows *table = NULL;
    int rc = conn_exec(r->primary, "begin isolation level repeatable read read only", e);
    if (rc == 0) {
        rc = conn_query(r->primary, table_sql, 1,
                        (struct str[]){str_of(setup()->capture_publication)}, &table, e);
    }
    if (rc == 0 && rows_count(table) == 0) {
        rc = err_set(e, ERR_NOT_FOUND,
                     "the event store table public.events is not captured (capture.tables)");
    }
    if (rc == 0 && !epoch_parse(rows_get(table, 0, TAB_EPOCH), &r->epoch)) {
        rc = err_set(e, ERR_PROTOCOL, "the relay's epoch on the primary is no epoch");
    }
    if (rc == 0) {
        rc = describe(r, table, e);
    }
    if (rc == 0) {
        rc = declare(r, table, from_seq, from_s, e);
    }
    rows_free(table);
    return rc;
}

int eventrows_open(struct eventrows **out, int64_t from_seq, int64_t from_s, struct err *e)
{
    struct eventrows *r = def_zalloc(1, sizeof *r);
    struct conn_options o = {.application_name = "parkway events",
                             .options = CONN_EXACT_TEXTS " -c statement_timeout=0"
                                                         " -c row_security=off"};
    int rc = conn_open(&r->primary, setup()->primary_url, &o, e);
    if (rc == 0) {
        rc = look_up(r, from_seq, from_s, e);
    }
    if (rc != 0) {
        eventrows_close(r);
        return err_add(e, "primary");
    }
    *out = r;
    return 0;
}

/* The row as an Insert of the log. */
static int read_row(struct eventrows *r, struct err *e)
{
    struct pgoutput_msg m;
    const struct event_relation *rel = r->relation;
    buf_reset(&r->msg);
    buf_u8(&r->msg, PGOUTPUT_INSERT);
    buf_u32(&r->msg, rel->oid);
    buf_u8(&r->msg, 'N');
    buf_u16(&r->msg, (uint16_t)rel->column_count);
    for (size_t i = 0; i < rel->column_count; i++) {
        struct str v = rows_get(r->page, r->row, ROW_COLUMNS + i);
        buf_u8(&r->msg, v.p != NULL ? PGOUTPUT_TEXT : PGOUTPUT_NULL);
        if (v.p != NULL) {
            buf_u32(&r->msg, (uint32_t)v.n);
            buf_addstr(&r->msg, v);
        }
    }
    int rc = pgoutput_parse(buf_str(&r->msg), &m, e);
    return rc == 0 ? event_from_change(&r->event, rel, &m, (struct position){r->epoch, 0, 0, 0},
                                       rows_int(r->page, r->row, ROW_TIME), e)
                   : rc;
}

int eventrows_next(struct eventrows *r, struct event **ev, int64_t *seq, struct err *e)
{
    char sql[64];
    int rc = 0;
    *ev = NULL;
    do {
        if (r->page == NULL || r->row == rows_count(r->page)) {
            rows_free(r->page);
            r->page = NULL;
            r->row = 0;
            snprintf(sql, sizeof sql, "fetch %d from parkway_events", FETCH_ROWS);
            rc = conn_query(r->primary, sql, 0, NULL, &r->page, e);
            if (rc != 0 || rows_count(r->page) == 0) {
                return rc;
            }
        }
        *seq = rows_int(r->page, r->row, ROW_SEQ);
        rc = read_row(r, e);
        r->row++;
    } while (rc == ERR_INVALID);
    *ev = rc == 0 ? &r->event : NULL;
    return rc;
}

void eventrows_close(struct eventrows *r)
{
    if (r != NULL) {
        rows_free(r->page);
        event_relation_free(r->relation);
        event_fini(&r->event);
        buf_fini(&r->msg);
        conn_close(r->primary);
        free(r);
    }
}
