/* test_orderbody.c - documents that order something: what is taken from good ones, which others are refused, and that nothing of
 * the card stays, whatever the document is. */
#include "command/orderbody.h"
#include "domain/payment_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* A document of which this is the number of the card and this its CVC. */
#define CARD_NUMBER "4111222233335678"
#define CARD_CVC    "987"
#define PAYMENT                                                                                \
    "\"payment\":{\"cvc\":\"987\",\"number\":\"4111222233335678\",\"yy\":\"24\",\"mm\":"       \
    "\"01\"}"

static int read_with(int (*read)(struct arena *, struct str, struct order_input *,
                                 struct err *),
                     const char *text, struct arena *mem, struct order_input *in, char **copy,
                     struct err *e)
{
    *copy = def_strdup(text);
    *e = (struct err)ERR_INIT;
    int rc = read(mem, str_of(*copy), in, e);
    assert_int_equal(rc == 0, e->text[0] == '\0');
    assert_null(strstr(e->text, CARD_NUMBER));
    assert_null(strstr(e->text, "4111"));
    return rc;
}

static void food(void **state)
{
    UNUSED(state);
    struct arena mem = {.held_bytes = 0};
    struct order_input in;
    struct err e;
    char *copy;
    assert_int_equal(
        read_with(
            orderbody_food,
            " {\"id\":\"0042\",\"customerId\":1,\"restaurantId\":\"1\"," PAYMENT
            ",\"orderItems\":[{\"menuItemId\":\"01\",\"quantity\":2},{\"quantity\":\"1\","
            "\"menuItemId\":2,\"note\":null}],\"scheduledAt\":\"2026-01-01T09:00:00.5+09:00\"}",
            &mem, &in, &copy, &e),
        0);
    assert_true(str_eq(in.id, STR("42")));
    assert_true(str_eq(in.customer, STR("1")));
    assert_false(in.customer_known);
    assert_true(str_eq(in.restaurant_id, STR("1")));
    assert_true(str_eq(in.items, STR("[{\"menuItemId\":\"1\",\"quantity\":2},"
                                     "{\"menuItemId\":\"2\",\"quantity\":1}]")));
    assert_null(in.total.p);
    assert_true(in.has_card);
    assert_string_equal(in.card.masked, "************5678");
    assert_string_equal(in.card.last4, "5678");
    assert_string_equal(in.card.expiry, "01/24");
    char token[HMAC_TEXT_MAX];
    hmac_hex(STR("secret"), STR(CARD_NUMBER), token);
    assert_string_equal(in.card_token, token);
    assert_int_equal(in.scheduled_ms, INT64_C(1767225600500));
    assert_null(strstr(copy, CARD_NUMBER));
    assert_null(strstr(copy, CARD_CVC));
    for (size_t i = 0; i < sizeof in.card.number; i++) {
        assert_int_equal(in.card.number[i], 0);
    }
    free(copy);
    assert_int_equal(read_with(orderbody_food,
                               "{\"customerId\":\"7036dfc5-3093-4d00-bdf6-e66f567dc2b3\","
                               "\"restaurantId\":9," PAYMENT ",\"orderItems\":[]}",
                               &mem, &in, &copy, &e),
                     0);
    assert_null(in.id.p);
    assert_true(str_eq(in.items, STR("[]")));
    assert_true(in.scheduled_ms < 0);
    free(copy);
    arena_fini(&mem);
}

