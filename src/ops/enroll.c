/* enroll.c - see enroll.h. */
#include "ops/enroll.h"

#include "base/clock.h"
#include "consumer/consumer_conf.h"
#include "event/setup.h"
#include "ops/copier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROUNDS_MAX = 20,      /* snapshots that one run takes for tables that keep being altered */
    LOCK_LOOK_US = 500000 /* between two looks whether the other run has ended */
};

struct enrolment {
    struct conn *primary;
    struct conn *replica;
    struct enroll_options o;
    const char *consumer;
    struct captured *captured;
    struct copytable *tables; /* those with something to copy */
    size_t table_count;
    struct snapshot snapshot; /* open while one is in use */
    struct progress progress;
    bool known_relay;  /* parkway.relay has a row for the slot */
    bool known_slot;   /* the slot exists */
    bool known_cursor; /* parkway.cursor has a row for the consumer */
    bool in_bootstrap; /* its state */
    bool made_again;   /* targets, which have no rights yet */
    char cursor_epoch[POSITION_TEXT_MAX];
    int64_t begun_us;
    char past
        [POSITION_TEXT_MAX]; /* at the end: the position behind which it serves; "" it does */
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

/* ---- opening -------------------------------------------------------------------------------- */

/* A session lock: it ends with this program, whatever ends it. */
static int lock_out_others(struct enrolment *en, struct err *e)
{
    bool locked = false;
    bool said = false;
    int rc = 0;
    while (rc == 0 && !locked) {
        rc = ask_bool(
            en->replica,
            "select pg_try_advisory_lock(hashtextextended('parkway.bootstrap.' || $1, 0))",
            en->consumer, &locked, e);
        if (rc == 0 && !locked) {
            if (!said) {
                en->o.note("waiting for another run that copies to this replica");
            }
            said = true;
            clock_sleep_us(LOCK_LOOK_US);
        }
    }
    return rc;
}

int enroll_open(struct enrolment **out, struct conn *primary, struct conn *replica,
                const struct enroll_options *o, struct err *e)
{
    struct enrolment *en = def_zalloc(1, sizeof *en);
    *en = (struct enrolment){.primary = primary,
                             .replica = replica,
                             .o = *o,
                             .consumer = consumer_conf()->name,
                             .begun_us = clock_mono_us()};
    progress_init(&en->progress, o->json);
    *out = en;
    return lock_out_others(en, e);
}

void enroll_close(struct enrolment *en)
{
    if (en == NULL) {
        return;
    }
    struct err ignored = ERR_INIT;
    (void)!ask_bool(
        en->replica,
        "select pg_advisory_unlock(hashtextextended('parkway.bootstrap.' || $1, 0))",
        en->consumer, &(bool){false}, &ignored);
    snapshot_close(&en->snapshot);
    for (size_t i = 0; i < en->table_count; i++) {
        copytable_fini(&en->tables[i]);
    }
    free(en->tables);
    free(en);
}

static int look_around(struct enrolment *en, struct err *e)
{
    const char *slot = setup()->capture_slot;
    struct rows *r = NULL;
    int rc = ask_bool(en->primary, "select true from parkway.relay where slot = $1", slot,
                      &en->known_relay, e);
    if (rc == 0) {
        rc = ask_bool(en->primary, "select true from pg_replication_slots where slot_name = $1",
                      slot, &en->known_slot, e);
    }
    if (rc == 0) {
        rc = conn_query(en->replica,
                        "select epoch, state from parkway.cursor where consumer = $1", 1,
                        (struct str[]){str_of(en->consumer)}, &r, e);
    }
    if (rc == 0) {
        en->known_cursor = rows_count(r) > 0;
        if (en->known_cursor) {
            snprintf(en->cursor_epoch, sizeof en->cursor_epoch, "%s", rows_text(r, 0, 0));
            en->in_bootstrap = strcmp(rows_text(r, 0, 1), "bootstrap") == 0;
        }
        rows_free(r);
    }
    return rc;
}

/* ---- which tables are to be copied ---------------------------------------------------------- */

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

/* Whether the target is there, and holds rows. */
static int look_at_target(struct enrolment *en, const char *target, bool *exists, bool *filled,
                          struct err *e)
{
    *filled = false;
    int rc = ask_bool(en->replica, "select to_regclass($1) is not null", target, exists, e);
    if (rc != 0 || !*exists) {
        return rc;
    }
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "select exists (select from %s) and $1::text is not null", target);
    rc = ask_bool(en->replica, buf_cstr(&sql), "", filled, e);
    buf_fini(&sql);
    return rc;
}

