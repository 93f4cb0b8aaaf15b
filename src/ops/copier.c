/* copier.c - see copier.h. */
#include "ops/copier.h"

#include "base/clock.h"
#include "ops/bootstrap_conf.h"
#include "pg/pipeline.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct crew {
    const struct copier *o;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock, as are the shared fields of the tables */
    size_t working;
    bool stop;
    int rc; /* the first failure */
    struct err e;
};

struct worker {
    struct crew *crew;
    struct conn *primary;
    struct conn *replica;
    pthread_t thread;
};

int copier_session(struct conn *c, struct err *e)
{
    return conn_exec(c,
                     CONN_EXACT_TEXTS_SQL
                     " set timezone = 'UTC'; set standard_conforming_strings = on; set "
                     "statement_timeout = 0; "
                     "set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; "
                     "set idle_session_timeout = 0; set max_parallel_workers_per_gather = 0; "
                     "set jit = off; set default_transaction_read_only = off; "
                     "set default_transaction_isolation = 'read committed'; "
                     "set session_replication_role = replica",
                     e);
}

/* ---- which piece ---------------------------------------------------------------------------- */

/* Call with the lock held. Tables of few large pieces come first, so that none is left alone at the end. */
static struct copytable *take(struct crew *crew, size_t *chunk)
{
    struct copytable *best = NULL;
    for (size_t i = 0; i < crew->o->table_count; i++) {
        struct copytable *t = &crew->o->tables[i];
        while (t->next < t->chunk_count && t->chunks[t->next].done) {
            t->next++;
        }
        if (!t->stale && t->next < t->chunk_count &&
            (best == NULL ||
             t->chunks[t->next].rows_estimated > best->chunks[best->next].rows_estimated)) {
            best = t;
        }
    }
    if (best != NULL) {
        *chunk = best->next++;
    }
    return best;
}

/* ---- one piece ------------------------------------------------------------------------------ */

/* p: NULL when nobody watches. */
static int pump(struct conn *primary, struct conn *replica, struct progress *p, int64_t *rows,
                int64_t *bytes, struct err *e)
{
    struct str row = STR_NULL;
    for (;;) {
        int rc = pipeline_copy_row(primary, &row, e);
        if (rc != 0 || row.p == NULL) {
            return rc;
        }
        rc = pipeline_copy_data(replica, row, e);
        if (rc != 0) {
            return rc;
        }
        ++*rows;
        *bytes += (int64_t)row.n;
        if (p != NULL) {
            p->rows++;
            p->bytes += (int64_t)row.n;
        }
    }
}

/* From one COPY into another; count becomes what the replica counted. */
static int stream(struct conn *primary, const char *out, struct conn *replica, const char *in,
                  struct progress *p, int64_t *rows, int64_t *bytes, int64_t *count,
                  struct err *e)
{
    int rc = pipeline_copy_out(primary, out, e);
    if (rc != 0) {
        return rc;
    }
    /* refused: the primary's COPY is still open, its connection is of no use any more */
    rc = pipeline_copy_begin(replica, in, e);
    if (rc == 0) {
        rc = pump(primary, replica, p, rows, bytes, e);
        struct err ended = ERR_INIT;
        int rc2 = pipeline_copy_end(replica, rc == 0, count, &ended);
        if (rc2 != 0 && (rc == 0 || conn_alive(primary))) {
            *e = ended; /* why the replica took no more */
            rc = rc2;
        }
    }
    return rc;
}

int copier_stream(struct conn *primary, const char *out, struct conn *replica, const char *in,
                  int64_t *count, struct err *e)
{
    int64_t rows = 0;
    int64_t bytes = 0;
    return stream(primary, out, replica, in, NULL, &rows, &bytes, count, e);
}

static int copy_target(struct conn *primary, struct conn *replica, const struct copytable *t,
                       size_t chunk, const struct copytarget *to, struct progress *p,
                       int64_t *count, int64_t *bytes, struct err *e)
{
    struct buf out = BUF_INIT;
    struct buf in = BUF_INIT;
    int64_t rows = 0;
    copytable_statements(t, chunk, to, &out, &in);
    int rc = stream(primary, buf_cstr(&out), replica, buf_cstr(&in), p, &rows, bytes, count, e);
    if (p != NULL && rc == 0) {
        p->rows -= rows - *count; /* the form has a message more than rows */
    } else if (p != NULL) {
        p->rows -= rows;
        p->bytes -= *bytes;
        *bytes = 0;
    }
    buf_fini(&in);
    buf_fini(&out);
    return rc;
}

