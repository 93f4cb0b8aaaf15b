/* assemble.c - see assemble.h.
 *
 * Relations. The server sends a Relation message before a table's first change and after each change
 * of its shape. They are kept here and put into a frame right before the first change that needs
 * them, so every frame can be read alone; they never count as ordinals.
 *
 * Dropping. `have` is the last place of the log's last frame. A change at or before it is walked (the
 * events lane may still need it) and not put into a frame. When the log ends inside a row's parts,
 * that row is split again, whatever the bound is now, and the parts that the log has are skipped. */
#include "relay/assemble.h"

#include <stdlib.h>
#include "base/clock.h"

/* A table: its Relation message as it came, and parsed. */
struct table {
    struct event_relation *parsed;
    struct buf message;
    uint64_t wal;
    uint64_t in_frame; /* number of the frame that holds it */
    bool sent;         /* stood in some frame: the next time is a repeat */
};

struct assemble {
    struct assemble_options o;
    struct assemble_sink sink;
    struct table *tables;
    size_t table_count, table_cap;

    /* the transaction being fed */
    bool open;
    struct buf begin;
    uint64_t begin_wal;
    uint64_t commit_lsn;
    int64_t commit_us;
    uint64_t ordinal;

    /* the frame being built */
    struct buf frame;
    uint64_t frame_number;
    bool frame_has_begin;
    struct position first;
    struct position place; /* after the last item of the open frame, or `last` */

    struct position last; /* handed to the sink */
    uint64_t seen_end_lsn;
};

struct assemble *assemble_new(const struct assemble_options *o,
                              const struct assemble_sink *sink)
{
    struct assemble *a = def_zalloc(1, sizeof *a);
    a->o = *o;
    a->sink = *sink;
    a->last = o->have;
    a->place = o->have;
    a->seen_end_lsn = 0;
    a->frame_number = 1;
    return a;
}

static void table_fini(struct table *t)
{
    event_relation_free(t->parsed);
    buf_fini(&t->message);
}

void assemble_free(struct assemble *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->table_count; i++) {
        table_fini(&a->tables[i]);
    }
    free(a->tables);
    buf_fini(&a->begin);
    buf_fini(&a->frame);
    free(a);
}

bool assemble_in_transaction(const struct assemble *a)
{
    return a->open;
}

bool assemble_is_empty(const struct assemble *a)
{
    return a->frame.len == 0;
}

struct position assemble_last(const struct assemble *a)
{
    return a->last;
}

uint64_t assemble_seen_lsn(const struct assemble *a)
{
    return a->open && a->commit_lsn > a->seen_end_lsn ? a->commit_lsn : a->seen_end_lsn;
}

/* --- frames ------------------------------------------------------------------------------------ */

static int hand_over(struct assemble *a, enum frame_kind kind, struct position prev,
                     struct position first, struct position last, struct err *e)
{
    struct frame_head h = {.kind = kind,
                           .epoch = a->o.epoch,
                           .prev = prev,
                           .first = first,
                           .last = last,
                           .sent_us = clock_wall_us()};
    memcpy(h.incarnation, a->o.incarnation, sizeof h.incarnation);
    frame_end(&a->frame, &h);
    int rc = a->sink.frame(a->sink.ctx, &h, buf_str(&a->frame), e);
    /* only now: while the sink waits for room, this frame is published nowhere */
    a->last = last;
    a->place = last;
    buf_shrink(&a->frame, a->o.frame_max_bytes * 2 + (4 << 10));
    a->frame_has_begin = false;
    a->frame_number++;
    return rc;
}

int assemble_close(struct assemble *a, struct err *e)
{
    if (a->frame.len == 0) {
        return 0;
    }
    return hand_over(a, FRAME_DATA, a->last, a->first, a->place, e);
}

int assemble_progress(struct assemble *a, uint64_t lsn, struct err *e)
{
    ASSERT(!a->open && a->frame.len == 0);
    if (lsn <= a->last.lsn) {
        return 0;
    }
    frame_begin(&a->frame);
    struct position to = {.epoch = a->o.epoch, .lsn = lsn};
    return hand_over(a, FRAME_PROGRESS, a->last, to, to, e);
}

int assemble_break(struct assemble *a, struct position from, struct position to, struct err *e)
{
    ASSERT(a->frame.len == 0);
    frame_begin(&a->frame);
    return hand_over(a, FRAME_BREAK, from, to, to, e);
}