static int look_at_targets(struct enrolment *en, struct copytable *t, bool started,
                           struct err *e)
{
    bool all_missing = true;
    for (size_t i = 0; i < t->target_count; i++) {
        const char *target = t->targets[i].mirror->target;
        bool exists = false;
        bool filled = false;
        int rc = look_at_target(en, target, &exists, &filled, e);
        if (rc != 0) {
            return rc;
        }
        if (filled && !started && !en->o.force) {
            return err_set(e, ERR_CONFLICT,
                           "%s on the replica already holds rows: empty it (truncate), or let "
                           "parkway bootstrap %s --force replace them",
                           target, en->consumer);
        }
        all_missing = all_missing && !exists;
    }
    t->made = t->made || all_missing;
    return 0;
}

/* A table is copied when the replica is new, when the table was not published, when its copy was not finished, and when
 * it is asked for. */
static int judge(struct enrolment *en, struct copytable *t, bool *wanted, struct err *e)
{
    struct rows *r = NULL;
    bool published = false;
    struct str params[] = {str_of(en->consumer), str_of(t->table->name)};
    bool asked = en->o.table != NULL && strcmp(en->o.table, t->table->name) == 0;
    int rc = conn_query(en->replica,
                        "select lsn is not null, made from parkway.table_start "
                        "where consumer = $1 and relation = $2",
                        ARRAY_LEN(params), params, &r, e);
    if (rc == 0) {
        rc = is_published(en, t->table, &published, e);
    }
    if (rc != 0) {
        rows_free(r);
        return rc;
    }
    bool started = rows_count(r) > 0;
    bool finished = started && rows_text(r, 0, 0)[0] == 't';
    t->made = started && rows_text(r, 0, 1)[0] == 't';
    rows_free(r);
    *wanted = asked || !en->known_cursor || !published || !finished;
    if (!*wanted) {
        return 0;
    }
    rc = look_at_targets(en, t, started, e);
    if (rc == 0) {
        rc = copytable_load(t, en->replica, en->consumer, e);
    }
    t->anew = asked || !en->known_cursor || !published || !started || t->chunk_count == 0;
    return rc;
}

static int choose_tables(struct enrolment *en, struct err *e)
{
    struct captured *c = en->captured;
    bool found = en->o.table == NULL;
    en->tables = def_zalloc(c->table_count + 1, sizeof *en->tables);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->table_count; i++) {
        struct copytable *t = &en->tables[en->table_count];
        bool wanted = false;
        *t = (struct copytable){.table = &c->tables[i]};
        t->targets = def_zalloc(c->mirror_count + 1, sizeof *t->targets);
        for (size_t k = 0; rc == 0 && k < c->mirror_count; k++) {
            if (c->mirrors[k].table == t->table) {
                t->targets[t->target_count++].mirror = &c->mirrors[k];
                rc = captured_check(en->primary, en->replica, &c->mirrors[k], e);
            }
        }
        if (rc == 0 && t->target_count > 0) {
            found = found || strcmp(en->o.table, t->table->name) == 0;
            rc = judge(en, t, &wanted, e);
        }
        if (wanted) {
            en->table_count++;
        } else {
            copytable_fini(t);
        }
    }
    if (rc == 0 && !found) {
        rc = err_set(e, ERR_NOT_FOUND,
                     "%s is not in capture.tables (add it there, whoever published it), or no "
                     "plain mirror of it is configured",
                     en->o.table);
    }
    return rc;
}

/* ---- announcing ----------------------------------------------------------------------------- */

/* A running consumer starts over from its row and reads parkway.table_start anew (consumer/cursor.h). */
static int raise_fence(struct enrolment *en, struct err *e)
{
    return conn_query(en->replica,
                      "update parkway.cursor set fence = fence + 1 where consumer = $1", 1,
                      (struct str[]){str_of(en->consumer)}, NULL, e);
}

