/* test_instance.c - rows that were written come back as they were (test_saga_decide does that for every state it
 * meets); rows that cannot have been written are refused. */
#include "saga/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const struct saga *food(const struct declarations **d)
{
    struct err e = ERR_INIT;
    assert_int_equal(declaration_load("conf/sagas.cfg", d, &e), 0);
    return declaration_saga(*d, "food");
}

static struct saga_row good(void)
{
    return (struct saga_row){.step = "CREATE_TICKET",
                             .status = "PROCESSING",
                             .subject = "PENDING",
                             .attempt = 2,
                             .deadline_us = 1767268800000000,
                             .progress = STR("VERIFY_CUSTOMER=done CREATE_TICKET=begun"),
                             .held = STR("")};
}

static void reads(void **state)
{
    UNUSED(state);
    const struct declarations *d = NULL;
    const struct saga *s = food(&d);
    struct saga_state st;
    struct err e = ERR_INIT;
    struct buf out = BUF_INIT;
    struct saga_row row = good();
    assert_int_equal(instance_read(s, &row, &st, &e), 0);
    assert_int_equal(st.status, SAGA_PROCESSING);
    assert_int_equal(st.step, 1);
    assert_int_equal(st.attempt, 2);
    assert_int_equal(st.mark[0], SAGA_DONE);
    assert_int_equal(st.mark[1], SAGA_BEGUN);
    assert_int_equal(st.mark[2], SAGA_UNTOUCHED);
    assert_true(instance_fits(s, &st));
    instance_progress(s, &st, &out);
    assert_string_equal(buf_cstr(&out), "VERIFY_CUSTOMER=done CREATE_TICKET=begun");
    row.paused = true;
    row.paused_at_us = 5;
    row.held = STR("TICKET_CREATED=018f-a PAYMENT_APPROVED=a=b");
    assert_int_equal(instance_read(s, &row, &st, &e), 0);
    assert_int_equal(st.held_count, 2);
    assert_string_equal(st.held[1].id, "a=b");
    buf_reset(&out);
    instance_held(s, &st, &out);
    assert_string_equal(buf_cstr(&out), "TICKET_CREATED=018f-a PAYMENT_APPROVED=a=b");
    st.subject = saga_state_find(s, "REJECTED");
    assert_false(instance_fits(s, &st));
    buf_fini(&out);
    declaration_free(d);
}

#define PROGRESS(text) .progress = STR(text)

static void refuses(void **state)
{
    UNUSED(state);
    const struct declarations *d = NULL;
    const struct saga *s = food(&d);
    static const struct {
        const char *step, *status, *subject;
        struct str progress, held;
        int64_t attempt, deadline_us, paused_at_us;
        bool paused;
        const char *told;
    } rows[] = {
        {.step = "NO_STEP", .told = "no step NO_STEP"},
        {.status = "DONE", .told = "unknown status DONE"},
        {.status = "NONE", .told = "unknown status NONE"},
        {.subject = "LOST", .told = "no state LOST"},
        {PROGRESS("VERIFY_CUSTOMER"), .told = "malformed progress"},
        {PROGRESS("VERIFY_CUSTOMER="), .told = "malformed progress"},
        {PROGRESS("=done"), .told = "malformed progress"},
        {PROGRESS(" VERIFY_CUSTOMER=done"), .told = "malformed progress"},
        {PROGRESS("VERIFY_CUSTOMER=gone"), .told = "no mark gone"},
        {PROGRESS("PACK=done"), .told = "no step PACK"},
        {PROGRESS("AUTHORIZE_PAYMENT=undoing"), .told = "at which the saga is not"},
        {PROGRESS("CREATE_TICKET=undoing"), .told = "runs forwards"},
        {.status = "COMPENSATING",
         PROGRESS("CREATE_TICKET=undoing"),
         .told = "without a deadline"},
        {.status = "COMPENSATING", .told = "nothing is being undone"},
        {.status = "FAILED", .deadline_us = 7, .told = "a deadline, but nothing"},
        {.status = "COMPENSATED", .deadline_us = 7, .told = "a deadline, but nothing"},
        {.status = "SUCCEEDED", .paused = true, .paused_at_us = 7, .told = "it is paused, but"},
        {.paused = true, .told = "out of range"},
        {.paused_at_us = 7, .told = "out of range"},
        {.attempt = -1, .told = "out of range"},
        {.deadline_us = -1, .told = "out of range"},
        {.held = STR("TICKET_CREATED=x"), .told = "not paused"},
        {.held = STR("ORDER_APPROVED=x"), .told = "does not wait for ORDER_APPROVED"},
        {.held = STR("TICKET_CREATED"), .told = "malformed held"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct saga_row row = good();
        struct saga_state st;
        struct err e = ERR_INIT;
        row.step = rows[i].step != NULL ? rows[i].step : row.step;
        row.status = rows[i].status != NULL ? rows[i].status : row.status;
        row.subject = rows[i].subject != NULL ? rows[i].subject : row.subject;
        row.progress = rows[i].progress;
        row.held = rows[i].held;
        row.attempt = rows[i].attempt;
        row.deadline_us = rows[i].deadline_us;
        row.paused_at_us = rows[i].paused_at_us;
        row.paused = rows[i].paused;
        int rc = instance_read(s, &row, &st, &e);
        if (rc != ERR_INVALID || strstr(e.text, rows[i].told) == NULL) {
            fail_msg("row %zu: %d \"%s\" is not \"%s\"", i, rc, e.text, rows[i].told);
        }
    }
    declaration_free(d);
}

static void cuts(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        size_t size;
        const char *out;
    } rows[] = {
        {"abc", 4, "abc"},  {"abc", 3, "ab"}, {"", 4, ""},      {"a주b", 6, "a주b"},
        {"a주b", 5, "a주"}, {"a주b", 4, "a"}, {"a주b", 3, "a"}, {"주", 1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[16];
        memset(out, 'x', sizeof out);
        instance_copy(out, rows[i].size, str_of(rows[i].text));
        assert_string_equal(out, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