/* The open frame, begun when there is none, with the Begin of the transaction in it. */
static void open_frame(struct assemble *a, struct position at)
{
    if (a->frame.len == 0) {
        frame_begin(&a->frame);
        a->first = at;
    }
    if (!a->frame_has_begin) {
        /* the log already holds changes of this very transaction: a repeat */
        bool inside =
            a->place.lsn == a->commit_lsn && (a->place.ordinal > 0 || a->place.part > 0);
        frame_add(&a->frame, inside ? FRAME_ITEM_REPEAT : 0, a->begin_wal, buf_str(&a->begin));
        a->frame_has_begin = true;
    }
}

static void add_table(struct assemble *a, struct table *t)
{
    if (t->in_frame != a->frame_number) {
        frame_add(&a->frame, t->sent ? FRAME_ITEM_REPEAT : 0, t->wal, buf_str(&t->message));
        t->in_frame = a->frame_number;
        t->sent = true;
    }
}

/* A row in parts: each part but the last fills a frame of its own. */
static int add_parts(struct assemble *a, uint64_t wal, struct str msg, struct table *t,
                     struct position at, struct err *e)
{
    uint32_t skip = 0;
    struct position before = {
        .epoch = at.epoch, .lsn = at.lsn, .ordinal = at.ordinal - 1, .part = 0};
    if (a->place.lsn == before.lsn && a->place.ordinal == before.ordinal) {
        skip = a->place.part;
    }
    uint32_t part = 0;
    for (size_t from = 0; from < msg.n; from += ASSEMBLE_PART_BYTES) {
        part++;
        bool more = msg.n - from > ASSEMBLE_PART_BYTES;
        if (part <= skip) {
            continue;
        }
        struct position here = at;
        if (more) {
            here = before;
            here.part = part;
        }
        open_frame(a, here);
        if (t != NULL) {
            add_table(a, t);
        }
        size_t n = more ? ASSEMBLE_PART_BYTES : msg.n - from;
        uint8_t flags = (more ? FRAME_ITEM_MORE : 0) | (from > 0 ? FRAME_ITEM_CONT : 0);
        frame_add(&a->frame, flags, wal, (struct str){msg.p + from, n});
        a->place = here;
        if (more) {
            int rc = assemble_close(a, e);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

/* One counted change into the log lane. tables: those it names. */
static int add_change(struct assemble *a, uint64_t wal, struct str msg, struct table **tables,
                      size_t table_count, struct position at, struct err *e)
{
    if (position_cmp(at, a->place) <= 0) {
        return 0;
    }
    bool begun_in_parts =
        a->place.lsn == at.lsn && a->place.ordinal == at.ordinal - 1 && a->place.part > 0;
    bool split =
        msg.n > ASSEMBLE_PART_BYTES && (msg.n > a->o.frame_max_bytes || begun_in_parts);
    if (a->frame.len > 0 && (split || a->frame.len + msg.n > a->o.frame_max_bytes)) {
        int rc = assemble_close(a, e);
        if (rc != 0) {
            return rc;
        }
    }
    if (split) {
        return add_parts(a, wal, msg, table_count > 0 ? tables[0] : NULL, at, e);
    }
    open_frame(a, at);
    for (size_t i = 0; i < table_count; i++) {
        add_table(a, tables[i]);
    }
    frame_add(&a->frame, 0, wal, msg);
    a->place = at;
    return 0;
}

/* --- messages ---------------------------------------------------------------------------------- */

static struct table *find_table(struct assemble *a, uint32_t oid)
{
    for (size_t i = 0; i < a->table_count; i++) {
        if (a->tables[i].parsed->oid == oid) {
            return &a->tables[i];
        }
    }
    return NULL;
}

static void on_relation(struct assemble *a, uint64_t wal, struct str bytes,
                        const struct pgoutput_msg *m)
{
    struct table *t = find_table(a, m->u.relation.oid);
    if (t == NULL) {
        if (a->table_count == a->table_cap) {
            a->table_cap = a->table_cap > 0 ? a->table_cap * 2 : 16;
            a->tables = def_realloc(a->tables, a->table_cap * sizeof *a->tables);
        }
        t = &a->tables[a->table_count++];
    } else {
        table_fini(t);
    }
    *t = (struct table){.parsed = event_relation_new(m), .wal = wal};
    buf_addstr(&t->message, bytes);
}

static int on_begin(struct assemble *a, uint64_t wal, struct str bytes,
                    const struct pgoutput_msg *m, struct err *e)
{
    if (a->open || m->u.begin.commit_lsn < a->seen_end_lsn) {
        return err_set(e, ERR_PROTOCOL,
                       "the primary's stream begins a transaction out of order");
    }
    a->open = true;
    a->frame_has_begin = false;
    buf_reset(&a->begin);
    buf_addstr(&a->begin, bytes);
    a->begin_wal = wal;
    a->commit_lsn = m->u.begin.commit_lsn;
    a->commit_us = m->u.begin.commit_time + PGOUTPUT_EPOCH_US;
    a->ordinal = 0;
    return 0;
}

static int on_commit(struct assemble *a, uint64_t wal, struct str bytes,
                     const struct pgoutput_msg *m, struct err *e)
{
    if (!a->open || m->u.commit.commit_lsn != a->commit_lsn ||
        m->u.commit.end_lsn <= a->commit_lsn) {
        return err_set(e, ERR_PROTOCOL, "the primary's stream commits what it did not begin");
    }
    struct position at = {.epoch = a->o.epoch, .lsn = m->u.commit.end_lsn};
    if (position_cmp(at, a->place) > 0) {
        open_frame(a, at);
        frame_add(&a->frame, 0, wal, bytes);
        a->place = at;
    }
    a->open = false;
    a->frame_has_begin = false;
    a->seen_end_lsn = at.lsn;
    return a->frame.len >= a->o.frame_max_bytes ? assemble_close(a, e) : 0;
}

/* A row, truncate or message: number it, give it to both lanes. */
static int on_change(struct assemble *a, uint64_t wal, struct str bytes,
                     const struct pgoutput_msg *m, struct err *e)
{
    enum { FEW = 16 };
    struct table *few_tables[FEW];
    struct event_relation *few_parsed[FEW];
    uint32_t count = m->type == PGOUTPUT_TRUNCATE  ? m->u.truncate.relation_count
                     : m->type == PGOUTPUT_MESSAGE ? 0
                                                   : 1;
    struct table **tables = count <= FEW ? few_tables : def_zalloc(count, sizeof *tables);
    struct event_relation **parsed =
        count <= FEW ? few_parsed : def_zalloc(count, sizeof(struct event_relation *));
    struct rd oids = m->type == PGOUTPUT_TRUNCATE ? m->u.truncate.oids : (struct rd){0};
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        uint32_t oid = m->type == PGOUTPUT_TRUNCATE ? rd_u32(&oids) : m->u.change.oid;
        tables[i] = find_table(a, oid);
        if (tables[i] == NULL) {
            rc = err_set(e, ERR_PROTOCOL, "the primary sent a change of unknown table %u", oid);
        } else {
            parsed[i] = tables[i]->parsed;
        }
    }
    if (rc == 0) {
        a->ordinal++;
        struct assemble_change c = {
            .msg = m,
            .relations = parsed,
            .relation_count = count,
            .at = {.epoch = a->o.epoch, .lsn = a->commit_lsn, .ordinal = a->ordinal},
            .before = {.epoch = a->o.epoch, .lsn = a->commit_lsn, .ordinal = a->ordinal - 1},
            .commit_us = a->commit_us,
        };
        rc = add_change(a, wal, bytes, tables, count, c.at, e);
        if (rc == 0) {
            rc = a->sink.change(a->sink.ctx, &c, e);
        }
    }
    if (tables != few_tables) {
        free(tables);
        free(parsed);
    }
    return rc;
}

int assemble_feed(struct assemble *a, uint64_t wal, struct str msg, struct err *e)
{
    struct pgoutput_msg m;
    int rc = pgoutput_parse(msg, &m, e);
    if (rc != 0) {
        return rc;
    }
    switch (m.type) {
    case PGOUTPUT_BEGIN: return on_begin(a, wal, msg, &m, e);
    case PGOUTPUT_COMMIT: return on_commit(a, wal, msg, &m, e);
    case PGOUTPUT_RELATION: on_relation(a, wal, msg, &m); return 0;
    case PGOUTPUT_TYPE:
    case PGOUTPUT_ORIGIN: return 0; /* nothing behind the log asks for them */
    case PGOUTPUT_MESSAGE:
        if (!m.u.message.transactional) {
            return 0; /* they appear even when their transaction aborts */
        }
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
    case PGOUTPUT_TRUNCATE: break;
    }
    if (!a->open) {
        return err_set(e, ERR_PROTOCOL, "the primary sent a change outside a transaction");
    }
    return on_change(a, wal, msg, &m, e);
}
