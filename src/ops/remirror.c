/* remirror.c - see remirror.h. */
#include "ops/remirror.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/daemon.h"
#include "consumer/view_build.h"
#include "event/position.h"
#include "event/setup.h"
#include "ops/copier.h"
#include "pg/repl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CATCH_UP_MS = 60000, LOOK_MS = 50, EXCHANGE_TRIES = 5 };

/* Both sides write and read the texts of values alike. */
static const char copy_settings[] = CONN_EXACT_TEXTS_SQL
    " set timezone = 'UTC'; set statement_timeout = 0; set search_path = pg_catalog";

struct remirror {
    struct conn *replica;
    struct conn *primary;
    struct repl *repl; /* holds the snapshot */
    const struct captured_mirror *m;
    const char *consumer;
    int id;
    char *keys;    /* quoted, joined by ", " */
    char *match;   /* parkway_x.key = parkway_live.key and … */
    char *columns; /* all but generated ones */
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    int64_t rows;
};

/* One statement whose text the replica itself formats: 1 the mirror, 2 the generation, 3 the keys, 4 how keys match, 5 the
 * columns. */
static int formatted(struct remirror *r, const char *format, struct rows **out, struct err *e)
{
    char id[16];
    struct rows *text = NULL;
    snprintf(id, sizeof id, "%d", r->id);
    int rc = conn_query(
        r->replica, "select format($1, $2::text, $3::text, $4::text, $5::text, $6::text)", 6,
        (struct str[]){str_of(format), str_of(r->m->target), str_of(id), str_of(r->keys),
                       str_of(r->match), str_of(r->columns)},
        &text, e);
    if (rc == 0) {
        rc = out != NULL ? conn_query(r->replica, rows_text(text, 0, 0), 0, NULL, out, e)
                         : conn_exec(r->replica, rows_text(text, 0, 0), e);
    }
    rows_free(text);
    return rc;
}

static int finish(struct conn *c, int rc, struct err *e)
{
    struct err ignored = ERR_INIT;
    if (rc == 0) {
        return conn_exec(c, "commit", e);
    }
    if (conn_alive(c)) {
        (void)!conn_exec(c, "rollback", &ignored);
    }
    return rc;
}

/* ---- what can be filled anew ------------------------------------------------------------------ */

static int look_up(struct remirror *r, struct err *e)
{
    struct rows *rows = NULL;
    int rc = conn_query(
        r->replica,
        "with key as (select quote_ident(a.attname) as k, a.attnum as n from pg_index i"
        "              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any "
        "(i.indkey)"
        "             where i.indrelid = $1::text::regclass and i.indisprimary)"
        "select (select string_agg(k, ', ' order by n) from key),"
        "       (select string_agg(format('parkway_x.%s = parkway_live.%1$s', k), ' and ') "
        "from key),"
        "       (select string_agg(quote_ident(attname), ', ' order by attnum) from "
        "pg_attribute"
        "         where attrelid = $1::text::regclass and attnum > 0 and not attisdropped"
        "           and attgenerated = '')",
        1, (struct str[]){str_of(r->m->target)}, &rows, e);
    if (rc != 0) {
        return rc;
    }
    if (rows_get(rows, 0, 0).p == NULL) {
        rc = err_set(e, ERR_CONFLICT, "%s has no primary key", r->m->target);
    } else {
        r->keys = def_strdup(rows_text(rows, 0, 0));
        r->match = def_strdup(rows_text(rows, 0, 1));
        r->columns = def_strdup(rows_text(rows, 0, 2));
    }
    rows_free(rows);
    return rc;
}

/* The rows of the copy hold what is parked; tried again behind the exchange, it would bring back what is past. */
static int refuse_parked(struct remirror *r, struct err *e)
{
    struct rows *rows = NULL;
    int rc = conn_query(
        r->replica,
        "select from parkway.parked p where p.consumer = $2 and (p.state in ('parked', 'retry')"
        "   or p.state = 'skipped' and not p.overtaken)"
        " and p.relation = (select n.nspname || '.' || c.relname from pg_class c"
        "   join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::text::regclass)"
        " limit 1",
        2, (struct str[]){str_of(r->m->target), str_of(r->consumer)}, &rows, e);
    if (rc == 0 && rows_count(rows) > 0) {
        rc = err_set(e, ERR_CONFLICT,
                     "%s has parked changes: see to them first (parkway parked)", r->m->target);
    }
    rows_free(rows);
    return rc;
}

/* ---- logging what is touched ------------------------------------------------------------------ */

/* What fails in a trigger is the replay's trouble, not the row's. */
#define FAILED                                                                                 \
    " exception when others then if sqlstate ~ '^(08|25|40|53|55|57|58|XX)' then raise; end "  \
    "if;"                                                                                      \
    " perform parkway.view_break(%2$s, sqlerrm); end; return null; end$parkway$;"

