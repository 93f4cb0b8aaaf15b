/* enroll.c - see enroll.h. */
#include "ops/enroll.h"

#include "base/buf.h"
#include "consumer/consumer_conf.h"
#include "event/position.h"
#include "event/setup.h"
#include "pg/repl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Both sides write and read the texts of values alike. */
static const char copy_settings[] =
    "set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 3; "
    "set timezone = 'UTC'; set session_replication_role = replica";

enum { SENDER_TIMEOUT_MS = 0 }; /* the replication connection idles while rows are copied */

enum copy { COPY_NOT, COPY_INTO_EMPTY, COPY_OVER /* a former copy, emptied first */ };

struct enrolment {
    struct conn *primary;
    struct conn *replica;
    const char *primary_url;
    struct captured *captured;
    void (*note)(const char *text);
    struct repl *repl; /* open while a snapshot is in use */
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    bool known_relay;  /* parkway.relay has a row for the slot */
    bool known_slot;   /* the slot exists */
    bool known_cursor; /* parkway.cursor has a row for the consumer */
    enum copy *copies; /* per mirror */
    size_t copy_count;
};

static int ask_bool(struct conn *c, const char *sql, const char *param, bool *out,
                    struct err *e)
{
    struct rows *r;
    int rc = conn_query(c, sql, 1, (struct str[]){str_of(param)}, &r, e);
    if (rc == 0) {
        *out = rows_count(r) > 0 && rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
    }
    return rc;
}

static int look_around(struct enrolment *en, struct err *e)
{
    const char *slot = setup()->capture_slot;
    int rc = ask_bool(en->primary, "select true from parkway.relay where slot = $1", slot,
                      &en->known_relay, e);
    if (rc == 0) {
        rc = ask_bool(en->primary, "select true from pg_replication_slots where slot_name = $1",
                      slot, &en->known_slot, e);
    }
    if (rc == 0) {
        rc = ask_bool(en->replica, "select true from parkway.cursor where consumer = $1",
                      consumer_conf()->name, &en->known_cursor, e);
    }
    return rc;
}

/* ---- which mirrors are to be copied --------------------------------------------------------- */

static int is_published(struct enrolment *en, const struct captured_table *t, bool *out,
                        struct err *e)
{
    struct rows *r;
    int rc = conn_query(
        en->primary,
        "select true from pg_publication_tables where pubname = $1 and "
        "schemaname || '.' || tablename = $2",
        2, (struct str[]){str_of(setup()->capture_publication), str_of(t->name)}, &r, e);
    if (rc == 0) {
        *out = rows_count(r) > 0;
        rows_free(r);
    }
    return rc;
}

/* Whether the mirror holds rows; one that is missing does not. */
static int is_filled(struct enrolment *en, const char *target, bool *out, struct err *e)
{
    bool exists = false;
    int rc = ask_bool(en->replica, "select to_regclass($1) is not null", target, &exists, e);
    if (rc != 0 || !exists) {
        *out = false;
        return rc;
    }
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "select exists (select from %s) and $1::text is not null", target);
    rc = ask_bool(en->replica, buf_cstr(&sql), "", out, e);
    buf_fini(&sql);
    return rc;
}

/* A mirror is new when the replica is, when its table was not published, or when its copy was never
 * finished. Rows in a mirror that Parkway has never copied are somebody else's. */
static int judge_mirror(struct enrolment *en, size_t i, struct err *e)
{
    const struct captured_mirror *m = &en->captured->mirrors[i];
    const char *name = m->table->name;
    bool started = false;
    bool finished = false;
    bool published = false;
    bool filled = false;
    struct rows *r;
    int rc = conn_query(
        en->replica,
        "select lsn is not null from parkway.table_start where consumer = $1 and relation = $2",
        2, (struct str[]){str_of(consumer_conf()->name), str_of(name)}, &r, e);
    if (rc == 0) {
        started = rows_count(r) > 0;
        finished = started && rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
        rc = is_published(en, m->table, &published, e);
    }
    if (rc == 0) {
        rc = is_filled(en, m->target, &filled, e);
    }
    if (rc != 0 || (en->known_cursor && published && finished)) {
        return rc;
    }
    if (filled && !started) {
        return err_set(e, ERR_CONFLICT,
                       "%s on the replica already holds rows: empty it (truncate), then run "
                       "parkway migrate again",
                       m->target);
    }
    en->copies[i] = filled ? COPY_OVER : COPY_INTO_EMPTY;
    en->copy_count++;
    return 0;
}

