/* Events: values by type, what is left out, keys, batches, table-less messages. */
#include "event/event.h"
#include "event/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const struct position AT = {{9, 1}, 0x100, 2, 0};

struct column {
    const char *name;
    uint32_t oid;
    int key;
};

static void relation_message(struct buf *m, const char *schema, const char *name,
                             const struct column *c, size_t count)
{
    buf_u8(m, 'R');
    buf_u32(m, 77);
    buf_addz(m, schema);
    buf_addz(m, name);
    buf_u8(m, 'd');
    buf_u16(m, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        buf_u8(m, (uint8_t)c[i].key);
        buf_addz(m, c[i].name);
        buf_u32(m, c[i].oid);
        buf_u32(m, UINT32_MAX);
    }
}

static struct event_relation *relation(const char *schema, const char *name,
                                       const struct column *c, size_t count)
{
    struct buf m = BUF_INIT;
    struct pgoutput_msg p;
    struct err e = ERR_INIT;
    relation_message(&m, schema, name, c, count);
    assert_int_equal(pgoutput_parse(buf_str(&m), &p, &e), 0);
    struct event_relation *r = event_relation_new(&p);
    buf_fini(&m);
    return r;
}

/* values: a text each; "\1" is NULL, "\2" unchanged. */
static void tuple(struct buf *m, char kind, const char *const *values, size_t count)
{
    buf_u8(m, (uint8_t)kind);
    buf_u16(m, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        if (values[i][0] == '\1') {
            buf_u8(m, 'n');
        } else if (values[i][0] == '\2') {
            buf_u8(m, 'u');
        } else {
            buf_u8(m, 't');
            buf_u32(m, (uint32_t)strlen(values[i]));
            buf_adds(m, values[i]);
        }
    }
}

static int change(struct event *ev, const struct event_relation *r, char type, char old_kind,
                  const char *const *old, const char *const *neu, size_t count)
{
    static struct buf m = BUF_INIT;
    struct pgoutput_msg p;
    struct err e = ERR_INIT;
    buf_reset(&m);
    buf_u8(&m, (uint8_t)type);
    buf_u32(&m, 77);
    if (old != NULL) {
        tuple(&m, old_kind, old, count);
    }
    if (neu != NULL) {
        tuple(&m, 'N', neu, count);
    }
    assert_int_equal(pgoutput_parse(buf_str(&m), &p, &e), 0);
    int rc = event_from_change(ev, r, &p, AT, 0, &e);
    buf_fini(&m);
    return rc;
}

static const char *body(struct event *ev)
{
    return buf_cstr(&ev->body);
}

static void assert_header(const struct event *ev, const char *name, const char *value)
{
    for (size_t i = 0; i < ev->header_count; i++) {
        if (strcmp(ev->headers[i].name, name) == 0) {
            assert_non_null(value);
            assert_true(str_eq(event_header_text(ev, i), str_of(value)));
            return;
        }
    }
    if (value != NULL) {
        fail_msg("no header %s", name);
    }
}

static const struct column PARKING[] = {
    {"uuid", 1043, 1}, {"name", 1043, 0}, {"status", 1043, 0}};

static void rows(void **state)
{
    UNUSED(state);
    struct event_relation *r = relation("public", "parking_slots", PARKING, 3);
    struct event ev = {.tries = 0};
    static const char *const a[] = {"u", "O'Brien \"x\"\n", "available"};
    assert_int_equal(change(&ev, r, 'I', 0, NULL, a, 3), 0);
    assert_string_equal(ev.key, "parking.create");
    assert_string_equal(ev.exchange, "CQRS_EVENT_STORE");
    assert_string_equal(ev.message_id, "0000000000000009.1:0/100/2");
    assert_string_equal(
        body(&ev),
        "{\"uuid\":\"u\",\"name\":\"O'Brien \\\"x\\\"\\n\",\"status\":\"available\"}");
    assert_header(&ev, "cloudEvents:id", ev.message_id);
    assert_header(&ev, "cloudEvents:source",
                  "/parkway/0000000000000009.1/public.parking_slots");
    assert_header(&ev, "cloudEvents:type", "parking.create");
    assert_header(&ev, "cloudEvents:time", "1970-01-01T00:00:00.000Z");

    static const char *const u[] = {"u", "\2", "\1"};
    assert_int_equal(change(&ev, r, 'U', 0, NULL, u, 3), 0);
    assert_string_equal(ev.key, "parking.update");
    assert_string_equal(body(&ev), "{\"uuid\":\"u\",\"status\":null}");
    assert_header(&ev, "parkway:unchanged", "[\"name\"]");
    assert_header(&ev, "parkway:oldkey", NULL);

    static const char *const old_key[] = {"old", "\1", "\1"};
    assert_int_equal(change(&ev, r, 'U', 'K', old_key, a, 3), 0);
    assert_header(&ev, "parkway:oldkey", "{\"uuid\":\"old\"}");
    assert_int_equal(change(&ev, r, 'D', 'K', old_key, NULL, 3), 0);
    assert_string_equal(ev.key, "parking.delete");
    assert_string_equal(body(&ev), "{\"uuid\":\"old\"}");
    assert_int_equal(change(&ev, r, 'D', 'O', a, NULL, 3), 0);
    assert_non_null(strstr(body(&ev), "O'Brien"));
    /* the whole old row is known: an unchanged value comes from it */
    assert_int_equal(change(&ev, r, 'U', 'O', a, u, 3), 0);
    assert_non_null(strstr(body(&ev), "O'Brien"));
    assert_header(&ev, "parkway:unchanged", NULL);

    struct err e = ERR_INIT;
    assert_int_equal(event_from_truncate(&ev, r, AT, 0, &e), 0);
    assert_string_equal(ev.key, "parking.truncate");
    assert_string_equal(body(&ev), "{}");
    event_fini(&ev);
    event_relation_free(r);
    struct event_relation *other = relation("public", "other", PARKING, 3);
    struct event none = {.tries = 0};
    assert_int_equal(change(&none, other, 'I', 0, NULL, a, 3), ERR_NOT_FOUND);
    event_relation_free(other);
    event_fini(&none);
}