/* What was copied of the table is forgotten with it; its rows go when the new pieces are booked. */
static int announce_table(struct enrolment *en, const struct copytable *t, struct err *e)
{
    struct str params[] = {str_of(en->consumer), str_of(t->table->name),
                           str_of(t->made ? "true" : "false")};
    int rc =
        conn_query(en->replica,
                   "insert into parkway.table_start (consumer, relation, epoch, lsn, made) "
                   "values ($1, $2, '', null, $3::boolean) on conflict (consumer, relation) "
                   "do update set epoch = '', lsn = null, shape = '', made = excluded.made",
                   ARRAY_LEN(params), params, NULL, e);
    if (rc == 0) {
        rc = conn_query(en->replica,
                        "with shape as (delete from parkway.table_shape where consumer = $1 "
                        "and relation = $2) "
                        "delete from parkway.table_chunk where consumer = $1 and relation = $2",
                        2, params, NULL, e);
    }
    for (size_t i = 0; rc == 0 && i < t->target_count; i++) {
        struct str state[] = {params[0], params[1], str_of(t->targets[i].mirror->target)};
        rc = conn_query(en->replica,
                        "insert into parkway.table_state (consumer, relation, target, state, "
                        "reason, hint) select $1, $2, array_to_string(parse_ident($3), '.'), "
                        "'copying', 'its rows are being copied', 'parkway bootstrap ' || $1 || "
                        "' goes on with it' on conflict (consumer, relation, target) do update "
                        "set state = excluded.state, reason = excluded.reason, "
                        "hint = excluded.hint, since = now()",
                        ARRAY_LEN(state), state, NULL, e);
    }
    return rc;
}

static int forget_table(struct enrolment *en, const char *relation, struct err *e)
{
    return conn_query(en->replica,
                      "with start as (delete from parkway.table_start where consumer = $1 "
                      "and relation = $2 and lsn is null), "
                      "state as (delete from parkway.table_state where consumer = $1 "
                      "and relation = $2 and state = 'copying') "
                      "delete from parkway.table_chunk where consumer = $1 and relation = $2",
                      2, (struct str[]){str_of(en->consumer), str_of(relation)}, NULL, e);
}

/* A table that was dropped or renamed in the middle of its copy: nobody would ever end that, and the consumer
 * would wait for it. *any becomes true when there was one. */
static int forget_gone(struct enrolment *en, bool *any, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(en->replica,
                        "select relation from parkway.table_start where consumer = $1 "
                        "and lsn is null",
                        1, (struct str[]){str_of(en->consumer)}, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        bool gone = false;
        rc = ask_bool(en->primary,
                      "select not exists (select from pg_class c join pg_namespace n "
                      "on n.oid = c.relnamespace where n.nspname || '.' || c.relname = $1 "
                      "and c.relkind in ('r', 'p'))",
                      rows_text(r, i, 0), &gone, e);
        if (rc == 0 && gone) {
            *any = true;
            rc = forget_table(en, rows_text(r, i, 0), e);
        }
    }
    rows_free(r);
    return rc;
}

/* For everybody to see before the first change of a table can be in the log. */
static int announce(struct enrolment *en, struct err *e)
{
    bool any = false;
    int rc = conn_exec(en->replica, "begin", e);
    rc = rc == 0 ? forget_gone(en, &any, e) : rc;
    for (size_t i = 0; rc == 0 && i < en->table_count; i++) {
        if (en->tables[i].anew) {
            any = true;
            rc = announce_table(en, &en->tables[i], e);
        }
    }
    if (rc == 0 && any) {
        rc = raise_fence(en, e);
    }
    return rc == 0 ? conn_exec(en->replica, "commit", e) : rc;
}

/* Before any position is taken, so that the relay keeps everything from there on for this replica. */
static int book_replica(struct enrolment *en, struct err *e)
{
    return conn_query(en->primary,
                      "insert into parkway.replicas (name) values ($1) on conflict do nothing",
                      1, (struct str[]){str_of(en->consumer)}, NULL, e);
}

