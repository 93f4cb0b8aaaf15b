/* test_orderview.c - the JSON of an order and of its document, byte by byte, from rows as the database gives them. */
#include "domain/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* A result of one row; a value NULL is SQL NULL. */
static struct result *row(const char *const *values, size_t count)
{
    struct buf data = BUF_INIT;
    buf_u16(&data, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        buf_u32(&data, values[i] != NULL ? (uint32_t)strlen(values[i]) : UINT32_MAX);
        buf_adds(&data, values[i] != NULL ? values[i] : "");
    }
    struct result *r = result_new();
    assert_true(result_row(r, buf_str(&data)));
    buf_fini(&data);
    return r;
}

static void order(void **state)
{
    UNUSED(state);
    static const char *const full[] = {
        "1",
        "ORD-B384F",
        "u",
        "PREPARING",
        "1",
        "1",
        "{\"mm\": \"01\", \"yy\": \"24\", \"number\": \"******6789\"}",
        "[{\"quantity\": 2, \"menuItemId\": \"1\"}, {\"quantity\": 1, \"menuItemId\": null}]",
        "t",
        "2026-01-01T00:00:01.000Z",
        NULL,
        "61",
        NULL,
        NULL,
        "[\"a, b: c\", \"\\\"주\\\"\"]"};
    static const char *const empty[] = {"2",  "ORD-B384F", "u",  "PENDING", NULL,
                                        NULL, "null",      NULL, NULL,      NULL,
                                        NULL, NULL,        NULL, NULL,      NULL};
    static const struct {
        const char *const *values;
        enum json_style style;
        const char *json;
    } rows[] = {
        {full, JSON_COMPACT,
         "{\"id\":\"1\",\"state\":\"PREPARING\",\"customerId\":\"1\",\"restaurantId\":\"1\","
         "\"payment\":{\"number\":\"******6789\",\"yy\":\"24\",\"mm\":\"01\"},"
         "\"orderItems\":[{\"menuItemId\":\"1\",\"quantity\":2},{\"menuItemId\":null,"
         "\"quantity\":1}],"
         "\"ticketId\":\"t\",\"acceptTime\":\"2026-01-01T00:00:01.000Z\",\"readyTime\":null,"
         "\"preparingTime\":61,\"pickedUpTime\":null,\"deliveryCompletedTime\":null,"
         "\"failureMessages\":[\"a, b: c\",\"\\\"주\\\"\"]}"},
        {empty, JSON_CLI,
         "{\"id\": \"2\", \"state\": \"PENDING\", \"customerId\": null, \"restaurantId\": "
         "null, "
         "\"payment\": null, \"orderItems\": [], \"ticketId\": null, \"acceptTime\": null, "
         "\"readyTime\": null, \"preparingTime\": null, \"pickedUpTime\": null, "
         "\"deliveryCompletedTime\": null, \"failureMessages\": []}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct result *r = row(rows[i].values, ARRAY_LEN(full));
        struct orderview v = orderview_at(r, 0);
        struct buf out = BUF_INIT;
        struct json j;
        json_init(&j, &out, rows[i].style);
        orderview_write(&j, &v);
        assert_string_equal(buf_cstr(&out), rows[i].json);
        buf_fini(&out);
        result_free(r);
    }
}

static void document(void **state)
{
    UNUSED(state);
    static const char *const simple[] = {
        "ORD-B384F",
        "simple",
        "PAYMENT_REQUESTED",
        "[\"ORDER_REQUESTED\", \"ORDER_COMPLETED\"]",
        "{\"body\": \"ORD-B384F_ORDER_COMPLETED\", \"orderId\": \"7\"}",
        NULL,
        NULL,
        "{\"body\": \"b\"}",
        NULL,
        NULL,
        "{\"reason\": \"r\"}"};
    static const char *const dish[] = {"ORD-B384F",
                                       "food",
                                       "TICKET_CREATED",
                                       "[\"ORDER_CREATED\"]",
                                       "{\"body\": \"b\", \"id\": \"1\"}",
                                       "{}",
                                       "{\"total\": \"1.00\"}",
                                       NULL,
                                       NULL,
                                       NULL,
                                       NULL};
    static const struct {
        const char *const *values;
        const char *json;
    } rows[] = {
        {simple,
         "{\"id\":\"ORD-B384F\",\"type\":\"PAYMENT_REQUESTED\","
         "\"detail\":{\"body\":\"ORD-B384F_ORDER_COMPLETED\"},\"payment\":{\"body\":\"b\"},"
         "\"mail\":{\"reason\":\"r\"},\"events\":[\"ORDER_REQUESTED\",\"ORDER_COMPLETED\"]}"},
        {dish,
         "{\"id\":\"ORD-B384F\",\"type\":\"TICKET_CREATED\",\"detail\":{\"body\":\"b\",\"id\":"
         "\"1\"},"
         "\"customer\":{},\"ticket\":{\"total\":\"1.00\"},\"events\":[\"ORDER_CREATED\"]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct result *r = row(rows[i].values, ARRAY_LEN(simple));
        struct buf out = BUF_INIT;
        struct json j;
        json_init(&j, &out, JSON_COMPACT);
        history_write(&j, r, 0);
        assert_string_equal(buf_cstr(&out), rows[i].json);
        buf_fini(&out);
        result_free(r);
    }
}

static void states(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    assert_int_equal(history_state(STR("CANCELLING"), &e), 0);
    assert_int_equal(history_state(STR("cancelling"), &e), ERR_INVALID);
    assert_int_equal(history_state(STR("Created"), &e), ERR_INVALID);
    assert_int_equal(history_state(STR(""), &e), ERR_INVALID);
    assert_int_equal(history_state(STR("READY\0"), &e), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(document),
                                       cmocka_unit_test(states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