/* A running consumer starts over from its row and reads parkway.table_start anew (consumer/cursor.h). */
static int raise_fence(struct enrolment *en, struct err *e)
{
    return conn_query(en->replica,
                      "update parkway.cursor set fence = fence + 1 where consumer = $1", 1,
                      (struct str[]){str_of(consumer_conf()->name)}, NULL, e);
}

/* "copy under way", for everybody to see before the first change of the table can be in the log. */
static int announce(struct enrolment *en, struct err *e)
{
    if (en->copy_count == 0) {
        return 0;
    }
    int rc = conn_exec(en->replica, "begin", e);
    for (size_t i = 0; rc == 0 && i < en->captured->mirror_count; i++) {
        if (en->copies[i] != COPY_NOT) {
            rc = conn_query(
                en->replica,
                "insert into parkway.table_start (consumer, relation, epoch, lsn) values ($1, "
                "$2, '', null) on conflict (consumer, relation) do update set lsn = null",
                2,
                (struct str[]){str_of(consumer_conf()->name),
                               str_of(en->captured->mirrors[i].table->name)},
                NULL, e);
        }
    }
    if (rc == 0) {
        rc = raise_fence(en, e);
    }
    return rc == 0 ? conn_exec(en->replica, "commit", e) : rc;
}

/* ---- the books of the primary --------------------------------------------------------------- */

/* Before the position is taken, so that the relay keeps everything from there on for this replica. */
static int book_replica(struct enrolment *en, struct err *e)
{
    return conn_query(en->primary,
                      "insert into parkway.replicas (name) values ($1) on conflict do nothing",
                      1, (struct str[]){str_of(consumer_conf()->name)}, NULL, e);
}

static int book_position(struct enrolment *en, struct err *e)
{
    return conn_query(
        en->primary,
        "update parkway.replicas set applied_epoch = $2, applied_lsn = "
        "$3::text::pg_lsn, reported_at = now() where name = $1",
        3, (struct str[]){str_of(consumer_conf()->name), str_of(en->epoch), str_of(en->lsn)},
        NULL, e);
}

/* The slot's row, at the position where the slot stands (nobody has read from it yet). */
static int book_slot(struct enrolment *en, struct err *e)
{
    return conn_query(en->primary,
                      "insert into parkway.relay (slot, publication, epoch, start_lsn) "
                      "select slot_name, $2, $3, confirmed_flush_lsn from pg_replication_slots "
                      "where slot_name = $1 on conflict do nothing",
                      3,
                      (struct str[]){str_of(setup()->capture_slot),
                                     str_of(setup()->capture_publication), str_of(en->epoch)},
                      NULL, e);
}

/* ---- the position and its snapshot ---------------------------------------------------------- */

static int open_repl(struct enrolment *en, struct err *e)
{
    struct repl_system system;
    int rc = repl_open(&en->repl, en->primary_url, SENDER_TIMEOUT_MS, e);
    if (rc == 0) {
        rc = repl_identify(en->repl, &system, e);
    }
    if (rc == 0) {
        epoch_text((struct epoch){system.system, system.timeline}, en->epoch);
    }
    return rc;
}

/* A slot without its row was made by a migration that did not come to its end. When the replica has its cursor
 * already, only the row is missing. When it has not, the slot is made again for its snapshot. */
static int settle_slot(struct enrolment *en, struct err *e)
{
    if (en->known_relay || !en->known_slot) {
        return 0;
    }
    if (!en->known_cursor) {
        return repl_slot_drop(en->repl, setup()->capture_slot, e);
    }
    en->known_relay = true;
    return book_slot(en, e);
}

/* Waits for the transactions that run on the primary at this moment. */
static int take_position(struct enrolment *en, bool permanent, char *snapshot, struct err *e)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "parkway_migrate_%d", (int)getpid());
    uint64_t at = 0;
    int rc = repl_slot_export(en->repl, permanent ? setup()->capture_slot : temporary,
                              !permanent, &at, snapshot, e);
    if (rc == 0) {
        lsn_text(at, en->lsn);
    }
    return rc;
}

/* ---- copying -------------------------------------------------------------------------------- */

static int begin_copy(struct enrolment *en, const char *snapshot, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql,
             "begin isolation level repeatable read read only; set transaction snapshot '%s'",
             snapshot);
    int rc = conn_exec(en->primary, copy_settings, e);
    if (rc == 0) {
        rc = conn_exec(en->primary, buf_cstr(&sql), e);
    }
    if (rc == 0) {
        rc = conn_exec(en->replica, copy_settings, e);
    }
    buf_fini(&sql);
    return rc == 0 ? conn_exec(en->replica, "begin", e) : rc;
}

