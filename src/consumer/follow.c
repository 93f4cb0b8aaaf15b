/* follow.c - see follow.h. */
#include "consumer/follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "consumer/alter.h"
#include "consumer/tally.h"
#include "consumer/resync.h"

#include <stdlib.h>

enum {
    IDLE_MS = 100,
    SILENT_US =
        2000000, /* a subscription by offset that brings nothing so long is beyond the end */
    FLUSH_CHECK_US = 100000,
    COMPANY_ROWS = 500, /* a commit of so many is large */
    COMPANY_MS = 10,
    COMPANY_RECENT_US = 100000,
};

void follow_init(struct follow *f, struct receive *receive, struct report *report,
                 const struct mirrors *mirrors)
{
    *f = (struct follow){.conf = consumer_conf(), .receive = receive, .report = report};
    batch_init(&f->batch, mirrors);
    apply_init(&f->apply);
    reapply_init(&f->reapply);
    f->apply.cursor = &f->cursor;
    f->apply.park = &f->park;
    f->apply.halt_on_poison = strcmp(f->conf->on_poison, "halt") == 0;
}

void follow_fini(struct follow *f)
{
    follow_stop(f);
    batch_fini(&f->batch);
    apply_fini(&f->apply);
    reapply_fini(&f->reapply);
    park_fini(&f->park);
    announce_fini(&f->announce);
}

static void read_first(struct follow *f)
{
    batch_drop_part(&f->batch);
    f->from_first = true;
    f->silent_us = 0;
    receive_first(f->receive);
}

int follow_start(struct follow *f, struct conn *db, struct err *e)
{
    f->db = db;
    apply_attach(&f->apply, db);
    int rc = cursor_take(&f->cursor, db, f->conf->name, e);
    if (rc == 0) {
        rc = cursor_settle(&f->cursor, db, &f->settle_lsn, e);
    }
    if (rc == 0) {
        rc = park_load(&f->park, db, f->conf->name, e);
    }
    if (rc == 0) {
        rc = alter_count(db, f->conf->name, e);
    }
    if (rc != 0) {
        return rc;
    }
    batch_restart(&f->batch, f->cursor.at);
    f->hole = (struct chain_hole){0};
    f->has_frame = f->cursor.has_offset && f->cursor.has_incarnation;
    f->frame_offset = f->cursor.offset;
    memcpy(f->incarnation, f->cursor.incarnation, sizeof f->incarnation);
    f->durable_lsn = 0;
    f->any_reported = false;
    f->silent_us = 0;
    tally_set(TALLY_APPLIED, (int64_t)f->cursor.at.lsn);
    if (f->has_frame) {
        f->from_first = false;
        receive_offset(f->receive, f->frame_offset);
    } else {
        read_first(f);
    }
    return 0;
}

