/* What is under way: confirms in any order, marks; and the intake between two threads. */
#include "relay/intake.h"
#include "relay/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t push(struct window *w, enum window_lane lane, uint64_t lsn, uint64_t seq)
{
    struct window_entry entry = {
        .lane = lane, .safe_lsn = lsn, .bytes = 10, .seq = seq, .sent_us = (int64_t)lsn};
    return window_push(w, &entry);
}

static void confirms(void **state)
{
    UNUSED(state);
    struct window *w = window_new(4);
    assert_int_equal(window_first(w), 0);
    assert_int_equal(window_sent_us(w), 0);
    assert_true(window_safe_lsn(w, WINDOW_LOG) == UINT64_MAX);
    assert_int_equal(push(w, WINDOW_EVENTS, 10, 1), 1);
    assert_int_equal(push(w, WINDOW_LOG, 5, 0), 2);
    assert_int_equal(push(w, WINDOW_EVENTS, 20, 2), 3);
    assert_true(window_has_room(w));
    push(w, WINDOW_LOG, 30, 0);
    assert_false(window_has_room(w));
    struct window_entry out;
    assert_true(window_take(w, 2, &out));
    assert_false(window_take(w, 2, &out));
    assert_false(window_take(w, 9, &out));
    assert_int_equal(out.safe_lsn, 5);
    assert_int_equal(window_safe_lsn(w, WINDOW_LOG), 30);
    assert_int_equal(window_safe_lsn(w, WINDOW_EVENTS), 10);
    assert_int_equal(window_first_seq(w), 1);
    assert_false(window_has_room(w)); /* tag 1 still holds its place */
    assert_true(window_take(w, 1, &out));
    assert_int_equal(window_first(w), 3);
    assert_int_equal(window_sent_us(w), 20);
    assert_int_equal(window_first_seq(w), 2);
    assert_int_equal(window_bytes(w), 20);
    assert_true(window_has_room(w));
    window_free(w);
}

/* What is sent again has a young tag and an old place. */
static void again(void **state)
{
    UNUSED(state);
    struct window *w = window_new(8);
    push(w, WINDOW_EVENTS, 100, 1);
    push(w, WINDOW_EVENTS, 20, 2);
    push(w, WINDOW_EVENTS, 110, 3);
    struct window_entry out;
    assert_int_equal(window_safe_lsn(w, WINDOW_EVENTS), 20);
    assert_true(window_take(w, 1, &out));
    assert_int_equal(window_safe_lsn(w, WINDOW_EVENTS), 20);
    assert_true(window_take(w, 2, &out));
    assert_int_equal(window_safe_lsn(w, WINDOW_EVENTS), 110);
    window_free(w);
}

/* Against a plain model: the lowest LSN of all events behind the verified one, or lower. */
static void marks(void **state)
{
    UNUSED(state);
    enum { N = 20000 };
    struct window_marks *m = def_zalloc(1, sizeof *m);
    uint64_t *lsn = def_zalloc(N + 1, sizeof *lsn);
    unsigned seed = 3;
    uint64_t verified = 0;
    for (uint64_t seq = 1; seq <= N; seq++) {
        bool again = rand_r(&seed) % 50 == 0;
        lsn[seq] = again ? seq / 2 : seq;
        window_mark(m, seq, lsn[seq]);
        if (rand_r(&seed) % 100 == 0) {
            verified += (uint64_t)rand_r(&seed) % (seq - verified + 1);
            uint64_t lowest = UINT64_MAX;
            for (uint64_t i = verified + 1; i <= seq; i++) {
                lowest = lsn[i] < lowest ? lsn[i] : lowest;
            }
            assert_true(window_marks_safe_lsn(m, verified) <= lowest);
        }
    }
    assert_true(window_marks_safe_lsn(m, N) == UINT64_MAX);
    free(lsn);
    free(m);
}

enum { RECORDS = 100000 };

static void *produce(void *arg)
{
    struct intake *in = arg;
    for (uint64_t i = 1; i <= RECORDS; i++) {
        while (!intake_has_room(in)) {
            intake_flush(in);
            struct pollfd p = {.fd = intake_room_fd(in), .events = POLLIN};
            intake_clear_room(in);
            if (!intake_has_room(in)) {
                poll(&p, 1, 100);
            }
        }
        char text[32];
        int n = snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        if (i % 1000 == 0) {
            char *mem = def_zalloc(1, 300000);
            memcpy(mem, text, (size_t)n);
            intake_add_large(in, i, (struct str){mem, 300000}, mem);
        } else if (i % 7 == 0) {
            intake_add_progress(in, i);
        } else {
            intake_add(in, i, (struct str){text, (size_t)n});
        }
        if (i % 100 == 0) {
            intake_flush(in);
        }
    }
    intake_flush(in);
    return NULL;
}

static void intake(void **state)
{
    UNUSED(state);
    struct intake *in = intake_new(free);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, produce, in), 0);
    uint64_t expected = 1;
    while (expected <= RECORDS) {
        struct intake_chunk *c = intake_take(in);
        if (c == NULL) {
            struct pollfd p = {.fd = intake_fd(in), .events = POLLIN};
            assert_int_equal(poll(&p, 1, 10000), 1);
            continue;
        }
        assert_true(intake_bytes(in) < INTAKE_MAX_BYTES + 2 * 300000 + INTAKE_CHUNK_BYTES);
        struct intake_record r;
        while (intake_next(c, &r)) {
            assert_int_equal(r.wal, expected);
            assert_int_equal(r.is_progress, expected % 7 == 0 && expected % 1000 != 0);
            if (!r.is_progress) {
                char text[32] = "";
                memcpy(text, r.msg.p, r.msg.n < 20 ? r.msg.n : 20);
                assert_int_equal(strtoull(text, NULL, 10), expected);
            }
            expected++;
        }
        intake_done(in, c);
    }
    pthread_join(t, NULL);
    assert_int_equal(intake_bytes(in), 0);
    intake_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(confirms), cmocka_unit_test(again),
                                       cmocka_unit_test(marks), cmocka_unit_test(intake)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
