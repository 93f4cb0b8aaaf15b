/* batch.c - see batch.h. */
#include "consumer/batch.h"

#include "consumer/notice.h"

#include <stdlib.h>

struct batch_block {
    struct batch_block *next;
    void *mem;
};

void batch_init(struct batch *b, const struct mirrors *mirrors)
{
    *b = (struct batch){.mirrors = mirrors};
}

static void own(struct batch *b, void *mem, size_t size)
{
    struct batch_block *k = def_alloc(sizeof *k);
    k->mem = mem;
    k->next = b->blocks;
    b->blocks = k;
    b->bytes += size;
}

void batch_clear(struct batch *b)
{
    while (b->blocks != NULL) {
        struct batch_block *k = b->blocks;
        b->blocks = k->next;
        free(k->mem);
        free(k);
    }
    b->bytes = 0;
    b->count = 0;
    b->transactions = 0;
    relations_collect(&b->relations);
}

void batch_drop_part(struct batch *b)
{
    b->at.part = 0;
    b->partial_open = false;
    buf_shrink(&b->partial, 0);
}

void batch_restart(struct batch *b, struct position at)
{
    batch_clear(b);
    batch_drop_part(b);
    relations_reset(&b->relations);
    b->at = at;
}

void batch_fini(struct batch *b)
{
    batch_restart(b, (struct position){{0, 0}, 0, 0, 0});
    free(b->changes);
}

bool batch_inside(const struct batch *b)
{
    return b->at.ordinal > 0 || b->at.part > 0;
}

static struct position inside(const struct batch *b)
{
    return (struct position){b->at.epoch, b->commit_lsn, b->ordinal, b->part};
}

/* Wraps like any clock that a damaged message makes up. */
static int64_t wall_us(int64_t postgres_us)
{
    return (int64_t)((uint64_t)postgres_us + (uint64_t)PGOUTPUT_EPOCH_US);
}

static int begin(struct batch *b, const struct frame_head *h, const struct frame_item *it,
                 struct err *e)
{
    struct pgoutput_msg m;
    int rc = pgoutput_parse(it->msg, &m, e);
    if (rc != 0) {
        return rc;
    }
    b->commit_lsn = m.u.begin.commit_lsn;
    b->begin_us = wall_us(m.u.begin.commit_time);
    b->xid = m.u.begin.xid;
    /* a repeated Begin: the frame goes on inside the transaction, right behind prev */
    bool goes_on = (it->flags & FRAME_ITEM_REPEAT) != 0 && h->prev.lsn == b->commit_lsn;
    b->ordinal = goes_on ? h->prev.ordinal : 0;
    b->part = goes_on ? h->prev.part : 0;
    return 0;
}

static int commit(struct batch *b, struct str msg, struct err *e)
{
    struct pgoutput_msg m;
    int rc = pgoutput_parse(msg, &m, e);
    if (rc != 0) {
        return rc;
    }
    struct position end = {b->at.epoch, m.u.commit.end_lsn, 0, 0};
    if (position_cmp(end, b->at) > 0) {
        b->at = end;
        b->transactions++;
        b->commit_us = wall_us(m.u.commit.commit_time);
    }
    return 0;
}

static void record(struct batch *b, enum batch_kind kind, struct relation *r, struct str msg)
{
    if (b->count == b->cap) {
        b->cap = b->cap > 0 ? b->cap * 2 : 256;
        b->changes = def_realloc(b->changes, b->cap * sizeof *b->changes);
    }
    b->changes[b->count++] = (struct batch_change){.kind = kind,
                                                   .relation = r,
                                                   .msg = msg,
                                                   .commit_lsn = b->commit_lsn,
                                                   .ordinal = b->ordinal,
                                                   .commit_us = b->begin_us,
                                                   .xid = b->xid,
                                                   .shape = b->relations.shape};
}

/* A whole change; kept says that msg lies in memory which the batch will own. */
static int change(struct batch *b, struct str msg, bool *kept, struct err *e)
{
    b->ordinal++;
    b->part = 0;
    struct position place = inside(b);
    *kept = false;
    if (position_cmp(place, b->at) <= 0) {
        return 0;
    }
    struct pgoutput_msg m;
    int rc = pgoutput_parse(msg, &m, e);
    if (rc != 0) {
        return rc;
    }
    if (m.type == PGOUTPUT_TRUNCATE) {
        record(b, BATCH_TRUNCATE, NULL, msg);
        *kept = true;
    } else if (m.type == PGOUTPUT_MESSAGE) {
        *kept = notice_wants(m.u.message.prefix);
        if (*kept) {
            record(b, BATCH_MESSAGE, NULL, msg);
        }
    } else {
        struct relation *r = relations_find(&b->relations, m.u.change.oid);
        if (r == NULL) {
            return err_set(e, ERR_DAMAGED,
                           "a row of a table that the log did not describe (%u)",
                           m.u.change.oid);
        }
        if (r->sink_count > 0) {
            record(b, BATCH_ROW, r, msg);
            *kept = true;
        }
    }
    b->at = place;
    return 0;
}