void follow_stop(struct follow *f)
{
    if (f->db != NULL) {
        apply_abandon(&f->apply);
        park_say_halted(&f->park, f->db);
        apply_attach(&f->apply, NULL);
        conn_close(f->db);
        f->db = NULL;
    }
    park_reset(&f->park);
    batch_restart(&f->batch, (struct position){{0, 0}, 0, 0, 0});
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Reports what is flushed. The replica's session does not wait for its disk at each commit, so a
 * commit is durable only when the server's flushed place has passed the WAL written up to it. */
static int check_flushed(struct follow *f, bool now, struct err *e)
{
    bool news = !f->any_reported || position_cmp(f->reported, f->cursor.at) != 0 ||
                !epoch_eq(f->reported.epoch, f->cursor.at.epoch);
    if (!news || f->apply.open ||
        (!now && clock_mono_us() - f->flush_checked_us < FLUSH_CHECK_US)) {
        return 0;
    }
    f->flush_checked_us = clock_mono_us();
    struct rows *r = NULL;
    int rc = conn_query(f->db, "SELECT pg_current_wal_flush_lsn(), pg_current_wal_insert_lsn()",
                        0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    uint64_t flushed = 0;
    uint64_t written = 0;
    bool ok = lsn_parse(rows_get(r, 0, 0), &flushed) && lsn_parse(rows_get(r, 0, 1), &written);
    rows_free(r);
    if (!ok) {
        return err_set(e, ERR_PROTOCOL, "the replica's WAL position is no position");
    }
    if (f->durable_lsn != 0 && flushed >= f->durable_lsn) {
        report_applied(f->report, f->durable_at, f->has_frame ? f->incarnation : NULL);
        f->reported = f->durable_at;
        f->any_reported = true;
        f->durable_lsn = 0;
    }
    if (f->durable_lsn == 0) {
        f->durable_at = f->cursor.at;
        f->durable_lsn = written;
        if (flushed >= written) { /* an idle server: everything is on disk */
            report_applied(f->report, f->durable_at, f->has_frame ? f->incarnation : NULL);
            f->reported = f->durable_at;
            f->any_reported = true;
            f->durable_lsn = 0;
        }
    }
    return 0;
}

static void measure(struct follow *f)
{
    uint64_t at = f->cursor.at.lsn;
    tally_set(TALLY_APPLIED, (int64_t)at);
    tally_set(TALLY_LAG_BYTES, f->newest_lsn > at ? (int64_t)(f->newest_lsn - at) : 0);
    tally_set(TALLY_PARKED_KEYS, (int64_t)f->park.count);
    if (f->batch.commit_us != 0) {
        tally_set(TALLY_COMMIT_US, f->batch.commit_us);
        int64_t age = clock_wall_us() - f->batch.commit_us;
        tally_set(TALLY_LAG_US, age > 0 ? age : 0);
    }
}

/* Whether there is something to commit: rows, or a place that is due to be saved. */
static bool uncommitted(const struct follow *f)
{
    if (batch_inside(&f->batch)) {
        return false;
    }
    bool rows = f->apply.open || f->batch.count > 0;
    bool moved = position_cmp(f->batch.at, f->cursor.at) != 0 ||
                 !epoch_eq(f->batch.at.epoch, f->cursor.at.epoch);
    bool due = f->conf->place_save_ms == 0 ||
               clock_mono_us() - f->last_us >= f->conf->place_save_ms * INT64_C(1000);
    return rows || (moved && due);
}

static int settle(struct follow *f, struct err *e)
{
    int rc = cursor_settle(&f->cursor, f->db, &f->settle_lsn, e);
    if (rc == 0 && f->settle_lsn == 0) {
        log_info("what was copied is one with the log consumer=%s state=%s", f->conf->name,
                 f->cursor.state);
    }
    return rc;
}

static int commit(struct follow *f, struct err *e)
{
    bool rows = f->batch.transactions > 0;
    announce_take(&f->announce, &f->batch);
    f->cursor.at = f->batch.at;
    f->cursor.has_offset = f->cursor.has_incarnation = f->has_frame;
    f->cursor.offset = f->frame_offset;
    memcpy(f->cursor.incarnation, f->incarnation, sizeof f->cursor.incarnation);
    uint64_t changes = f->apply.rows_open + f->batch.count;
    int64_t began_us = clock_mono_us();
    int rc = apply_commit(&f->apply, &f->batch, f->conf->apply_delay_ms, e);
    f->last_rows = changes;
    f->last_us = clock_mono_us();
    f->waiting_us = 0;
    if (rc != 0) {
        return rc;
    }
    if (changes > 0) {
        metric_observe(&tally_table[TALLY_BATCH_ROWS], (int64_t)changes);
        metric_observe(&tally_table[TALLY_COMMIT_TIME], f->last_us - began_us);
    }
    if (rows) {
        announce_say(&f->announce);
    }
    measure(f);
    rc = park_resumed(&f->park, f->db, f->cursor.at.lsn, e);
    if (rc == 0) {
        rc = reapply_turn(&f->reapply, &f->apply, &f->batch, e);
    }
    if (rc == 0 && f->settle_lsn != 0 && f->cursor.at.lsn >= f->settle_lsn) {
        rc = settle(f, e);
    }
    return rc == 0 ? check_flushed(f, false, e) : rc;
}

static bool full(const struct follow *f)
{
    return f->batch.bytes >= (size_t)f->conf->batch_max_bytes ||
           f->batch.count >= (size_t)f->conf->batch_max_rows;
}

/* --- frames ------------------------------------------------------------------------------------- */

static void open_hole(struct follow *f, const char *reason)
{
    if (!f->hole.open) {
        char at[POSITION_TEXT_MAX];
        position_text(f->batch.at, at);
        log_warn("the log cannot be followed for now consumer=%s position=%s reason=\"%s\"",
                 f->conf->name, at, reason);
        tally_add(TALLY_HOLES, 1);
        f->hole = (struct chain_hole){.open = true};
    }
    batch_drop_part(&f->batch);
}

static void fill_hole(struct follow *f)
{
    switch (chain_remedy(&f->hole, f->from_first, clock_mono_us())) {
    case CHAIN_WAIT: break;
    case CHAIN_REREAD: read_first(f); break;
    case CHAIN_RESEND:
        log_info("asking for a resend consumer=%s try=%u", f->conf->name, f->hole.resends);
        tally_add(TALLY_RESENDS, 1);
        report_resend(f->report);
        break;
    }
}

static void found(struct follow *f)
{
    if (f->hole.open) {
        log_info("the log is whole again consumer=%s", f->conf->name);
        f->hole = (struct chain_hole){0};
    }
}

/* Compares and repairs every table, and moves the cursor behind the break, in one transaction. */
static int repair(struct follow *f, struct position next, struct err *e)
{
    int64_t changed = 0;
    int rc = conn_exec(f->db, "BEGIN", e);
    if (rc == 0) {
        f->apply.open = true;
        rc = resync_run(f->db, f->batch.mirrors, &f->park, next.epoch, &changed, e);
    }
    if (rc == 0) {
        f->cursor.at = next;
        rc = cursor_mark(&f->cursor, f->db, "running", e);
    }
    if (rc == 0) {
        f->cursor.has_offset = f->cursor.has_incarnation = f->has_frame;
        f->cursor.offset = f->frame_offset;
        memcpy(f->cursor.incarnation, f->incarnation, sizeof f->cursor.incarnation);
        batch_restart(&f->batch, next);
        rc = apply_commit(&f->apply, &f->batch, 0, e);
    }
    if (rc == 0) {
        char to[POSITION_TEXT_MAX];
        position_text(next, to);
        log_info("replica compared and repaired consumer=%s rows_changed=%lld position=%s",
                 f->conf->name, (long long)changed, to);
        tally_add(TALLY_RESYNCED, changed);
    }
    return rc;
}

/* From now on readers are not sent here, until a resync has repaired what the log does not hold. */
static int broken(struct follow *f, const struct frame_head *h, uint64_t offset,
                  const char *reason, struct err *e)
{
    struct position next = h->kind == FRAME_BREAK ? h->last : h->prev;
    char from[POSITION_TEXT_MAX];
    char to[POSITION_TEXT_MAX];
    position_text(f->cursor.at, from);
    position_text(next, to);
    log_error("%s: the replica must be compared with the primary consumer=%s from=%s to=%s",
              reason, f->conf->name, from, to);
    tally_add(TALLY_BREAKS, 1);
    apply_abandon(&f->apply);
    batch_restart(&f->batch, f->cursor.at);
    int rc = cursor_mark(&f->cursor, f->db, "resync", e);
    if (rc != 0) {
        return rc;
    }
    if (!f->conf->auto_resync) {
        return err_set(e, ERR_LOST, "%s; consumer.auto_resync is off", reason);
    }
    f->has_frame = true;
    f->frame_offset = offset;
    memcpy(f->incarnation, h->incarnation, sizeof f->incarnation);
    rc = repair(f, next, e);
    if (rc != 0) {
        return err_add(e, "could not resync");
    }
    /* the frame itself comes again: a repeat now, or what goes on behind the break */
    f->hole = (struct chain_hole){0};
    f->from_first = false;
    receive_offset(f->receive, f->frame_offset);
    return 0;
}

static int accept(struct follow *f, const struct frame_head *h, struct rd items,
                  struct receive_event *ev, struct err *e)
{
    found(f);
    int rc = batch_feed(&f->batch, h, items, ev->mem, ev->size, e);
    ev->mem = NULL;
    if (rc != 0) {
        log_error("frame not understood, discarded offset=%llu reason=\"%s\"",
                  (unsigned long long)ev->offset, e->text);
        tally_add(TALLY_DAMAGED, 1);
        open_hole(f, "a frame is not understood");
        return 0;
    }
    f->has_frame = true;
    f->frame_offset = ev->offset;
    memcpy(f->incarnation, h->incarnation, sizeof f->incarnation);
    if (!full(f)) {
        return 0;
    }
    return batch_inside(&f->batch) ? apply_chunk(&f->apply, &f->batch, e) : commit(f, e);
}

static int take_frame(struct follow *f, struct receive_event *ev, struct err *e)
{
    struct frame_head h = {.kind = FRAME_DATA};
    struct rd items = {0};
    struct err why = ERR_INIT;
    f->silent_us = 0;
    int decoded = frame_decode((struct str){ev->mem, ev->size}, &h, &items, &why);
    struct chain_choice c =
        chain_decide(f->batch.at, f->has_frame ? f->incarnation : NULL, decoded, &h);
    if (decoded == 0) {
        f->newest_lsn = h.last.lsn;
        f->newest_sent_us = h.sent_us;
    }
    switch (c.verdict) {
    case CHAIN_ACCEPT: return accept(f, &h, items, ev, e);
    case CHAIN_REPEAT:
        tally_add(TALLY_REPEATS, 1);
        if (position_cmp(h.last, f->batch.at) == 0 && epoch_eq(h.epoch, f->batch.at.epoch)) {
            f->has_frame = true; /* the frame in which we stand, perhaps in a new stream */
            f->frame_offset = ev->offset;
            memcpy(f->incarnation, h.incarnation, sizeof f->incarnation);
            found(f);
        }
        return 0;
    case CHAIN_DAMAGE:
        log_error("frame discarded offset=%llu reason=\"%s\"", (unsigned long long)ev->offset,
                  why.text);
        tally_add(TALLY_DAMAGED, 1);
        open_hole(f, c.reason); /* the next frame shows whether anything is missing */
        return 0;
    case CHAIN_HOLE:
        tally_add(TALLY_DISCARDED, 1);
        open_hole(f, c.reason);
        fill_hole(f);
        return 0;
    case CHAIN_BREAK: return broken(f, &h, ev->offset, c.reason, e);
    case CHAIN_UNKNOWN: break;
    }
    return err_set(e, ERR_PROTOCOL, "%s", why.text);
}

static int idle(struct follow *f, struct err *e)
{
    if (f->silent_us != 0 && clock_mono_us() - f->silent_us > SILENT_US) {
        log_info("no frame at the remembered offset, reading from the first one consumer=%s",
                 f->conf->name);
        read_first(f);
    } else if (f->hole.open && f->silent_us == 0) {
        fill_hole(f);
    }
    int rc = 0;
    if (!f->apply.open && !batch_inside(&f->batch)) {
        rc = reapply_turn(&f->reapply, &f->apply, &f->batch, e);
    }
    return rc == 0 ? check_flushed(f, true, e) : rc;
}

/* How long what waits to be committed may wait for more. */
static int company_ms(const struct follow *f)
{
    int64_t now = clock_mono_us();
    if (f->last_rows < COMPANY_ROWS || now - f->last_us > COMPANY_RECENT_US) {
        return 0;
    }
    int64_t waited_ms = (now - f->waiting_us) / 1000;
    return waited_ms < COMPANY_MS ? (int)(COMPANY_MS - waited_ms) : 0;
}

int follow_turn(struct follow *f, struct err *e)
{
    struct receive_event ev;
    bool waiting = uncommitted(f);
    if (waiting && f->waiting_us == 0) {
        f->waiting_us = clock_mono_us();
    }
    receive_pop(f->receive, waiting ? company_ms(f) : IDLE_MS, &ev);
    int rc = 0;
    switch (ev.kind) {
    case RECEIVE_NONE: rc = waiting ? commit(f, e) : idle(f, e); break;
    case RECEIVE_SUBSCRIBED:
        f->from_first = ev.from_first;
        f->silent_us = ev.from_first ? 0 : clock_mono_us();
        announce_running();
        break;
    case RECEIVE_LOST: f->silent_us = 0; break;
    case RECEIVE_FRAME: rc = take_frame(f, &ev, e); break;
    }
    free(ev.mem);
    return rc;
}