static void food_refused(void **state)
{
    UNUSED(state);
#define ORDER(id, customer, restaurant, payment, items)                                        \
    "{" id "\"customerId\":" customer ",\"restaurantId\":" restaurant "," payment              \
    ",\"orderItems\":" items "}"
#define ITEM "[{\"menuItemId\":\"1\",\"quantity\":2}]"
#define CARD(number, cvc, yy, mm)                                                              \
    "\"payment\":{\"number\":" number ",\"cvc\":" cvc ",\"yy\":" yy ",\"mm\":" mm "}"
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "bad JSON"},
        {"[]", "object"},
        {"{\"payment\":{\"number\":\"4111222233335678\"}", "bad JSON"},
        {"{}", "customerId must not be null"},
        {ORDER("\"id\":0,", "1", "1", PAYMENT, ITEM), "id must be a number from 1"},
        {ORDER("\"id\":\"100000000000000000\",", "1", "1", PAYMENT, ITEM), "at most 17 digits"},
        {ORDER("\"id\":\"-1\",", "1", "1", PAYMENT, ITEM), "id must be"},
        {ORDER("\"id\":1.5,", "1", "1", PAYMENT, ITEM), "id must be"},
        {ORDER("\"id\":null,", "1", "1", PAYMENT, ITEM), "id must not be null"},
        {ORDER("\"id\":1,\"\\u0069d\":2,", "1", "1", PAYMENT, ITEM), "id is there twice"},
        {ORDER("", "\"x\"", "1", PAYMENT, ITEM), "customerId must be"},
        {ORDER("", "true", "1", PAYMENT, ITEM), "customerId must be"},
        {ORDER("", "1", "\"KimBab\"", PAYMENT, ITEM), "restaurantId must be"},
        {ORDER("", "1", "{}", PAYMENT, ITEM), "restaurantId must be"},
        {ORDER("", "1", "1", "\"payment\":\"4111222233335678\"", ITEM), "payment must be"},
        {ORDER("", "1", "1", CARD("41112222.33335678", "\"987\"", "\"24\"", "\"01\""), ITEM),
         "payment: number"},
        {ORDER("", "1", "1", CARD("\"4111-2222-3333-5678\"", "\"987\"", "\"24\"", "\"01\""),
               ITEM),
         "payment: number"},
        {ORDER("", "1", "1", CARD("\"4111222\"", "\"987\"", "\"24\"", "\"01\""), ITEM),
         "payment: number"},
        {ORDER("", "1", "1", CARD("\"4111222233335678\"", "\"4111\\n\"", "\"24\"", "\"01\""),
               ITEM),
         "payment: cvc"},
        {ORDER("", "1", "1", CARD("\"4111222233335678\"", "null", "\"24\"", "\"01\""), ITEM),
         "payment: cvc must not be null"},
        {ORDER("", "1", "1", CARD("\"4111222233335678\"", "\"987\"", "\"2024\"", "\"01\""),
               ITEM),
         "payment: yy"},
        {ORDER("", "1", "1", CARD("\"4111222233335678\"", "\"987\"", "\"24\"", "\"13\""), ITEM),
         "payment: yy"},
        {ORDER("", "1", "1", PAYMENT, "{}"), "orderItems must be an array"},
        {ORDER("", "1", "1", PAYMENT, "[1]"), "orderItems[0]: must be an object"},
        {ORDER("", "1", "1", PAYMENT,
               "[{\"menuItemId\":1,\"quantity\":1},{\"menuItemId\":1,\"quantity\":0}]"),
         "orderItems[1]: quantity"},
        {ORDER("", "1", "1", PAYMENT, "[{\"menuItemId\":1,\"quantity\":2147483648}]"),
         "quantity"},
        {ORDER("", "1", "1", PAYMENT, "[{\"menuItemId\":\"a\",\"quantity\":1}]"), "menuItemId"},
        {ORDER("\"scheduledAt\":\"now\",", "1", "1", PAYMENT, ITEM),
         "scheduledAt must be a time"},
        {ORDER("\"scheduledAt\":[],", "1", "1", PAYMENT, ITEM), "scheduledAt must be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena mem = {.held_bytes = 0};
        struct order_input in;
        struct err e;
        char *copy;
        if (read_with(orderbody_food, rows[i].text, &mem, &in, &copy, &e) != ERR_INVALID ||
            strstr(e.text, rows[i].says) == NULL) {
            fail_msg("%s is answered \"%s\"", rows[i].text, e.text);
        }
        free(copy);
        arena_fini(&mem);
    }
}

