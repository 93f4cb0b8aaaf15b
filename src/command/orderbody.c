/* orderbody.c - see orderbody.h. Numbers are written again from what they mean ("007" is 7): the fact of an order, which is compared
 * when the same order is asked for again, has one way to say a thing. */
#include "command/orderbody.h"

#include "base/rand.h"
#include "command/fields.h"
#include "domain/instant.h"
#include "domain/money.h"
#include "domain/payment_conf.h"

#include <stdio.h>
#include <stdlib.h>

/* Drawn numbers stand above every chosen one and have 18 digits at most, as the read models take them. */
enum { NUMBER_DIGITS = 18, CHOSEN_DIGITS = 17, INDEX_BASE = 10 };

/* Without leading zeros. */
static struct str plain_number(struct str digits)
{
    while (digits.n > 1 && digits.p[0] == '0') {
        digits = (struct str){digits.p + 1, digits.n - 1};
    }
    return digits;
}

static bool is_number(struct str s)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9') {
        digits++;
    }
    return s.n > 0 && digits == s.n && s.n <= NUMBER_DIGITS;
}

/* A customer's number or uuid. */
static int take_customer(struct str ref, struct order_input *out, struct err *e)
{
    uint8_t uuid[16];
    if (is_number(ref)) {
        out->customer = plain_number(ref);
    } else if (uuid_parse(ref, uuid)) {
        out->customer = ref;
    } else {
        return err_set(e, ERR_INVALID, "customerId must be a customer's number or uuid");
    }
    return 0;
}

static int take_card(struct arena *mem, struct str payment, struct order_input *out,
                     struct err *e)
{
    enum { NUMBER, CVC, YY, MM, COUNT };
    struct field f[COUNT] = {[NUMBER] = {"number", FIELD_VALUE, true, STR_NULL},
                             [CVC] = {"cvc", FIELD_VALUE, true, STR_NULL},
                             [YY] = {"yy", FIELD_VALUE, true, STR_NULL},
                             [MM] = {"mm", FIELD_VALUE, true, STR_NULL}};
    int rc = fields_read(mem, payment, f, COUNT, e);
    if (rc == 0) {
        rc = card_take(&out->card, f[NUMBER].text, f[YY].text, f[MM].text, f[CVC].text, e);
    }
    if (rc != 0) {
        return err_add(e, "payment");
    }
    hmac_hex(str_of(payment_conf()->token_secret), str_of(out->card.number), out->card_token);
    card_forget(&out->card);
    out->has_card = true;
    return 0;
}

/* One line of an order as the fact has it. price p NULL: not priced. */
static void write_item(struct json *j, struct str menu_item, struct str quantity,
                       struct str price)
{
    json_object(j);
    json_key_text(j, "menuItemId", plain_number(menu_item));
    json_key(j, "quantity");
    json_raw(j, plain_number(quantity));
    if (price.p != NULL) {
        json_key_text(j, "price", price);
    }
    json_object_end(j);
}

/* The money of a line: cents of text, which is one already. */
static int64_t cents_of(struct str text)
{
    int64_t cents = 0;
    bool money = money_parse(text, &cents);
    ASSERT(money);
    return cents;
}

static int64_t count_of(struct str digits)
{
    int64_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        n = n * INDEX_BASE + (digits.p[i] - '0');
    }
    return n;
}

static int food_item(struct arena *mem, struct str item, struct json *j, int64_t *sum,
                     struct err *e)
{
    enum { MENU_ITEM, QUANTITY, COUNT };
    struct field f[COUNT] = {[MENU_ITEM] = {"menuItemId", FIELD_ID, true, STR_NULL},
                             [QUANTITY] = {"quantity", FIELD_COUNT, true, STR_NULL}};
    UNUSED(sum);
    int rc = fields_read(mem, item, f, COUNT, e);
    if (rc == 0) {
        write_item(j, f[MENU_ITEM].text, f[QUANTITY].text, STR_NULL);
    }
    return rc;
}

static int priced_item(struct arena *mem, struct str item, struct json *j, int64_t *sum,
                       struct err *e)
{
    enum { PRODUCT, QUANTITY, PRICE, SUBTOTAL, COUNT };
    struct field f[COUNT] = {[PRODUCT] = {"productId", FIELD_ID, true, STR_NULL},
                             [QUANTITY] = {"quantity", FIELD_COUNT, true, STR_NULL},
                             [PRICE] = {"price", FIELD_MONEY, true, STR_NULL},
                             [SUBTOTAL] = {"subTotal", FIELD_MONEY, true, STR_NULL}};
    int rc = fields_read(mem, item, f, COUNT, e);
    if (rc != 0) {
        return rc;
    }
    int64_t line = 0;
    int64_t quantity = count_of(f[QUANTITY].text);
    if (!money_add(&line, quantity, cents_of(f[PRICE].text)) ||
        line != cents_of(f[SUBTOTAL].text)) {
        return err_set(e, ERR_INVALID, "subTotal %.*s is not %.*s times %.*s",
                       STR_ARG(f[SUBTOTAL].text), STR_ARG(f[QUANTITY].text),
                       STR_ARG(f[PRICE].text));
    }
    if (!money_add(sum, 1, line)) {
        return err_set(e, ERR_INVALID, "the items come to more than an amount can be");
    }
    write_item(j, f[PRODUCT].text, f[QUANTITY].text, f[PRICE].text);
    return 0;
}