static const char objects_sql[] =
    "create table parkway.view_%2$s (like %1$s including generated);"
    " alter table parkway.view_%2$s add primary key (%3$s);"
    " create table parkway.view_%2$s_log as select null::boolean as everything, %3$s from %1$s"
    "  with no data;"
    " create function parkway.view_%2$s_everything() returns void language sql as"
    "  $parkway$insert into parkway.view_%2$s_log (everything) values (true)$parkway$;"
    " create function parkway.view_%2$s_emptied() returns trigger language plpgsql as"
    "  $parkway$begin perform parkway.view_%2$s_everything(); return null; end$parkway$;"
    " create function parkway.view_%2$s_changed_0() returns trigger language plpgsql as"
    "  $parkway$begin begin insert into parkway.view_%2$s_log select null::boolean, %3$s from "
    "touched;" FAILED
    " create function parkway.view_%2$s_updated_0() returns trigger language plpgsql as"
    "  $parkway$begin begin insert into parkway.view_%2$s_log select null::boolean, %3$s from "
    "parkway_old"
    "   union select null::boolean, %3$s from parkway_new;" FAILED;

static int hook(struct remirror *r, struct err *e)
{
    struct rows *row = NULL;
    int rc = conn_exec(r->replica, "begin", e);
    if (rc == 0) {
        rc = conn_query(
            r->replica,
            "with w as (insert into parkway.views (consumer, name, hash, query, target, state)"
            " values ($1, $2, '', '', $2, 'building') returning id)"
            " insert into parkway.view_sources (view, number, relation)"
            " select id, 0, $2 from w returning view",
            2, (struct str[]){str_of(r->consumer), str_of(r->m->target)}, &row, e);
    }
    r->id = rc == 0 ? (int)rows_int(row, 0, 0) : 0;
    rows_free(row);
    if (rc == 0) {
        rc = formatted(r, objects_sql, NULL, e);
    }
    rc = finish(r->replica, rc, e);
    return rc == 0 ? view_build_hook(r->replica, r->id, e) : rc;
}

/* ---- the copy --------------------------------------------------------------------------------- */

static int take_snapshot(struct remirror *r, char *snapshot, struct err *e)
{
    char slot[64];
    uint64_t at = 0;
    struct repl_system system;
    int rc = repl_open(&r->repl, setup()->primary_url, 0, e);
    if (rc == 0) {
        rc = repl_identify(r->repl, &system, e);
    }
    if (rc == 0) {
        epoch_text((struct epoch){system.system, system.timeline}, r->epoch);
    }
    snprintf(slot, sizeof slot, "parkway_replay_%d", (int)getpid());
    if (rc == 0) {
        rc = repl_slot_export(r->repl, slot, true, &at, snapshot, e);
    }
    lsn_text(at, r->lsn);
    return rc;
}

static int copy(struct remirror *r, struct err *e)
{
    char snapshot[REPL_SNAPSHOT_MAX];
    char sql[192];
    char beside[64];
    int rc = take_snapshot(r, snapshot, e);
    if (rc != 0) {
        return rc;
    }
    snprintf(beside, sizeof beside, "parkway.view_%d", r->id);
    struct captured_mirror into = {r->m->table, beside};
    snprintf(sql, sizeof sql,
             "begin isolation level repeatable read read only; set transaction snapshot '%s'",
             snapshot);
    rc = conn_exec(r->primary, copy_settings, e);
    if (rc == 0) {
        rc = conn_exec(r->primary, sql, e);
    }
    if (rc == 0) {
        rc = conn_exec(r->replica, "begin", e);
    }
    if (rc == 0) {
        rc = copier_whole(r->primary, r->replica, &into, &r->rows, e);
        rc = finish(r->replica, rc, e);
    }
    rc = finish(r->primary, rc, e);
    return rc == 0 ? formatted(r, "analyze parkway.view_%2$s", NULL, e) : rc;
}

/* ---- waiting for the consumer ----------------------------------------------------------------- */

static int is_past(struct remirror *r, bool *out, struct err *e)
{
    struct rows *rows = NULL;
    int rc = conn_query(
        r->replica,
        "select lsn >= $2::text::pg_lsn and epoch = $3 from parkway.cursor"
        " where consumer = $1",
        3, (struct str[]){str_of(r->consumer), str_of(r->lsn), str_of(r->epoch)}, &rows, e);
    *out = rc == 0 && rows_count(rows) > 0 && rows_text(rows, 0, 0)[0] == 't';
    rows_free(rows);
    return rc;
}