int enroll_prepare(struct enrolment *en, struct captured *captured, struct err *e)
{
    en->captured = captured;
    int rc = copier_session(en->replica, e);
    if (rc == 0) {
        rc = look_around(en, e);
    }
    if (rc == 0) {
        rc = choose_tables(en, e);
    }
    if (rc == 0) {
        rc = book_replica(en, e);
    }
    if (rc == 0) {
        rc = announce(en, e);
    }
    if (rc == 0) {
        rc = captured_publish(en->primary, captured, e);
    }
    for (size_t i = 0; rc == 0 && i < captured->mirror_count; i++) {
        rc = captured_create(en->primary, en->replica, &captured->mirrors[i], e);
    }
    return rc;
}

/* ---- the books at a new position ------------------------------------------------------------ */

/* The slot's row, at the position where the slot stands (nobody has read from it yet). */
static int book_slot(struct enrolment *en, struct err *e)
{
    int rc = conn_query(
        en->primary,
        "insert into parkway.relay (slot, publication, epoch, start_lsn) "
        "select slot_name, $2, $3, confirmed_flush_lsn from pg_replication_slots "
        "where slot_name = $1 on conflict do nothing",
        3,
        (struct str[]){str_of(setup()->capture_slot), str_of(setup()->capture_publication),
                       str_of(en->snapshot.epoch_text)},
        NULL, e);
    en->known_relay = en->known_relay || rc == 0;
    return rc;
}

static int book_cursor(struct enrolment *en, struct err *e)
{
    struct str params[] = {str_of(en->consumer), str_of(en->snapshot.epoch_text),
                           str_of(en->snapshot.lsn_text)};
    int rc = conn_query(en->replica,
                        "insert into parkway.cursor (consumer, epoch, lsn, state, applied_at) "
                        "values ($1, $2, $3::text::pg_lsn, 'bootstrap', now())",
                        ARRAY_LEN(params), params, NULL, e);
    if (rc == 0) {
        rc = conn_query(en->primary,
                        "update parkway.replicas set applied_epoch = $2, applied_lsn = "
                        "$3::text::pg_lsn, reported_at = now() where name = $1",
                        ARRAY_LEN(params), params, NULL, e);
    }
    en->known_cursor = en->known_cursor || rc == 0;
    en->in_bootstrap = true;
    return rc;
}

/* The primary was replaced by another in the middle of a copy: positions of the two are not comparable. */
static int begin_again(struct enrolment *en, struct err *e)
{
    if (!en->in_bootstrap) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the replica has not come into the primary's present epoch %s yet: run "
                       "this again when it has",
                       en->snapshot.epoch_text);
    }
    static const char forget[] =
        "with c as (delete from parkway.table_chunk where consumer = $1), "
        "s as (update parkway.table_start set epoch = '', lsn = null, shape = '' "
        "  where consumer = $1) delete from parkway.cursor where consumer = $1";
    int rc = conn_query(en->replica, forget, 1, (struct str[]){str_of(en->consumer)}, NULL, e);
    return rc != 0
               ? rc
               : err_set(e, ERR_UNAVAILABLE,
                         "the primary was replaced while rows were copied: run this again, it "
                         "copies anew");
}

static int take_position(struct enrolment *en, struct err *e)
{
    int rc = snapshot_open(&en->snapshot, en->o.primary_url, e);
    if (rc == 0 && en->known_cursor && strcmp(en->cursor_epoch, en->snapshot.epoch_text) != 0) {
        rc = begin_again(en, e);
    }
    if (rc == 0 && en->known_slot && !en->known_relay) {
        rc = book_slot(en, e);
    }
    bool permanent = rc == 0 && !en->known_slot && !en->known_relay;
    if (rc == 0) {
        rc = snapshot_take(&en->snapshot, permanent ? setup()->capture_slot : NULL, en->primary,
                           en->o.note, e);
    }
    if (rc == 0 && !en->known_cursor) {
        rc = book_cursor(en, e);
        snprintf(en->cursor_epoch, sizeof en->cursor_epoch, "%s", en->snapshot.epoch_text);
    }
    if (rc == 0 && permanent) {
        en->known_slot = true;
        rc = book_slot(en, e);
    }
    return rc;
}

/* ---- planning ------------------------------------------------------------------------------- */