static void values(void **state)
{
    UNUSED(state);
    static const struct {
        uint32_t oid;
        const char *text;
        const char *json;
    } cases[] = {
        {23, "-7", "-7"},
        {20, "9223372036854775807", "9223372036854775807"},
        {1700, "1.50", "1.50"},
        {1700, "-0.01", "-0.01"},
        {1700, "NaN", "\"NaN\""},
        {701, "1e+20", "1e+20"},
        {701, "-Infinity", "\"-Infinity\""},
        {700, "Infinity", "\"Infinity\""},
        {26, "4294967295", "4294967295"},
        {16, "t", "true"},
        {16, "f", "false"},
        {114, "{ \"a\" :  1 }", "{ \"a\" :  1 }"},
        {3802, "[1, 2]", "[1, 2]"},
        {25, "12", "\"12\""},
        {1184, "2026-01-01 00:00:00+00", "\"2026-01-01 00:00:00+00\""},
        {1007, "{1,NULL}", "\"{1,NULL}\""},
        {17, "\\x00ff", "\"\\\\x00ff\""},
        {25, "\1", "null"},
        {3802, "null", "null"},
        {25, "", "\"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct column c = {"v", cases[i].oid, 1};
        struct event_relation *r = relation("public", "parking_slots", &c, 1);
        struct event ev = {.tries = 0};
        const char *const row[] = {cases[i].text};
        assert_int_equal(change(&ev, r, 'I', 0, NULL, row, 1), 0);
        char expected[128];
        snprintf(expected, sizeof expected, "{\"v\":%s}", cases[i].json);
        assert_string_equal(body(&ev), expected);
        event_fini(&ev);
        event_relation_free(r);
    }
}

static void large(void **state)
{
    UNUSED(state);
    struct event_relation *r = relation("public", "parking_slots", PARKING, 3);
    struct event ev = {.tries = 0};
    size_t n = (size_t)setup()->events_max_value_bytes;
    char *text = def_alloc(n + 2);
    memset(text, 'x', n + 1);
    text[n + 1] = '\0';
    const char *const row[] = {"u", text, "s"};
    assert_int_equal(change(&ev, r, 'I', 0, NULL, row, 3), 0);
    assert_string_equal(body(&ev), "{\"uuid\":\"u\",\"status\":\"s\"}");
    assert_header(&ev, "parkway:omitted", "[\"name\"]");
    text[n] = '\0';
    assert_int_equal(change(&ev, r, 'I', 0, NULL, row, 3), 0);
    assert_true(ev.body.len > n);
    assert_header(&ev, "parkway:omitted", NULL);
    event_fini(&ev);
    event_relation_free(r);
    free(text);
}

static void store(void **state)
{
    UNUSED(state);
    static const struct column c[] = {
        {"event_id", 2950, 1}, {"type", 25, 0}, {"routing_key", 25, 0}, {"data", 3802, 0}};
    struct event_relation *r = relation("public", "events", c, 4);
    struct event ev = {.tries = 0};
    static const char *const row[] = {"3f0e", "ORDER_CREATED", "order.create", "{\"n\": 1.10}"};
    assert_int_equal(change(&ev, r, 'I', 0, NULL, row, 4), 0);
    assert_string_equal(ev.key, "order.create");
    assert_header(&ev, "cloudEvents:id", "3f0e");
    assert_header(&ev, "cloudEvents:type", "ORDER_CREATED");
    assert_string_equal(body(&ev), "{\"event_id\":\"3f0e\",\"type\":\"ORDER_CREATED\","
                                   "\"routing_key\":\"order.create\",\"data\":{\"n\": 1.10}}");
    static const char *const bad[] = {"3f0e", "T", "\1", "{}"};
    assert_int_equal(change(&ev, r, 'I', 0, NULL, bad, 4), ERR_INVALID);
    assert_int_equal(change(&ev, r, 'U', 0, NULL, row, 4), ERR_NOT_FOUND);
    event_fini(&ev);
    event_relation_free(r);
}

static int message(struct event *ev, bool transactional, const char *prefix,
                   const char *content)
{
    struct buf m = BUF_INIT;
    struct pgoutput_msg p;
    struct err e = ERR_INIT;
    buf_u8(&m, 'M');
    buf_u8(&m, transactional);
    buf_u64(&m, 5);
    buf_addz(&m, prefix);
    buf_u32(&m, (uint32_t)strlen(content));
    buf_adds(&m, content);
    assert_int_equal(pgoutput_parse(buf_str(&m), &p, &e), 0);
    int rc = event_from_message(ev, &p, AT, 0, &e);
    buf_fini(&m);
    return rc;
}

static void messages(void **state)
{
    UNUSED(state);
    struct event ev = {.tries = 0};
    static const char good[] =
        "{\"exchange\":\"CQRS_COMMAND\",\"routing_key\":\"order-ticket\",\"id\":\"i1\","
        "\"headers\":{\"traceparent\":\"00-1\",\"n\":5},\"data\":{\"x\": 1.0}}";
    assert_int_equal(message(&ev, true, "parkway.publish", good), 0);
    assert_string_equal(ev.exchange, "CQRS_COMMAND");
    assert_string_equal(ev.key, "order-ticket");
    assert_string_equal(body(&ev), "{\"x\": 1.0}");
    assert_header(&ev, "cloudEvents:id", "i1");
    assert_header(&ev, "traceparent", "00-1");
    assert_header(&ev, "n", "5");
    assert_int_equal(message(&ev, true, "parkway.publish", "{\"routing_key\":\"a\"}"), 0);
    assert_string_equal(ev.exchange, "CQRS_EVENT_STORE");
    assert_string_equal(body(&ev), "null");
    assert_int_equal(message(&ev, false, "parkway.publish", good), ERR_NOT_FOUND);
    assert_int_equal(message(&ev, true, "parkway.nudge", ""), ERR_NOT_FOUND);
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"routing_key\":5}",
        "{\"routing_key\":\"\"}",
        "{\"routing_key\":\"a\",\"exchange\":\"amq.topic\"}",
        "{\"routing_key\":\"a\",\"headers\":{\"\":1}}",
        "{\"routing_key\":\"a\",\"headers\":{\"CC\":\"b\"}}",
        "{\"routing_key\":\"a\",\"headers\":{\"parkway:run\":\"b\"}}",
        "{\"routing_key\":\"a\",\"headers\":{\"parkway:seq\":1}}",
        "{\"routing_key\":\"a\",\"headers\":{\"cloudEvents:id\":\"b\"}}",
        "{\"routing_key\":\"a\",\"headers\":{\"b\":1,\"b\":2}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(message(&ev, true, "parkway.publish", bad[i]), ERR_INVALID);
    }
    /* cut anywhere: refused, never read beyond */
    for (size_t n = 0; n + 1 < sizeof good; n++) {
        char *cut = def_strndup(good, n);
        assert_int_equal(message(&ev, true, "parkway.publish", cut), ERR_INVALID);
        free(cut);
    }
    event_fini(&ev);
}

