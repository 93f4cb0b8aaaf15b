/* refill.c - see refill.h.
 *
 * The state is one struct for one mirror. Its session with the target database does everything: it alone sees the
 * temporary table, and it holds the locks of the exchange. The changes of the log go through apply_chunk, in transactions
 * that are committed here: the copy needs no cursor of its own, it is gone when this process is. A change that the copy refuses
 * ends the replay (the apply is told to halt); the live consumer may have parked it, and is asked for that.
 *
 * The log is read one frame at a time, and a frame that leads past the live consumer's place waits in `ahead` until the consumer
 * has come there. The consumer stands at the end of a frame whenever it is not inside a transaction, so the
 * copy comes to exactly its place. */
#include "ops/refill.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "consumer/apply.h"
#include "consumer/chain.h"
#include "event/setup.h"
#include "mq/consume.h"
#include "ops/copier.h"
#include "pg/ident.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STAND_STILL_MS = 60000, /* of the consumer, or of the log */
    LOOK_MS = 50,
    PREFETCH = 32,
    ACK_EVERY = 8,
    CHUNK_ROWS = 10000,
    CHUNK_BYTES = 4 * 1024 * 1024,
};

static const char table_name[] = "parkway_replay";
static const char copy_name[] = "pg_temp.parkway_replay";

/* Of the copy's rows. */
static const char primary_sql[] =
    CONN_EXACT_TEXTS_SQL " set timezone = 'UTC'; set statement_timeout = 0;"
                         " set idle_in_transaction_session_timeout = 0";

/* As the consumer's own session (consumer.c): rows are found through the index, texts are exact. */
static const char session_sql[] =
    "set session_replication_role = replica; set synchronous_commit = off;"
    " set default_transaction_isolation = 'read committed'; set default_transaction_read_only "
    "= off; " CONN_EXACT_TEXTS_SQL
    " set timezone = 'UTC'; set enable_seqscan = off; set plan_cache_mode = "
    "force_generic_plan;"
    " set jit = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;"
    " set client_min_messages = error";

struct frame_waiting {
    char *mem; /* NULL: none */
    size_t size;
};

struct refill {
    const struct mirror *m;
    const char *consumer;
    struct conn *db;
    struct link *log;
    struct mirror into; /* the same mirror, into the copy */
    struct mirrors one;
    struct batch batch;
    struct apply apply;
    struct cursor cursor;
    struct park park;
    struct frame_waiting ahead;
    uint8_t incarnation[16];
    bool has_incarnation;
    bool placed;          /* batch.at is a place */
    struct position from; /* P, or F */
    struct position live; /* the consumer's place as it was seen last */
    uint64_t offset;      /* where to read the log from */
    bool has_offset;
    /* SQL, names quoted */
    char *target, *columns, *keys, *match, *same, *position;
};

/* ---- what the mirror is ------------------------------------------------------------------------ */

static char *quoted(const char *name)
{
    struct buf b = BUF_INIT;
    ident_quote(&b, name);
    char *s = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return s;
}

static int refuse(const struct refill *r, const char *why, struct err *e)
{
    return err_set(e, ERR_CONFLICT, "%s.%s cannot be replayed: %s", r->m->target_schema,
                   r->m->target_name, why);
}

/* The columns that are fed, and how two rows are the same; casts to text, because some types have no equality. */
static int read_columns(struct refill *r, struct err *e)
{
    struct buf columns = BUF_INIT;
    struct buf same = BUF_INIT;
    int rc =
        r->m->column_count > 0 ? 0 : refuse(r, "it is a history that maps no $position", e);
    for (size_t i = 0; rc == 0 && i < r->m->column_count; i++) {
        const struct mirror_column *c = &r->m->columns[i];
        char *name = quoted(c->target);
        bool pseudo = c->source[0] == '$';
        bool position = strcmp(c->source, "$position") == 0;
        buf_addf(&columns, "%s%s", i > 0 ? ", " : "", name);
        if (r->m->append || !pseudo) {
            buf_addf(&same, " and t.%s::text is not distinct from b.%s::text", name, name);
        } else if (!position) {
            rc = refuse(r, "of a row's present state only $position can be told anew", e);
        }
        if (position && r->position == NULL) {
            r->position = def_strdup(name);
        }
        free(name);
    }
    r->columns = def_strdup(buf_cstr(&columns));
    r->same = def_strdup(buf_cstr(&same));
    buf_fini(&same);
    buf_fini(&columns);
    if (rc == 0 && r->m->append && r->position == NULL) {
        rc = refuse(r, "it is a history that maps no $position", e);
    }
    return rc;
}

