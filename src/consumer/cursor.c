/* cursor.c - see cursor.h. */
#include "consumer/cursor.h"

#include "base/rand.h"
#include "pg/pipeline.h"

#include <inttypes.h>
#include <stdio.h>

#define SAVE                                                                                   \
    "UPDATE parkway.cursor SET epoch = $2::text, lsn = $3::text::pg_lsn, ordinal = 0,"         \
    " incarnation = $4::text::uuid, stream_offset = $5::text::bigint,"                         \
    " applied_at = clock_timestamp() WHERE consumer = $1::text AND fence = $6::text::bigint"

static const char save_sql[] = SAVE;
static const char save_name[] = "parkway_cursor";
/* fails instead of changing nothing */
static const char sure_sql[] = "WITH w AS (" SAVE " RETURNING 1) SELECT 1 / count(*) FROM w";
static const char sure_name[] = "parkway_cursor_sure";

static int read_row(struct cursor *cur, const struct rows *r, struct err *e)
{
    enum { FENCE, EPOCH, LSN, INCARNATION, OFFSET, STATE };
    struct str epoch = rows_get(r, 0, EPOCH);
    cur->fence = rows_int(r, 0, FENCE);
    if ((epoch.p != NULL && epoch.n > 0 && !epoch_parse(epoch, &cur->at.epoch)) ||
        !lsn_parse(rows_get(r, 0, LSN), &cur->at.lsn)) {
        return err_set(e, ERR_INVALID, "parkway.cursor holds no position for consumer \"%s\"",
                       cur->name);
    }
    struct str incarnation = rows_get(r, 0, INCARNATION);
    cur->has_incarnation = incarnation.p != NULL && uuid_parse(incarnation, cur->incarnation);
    cur->has_offset = rows_get(r, 0, OFFSET).p != NULL && rows_int(r, 0, OFFSET) >= 0;
    cur->offset = cur->has_offset ? (uint64_t)rows_int(r, 0, OFFSET) : 0;
    snprintf(cur->state, sizeof cur->state, "%s", rows_text(r, 0, STATE));
    return 0;
}

int cursor_take(struct cursor *cur, struct conn *c, const char *name, struct err *e)
{
    *cur = (struct cursor){.name = name};
    struct str params[1] = {str_of(name)};
    struct rows *r = NULL;
    int rc = conn_query(
        c, "SELECT pg_try_advisory_lock(hashtextextended('parkway.cursor.' || $1, 0))", 1,
        params, &r, e);
    if (rc != 0) {
        return rc;
    }
    bool locked = rows_text(r, 0, 0)[0] == 't';
    rows_free(r);
    if (!locked) {
        return err_set(e, ERR_FENCED, "another consumer named \"%s\" is at work", name);
    }
    rc = conn_query(c,
                    "UPDATE parkway.cursor SET fence = fence + 1 WHERE consumer = $1"
                    " RETURNING fence, epoch, lsn, incarnation, stream_offset, state",
                    1, params, &r, e);
    if (rc != 0) {
        return rc;
    }
    rc = rows_count(r) == 1
             ? read_row(cur, r, e)
             : err_set(e, ERR_NOT_FOUND,
                       "the replica knows no consumer \"%s\": run parkway migrate", name);
    rows_free(r);
    if (rc == 0) {
        rc = pipeline_prepare(c, save_name, save_sql, e);
    }
    return rc == 0 ? pipeline_prepare(c, sure_name, sure_sql, e) : rc;
}

int cursor_send(const struct cursor *cur, bool sure, struct conn *c, struct err *e)
{
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    char incarnation[UUID_TEXT_MAX];
    char offset[24];
    char fence[24];
    epoch_text(cur->at.epoch, epoch);
    lsn_text(cur->at.lsn, lsn);
    uuid_text(cur->incarnation, incarnation);
    snprintf(offset, sizeof offset, "%" PRIu64, cur->offset);
    snprintf(fence, sizeof fence, "%" PRId64, cur->fence);
    struct pipeline_param params[6] = {
        {str_of(cur->name), false},
        {cur->at.epoch.timeline != 0 ? str_of(epoch) : STR_NULL, false},
        {str_of(lsn), false},
        {cur->has_incarnation ? str_of(incarnation) : STR_NULL, false},
        {cur->has_offset ? str_of(offset) : STR_NULL, false},
        {str_of(fence), false},
    };
    return pipeline_send_prepared(c, sure ? sure_name : save_name, ARRAY_LEN(params), params,
                                  e);
}

static int lost(const struct cursor *cur, struct err *e)
{
    return err_set(e, ERR_FENCED, "the cursor of consumer \"%s\" was taken over", cur->name);
}

int cursor_save(const struct cursor *cur, struct conn *c, struct err *e)
{
    int rc = pipeline_begin(c, e);
    if (rc == 0) {
        rc = cursor_send(cur, false, c, e);
    }
    if (rc != 0) {
        return rc;
    }
    int64_t affected = 0;
    rc = pipeline_end(c, 1, &affected, NULL, NULL, e);
    return rc == 0 && affected != 1 ? lost(cur, e) : rc;
}

int cursor_mark(struct cursor *cur, struct conn *c, const char *state, struct err *e)
{
    char fence[24];
    snprintf(fence, sizeof fence, "%" PRId64, cur->fence);
    struct str params[3] = {str_of(cur->name), str_of(state), str_of(fence)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "UPDATE parkway.cursor SET state = $2 WHERE consumer = $1"
                        " AND fence = $3::bigint",
                        3, params, &r, e);
    if (rc == 0 && rows_affected(r) != 1) {
        rc = lost(cur, e);
    }
    if (rc == 0) {
        snprintf(cur->state, sizeof cur->state, "%s", state);
    }
    rows_free(r);
    return rc;
}

int cursor_settle(struct cursor *cur, struct conn *c, uint64_t *next, struct err *e)
{
    struct str name = str_of(cur->name);
    struct rows *r = NULL;
    *next = 0;
    int rc = conn_query(c, "SELECT parkway.copies_settle($1)", 1, &name, &r, e);
    if (rc == 0) {
        (void)!lsn_parse(rows_get(r, 0, 0), next);
        rows_free(r);
        rc = conn_query(c, "SELECT state FROM parkway.cursor WHERE consumer = $1", 1, &name, &r,
                        e);
    }
    if (rc == 0 && rows_count(r) > 0) {
        snprintf(cur->state, sizeof cur->state, "%s", rows_text(r, 0, 0));
    }
    rows_free(r);
    return rc;
}