static int copy_mirror(struct enrolment *en, size_t i, struct err *e)
{
    const struct captured_mirror *m = &en->captured->mirrors[i];
    int64_t count = 0;
    int rc = 0;
    if (en->copies[i] == COPY_OVER) {
        struct buf sql = BUF_INIT;
        buf_addf(&sql, "truncate %s", m->target);
        rc = conn_exec(en->replica, buf_cstr(&sql), e);
        buf_fini(&sql);
    }
    if (rc == 0) {
        rc = captured_copy(en->primary, en->replica, m, &count, e);
    }
    if (rc == 0) {
        rc = conn_query(en->replica,
                        "update parkway.table_start set epoch = $2, lsn = $3::text::pg_lsn "
                        "where relation = $1 and consumer = $4",
                        4,
                        (struct str[]){str_of(m->table->name), str_of(en->epoch),
                                       str_of(en->lsn), str_of(consumer_conf()->name)},
                        NULL, e);
    }
    if (rc == 0 && count > 0) {
        char text[256];
        snprintf(text, sizeof text, "copied %" PRId64 " rows of %s at %s", count,
                 m->table->name, en->lsn);
        en->note(text);
    }
    return rc;
}

static int copy_all(struct enrolment *en, const char *snapshot, struct err *e)
{
    int rc = begin_copy(en, snapshot, e);
    for (size_t i = 0; rc == 0 && i < en->captured->mirror_count; i++) {
        if (en->copies[i] != COPY_NOT) {
            rc = copy_mirror(en, i, e);
        }
    }
    if (rc == 0 && en->known_cursor) {
        rc = raise_fence(en, e);
    }
    if (rc == 0 && !en->known_cursor) {
        rc = conn_query(
            en->replica,
            "insert into parkway.cursor (consumer, epoch, lsn, applied_at) values "
            "($1, $2, $3::text::pg_lsn, now())",
            3,
            (struct str[]){str_of(consumer_conf()->name), str_of(en->epoch), str_of(en->lsn)},
            NULL, e);
    }
    if (rc == 0) {
        rc = conn_exec(en->replica, "commit", e);
    }
    return rc == 0 ? conn_exec(en->primary, "commit", e) : rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int prepare(struct enrolment *en, struct err *e)
{
    int rc = look_around(en, e);
    for (size_t i = 0; rc == 0 && i < en->captured->mirror_count; i++) {
        rc = captured_check(en->primary, en->replica, &en->captured->mirrors[i], e);
        if (rc == 0) {
            rc = judge_mirror(en, i, e);
        }
    }
    if (rc == 0 && !en->known_cursor) {
        rc = book_replica(en, e);
    }
    if (rc == 0) {
        rc = announce(en, e);
    }
    if (rc == 0) {
        rc = captured_publish(en->primary, en->captured, e);
    }
    for (size_t i = 0; rc == 0 && i < en->captured->mirror_count; i++) {
        rc = captured_create(en->primary, en->replica, &en->captured->mirrors[i], e);
    }
    return rc;
}

static int run(struct enrolment *en, struct err *e)
{
    char snapshot[REPL_SNAPSHOT_MAX];
    int rc = prepare(en, e);
    if (rc == 0) {
        rc = open_repl(en, e);
    }
    if (rc == 0) {
        rc = settle_slot(en, e);
    }
    if (rc != 0 || (en->known_cursor && en->copy_count == 0)) {
        return rc;
    }
    bool permanent = !en->known_relay && !en->known_cursor;
    rc = take_position(en, permanent, snapshot, e);
    if (rc == 0) {
        rc = copy_all(en, snapshot, e);
    }
    if (rc == 0 && permanent) {
        rc = book_slot(en, e);
    }
    return rc == 0 && !en->known_cursor ? book_position(en, e) : rc;
}

int enroll(struct conn *primary, struct conn *replica, const char *primary_url,
           struct captured *captured, void (*note)(const char *text), struct err *e)
{
    struct enrolment en = {.primary = primary,
                           .replica = replica,
                           .primary_url = primary_url,
                           .captured = captured,
                           .note = note,
                           .copies = def_zalloc(captured->mirror_count, sizeof *en.copies)};
    int rc = run(&en, e);
    repl_close(en.repl);
    free(en.copies);
    return rc;
}