static int wait_past(struct remirror *r, struct err *e)
{
    int64_t until = clock_mono_us() + (int64_t)CATCH_UP_MS * 1000;
    bool past = false;
    int rc = conn_query(r->primary, "select pg_logical_emit_message(true, 'parkway.nudge', '')",
                        0, NULL, NULL, e);
    while (rc == 0) {
        rc = is_past(r, &past, e);
        if (rc != 0 || past) {
            return rc;
        }
        if (clock_mono_us() > until || daemon_wait_ms(LOOK_MS)) {
            rc = err_set(e, ERR_TIMEOUT, "consumer \"%s\" has not come to %s", r->consumer,
                         r->lsn);
        }
    }
    return rc;
}

/* ---- the exchange ----------------------------------------------------------------------------- */

/* The exchange itself is logged too, so the keys are put aside before. */
static const char aside_sql[] =
    "create temporary table parkway_touched on commit drop as"
    " select distinct %3$s from parkway.view_%2$s_log; analyze pg_temp.parkway_touched";

#define UNTOUCHED "not exists (select from pg_temp.parkway_touched as parkway_x where %4$s)"

/* Compared are the bytes of whole rows. Both at once would trip over unique values that changed places. */
static const char go_sql[] = "delete from %1$s as parkway_live where " UNTOUCHED
                             " and not exists (select from parkway.view_%2$s as parkway_x"
                             "  where %4$s and parkway_x.* *= parkway_live.*)";

static const char come_sql[] =
    "insert into %1$s (%5$s) overriding system value"
    " select %5$s from parkway.view_%2$s as parkway_live where " UNTOUCHED
    " and not exists (select from %1$s as parkway_x where %4$s)";

static int exchange(struct remirror *r, struct err *e)
{
    struct rows *whole = NULL;
    int rc = conn_exec(r->replica, "begin; set local lock_timeout = '30s'", e);
    if (rc == 0) {
        rc = formatted(r, "lock table %1$s in share row exclusive mode", NULL, e);
    }
    if (rc == 0) {
        /* meanwhile: the consumer has passed the copy's place, so it parks nothing older any more */
        rc = refuse_parked(r, e);
    }
    if (rc == 0) {
        rc = formatted(r, "select from parkway.view_%2$s_log where everything", &whole, e);
    }
    if (rc == 0 && rows_count(whole) > 0) {
        rc = err_set(e, ERR_CONFLICT, "%s was truncated or changed in shape meanwhile",
                     r->m->target);
    }
    rows_free(whole);
    if (rc == 0) {
        rc = view_build_whole(r->replica, r->id, e);
    }
    if (rc == 0) {
        rc = formatted(r, aside_sql, NULL, e);
    }
    if (rc == 0) {
        rc = formatted(r, go_sql, NULL, e);
    }
    if (rc == 0) {
        rc = formatted(r, come_sql, NULL, e);
    }
    return finish(r->replica, rc, e);
}

/* Truncates and changes of shape may hold several tables: their deadlock, or half a minute of theirs, shall not cost the copy. */
static int exchange_at_last(struct remirror *r, struct err *e)
{
    int rc = exchange(r, e);
    for (int i = 1; conn_lock_busy(rc, e) && i < EXCHANGE_TRIES && !daemon_stopping(); i++) {
        *e = (struct err)ERR_INIT;
        rc = exchange(r, e);
    }
    return rc;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int run(struct remirror *r, struct err *e)
{
    int rc = conn_open(&r->primary, setup()->primary_url,
                       &(struct conn_options){.application_name = "parkway replay"}, e);
    if (rc == 0) {
        rc = conn_exec(r->replica, copy_settings, e);
    }
    if (rc == 0) {
        rc = look_up(r, e);
    }
    if (rc == 0) {
        rc = refuse_parked(r, e);
    }
    if (rc == 0) {
        rc = hook(r, e);
    }
    if (rc == 0) {
        rc = copy(r, e);
    }
    if (rc == 0) {
        rc = wait_past(r, e);
    }
    return rc == 0 ? exchange_at_last(r, e) : rc;
}

int remirror(struct conn *replica, const struct captured_mirror *m, const char *consumer,
             int64_t *rows, struct err *e)
{
    struct remirror r = {.replica = replica, .m = m, .consumer = consumer};
    int rc = view_build_begin(replica, e);
    if (rc != 0) {
        return rc;
    }
    rc = run(&r, e);
    struct err ended = ERR_INIT;
    int rc2 = view_build_end(replica, rc == 0 ? e : &ended);
    repl_close(r.repl);
    conn_close(r.primary);
    free(r.keys);
    free(r.match);
    free(r.columns);
    *rows = r.rows;
    return rc != 0 ? rc : rc2;
}
