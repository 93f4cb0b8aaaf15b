/* history.c - see history.h. A section of a document is what the last fact of its kind said. The facts of a simple order say one
 * thing, their body; what else a worker notes in them (its order's number) is no part of its document. */
#include "domain/history.h"

#include "domain/orderrow.h"
#include "event/member.h"

static const char *const states[] = {"PENDING",    "ACCEPTED",  "PREPARING",
                                     "READY",      "PICKEDUP",  "COMPLETED",
                                     "CANCELLING", "CANCELLED", "REJECTED"};

int history_state(struct str state, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eq(state, str_of(states[i]))) {
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "state must be PENDING, ACCEPTED, PREPARING, READY, PICKEDUP, COMPLETED, "
                   "CANCELLING, CANCELLED or REJECTED");
}

int history_look(struct db *db, const struct db_freshness *fresh, struct str ref,
                 struct result **out, struct err *e)
{
    return orderrow_find(db, false, fresh, ref,
                         "select " ORDERVIEW_HISTORY " from order_history", out, e);
}

int history_page(struct db *db, const struct db_freshness *fresh, struct str state,
                 struct str after, struct result **out, struct err *e)
{
    *out = NULL;
    if (state.p != NULL && history_state(state, e) != 0) {
        return e->code;
    }
    const struct str params[] = {after, state};
    return db_read(db, fresh,
                   "select " ORDERVIEW_HISTORY " from order_history o where o.order_id > "
                   "coalesce($1::bigint, -9223372036854775808) and ($2::text is null or "
                   "o.state = $2) order by o.order_id limit 500",
                   ARRAY_LEN(params), params, out, e);
}

/* --- documents -------------------------------------------------------------------------------- */

enum { ID, KIND, TYPE, EVENTS, SECTIONS };

static const char *const sections[] = {"detail",  "customer", "ticket", "payment",
                                       "kitchen", "delivery", "mail"};

int history_document(struct db *db, const struct db_freshness *fresh, struct str ref,
                     struct result **out, struct err *e)
{
    int rc =
        orderrow_find(db, false, fresh, ref,
                      "select o.public_id, o.kind, o.type, array_to_json(o.events), o.detail,"
                      " o.customer, o.ticket, o.payment, o.kitchen, o.delivery, o.mail"
                      " from order_documents",
                      out, e);
    return rc == ERR_INVALID || rc == ERR_NOT_FOUND
               ? err_set(e, ERR_NOT_FOUND, "no order found for %.*s", STR_ARG(ref))
               : rc;
}

static void write_section(struct json *j, struct str data, bool simple)
{
    struct str body = simple ? member_find(data, "body") : STR_NULL;
    if (body.p == NULL) {
        json_value(j, data);
        return;
    }
    json_object(j);
    json_key(j, "body");
    json_value(j, body);
    json_object_end(j);
}

void history_write(struct json *j, const struct result *rows, size_t i)
{
    bool simple = str_eq(result_get(rows, i, KIND), STR("simple"));
    json_object(j);
    json_key_text(j, "id", result_get(rows, i, ID));
    json_key_text(j, "type", result_get(rows, i, TYPE));
    for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
        struct str data = result_get(rows, i, SECTIONS + s);
        if (data.p != NULL) {
            json_key(j, sections[s]);
            write_section(j, data, simple);
        }
    }
    json_key(j, "events");
    json_value(j, result_get(rows, i, EVENTS));
    json_object_end(j);
}