/* The lines of an order: out->items; what they come to is added to *sum. */
static int take_items(struct arena *mem, const char *name, struct str array,
                      int (*take)(struct arena *mem, struct str item, struct json *j,
                                  int64_t *sum, struct err *e),
                      int64_t *sum, struct order_input *out, struct err *e)
{
    struct buf items = BUF_INIT;
    struct json j;
    struct str item;
    size_t count = 0;
    int rc = 0;
    json_init(&j, &items, JSON_COMPACT);
    json_array(&j);
    for (size_t at = 0; rc == 0 && fields_item(array, &at, &item); count++) {
        if (count == ORDERBODY_ITEMS_MAX) {
            rc = err_set(e, ERR_INVALID, "%s has more than %d", name, ORDERBODY_ITEMS_MAX);
        } else if (take(mem, item, &j, sum, e) != 0) {
            rc = err_add(e, "%s[%zu]", name, count);
        }
    }
    json_array_end(&j);
    out->items = arena_copy(mem, buf_str(&items));
    buf_fini(&items);
    return rc;
}

int orderbody_food(struct arena *mem, struct str text, struct order_input *out, struct err *e)
{
    enum { ID, CUSTOMER, RESTAURANT, PAYMENT, ITEMS, SCHEDULED, COUNT };
    struct field f[COUNT] = {[ID] = {"id", FIELD_ID, false, STR_NULL},
                             [CUSTOMER] = {"customerId", FIELD_REF, true, STR_NULL},
                             [RESTAURANT] = {"restaurantId", FIELD_ID, true, STR_NULL},
                             [PAYMENT] = {"payment", FIELD_OBJECT, true, STR_NULL},
                             [ITEMS] = {"orderItems", FIELD_ARRAY, true, STR_NULL},
                             [SCHEDULED] = {"scheduledAt", FIELD_REF, false, STR_NULL}};
    int64_t sum = 0;
    *out = (struct order_input){.scheduled_ms = -1};
    int rc = fields_body(mem, text, f, COUNT, e);
    rc = rc == 0 ? take_card(mem, f[PAYMENT].text, out, e) : rc;
    rc = rc == 0 ? take_customer(f[CUSTOMER].text, out, e) : rc;
    rc = rc == 0 ? take_items(mem, "orderItems", f[ITEMS].text, food_item, &sum, out, e) : rc;
    if (rc == 0 && f[SCHEDULED].text.p != NULL &&
        !instant_parse(f[SCHEDULED].text, &out->scheduled_ms)) {
        rc = err_set(e, ERR_INVALID, "scheduledAt must be a time, as 2026-01-01T12:00:00Z");
    }
    if (rc == 0 && f[ID].text.p != NULL) {
        out->id = plain_number(f[ID].text);
        if (str_eq(out->id, STR("0")) || out->id.n > CHOSEN_DIGITS) {
            rc = err_set(e, ERR_INVALID, "id must be a number from 1, of at most %d digits",
                         CHOSEN_DIGITS);
        }
    }
    out->restaurant_id = f[RESTAURANT].text;
    return rc;
}

int orderbody_priced(struct arena *mem, struct str text, struct order_input *out, struct err *e)
{
    enum { CUSTOMER, RESTAURANT, PRICE, ITEMS, ADDRESS, COUNT };
    struct field f[COUNT] = {[CUSTOMER] = {"customerId", FIELD_REF, true, STR_NULL},
                             [RESTAURANT] = {"restaurantId", FIELD_ID, true, STR_NULL},
                             [PRICE] = {"price", FIELD_MONEY, true, STR_NULL},
                             [ITEMS] = {"items", FIELD_ARRAY, true, STR_NULL},
                             [ADDRESS] = {"address", FIELD_OBJECT, false, STR_NULL}};
    int64_t sum = 0;
    *out = (struct order_input){.scheduled_ms = -1, .customer_known = true};
    int rc = fields_body(mem, text, f, COUNT, e);
    rc = rc == 0 ? take_customer(f[CUSTOMER].text, out, e) : rc;
    rc = rc == 0 ? take_items(mem, "items", f[ITEMS].text, priced_item, &sum, out, e) : rc;
    if (rc == 0 && sum != cents_of(f[PRICE].text)) {
        char items[MONEY_TEXT_MAX];
        money_text(sum, items);
        rc = err_set(e, ERR_INVALID, "price %.*s is not the sum of the items, %s",
                     STR_ARG(f[PRICE].text), items);
    }
    out->restaurant_id = f[RESTAURANT].text;
    out->total = f[PRICE].text;
    out->address = f[ADDRESS].text;
    return rc;
}
