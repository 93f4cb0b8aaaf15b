/* orderview.c - see orderview.h. jsonb keeps the members of an object in an order of its own, so each is written by name. */
#include "domain/orderview.h"

#include "event/member.h"

struct orderview orderview_at(const struct result *rows, size_t i)
{
    return (struct orderview){.id = result_get(rows, i, 0),
                              .public_id = result_get(rows, i, 1),
                              .tracking_id = result_get(rows, i, 2),
                              .state = result_get(rows, i, 3),
                              .customer_id = result_get(rows, i, 4),
                              .restaurant_id = result_get(rows, i, 5),
                              .payment = result_get(rows, i, 6),
                              .items = result_get(rows, i, 7),
                              .ticket_id = result_get(rows, i, 8),
                              .accept_time = result_get(rows, i, 9),
                              .ready_time = result_get(rows, i, 10),
                              .preparing_s = result_get(rows, i, 11),
                              .picked_up_time = result_get(rows, i, 12),
                              .delivery_completed_time = result_get(rows, i, 13),
                              .failure_messages = result_get(rows, i, 14)};
}

/* A member of an object, null when it is not there. */
static void write_member(struct json *j, struct str object, const char *name)
{
    struct str value = member_find(object, name);
    json_key(j, name);
    if (value.p != NULL) {
        json_value(j, value);
    } else {
        json_null(j);
    }
}

static void write_payment(struct json *j, struct str payment)
{
    json_key(j, "payment");
    if (payment.p == NULL || payment.p[0] != '{') {
        json_null(j);
        return;
    }
    json_object(j);
    write_member(j, payment, "number");
    write_member(j, payment, "yy");
    write_member(j, payment, "mm");
    json_object_end(j);
}

static void write_items(struct json *j, struct str items)
{
    struct str item;
    json_key(j, "orderItems");
    json_array(j);
    for (size_t at = 0; items.p != NULL && member_item(items, &at, &item);) {
        json_object(j);
        write_member(j, item, "menuItemId");
        write_member(j, item, "quantity");
        json_object_end(j);
    }
    json_array_end(j);
}

void orderview_write(struct json *j, const struct orderview *v)
{
    json_object(j);
    json_key_text(j, "id", v->id);
    json_key_text(j, "state", v->state);
    json_key_text(j, "customerId", v->customer_id);
    json_key_text(j, "restaurantId", v->restaurant_id);
    write_payment(j, v->payment);
    write_items(j, v->items);
    json_key_text(j, "ticketId", v->ticket_id);
    json_key_text(j, "acceptTime", v->accept_time);
    json_key_text(j, "readyTime", v->ready_time);
    json_key(j, "preparingTime");
    if (v->preparing_s.p != NULL) {
        json_raw(j, v->preparing_s);
    } else {
        json_null(j);
    }
    json_key_text(j, "pickedUpTime", v->picked_up_time);
    json_key_text(j, "deliveryCompletedTime", v->delivery_completed_time);
    json_key(j, "failureMessages");
    json_value(j, v->failure_messages.p != NULL ? v->failure_messages : STR("[]"));
    json_object_end(j);
}