/* Makes the targets again in the source's present shape. */
static int make_again(struct enrolment *en, struct copytable *t, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->target_count; i++) {
        const struct captured_mirror *m = t->targets[i].mirror;
        struct buf sql = BUF_INIT;
        buf_addf(&sql, "drop table %s", m->target);
        rc = conn_exec(en->replica, buf_cstr(&sql), e);
        if (rc == 0) {
            rc = captured_create(en->primary, en->replica, m, e);
        }
        buf_reset(&sql);
        buf_addf(&sql, "grant select, insert, update, delete, truncate on %s to parkway",
                 m->target);
        if (rc == 0) {
            rc = conn_exec(en->replica, buf_cstr(&sql), e);
        }
        buf_fini(&sql);
    }
    en->made_again = true;
    return rc == 0 ? 0
                   : err_add(e, "could not make the replica's copy of %s anew", t->table->name);
}

static int fit_targets(struct enrolment *en, struct copytable *t, struct err *e)
{
    bool fits;
    bool missing;
    int rc = copytable_fits(t, en->primary, en->replica, &fits, &missing, e);
    if (rc != 0 || fits) {
        return rc;
    }
    if (t->made || en->o.force) {
        rc = make_again(en, t, e);
        return rc == 0 ? copytable_inspect(t, en->primary, en->replica, e) : rc;
    }
    return missing
               ? err_set(e, ERR_CONFLICT,
                         "a target of %s lacks a column: alter it, or let parkway bootstrap %s "
                         "--table=%s --force make it again",
                         t->table->name, en->consumer, t->table->name)
               : 0;
}

static int plan_table(struct enrolment *en, struct copytable *t, struct err *e)
{
    t->stale = false;
    int rc = snapshot_enter(&en->snapshot, en->primary, e);
    if (rc == 0) {
        rc = copytable_inspect(t, en->primary, en->replica, e);
    }
    t->anew = t->anew || (rc == 0 && strcmp(t->shape, t->stored_shape) != 0);
    if (rc == 0 && t->anew && !t->stale) {
        rc = fit_targets(en, t, e);
    }
    if (rc == 0 && t->anew && !t->stale) {
        rc = copytable_plan(t, en->primary, en->replica, en->consumer, e);
        t->anew = rc != 0;
    }
    t->next = 0;
    return rc == 0 ? conn_exec(en->primary, "commit", e) : rc;
}

static bool unfinished(const struct copytable *t)
{
    return t->anew || t->missing > 0;
}

static size_t count_unfinished(const struct enrolment *en)
{
    size_t n = 0;
    for (size_t i = 0; i < en->table_count; i++) {
        n += unfinished(&en->tables[i]);
    }
    return n;
}

static void sum_up(struct enrolment *en)
{
    struct progress *p = &en->progress;
    p->rows_estimated = p->chunk_count = 0;
    p->rows = p->bytes = p->chunks = 0;
    for (size_t i = 0; i < en->table_count; i++) {
        const struct copytable *t = &en->tables[i];
        for (size_t k = 0; k < t->chunk_count; k++) {
            const struct copychunk *c = &t->chunks[k];
            p->rows_estimated += c->done ? c->rows : c->rows_estimated;
            p->rows += c->done ? c->rows : 0;
            p->bytes += c->done ? c->bytes : 0;
            p->chunks += c->done;
            p->chunk_count++;
        }
    }
}

/* ---- copying -------------------------------------------------------------------------------- */

static int copy_round(struct enrolment *en, struct err *e)
{
    int rc = take_position(en, e);
    if (rc == 0) {
        rc = copier_session(en->primary, e);
    }
    for (size_t i = 0; rc == 0 && i < en->table_count; i++) {
        if (unfinished(&en->tables[i])) {
            rc = plan_table(en, &en->tables[i], e);
        }
    }
    if (rc == 0 && en->table_count > 0) {
        struct copier o = {.primary_url = en->o.primary_url,
                           .replica_url = en->o.replica_url,
                           .consumer = en->consumer,
                           .snapshot = &en->snapshot,
                           .tables = en->tables,
                           .table_count = en->table_count,
                           .progress = &en->progress};
        sum_up(en);
        progress_begin(&en->progress, clock_mono_us());
        rc = copier_run(&o, e);
        progress_end(&en->progress, clock_mono_us());
    }
    snapshot_close(&en->snapshot);
    for (size_t i = 0; i < en->table_count; i++) {
        en->tables[i].anew = en->tables[i].anew || en->tables[i].stale;
    }
    return rc;
}