/* Locks the piece's row; *mine: nobody has copied it meanwhile. */
static int claim(struct worker *w, const struct copytable *t, size_t chunk, bool *mine,
                 struct err *e)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, t->chunks[chunk].number);
    struct str params[] = {str_of(w->crew->o->consumer), str_of(t->table->name), str_of(number),
                           str_of(t->shape)};
    struct rows *r = NULL;
    int rc =
        conn_query(w->replica,
                   "select c.lsn from parkway.table_chunk c join parkway.table_start s "
                   "using (consumer, relation) where consumer = $1 and relation = $2 "
                   "and chunk = $3::int and s.shape = $4 and s.lsn is null for update of c",
                   ARRAY_LEN(params), params, &r, e);
    if (rc == 0 && rows_count(r) == 0) {
        rc = err_set(e, ERR_CONFLICT, "the copy of %s was begun anew by another process",
                     t->table->name);
    }
    *mine = rc == 0 && rows_get(r, 0, 0).p == NULL;
    rows_free(r);
    return rc;
}

static int mark(struct worker *w, const struct copytable *t, const struct copychunk *k,
                struct err *e)
{
    char number[24];
    char rows[24];
    char bytes[24];
    snprintf(number, sizeof number, "%" PRId64, k->number);
    snprintf(rows, sizeof rows, "%" PRId64, k->rows);
    snprintf(bytes, sizeof bytes, "%" PRId64, k->bytes);
    const struct snapshot *s = w->crew->o->snapshot;
    struct str params[] = {str_of(w->crew->o->consumer),
                           str_of(t->table->name),
                           str_of(number),
                           str_of(s->epoch_text),
                           str_of(s->lsn_text),
                           str_of(rows),
                           str_of(bytes)};
    int rc = conn_query(w->replica,
                        "update parkway.table_chunk set epoch = $4, lsn = $5::text::pg_lsn, "
                        "rows = $6::bigint, bytes = $7::bigint, copied_at = clock_timestamp() "
                        "where consumer = $1 and relation = $2 and chunk = $3::int",
                        ARRAY_LEN(params), params, NULL, e);
    return rc == 0 ? conn_exec(w->replica, "commit", e) : rc;
}

/* The column, the table or the snapshot's view of it is gone. */
static bool altered(int rc, const struct err *e)
{
    return rc == ERR_SQL &&
           (strcmp(e->sqlstate, "42703") == 0 || strcmp(e->sqlstate, "42P01") == 0);
}

static int copy_piece(struct worker *w, struct copytable *t, size_t chunk, bool *same,
                      bool *mine, struct err *e)
{
    struct copychunk k = {.number = t->chunks[chunk].number};
    int rc = snapshot_enter(w->crew->o->snapshot, w->primary, e);
    *same = true;
    *mine = false;
    if (rc == 0) {
        rc = copytable_same(t, w->primary, same, e);
        *same = *same || (rc != 0 && !altered(rc, e));
    }
    if (rc == 0 && *same) {
        rc = conn_exec(w->replica, "begin", e);
        rc = rc == 0 ? claim(w, t, chunk, mine, e) : rc;
    }
    for (size_t i = 0; rc == 0 && *mine && i < t->target_count; i++) {
        int64_t rows = 0;
        int64_t bytes = 0;
        rc = copy_target(w->primary, w->replica, t, chunk, &t->targets[i], w->crew->o->progress,
                         &rows, &bytes, e);
        k.rows += rows;
        k.bytes += bytes;
        if (altered(rc, e)) {
            *same = false;
        }
    }
    if (rc == 0 && *mine) {
        rc = mark(w, t, &k, e);
    } else if (*same) {
        struct err ignored = ERR_INIT;
        (void)!conn_exec(w->replica, "rollback", &ignored);
    }
    if (rc == 0) {
        rc = conn_exec(w->primary, "commit", e);
    }
    if (rc == 0 && *mine) {
        t->chunks[chunk].rows = k.rows;
        t->chunks[chunk].bytes = k.bytes;
    } else {
        w->crew->o->progress->rows -= k.rows;
        w->crew->o->progress->bytes -= k.bytes;
    }
    return rc;
}

int copier_whole(struct conn *primary, struct conn *replica, const struct captured_mirror *m,
                 int64_t *count, struct err *e)
{
    struct copychunk all = {0};
    struct copytarget to = {.mirror = m};
    struct copytable t = {.table = m->table};
    int64_t bytes = 0;
    t.targets = def_zalloc(1, sizeof to);
    t.targets[0] = to;
    t.target_count = 1;
    int rc = copytable_inspect(&t, primary, replica, e);
    if (rc == 0 && t.stale) {
        rc = err_set(e, ERR_UNAVAILABLE, "%s was rewritten or truncated meanwhile",
                     m->table->name);
    }
    if (rc == 0) {
        t.chunks = def_alloc(sizeof all);
        t.chunks[0] = all;
        t.chunk_count = 1;
        rc = copy_target(primary, replica, &t, 0, &t.targets[0], NULL, count, &bytes, e);
    }
    copytable_fini(&t);
    return rc != 0 ? err_add(e, "could not copy %s", m->table->name) : 0;
}

/* ---- a whole table -------------------------------------------------------------------------- */

