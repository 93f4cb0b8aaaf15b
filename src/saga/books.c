/* books.c - see books.h. */
#include "saga/books.h"

#include "base/buf.h"
#include "domain/orderref.h"
#include "saga/engine.h"
#include "saga/saga_conf.h"

#include <pthread.h>
#include <stdio.h>

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
#define TIME(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define COLUMNS                                                                                \
    "i.saga_id, i.saga_type, i.order_id, i.step, i.status, i.paused, i.attempt, "              \
    TIME("i.deadline_at") ", i.last_error, " TIME("i.created_at") ", " TIME("i.updated_at")    \
    ", i.order_id || '/' || i.saga_id"
/* clang-format on */

enum { PLACE = 11 };

struct books_saga books_at(const struct result *rows, size_t i)
{
    return (struct books_saga){.id = result_get(rows, i, 0),
                               .type = result_get(rows, i, 1),
                               .order = result_get(rows, i, 2),
                               .step = result_get(rows, i, 3),
                               .status = result_get(rows, i, 4),
                               .paused = result_text(rows, i, 5)[0] == 't',
                               .attempt = result_get(rows, i, 6),
                               .deadline = result_get(rows, i, 7),
                               .error = result_get(rows, i, 8),
                               .created = result_get(rows, i, 9),
                               .updated = result_get(rows, i, 10)};
}

struct str books_place(const struct result *rows, size_t i)
{
    return result_get(rows, i, PLACE);
}

struct books_entry books_entry_at(const struct result *rows, size_t i)
{
    return (struct books_entry){.id = result_get(rows, i, 0),
                                .at = result_get(rows, i, 1),
                                .actor = result_get(rows, i, 2),
                                .from_step = result_get(rows, i, 3),
                                .to_step = result_get(rows, i, 4),
                                .from_status = result_get(rows, i, 5),
                                .to_status = result_get(rows, i, 6),
                                .detail = result_get(rows, i, 7)};
}

int books_list(struct db *db, const struct db_freshness *fresh, struct str status,
               struct str after, struct result **out, struct err *e)
{
    char word[24];
    enum saga_status known;
    *out = NULL;
    if (status.p != NULL) {
        snprintf(word, sizeof word, "%.*s", (int)(status.n < 23 ? status.n : 23), status.p);
        if (!saga_status_parse(word, &known)) {
            return err_set(e, ERR_INVALID, "unknown status %.*s", STR_ARG(status));
        }
    }
    const struct str params[] = {status, after};
    return db_read(
        db, fresh,
        "select " COLUMNS " from saga_instances i where ($1::text is null or i.status "
        "= $1) and ($2::text is null or (i.order_id, i.saga_id) > (split_part($2, '/', "
        "1)::bigint, split_part($2, '/', 2)::uuid)) order by i.order_id, i.saga_id "
        "limit 500",
        ARRAY_LEN(params), params, out, e);
}

/* The condition that finds a saga by $1. */
static int condition(struct str ref, const char **out, struct err *e)
{
    struct orderref r;
    int rc = orderref_read(ref, &r, e);
    if (rc == 0) {
        *out = r.kind == ORDERREF_NUMBER   ? "i.order_id = $1::bigint"
               : r.kind == ORDERREF_PUBLIC ? "i.stream = (select 'order-' || o.order_id from "
                                             "orders o where o.public_id = $1)"
                                           : "(i.saga_id = $1::uuid or i.stream = (select "
                                             "'order-' || o.order_id from orders o where "
                                             "o.tracking_id = $1::uuid))";
    }
    return rc;
}

static int not_found(struct str ref, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "saga not found: %.*s", STR_ARG(ref));
}

static int find(struct db *db, const struct db_freshness *fresh, const char *head,
                struct str ref, const char *tail, struct result **out, struct err *e)
{
    const char *where = "";
    struct buf sql = BUF_INIT;
    *out = NULL;
    int rc = condition(ref, &where, e);
    if (rc == 0) {
        buf_addf(&sql, "%s %s %s", head, where, tail);
        rc = db_read(db, fresh, buf_cstr(&sql), 1, &ref, out, e);
    }
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        rc = not_found(ref, e);
    }
    buf_fini(&sql);
    return rc;
}

int books_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                  struct result **out, struct err *e)
{
    return find(db, fresh, "select " COLUMNS " from saga_instances i where", ref,
                "order by i.created_at limit 1", out, e);
}

int books_log(struct db *db, const struct db_freshness *fresh, struct str ref,
              struct result **out, struct err *e)
{
    return find(
        db, fresh,
        "select l.id, " TIME("l.at") ", l.actor, l.from_step, l.to_step, l.from_status, "
                                     "l.to_status, l.detail from saga_log l join "
                                     "saga_instances i using (saga_id) where",
        ref, "order by l.id", out, e);
}

/* ---- asking --------------------------------------------------------------------------------- */

static const struct declarations *declared;
static struct err trouble = ERR_INIT;

static void load(void)
{
    struct buf path = BUF_INIT;
    saga_conf_path(&path);
    if (declaration_load(buf_cstr(&path), &declared, &trouble) != 0) {
        trouble.code = ERR_FAIL;
    }
    buf_fini(&path);
}

int books_ask(struct db *db, struct str ref, enum saga_input_kind what, const char *who,
              struct result **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    pthread_once(&once, load);
    if (declared == NULL) {
        *e = trouble;
        return e->code;
    }
    struct result *found = NULL;
    int rc = books_details(db, NULL, ref, &found, e);
    if (rc == 0) {
        struct str id = books_at(found, 0).id;
        rc = engine_ask(declared, db, id, what, who, e);
        rc = rc == 0 ? books_details(db, NULL, id, out, e) : rc;
        result_free(found);
    }
    return rc;
}