/* By what a row of the target is found: its primary key, which must be fed; of a history its position. */
static int read_key(struct refill *r, struct err *e)
{
    if (r->m->append) {
        struct buf match = BUF_INIT;
        buf_addf(&match, "t.%s = b.%s", r->position, r->position);
        r->keys = def_strdup(r->position);
        r->match = def_strdup(buf_cstr(&match));
        buf_fini(&match);
        return 0;
    }
    struct rows *rows = NULL;
    int rc = conn_query(
        r->db,
        "select string_agg(quote_ident(a.attname), ', ' order by a.attnum),"
        "       string_agg(format('t.%1$I = b.%1$I', a.attname), ' and ' order by a.attnum)"
        "  from pg_index i join pg_attribute a on a.attrelid = i.indrelid"
        "   and a.attnum = any (i.indkey)"
        " where i.indrelid = $1::text::regclass and i.indisprimary",
        1, (struct str[]){str_of(r->target)}, &rows, e);
    if (rc == 0 && rows_get(rows, 0, 0).p == NULL) {
        rc = refuse(r, "it has no primary key", e);
    } else if (rc == 0) {
        r->keys = def_strdup(rows_text(rows, 0, 0));
        r->match = def_strdup(rows_text(rows, 0, 1));
    }
    rows_free(rows);
    return rc;
}

