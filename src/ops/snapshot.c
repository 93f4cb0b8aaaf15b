/* snapshot.c - see snapshot.h. */
#include "ops/snapshot.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SENDER_TIMEOUT_MS = 0, /* the connection idles while rows are copied */
    LOOK_MS = 1000,        /* how often is looked for who is waited for */
    REPEAT_US = 15000000,  /* the same answer is said again after so long */
};

int snapshot_open(struct snapshot *s, const char *url, struct err *e)
{
    struct repl_system system;
    *s = (struct snapshot){0};
    int rc = repl_open(&s->repl, url, SENDER_TIMEOUT_MS, e);
    if (rc == 0) {
        rc = repl_identify(s->repl, &system, e);
    }
    if (rc == 0) {
        s->epoch = (struct epoch){system.system, system.timeline};
        epoch_text(s->epoch, s->epoch_text);
    }
    return rc;
}

/* ---- whom we wait for ----------------------------------------------------------------------- */

/* Blocked by a prepared transaction, pg_blocking_pids says 0. */
static const char blockers_sql[] =
    "select format('pid %s, user %s, open for %s s (%s%s)', a.pid, a.usename, "
    "  extract(epoch from clock_timestamp() - a.xact_start)::bigint, a.state, "
    "  case when a.application_name <> '' then ', ' || a.application_name else '' end), a.pid "
    "from unnest(pg_blocking_pids($1::int)) as b join pg_stat_activity a on a.pid = b "
    "union all "
    "select format('prepared transaction %L of %s, %s s old', x.gid, x.owner, "
    "  extract(epoch from clock_timestamp() - x.prepared)::bigint), 0 "
    "from pg_locks w join pg_prepared_xacts x on x.transaction = w.transactionid "
    "where w.pid = $1::int and not w.granted order by 2 limit 3";

struct waiting {
    struct conn *watch;
    void (*note)(const char *text);
    char pid[16]; /* of the server process that makes the slot */
    char who[64]; /* said last */
    int64_t said_us;
};

/* Silent when the question fails: it is only asked for people. */
static void name_blockers(struct waiting *w)
{
    struct err ignored = ERR_INIT;
    struct rows *r = NULL;
    if (conn_query(w->watch, blockers_sql, 1, (struct str[]){str_of(w->pid)}, &r, &ignored) !=
        0) {
        return;
    }
    char who[sizeof w->who] = "";
    for (size_t i = 0; i < rows_count(r); i++) {
        size_t n = strlen(who);
        snprintf(who + n, sizeof who - n, "%s ", rows_text(r, i, 1));
    }
    bool news = strcmp(who, w->who) != 0 || clock_mono_us() - w->said_us >= REPEAT_US;
    if (rows_count(r) > 0 && news) {
        struct buf text = BUF_INIT;
        buf_adds(&text, "waiting for a transaction of the primary to end: ");
        for (size_t i = 0; i < rows_count(r); i++) {
            buf_addf(&text, "%s%s", i > 0 ? "; " : "", rows_text(r, i, 0));
        }
        w->note(buf_cstr(&text));
        buf_fini(&text);
        snprintf(w->who, sizeof w->who, "%s", who);
        w->said_us = clock_mono_us();
    }
    rows_free(r);
}

/* ---- taking it ------------------------------------------------------------------------------ */

struct making {
    struct snapshot *s;
    const char *slot;
    bool temporary;
    uint64_t at;
    int rc;
    struct err e;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done; /* under lock */
};

static void *make(void *arg)
{
    struct making *m = arg;
    m->rc = repl_slot_export(m->s->repl, m->slot, m->temporary, &m->at, m->s->name, &m->e);
    pthread_mutex_lock(&m->lock);
    m->done = true;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static void wait_made(struct making *m, struct waiting *w)
{
    pthread_mutex_lock(&m->lock);
    while (!m->done) {
        int64_t due = clock_wall_us() + (int64_t)LOOK_MS * 1000;
        struct timespec until = {due / 1000000, due % 1000000 * 1000};
        if (pthread_cond_timedwait(&m->changed, &m->lock, &until) == ETIMEDOUT && !m->done) {
            pthread_mutex_unlock(&m->lock);
            name_blockers(w);
            pthread_mutex_lock(&m->lock);
        }
    }
    pthread_mutex_unlock(&m->lock);
}

int snapshot_take(struct snapshot *s, const char *slot, struct conn *watch,
                  void (*note)(const char *text), struct err *e)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "parkway_copy_%d", repl_server_pid(s->repl));
    struct making m = {.s = s,
                       .slot = slot != NULL ? slot : temporary,
                       .temporary = slot == NULL,
                       .e = ERR_INIT,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER};
    struct waiting w = {.watch = watch, .note = note};
    snprintf(w.pid, sizeof w.pid, "%d", repl_server_pid(s->repl));
    pthread_t thread;
    int started = pthread_create(&thread, NULL, make, &m);
    ASSERT(started == 0);
    wait_made(&m, &w);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&m.changed);
    pthread_mutex_destroy(&m.lock);
    if (m.rc != 0) {
        *e = m.e;
        return m.rc;
    }
    lsn_text(m.at, s->lsn_text);
    return 0;
}

int snapshot_enter(const struct snapshot *s, struct conn *c, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql,
             "begin isolation level repeatable read read only; set transaction snapshot '%s'",
             s->name);
    int rc = conn_exec(c, buf_cstr(&sql), e);
    buf_fini(&sql);
    return rc;
}

void snapshot_close(struct snapshot *s)
{
    repl_close(s->repl);
    *s = (struct snapshot){0};
}
