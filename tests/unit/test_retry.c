/* Refused events: when they are tried again and where they end; and how far the log is ahead. */
#include "event/setup.h"
#include "relay/ahead.h"
#include "relay/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct event *event_on(const char *exchange)
{
    struct event *ev = def_zalloc(1, sizeof *ev);
    snprintf(ev->exchange, sizeof ev->exchange, "%s", exchange);
    return ev;
}

static void order(void **state)
{
    UNUSED(state);
    struct retry r = {.count_max = 1000};
    struct retry_counters none = {NULL, NULL};
    struct err e = ERR_INIT;
    uint64_t lsn = 0;
    assert_true(retry_safe_lsn(&r) == UINT64_MAX);
    assert_int_equal(retry_refused(&r, &none, event_on("x"), 50, 300, &e), 0);
    assert_int_equal(retry_refused(&r, &none, event_on("x"), 70, 100, &e), 0);
    assert_int_equal(retry_refused(&r, &none, event_on("x"), 60, 200, &e), 0);
    assert_int_equal(retry_safe_lsn(&r), 50);
    assert_null(retry_take(&r, &none, 200099, &lsn));
    event_free(retry_take(&r, &none, 200250, &lsn));
    assert_int_equal(lsn, 70);
    event_free(retry_take(&r, &none, 200250, &lsn));
    assert_int_equal(lsn, 60);
    assert_null(retry_take(&r, &none, 200250, &lsn));
    assert_int_equal(r.count, 1);
    retry_fini(&r);
    assert_true(retry_safe_lsn(&r) == UINT64_MAX);
}

/* An event goes to the stream alone after three more tries, a command never gives up. */
static void ends(void **state)
{
    UNUSED(state);
    static const struct {
        const char *exchange;
        unsigned rounds;
        bool diverted;
    } rows[] = {
        {"CQRS_EVENT_STORE", 3, false},
        {"CQRS_EVENT_STORE", 4, true},
        {"CQRS_COMMAND", 100, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct metric refused = {.name = "refused"};
        struct metric diverted = {.name = "diverted"};
        struct retry_counters n = {&refused, &diverted};
        struct retry r = {.count_max = 1000};
        struct err e = ERR_INIT;
        struct event *ev = event_on(rows[i].exchange);
        int64_t now = 0;
        int64_t waited = 0;
        for (unsigned round = 0; round < rows[i].rounds; round++) {
            uint64_t lsn;
            assert_int_equal(retry_refused(&r, &n, ev, 7, now, &e), 0);
            int64_t wait = r.first->due_us - now;
            assert_true(wait >= waited && wait <= 10000000);
            waited = wait;
            now = r.first->due_us;
            ev = retry_take(&r, &n, now, &lsn);
            assert_non_null(ev);
        }
        assert_int_equal(ev->exchange[0] == '\0', rows[i].diverted);
        assert_int_equal(metric_get(&diverted), rows[i].diverted);
        assert_int_equal(metric_get(&refused), rows[i].rounds);
        if (rows[i].diverted) {
            assert_int_equal(retry_refused(&r, &n, ev, 7, now, &e), ERR_UNAVAILABLE);
        } else {
            event_free(ev);
        }
        retry_calm(&r, now + 6000000);
        assert_false(r.refusing);
    }
}

/* Bounded by number and by bytes; full until half of it is gone. */
static void full(void **state)
{
    UNUSED(state);
    struct retry r = {.count_max = 4};
    struct retry_counters none = {NULL, NULL};
    struct err e = ERR_INIT;
    uint64_t lsn;
    for (int i = 0; i < 4; i++) {
        assert_false(retry_is_full(&r));
        assert_int_equal(retry_refused(&r, &none, event_on("x"), 1, 100 + i, &e), 0);
    }
    assert_true(retry_is_full(&r));
    assert_int_equal(r.full_us, 103);
    event_free(retry_take(&r, &none, 1000000, &lsn));
    assert_false(retry_is_full(&r));
    assert_int_equal(r.full_us, 103);
    event_free(retry_take(&r, &none, 1000000, &lsn));
    event_free(retry_take(&r, &none, 1000000, &lsn));
    assert_int_equal(r.full_us, 0);
    struct event *large = event_on("x");
    buf_reserve(&large->body, RETRY_MAX_BYTES);
    buf_commit(&large->body, RETRY_MAX_BYTES);
    assert_int_equal(retry_refused(&r, &none, large, 1, 2000000, &e), 0);
    assert_true(retry_is_full(&r));
    assert_int_equal(r.full_us, 2000000);
    event_free(retry_take(&r, &none, 9000000, &lsn));
    event_free(retry_take(&r, &none, 9000000, &lsn));
    assert_int_equal(r.bytes, 0);
    assert_int_equal(r.full_us, 0);
    retry_fini(&r);
}

static void ahead(void **state)
{
    UNUSED(state);
    struct ahead a = {.count = 0};
    assert_int_equal(ahead_bytes(&a, 0, 0), 0);
    for (uint64_t i = 0; i < 1000; i++) {
        ahead_add(&a, i, 100, 64000);
    }
    assert_int_equal(ahead_bytes(&a, 1000, 1000), 0);
    struct ahead b = {.count = 0};
    for (uint64_t i = 0; i < 100; i++) {
        ahead_add(&b, i, 100, 64000);
        uint64_t exact = 100 * (i + 1 - i / 2);
        uint64_t said = ahead_bytes(&b, i / 2, i + 1);
        assert_true(said >= exact && said <= exact + 1000);
    }
}

static int settings(void **state)
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(ends),
                                       cmocka_unit_test(full), cmocka_unit_test(ahead)};
    return cmocka_run_group_tests(tests, settings, NULL);
}