static int make_copy(struct refill *r, struct err *e)
{
    struct buf sql = BUF_INIT;
    struct rows *rows = NULL;
    buf_addf(&sql,
             "create temporary table %s as select %s from %s with no data;"
             " alter table %s add primary key (%s)",
             table_name, r->columns, r->target, copy_name, r->keys);
    int rc = conn_exec(r->db, buf_cstr(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        rc = conn_query(r->db, "select pg_my_temp_schema()::regnamespace::text", 0, NULL, &rows,
                        e);
    }
    if (rc == 0) {
        r->into = *r->m;
        r->into.target_schema = def_strdup(rows_text(rows, 0, 0));
        r->into.target_name = def_strdup(table_name);
        r->one = (struct mirrors){.items = &r->into, .count = 1};
    }
    rows_free(rows);
    return rc;
}

/* The changes that the copy holds and the live one does not would come a second time. */
static int refuse_parked(struct refill *r, struct err *e)
{
    struct rows *rows = NULL;
    char label[160];
    snprintf(label, sizeof label, "%s.%s", r->m->target_schema, r->m->target_name);
    int rc = conn_query(r->db,
                        "select from parkway.parked p where p.consumer = $1 and p.relation = $2"
                        " and (p.state in ('parked', 'retry')"
                        "  or p.state = 'skipped' and not p.overtaken) limit 1",
                        2, (struct str[]){str_of(r->consumer), str_of(label)}, &rows, e);
    if (rc == 0 && rows_count(rows) > 0) {
        rc = err_set(e, ERR_CONFLICT,
                     "%s has parked changes: see to them first (parkway parked)", label);
    }
    rows_free(rows);
    return rc;
}

static int begin(struct refill *r, struct err *e)
{
    struct buf target = BUF_INIT;
    struct rows *rows = NULL;
    ident_quote(&target, r->m->target_schema);
    buf_u8(&target, '.');
    ident_quote(&target, r->m->target_name);
    r->target = def_strdup(buf_cstr(&target));
    buf_fini(&target);
    int rc = conn_open(&r->db, setup()->replica_url,
                       &(struct conn_options){.application_name = "parkway replay"}, e);
    if (rc == 0) {
        rc = conn_exec(r->db, session_sql, e);
    }
    if (rc == 0) {
        rc = conn_query(
            r->db, "select pg_try_advisory_lock(hashtextextended('parkway.replay.' || $1, 0))",
            1, (struct str[]){str_of(r->target)}, &rows, e);
    }
    if (rc == 0 && rows_text(rows, 0, 0)[0] != 't') {
        rc = err_set(e, ERR_FENCED, "another replay of %s is under way", r->target);
    }
    rows_free(rows);
    if (rc == 0) {
        rc = read_columns(r, e);
    }
    if (rc == 0) {
        rc = read_key(r, e);
    }
    if (rc == 0) {
        rc = refuse_parked(r, e);
    }
    return rc == 0 ? make_copy(r, e) : rc;
}

/* ---- the live consumer's place ------------------------------------------------------------------- */

/* held: its row stays locked until the transaction ends. */
static int look_live(struct refill *r, bool held, struct err *e)
{
    struct rows *rows = NULL;
    int rc = conn_query(r->db,
                        held ? "select epoch, lsn, stream_offset from parkway.cursor"
                               " where consumer = $1 for update"
                             : "select epoch, lsn, stream_offset from parkway.cursor"
                               " where consumer = $1",
                        1, (struct str[]){str_of(r->consumer)}, &rows, e);
    if (rc == 0 &&
        (rows_count(rows) == 0 || !epoch_parse(rows_get(rows, 0, 0), &r->live.epoch) ||
         !lsn_parse(rows_get(rows, 0, 1), &r->live.lsn))) {
        rc = err_set(e, ERR_NOT_FOUND, "consumer \"%s\" has no place in the log yet",
                     r->consumer);
    }
    if (rc == 0 && !r->placed && rows_get(rows, 0, 2).p != NULL) { /* of a frame before P */
        r->has_offset = true;
        r->offset = (uint64_t)rows_int(rows, 0, 2);
    }
    rows_free(rows);
    return rc;
}

/* Whether the consumer has come to that place; it is given a minute. */
static int wait_live(struct refill *r, struct position at, struct conn *nudge, struct err *e)
{
    int64_t until = clock_mono_us() + STAND_STILL_MS * INT64_C(1000);
    int rc = nudge != NULL ? conn_query(nudge,
                                        "select pg_logical_emit_message(true, 'parkway.nudge', "
                                        "'')",
                                        0, NULL, NULL, e)
                           : 0;
    while (rc == 0) {
        rc = look_live(r, false, e);
        if (rc != 0 || (epoch_eq(r->live.epoch, at.epoch) && position_cmp(r->live, at) >= 0)) {
            return rc;
        }
        if (clock_mono_us() > until || daemon_wait_ms(LOOK_MS)) {
            char text[POSITION_TEXT_MAX];
            position_text(at, text);
            rc = err_set(e, ERR_TIMEOUT, "consumer \"%s\" has not come to %s", r->consumer,
                         text);
        }
    }
    return rc;
}

/* ---- the primary's rows at P -------------------------------------------------------------------- */

static void note(const char *text)
{
    fprintf(stderr, "replay: %s\n", text);
}

static void copy_texts(const struct refill *r, const struct copytable *t, const char *position,
                       struct buf *out, struct buf *in)
{
    buf_adds(out, "copy (select ");
    for (size_t i = 0; i < r->m->column_count; i++) {
        const char *source = r->m->columns[i].source;
        buf_adds(out, i > 0 ? ", " : "");
        if (source[0] == '$') {
            buf_addf(out, "'%s'", position); /* hex digits, a dot, a colon, a slash */
        } else {
            ident_quote(out, source);
        }
    }
    buf_addf(out, " from %s%s%s) to stdout", t->from, t->filter[0] != '\0' ? " where " : "",
             t->filter);
    buf_addf(in, "copy %s (%s) from stdin", copy_name, r->columns);
}

static int copy_rows(struct refill *r, struct conn *primary, struct snapshot *s, struct err *e)
{
    char position[POSITION_TEXT_MAX];
    struct captured_table table = {0};
    struct copytable t = {.table = &table};
    struct rows *names = NULL;
    struct buf out = BUF_INIT;
    struct buf in = BUF_INIT;
    int64_t count = 0;
    position_text(r->from, position);
    int rc = conn_query(
        primary, "select $1 || '.' || $2, format('%I.%I', $1::text, $2::text)", 2,
        (struct str[]){str_of(r->m->source_schema), str_of(r->m->source_name)}, &names, e);
    if (rc == 0) {
        table.name = def_strdup(rows_text(names, 0, 0));
        table.source = def_strdup(rows_text(names, 0, 1));
        rc = snapshot_enter(s, primary, e);
    }
    if (rc == 0) {
        rc = copytable_inspect(&t, primary, r->db, e);
    }
    if (rc == 0 && t.stale) {
        rc = err_set(e, ERR_UNAVAILABLE, "%s was rewritten or truncated meanwhile", table.name);
    }
    if (rc == 0) {
        copy_texts(r, &t, position, &out, &in);
        rc = copier_stream(primary, buf_cstr(&out), r->db, buf_cstr(&in), &count, e);
    }
    if (rc == 0) {
        rc = conn_exec(primary, "commit", e);
    }
    copytable_fini(&t);
    rows_free(names);
    free(table.name);
    free(table.source);
    buf_fini(&in);
    buf_fini(&out);
    return rc;
}

static int copy_at_position(struct refill *r, struct err *e)
{
    struct conn *primary = NULL;
    struct snapshot s = {0};
    int rc = look_live(r, false, e); /* its hint lies before P */
    if (rc == 0) {
        rc = conn_open(&primary, setup()->primary_url,
                       &(struct conn_options){.application_name = "parkway replay"}, e);
    }
    if (rc == 0) {
        rc = conn_exec(primary, primary_sql, e);
    }
    if (rc == 0) {
        rc = snapshot_open(&s, setup()->primary_url, e);
    }
    if (rc == 0) {
        rc = snapshot_take(&s, NULL, primary, note, e);
    }
    if (rc == 0) {
        r->from.epoch = s.epoch;
        rc = lsn_parse(str_of(s.lsn_text), &r->from.lsn)
                 ? copy_rows(r, primary, &s, e)
                 : err_set(e, ERR_PROTOCOL, "the primary's position is no position");
    }
    snapshot_close(&s);
    if (rc == 0) {
        batch_restart(&r->batch, r->from);
        r->placed = true;
        rc = wait_live(r, r->from, primary, e);
    }
    conn_close(primary);
    return rc;
}

/* ---- the log ------------------------------------------------------------------------------------ */

static int open_log(struct refill *r, struct err *e)
{
    struct link_options o = {.name = "parkway replay"};
    struct consume_place place = {.from = CONSUME_FIRST};
    if (!r->m->append && r->has_offset) {
        place = (struct consume_place){.from = CONSUME_OFFSET, .offset = r->offset};
    }
    int rc = link_open(&r->log, setup()->broker_url, &o, e);
    return rc == 0 ? consume_start(r->log, setup()->log_stream, "parkway.replay", PREFETCH,
                                   place, e)
                   : rc;
}

/* One frame, into r->ahead; none after LOOK_MS. */
static int read_frame(struct refill *r, struct err *e)
{
    struct link_event ev;
    int rc = link_next(r->log, LOOK_MS, &ev, e);
    if (rc != 0 || ev.kind == LINK_NONE) {
        return rc;
    }
    if (ev.kind == LINK_CANCEL) {
        return err_set(e, ERR_UNAVAILABLE, "the log was deleted, or moved");
    }
    if (ev.kind != LINK_DELIVER) {
        return 0;
    }
    r->ahead = (struct frame_waiting){def_alloc(ev.body.n > 0 ? ev.body.n : 1), ev.body.n};
    memcpy(r->ahead.mem, ev.body.p, ev.body.n);
    return ev.tag % ACK_EVERY == 0 ? consume_ack(r->log, ev.tag, e) : 0;
}

static void drop_frame(struct refill *r)
{
    free(r->ahead.mem);
    r->ahead = (struct frame_waiting){0};
}

/* Messages of the log are for the live tables: shapes, repairs. */
static void drop_messages(struct batch *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->changes[i].kind != BATCH_MESSAGE) {
            b->changes[kept++] = b->changes[i];
        }
    }
    b->count = kept;
}

