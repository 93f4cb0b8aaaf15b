/* ticket.c - see ticket.h. */
#include "domain/ticket.h"

#include "base/rand.h"
#include "domain/instant.h"
#include "event/member.h"

enum { ID, STATE, ORDER, RESTAURANT, ACCEPTED, READY, PREPARING_S, PICKED_UP, ITEMS };

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
int ticket_look(struct db *db, const struct db_freshness *fresh, struct str id,
                struct result **out, struct err *e)
{
    uint8_t uuid[16];
    *out = NULL;
    int rc = 0;
    if (uuid_parse(id, uuid)) {
        rc =
            db_read(db, fresh,
            "select t.ticket_id, t.state, t.order_id, t.restaurant_id, " INSTANT_SQL(
            "t.accept_time")
            ", " INSTANT_SQL("t.ready_time") ", t.preparing_time, " INSTANT_SQL(
            "t.picked_up_time") ", t.items from tickets t where t.ticket_id = $1",
            1, &id, out, e);
    }
    if (rc == 0 && (*out == NULL || result_count(*out) == 0)) {
        result_free(*out);
        *out = NULL;
        rc = err_set(e, ERR_NOT_FOUND, "ticket not found: %.*s", STR_ARG(id));
    }
    return rc;
}
/* clang-format on */

static void write_text(struct json *j, const char *name, struct str value)
{
    if (value.p != NULL) {
        json_key_text(j, name, value);
    }
}

static void write_items(struct json *j, struct str items)
{
    static const char *const names[] = {"menuItemId", "name", "quantity", "price"};
    struct str item;
    json_key(j, "orderItems");
    json_array(j);
    for (size_t at = 0; member_item(items, &at, &item);) {
        json_object(j);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            struct str value = member_find(item, names[i]);
            if (value.p != NULL) {
                json_key(j, names[i]);
                json_value(j, value);
            }
        }
        json_object_end(j);
    }
    json_array_end(j);
}

void ticket_write(struct json *j, const struct result *rows, size_t i)
{
    struct str preparing_s = result_get(rows, i, PREPARING_S);
    json_object(j);
    json_key_text(j, "ticketId", result_get(rows, i, ID));
    json_key_text(j, "state", result_get(rows, i, STATE));
    json_key_text(j, "orderId", result_get(rows, i, ORDER));
    write_text(j, "restaurantId", result_get(rows, i, RESTAURANT));
    write_text(j, "acceptTime", result_get(rows, i, ACCEPTED));
    write_text(j, "readyTime", result_get(rows, i, READY));
    if (preparing_s.p != NULL) {
        json_key(j, "preparingTime");
        json_raw(j, preparing_s);
    }
    write_text(j, "pickedUpTime", result_get(rows, i, PICKED_UP));
    write_items(j, result_get(rows, i, ITEMS));
    json_object_end(j);
}
