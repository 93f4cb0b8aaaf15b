/* plan.h - from changes in source order to few set-wise steps with the same outcome. Pure.
 *
 * Within one replica transaction only the end counts, so for a table with a key the net effect per
 * key is enough: insert then update is an insert, update then delete a delete, and so on. Steps of one
 * table come out as deletes, then updates, then inserts, so that a unique value freed by one row can be
 * taken by another. Tables are independent of each other (the replica fires no triggers and checks
 * no foreign keys), so only the order within a table is kept.
 *
 * Where netting is impossible the table's work is cut: what was collected becomes steps, then the change
 * itself becomes a step, then collecting starts again:
 *   - a table without a key: inserts are collected, an update or delete is a step by whole row;
 *   - a key change whose new row is incomplete (an unchanged TOAST value): a PLAN_MOVE;
 *   - a change that contradicts what was collected (insert of a key that is there): left to the
 *     database, which knows;
 *   - TRUNCATE: drops what was collected of its tables.
 *
 * A value is a struct str: p NULL is SQL NULL, p == plan_unchanged means "what the replica has".
 * All memory is the arena's of plan_init; values are borrowed until the plan's steps were used. */
#ifndef PARKWAY_CONSUMER_PLAN_H
#define PARKWAY_CONSUMER_PLAN_H

#include "base/arena.h"

extern const char plan_unchanged[];

enum plan_mode {
    PLAN_BY_KEY, /* rows are found by their key */
    PLAN_BY_ROW, /* no key: rows are found by all their values */
    PLAN_APPEND, /* only inserts reach it */
};

struct plan_table {
    enum plan_mode mode;
    size_t column_count;
    size_t key_count;    /* PLAN_BY_KEY: at least 1 */
    const uint16_t *key; /* column numbers */
    void *owner;         /* whatever the caller hangs here */
    /* the planner's own, valid between plan_init and plan_finish; zero before */
    struct {
        struct plan *plan;
        uint32_t segment;
        uint32_t first, last; /* entries, 1-based; 0: none */
    } scratch;
};

enum plan_op { PLAN_OP_INSERT, PLAN_OP_UPDATE, PLAN_OP_DELETE };

enum plan_kind {
    PLAN_TRUNCATE,   /* tables */
    PLAN_DELETE,     /* rows by the key in old */
    PLAN_UPDATE,     /* rows by the key in neu; all rows have the same columns unchanged */
    PLAN_INSERT,     /* rows neu */
    PLAN_MOVE,       /* one row: old key, neu with unchanged columns */
    PLAN_DELETE_ROW, /* rows by all values of old, one by one in order */
    PLAN_UPDATE_ROW, /* likewise, to neu */
};

struct plan_row {
    const struct str *old;
    const struct str *neu;
};

struct plan_step {
    enum plan_kind kind;
    struct plan_table *table;
    struct plan_table **tables; /* of PLAN_TRUNCATE */
    size_t table_count;
    struct plan_row *rows;
    size_t count;
};

struct plan_entry;

struct plan {
    struct arena *arena;
    struct plan_step *steps;
    size_t step_count, step_cap;
    struct plan_entry *entries; /* entry 0 is unused */
    size_t entry_count, entry_cap;
    uint32_t *slots; /* open addressing over entries */
    size_t slot_count;
    struct plan_table **tables; /* met so far */
    size_t table_count, table_cap;
    uint32_t segments;
};

/* plan_init - p's earlier contents are forgotten (they were the arena's). */
void plan_init(struct plan *p, struct arena *arena);
/* plan_change - old and neu are arrays of column_count values. old is needed for a delete and for an update
 * that may have changed the key (else NULL); of it only the key columns are read, or all of them in
 * PLAN_BY_ROW. neu is NULL for a delete. */
void plan_change(struct plan *p, struct plan_table *t, enum plan_op op, const struct str *old,
                 const struct str *neu);
/* plan_truncate - tables is borrowed until the steps were used. */
void plan_truncate(struct plan *p, struct plan_table **tables, size_t count);
/* plan_finish - steps and step_count are complete; frees nothing. */
void plan_finish(struct plan *p);

bool plan_is_unchanged(struct str v);
bool plan_complete(const struct plan_table *t, const struct str *row); /* nothing unchanged */
bool plan_same_key(const struct plan_table *t, const struct str *a, const struct str *b);

#endif