/* What the batch holds, into the copy. */
static int write(struct refill *r, struct err *e)
{
    drop_messages(&r->batch);
    r->cursor.at = r->batch.at;
    return apply_chunk(&r->apply, &r->batch, e);
}

static int commit(struct refill *r, struct err *e)
{
    int rc = write(r, e);
    if (rc == 0 && r->apply.open) {
        rc = conn_exec(r->db, "commit", e);
        r->apply.open = rc != 0;
    }
    return rc;
}

/* A history goes on behind a break, as the live one did; what it holds from before is left as it is. */
static int begin_behind(struct refill *r, struct position at, struct err *e)
{
    int rc = commit(r, e);
    batch_restart(&r->batch, at);
    r->from = at;
    r->placed = true;
    return rc == 0 ? conn_exec(r->db, "truncate pg_temp.parkway_replay", e) : rc;
}

static bool finished(struct position p)
{
    return p.ordinal == 0 && p.part == 0;
}

/* The frame that waits, unless it leads past the live consumer's place; *waits: it does. */
static int take_frame(struct refill *r, bool *waits, struct err *e)
{
    struct frame_head h = {.kind = FRAME_DATA};
    struct rd items = {0};
    int decoded = frame_decode((struct str){r->ahead.mem, r->ahead.size}, &h, &items, e);
    if (decoded == 0 && !r->placed && h.kind != FRAME_BREAK) {
        if (!finished(h.prev)) { /* the log begins inside a transaction */
            drop_frame(r);
            return 0;
        }
        r->from = (struct position){h.epoch, h.prev.lsn, 0, 0};
        batch_restart(&r->batch, r->from);
        r->placed = true;
    }
    if (decoded == 0 && h.kind == FRAME_BREAK && r->m->append) {
        drop_frame(r);
        return begin_behind(r, h.last, e);
    }
    struct chain_choice c =
        chain_decide(r->batch.at, r->has_incarnation ? r->incarnation : NULL, decoded, &h);
    if (c.verdict == CHAIN_ACCEPT &&
        (!epoch_eq(h.epoch, r->live.epoch) || position_cmp(h.last, r->live) > 0)) {
        *waits = true;
        return 0;
    }
    if (c.verdict == CHAIN_REPEAT) {
        drop_frame(r);
        return 0;
    }
    if (c.verdict != CHAIN_ACCEPT) {
        return err_set(e, ERR_UNAVAILABLE, "the log cannot be followed: %s",
                       c.reason != NULL ? c.reason : "it is of another version");
    }
    memcpy(r->incarnation, h.incarnation, sizeof r->incarnation);
    r->has_incarnation = true;
    char *mem = r->ahead.mem;
    r->ahead.mem = NULL;
    return batch_feed(&r->batch, &h, items, mem, r->ahead.size, e);
}