/* A piece of a row that travels in parts. */
static int part(struct batch *b, const struct frame_item *it, struct err *e)
{
    bool starts = (it->flags & FRAME_ITEM_CONT) == 0;
    bool ends = (it->flags & FRAME_ITEM_MORE) == 0;
    if (starts) {
        b->part = 0;
    }
    b->part++;
    struct position place = inside(b);
    if (ends) { /* counted as the whole change */
        place = (struct position){b->at.epoch, b->commit_lsn, b->ordinal + 1, 0};
    }
    if (position_cmp(place, b->at) <= 0) {
        b->ordinal += ends;
        b->part = ends ? 0 : b->part;
        return 0;
    }
    if (starts) {
        buf_shrink(&b->partial, 0);
        b->partial_open = true;
    }
    if (!b->partial_open) {
        return err_set(e, ERR_DAMAGED, "part %u of a row whose beginning is missing", b->part);
    }
    buf_addstr(&b->partial, it->msg);
    if (!ends) {
        b->at = place;
        return 0;
    }
    bool kept;
    struct buf whole = b->partial;
    b->partial = (struct buf)BUF_INIT;
    b->partial_open = false;
    int rc = change(b, buf_str(&whole), &kept, e);
    if (rc == 0 && kept) {
        own(b, whole.mem, whole.len);
    } else {
        buf_fini(&whole);
    }
    return rc;
}

static int item(struct batch *b, const struct frame_head *h, const struct frame_item *it,
                bool *kept, struct err *e)
{
    *kept = false;
    if ((it->flags & (FRAME_ITEM_MORE | FRAME_ITEM_CONT)) != 0) {
        return part(b, it, e);
    }
    bool changed = false;
    int rc;
    switch (it->msg.n > 0 ? it->msg.p[0] : 0) {
    case PGOUTPUT_BEGIN: return begin(b, h, it, e);
    case PGOUTPUT_COMMIT: return commit(b, it->msg, e);
    case PGOUTPUT_RELATION:
        rc = relations_take(&b->relations, it->msg, b->mirrors, &changed, e);
        return rc;
    case PGOUTPUT_TYPE:
    case PGOUTPUT_ORIGIN: return 0;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
    case PGOUTPUT_TRUNCATE:
    case PGOUTPUT_MESSAGE: return change(b, it->msg, kept, e);
    default: return err_set(e, ERR_DAMAGED, "an item of unknown type");
    }
}

int batch_feed(struct batch *b, const struct frame_head *h, struct rd items, void *mem,
               size_t mem_size, struct err *e)
{
    int rc = 0;
    bool any_kept = false;
    struct frame_item it;
    b->at.epoch = h->epoch; /* a fresh replica takes the first one that it sees */
    while (rc == 0 && frame_next(&items, &it)) {
        bool kept;
        rc = item(b, h, &it, &kept, e);
        any_kept = any_kept || kept;
    }
    if (any_kept) {
        own(b, mem, mem_size);
    } else {
        free(mem);
    }
    if (rc != 0) {
        return rc;
    }
    int order = position_cmp(b->at, h->last);
    if (order < 0 && h->last.ordinal == 0 && h->last.part == 0 && !batch_inside(b)) {
        b->at = h->last; /* history up to there holds nothing more for replicas */
        return 0;
    }
    if (order < 0) {
        return err_set(e, ERR_DAMAGED, "a frame that ends before the place it names");
    }
    return 0;
}

void batch_put(struct batch *b, struct relation *r, struct str msg, const struct position *at,
               int64_t commit_us)
{
    char *mem = def_alloc(msg.n);
    memcpy(mem, msg.p, msg.n);
    own(b, mem, msg.n);
    record(b, BATCH_ROW, r, (struct str){mem, msg.n});
    struct batch_change *ch = &b->changes[b->count - 1];
    ch->commit_lsn = at->lsn;
    ch->ordinal = at->ordinal;
    ch->commit_us = commit_us;
}