int copier_close(const struct copytable *t, struct conn *replica, const char *consumer,
                 struct err *e)
{
    struct str params[] = {str_of(consumer), str_of(t->table->name)};
    int rc = conn_exec(replica, "begin", e);
    if (rc == 0) {
        rc = conn_query(replica,
                        "update parkway.table_start s set lsn = c.lsn, epoch = c.epoch "
                        "from (select max(lsn) as lsn, max(epoch) as epoch "
                        "  from parkway.table_chunk where consumer = $1 and relation = $2 "
                        "  having count(*) = count(lsn)) c "
                        "where s.consumer = $1 and s.relation = $2 and c.lsn is not null",
                        ARRAY_LEN(params), params, NULL, e);
    }
    if (rc == 0) { /* a running consumer starts over and reads it (consumer/cursor.h) */
        rc = conn_query(replica,
                        "update parkway.cursor set fence = fence + 1 where consumer = $1", 1,
                        params, NULL, e);
    }
    return rc == 0 ? conn_exec(replica, "commit", e)
                   : err_add(e, "could not close the copy of %s", t->table->name);
}

static int finish_piece(struct worker *w, struct copytable *t, size_t chunk, struct err *e)
{
    pthread_mutex_lock(&w->crew->lock);
    t->chunks[chunk].done = true;
    t->rows += t->chunks[chunk].rows;
    bool whole = --t->missing == 0;
    pthread_mutex_unlock(&w->crew->lock);
    w->crew->o->progress->chunks++;
    int rc = whole ? copier_close(t, w->replica, w->crew->o->consumer, e) : 0;
    t->closed = whole && rc == 0;
    return rc;
}

/* ---- the crew ------------------------------------------------------------------------------- */

static int open_worker(struct worker *w, struct err *e)
{
    struct conn_options o = {.application_name = "parkway bootstrap"};
    int rc = conn_open(&w->primary, w->crew->o->primary_url, &o, e);
    if (rc == 0) {
        rc = conn_open(&w->replica, w->crew->o->replica_url, &o, e);
    }
    if (rc == 0) {
        rc = copier_session(w->primary, e);
    }
    return rc == 0 ? copier_session(w->replica, e) : rc;
}

static void close_worker(struct worker *w)
{
    conn_close(w->primary);
    conn_close(w->replica);
    w->primary = NULL;
    w->replica = NULL;
}

static int work_off(struct worker *w, struct err *e)
{
    int rc = open_worker(w, e);
    while (rc == 0) {
        size_t chunk = 0;
        pthread_mutex_lock(&w->crew->lock);
        struct copytable *t = w->crew->stop ? NULL : take(w->crew, &chunk);
        pthread_mutex_unlock(&w->crew->lock);
        if (t == NULL) {
            break;
        }
        bool same;
        bool mine;
        rc = copy_piece(w, t, chunk, &same, &mine, e);
        if (!same) { /* leave it to the next snapshot */
            close_worker(w);
            rc = open_worker(w, e);
            pthread_mutex_lock(&w->crew->lock);
            t->stale = true;
            pthread_mutex_unlock(&w->crew->lock);
        } else if (rc == 0) {
            rc = finish_piece(w, t, chunk, e);
        } else {
            rc = err_add(e, "could not copy %s", t->table->name);
        }
    }
    return rc;
}

static void *worker_run(void *arg)
{
    struct worker *w = arg;
    struct err e = ERR_INIT;
    int rc = work_off(w, &e);
    close_worker(w);
    pthread_mutex_lock(&w->crew->lock);
    if (rc != 0 && w->crew->rc == 0) {
        w->crew->rc = rc;
        w->crew->e = e;
        w->crew->stop = true;
    }
    w->crew->working--;
    pthread_cond_signal(&w->crew->changed);
    pthread_mutex_unlock(&w->crew->lock);
    return NULL;
}

static void watch(struct crew *crew)
{
    enum { TICK_US = 100000 };
    pthread_mutex_lock(&crew->lock);
    while (crew->working > 0) {
        int64_t due = clock_wall_us() + TICK_US;
        struct timespec until = {due / 1000000, due % 1000000 * 1000};
        pthread_cond_timedwait(&crew->changed, &crew->lock, &until);
        pthread_mutex_unlock(&crew->lock);
        progress_show(crew->o->progress, clock_mono_us());
        pthread_mutex_lock(&crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
}

int copier_run(const struct copier *o, struct err *e)
{
    size_t pieces = 0;
    for (size_t i = 0; i < o->table_count; i++) {
        pieces += o->tables[i].stale ? 0 : o->tables[i].missing;
    }
    size_t count = (size_t)bootstrap_conf()->jobs;
    count = count < pieces ? count : pieces;
    struct crew crew = {.o = o,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER,
                        .working = count,
                        .e = ERR_INIT};
    struct worker *workers = def_zalloc(count + 1, sizeof *workers);
    for (size_t i = 0; i < count; i++) {
        workers[i].crew = &crew;
        int started = pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
        ASSERT(started == 0);
    }
    watch(&crew);
    for (size_t i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    free(workers);
    pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.lock);
    if (crew.rc != 0) {
        *e = crew.e;
    }
    return crew.rc;
}