/* The most lines that an order may have, and one more. */
static void many_items(void **state)
{
    UNUSED(state);
    for (int more = 0; more < 2; more++) {
        struct buf text = BUF_INIT;
        struct arena mem = {.held_bytes = 0};
        struct order_input in;
        struct err e;
        char *copy;
        buf_adds(&text, "{\"customerId\":1,\"restaurantId\":1," PAYMENT ",\"orderItems\":[");
        for (int i = 0; i < ORDERBODY_ITEMS_MAX + more; i++) {
            buf_addf(&text, "%s{\"menuItemId\":%d,\"quantity\":1}", i > 0 ? "," : "", i);
        }
        buf_adds(&text, "]}");
        assert_int_equal(read_with(orderbody_food, buf_cstr(&text), &mem, &in, &copy, &e),
                         more == 0 ? 0 : ERR_INVALID);
        free(copy);
        arena_fini(&mem);
        buf_fini(&text);
    }
}

static void priced(void **state)
{
    UNUSED(state);
#define PRICED(price, items)                                                                   \
    "{\"customerId\":\"1\",\"restaurantId\":\"1\",\"price\":" price ",\"items\":" items "}"
#define LINE(quantity, price, total)                                                           \
    "{\"productId\":1,\"quantity\":" quantity ",\"price\":" price ",\"subTotal\":" total "}"
    static const struct {
        const char *text, *says; /* says NULL: good */
    } rows[] = {
        {PRICED("\"21.50\"", "[" LINE("2", "10.5", "21") "," LINE("1", "\"0.50\"", "0.50") "]"),
         NULL},
        {PRICED("0.3", "[" LINE("3", "0.1", "0.3") "]"), NULL}, /* not so in binary */
        {PRICED("0", "[]"), NULL},
        {PRICED("9999999999.99", "[" LINE("1", "9999999999.99", "9999999999.99") "]"), NULL},
        {PRICED("21.505", "[]"), "price must be an amount"},
        {PRICED("21.500", "[]"), "price must be an amount"},
        {PRICED("2e1", "[]"), "price must be an amount"},
        {PRICED("-1", "[]"), "price must be an amount"},
        {PRICED("10000000000", "[]"), "price must be an amount"},
        {PRICED("true", "[]"), "price must be an amount"},
        {PRICED("21", "[" LINE("2", "10.5", "20.99") "]"),
         "items[0]: subTotal 20.99 is not 2 times 10.50"},
        {PRICED("21.01", "[" LINE("2", "10.5", "21") "]"),
         "price 21.01 is not the sum of the items, 21.00"},
        {PRICED("1", "[" LINE("2147483647", "9999999999.99", "1") "]"), "subTotal"},
        {PRICED("1",
                "[" LINE("1", "9999999999.99", "9999999999.99") "," LINE("1", "1", "1") "]"),
         "more than"},
        {PRICED("1", "[" LINE("1", "0.001", "1") "]"), "items[0]: price must be an amount"},
        {"{\"customerId\":1}", "restaurantId must not be null--price must not be null--items"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena mem = {.held_bytes = 0};
        struct order_input in;
        struct err e;
        char *copy;
        int rc = read_with(orderbody_priced, rows[i].text, &mem, &in, &copy, &e);
        if (rows[i].says == NULL ? rc != 0
                                 : rc != ERR_INVALID || strstr(e.text, rows[i].says) == NULL) {
            fail_msg("%s is answered \"%s\"", rows[i].text, e.text);
        }
        if (i == 0) {
            assert_true(in.customer_known);
            assert_false(in.has_card);
            assert_true(str_eq(in.total, STR("21.50")));
            assert_true(str_eq(
                in.items, STR("[{\"menuItemId\":\"1\",\"quantity\":2,\"price\":\"10.50\"},"
                              "{\"menuItemId\":\"1\",\"quantity\":1,\"price\":\"0.50\"}]")));
        }
        free(copy);
        arena_fini(&mem);
    }
}

static int configure(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    setenv("PARKWAY_PAYMENT_TOKEN_SECRET", "secret", 1);
    setenv("PARKWAY_CONFIG", "/dev/null", 1);
    return conf_load(&payment_conf_group, 1, NULL, &e);
}

static int forget(void **state)
{
    UNUSED(state);
    conf_free(&payment_conf_group, 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(food), cmocka_unit_test(food_refused),
                                       cmocka_unit_test(many_items), cmocka_unit_test(priced)};
    return cmocka_run_group_tests(tests, configure, forget);
}