static bool arrived(const struct refill *r)
{
    return r->placed && !batch_inside(&r->batch) &&
           epoch_eq(r->batch.at.epoch, r->live.epoch) &&
           position_cmp(r->batch.at, r->live) == 0;
}

/* Up to the place where the live consumer was seen. keep: the transaction that is open goes on. */
static int follow_live(struct refill *r, bool keep, struct err *e)
{
    int64_t until = clock_mono_us() + STAND_STILL_MS * INT64_C(1000);
    bool waits = false;
    int rc = 0;
    while (rc == 0 && !waits && !arrived(r)) {
        if (r->ahead.mem == NULL) {
            rc = read_frame(r, e);
        }
        if (rc == 0 && r->ahead.mem != NULL) {
            rc = take_frame(r, &waits, e);
            until = clock_mono_us() + STAND_STILL_MS * INT64_C(1000);
        } else if (rc == 0 && (daemon_stopping() || clock_mono_us() > until)) {
            rc = err_set(e, ERR_TIMEOUT,
                         "the log does not lead to the place of consumer \"%s\"", r->consumer);
        }
        bool full = r->batch.count >= CHUNK_ROWS || r->batch.bytes >= CHUNK_BYTES;
        if (rc == 0 && full) {
            rc = keep || batch_inside(&r->batch) ? write(r, e) : commit(r, e);
        }
    }
    if (rc == 0 && keep && !arrived(r)) {
        rc = err_set(
            e, ERR_UNAVAILABLE,
            "consumer \"%s\" does not stand where a message of the log ends: it has not "
            "followed it yet",
            r->consumer);
    }
    return rc != 0 || keep ? rc : commit(r, e);
}