/* A run may have been killed between a table's last piece and its closing. */
static int close_tables(struct enrolment *en, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < en->table_count; i++) {
        if (!en->tables[i].closed) {
            rc = copier_close(&en->tables[i], en->replica, en->consumer, e);
        }
    }
    return rc;
}

/* A new replica follows from its lowest P; where all tables have the same one and it stands there, it serves at once. */
static int settle(struct enrolment *en, struct err *e)
{
    struct str consumer = str_of(en->consumer);
    struct rows *r = NULL;
    int rc = conn_exec(en->replica, "begin", e);
    if (rc == 0) {
        rc = conn_query(
            en->replica,
            "update parkway.cursor c set lsn = greatest(c.lsn, f.lsn), fence = fence + 1, "
            "incarnation = null, stream_offset = null from (select least(min(s.lsn), "
            "  (select min(k.lsn) from parkway.table_chunk k where k.consumer = $1)) as lsn "
            "  from parkway.table_start s where s.consumer = $1 "
            "  having count(*) = count(s.lsn)) f "
            "where c.consumer = $1 and c.state = 'bootstrap'",
            1, &consumer, NULL, e);
    }
    if (rc == 0) {
        rc = conn_query(
            en->replica,
            "select (select max(lsn) from parkway.table_start s "
            "  where s.consumer = c.consumer and s.lsn > c.lsn) "
            "from parkway.copies_settle($1) n, parkway.cursor c where c.consumer = $1",
            1, &consumer, &r, e);
    }
    if (rc == 0) {
        rc = conn_exec(en->replica, "commit", e);
    }
    if (rc == 0 && rows_count(r) > 0) {
        snprintf(en->past, sizeof en->past, "%s", rows_text(r, 0, 0));
    }
    rows_free(r);
    return rc;
}

/* Behind the copies, the shapes that they have: the consumer holds the log's later rows against them. */
static int announce_shapes(struct enrolment *en, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < en->table_count; i++) {
        rc = captured_announce(en->primary, en->tables[i].table, e);
    }
    return rc;
}

static void tell_tables(const struct enrolment *en)
{
    for (size_t i = 0; i < en->table_count; i++) {
        const struct copytable *t = &en->tables[i];
        if (t->rows > 0) {
            char text[256];
            snprintf(text, sizeof text, "copied %" PRId64 " rows of %s", t->rows,
                     t->table->name);
            en->o.note(text);
        }
    }
}

int enroll_copy(struct enrolment *en, struct err *e)
{
    int rc = 0;
    for (int round = 0; rc == 0 && (count_unfinished(en) > 0 || !en->known_cursor); round++) {
        if (round == ROUNDS_MAX) {
            return err_set(e, ERR_UNAVAILABLE,
                           "tables are altered faster than they can be copied; run this again "
                           "when that is over");
        }
        rc = copy_round(en, e);
    }
    if (rc == 0) {
        rc = close_tables(en, e);
    }
    if (rc == 0) {
        tell_tables(en);
        rc = settle(en, e);
    }
    if (rc == 0) {
        rc = announce_shapes(en, e);
    }
    if (rc != 0 && err_retry(rc) != RETRY_NEVER && count_unfinished(en) > 0) {
        en->o.note("interrupted; run again, it goes on with the pieces that are missing");
    }
    return rc;
}

bool enroll_made_again(const struct enrolment *en)
{
    return en->made_again;
}

void enroll_summary(const struct enrolment *en, struct buf *out)
{
    int64_t rows = 0;
    for (size_t i = 0; i < en->table_count; i++) {
        rows += en->tables[i].rows;
    }
    if (en->table_count == 0) {
        buf_addf(out, "%s: nothing to copy", en->consumer);
        return;
    }
    buf_addf(out, "%s: %" PRId64 " rows of %zu tables copied in %" PRId64 " s; ", en->consumer,
             rows, en->table_count, (clock_mono_us() - en->begun_us) / 1000000);
    if (en->past[0] != '\0') {
        buf_addf(out, "they are read when the consumer has come past %s", en->past);
    } else {
        buf_adds(out, "they are in service");
    }
}