static void batches(void **state)
{
    UNUSED(state);
    struct event_relation *r = relation("public", "parking_slots", PARKING, 3);
    r->batch = true;
    struct event a = {.tries = 0};
    struct event b = {.tries = 0};
    static const char *const row[] = {"u", "n", "s"};
    static const char *const gap[] = {"u", "\2", "s"};
    assert_int_equal(change(&a, r, 'I', 0, NULL, row, 3), 0);
    assert_int_equal(change(&b, r, 'I', 0, NULL, row, 3), 0);
    assert_true(a.batch && b.batch);
    assert_true(event_batch_add(&a, &b));
    assert_true(event_batch_add(&a, &b));
    event_batch_end(&a);
    assert_int_equal(a.batch_count, 3);
    assert_int_equal(body(&a)[0], '[');
    assert_non_null(strstr(body(&a), "\"specversion\":\"1.0\""));
    assert_non_null(
        strstr(body(&a), "\"data\":{\"uuid\":\"u\",\"name\":\"n\",\"status\":\"s\"}},{"));
    assert_int_equal(body(&a)[a.body.len - 1], ']');
    assert_int_equal(change(&b, r, 'U', 0, NULL, gap, 3), 0);
    assert_false(b.batch); /* it needs a header of its own */
    assert_int_equal(change(&b, r, 'U', 0, NULL, row, 3), 0);
    assert_false(event_batch_add(&a, &b)); /* another key */
    event_fini(&a);
    event_fini(&b);
    event_relation_free(r);
}

static int load_defaults(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    struct conf_group groups[16];
    assert_true(setup_group_count <= ARRAY_LEN(groups));
    for (size_t i = 0; i < setup_group_count; i++) {
        groups[i] = setup_groups[i];
    }
    return conf_load(groups, setup_group_count, "/dev/null", &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),  cmocka_unit_test(values),   cmocka_unit_test(large),
        cmocka_unit_test(store), cmocka_unit_test(messages), cmocka_unit_test(batches),
    };
    return cmocka_run_group_tests(tests, load_defaults, NULL);
}