/* ---- the exchange ------------------------------------------------------------------------------- */

/* The table first: whoever writes it needs the cursor's row last, to commit. */
static int hold_up(struct refill *r, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql,
             "begin; set local lock_timeout = '30s'; lock table %s in share row exclusive mode",
             r->target);
    int rc = conn_exec(r->db, buf_cstr(&sql), e);
    buf_fini(&sql);
    r->apply.open = true; /* also after an error: there is something to roll back */
    if (rc == 0) {
        rc = refuse_parked(r, e);
    }
    return rc == 0 ? look_live(r, true, e) : rc;
}

static int exchange(struct refill *r, int64_t *rows, struct err *e)
{
    struct buf sql = BUF_INIT;
    struct rows *count = NULL;
    char lsn[POSITION_TEXT_MAX];
    char epoch[POSITION_TEXT_MAX];
    lsn_text(r->from.lsn, lsn);
    epoch_text(r->from.epoch, epoch);
    buf_addf(&sql,
             "analyze %s; delete from %s as t where not exists"
             " (select from %s as b where %s%s)",
             copy_name, r->target, copy_name, r->match, r->same);
    if (r->m->append) { /* <epoch>:<LSN>/<ordinal> */
        buf_addf(&sql,
                 " and split_part(t.%s::text, ':', 1) = '%s' and"
                 " substring(t.%s::text from ':([0-9A-F]+/[0-9A-F]+)')::pg_lsn >= '%s'",
                 r->position, epoch, r->position, lsn);
    }
    buf_addf(&sql,
             "; insert into %s (%s) select %s from %s as b where not exists"
             " (select from %s as t where %s)",
             r->target, r->columns, r->columns, copy_name, r->target, r->match);
    int rc = conn_exec(r->db, buf_cstr(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        rc = conn_query(r->db, "select count(*) from pg_temp.parkway_replay", 0, NULL, &count,
                        e);
    }
    *rows = rc == 0 ? rows_int(count, 0, 0) : 0;
    rows_free(count);
    return rc == 0 ? conn_exec(r->db, "commit", e) : rc;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static int run(struct refill *r, int64_t *rows, struct err *e)
{
    int rc = begin(r, e);
    if (rc != 0) {
        return rc;
    }
    batch_init(&r->batch, &r->one);
    apply_init(&r->apply);
    r->cursor.name = table_name; /* no consumer: it has no copies, shapes or parked changes */
    r->apply.cursor = &r->cursor;
    r->apply.park = &r->park;
    r->apply.halt_on_poison = true;
    apply_attach(&r->apply, r->db);
    rc = park_load(&r->park, r->db, table_name, e);
    if (rc == 0) {
        rc = r->m->append ? look_live(r, false, e) : copy_at_position(r, e);
    }
    if (rc == 0) {
        rc = open_log(r, e);
    }
    if (rc == 0) { /* most of it while the consumer goes on, then what came meanwhile */
        rc = follow_live(r, false, e);
    }
    if (rc == 0) {
        rc = hold_up(r, e);
    }
    if (rc == 0) {
        rc = follow_live(r, true, e);
    }
    if (rc == 0) {
        rc = write(r, e);
    }
    if (rc == 0) {
        rc = exchange(r, rows, e);
        r->apply.open = rc != 0;
    }
    apply_abandon(&r->apply);
    batch_fini(&r->batch);
    apply_fini(&r->apply);
    park_fini(&r->park);
    return rc;
}

int refill(const struct mirror *m, const char *consumer, int64_t *rows, struct err *e)
{
    struct refill r = {.m = m, .consumer = consumer};
    int rc = run(&r, rows, e);
    drop_frame(&r);
    link_close(r.log);
    conn_close(r.db);
    if (r.one.count > 0) {
        free(r.into.target_schema);
        free(r.into.target_name);
    }
    free(r.target);
    free(r.columns);
    free(r.keys);
    free(r.match);
    free(r.same);
    free(r.position);
    return rc;
}
