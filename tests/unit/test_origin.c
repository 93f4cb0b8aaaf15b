/* Where a session begins, and what it leaves to the next one. */
#include "relay/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct epoch E = {9, 1};

#define AT(l, o)                                                                               \
    {                                                                                          \
        {9, 1}, (l), (o), 0                                                                    \
    }

/* The slot stands at 100, commands are done before 400, the primary is at 1000. */
static const struct registry REG = {
    .epoch = {9, 1}, .slot_lsn = 100, .wal_lsn = 1000, .commands_lsn = 400};

struct row {
    const char *what;
    bool log_empty;
    struct position log_last, events_last; /* lsn 0: none */
    struct origin_debt debt;
    struct position log_have, events_have;
    bool is_break;
    uint64_t start_lsn, commands_from_lsn;
};

#define NO_DEBT                                                                                \
    {                                                                                          \
        .events_from_lsn = UINT64_MAX                                                          \
    }
#define DUE(lsn)                                                                               \
    {                                                                                          \
        .events_from_lsn = (lsn)                                                               \
    }

static const struct row rows[] = {
    {"as the streams say", false, AT(500, 3), AT(450, 2), NO_DEBT, AT(500, 3), AT(450, 2),
     false, 400, 400},
    {"an empty broker", true, AT(0, 0), AT(0, 0), NO_DEBT, AT(100, 0), AT(100, 0), false, 100,
     100},
    {"events under way", false, AT(500, 3), AT(450, 2), DUE(420), AT(500, 3), AT(420, 0), false,
     400, 400},
    {"of the last transaction", false, AT(500, 3), AT(450, 2), DUE(450), AT(500, 3), AT(450, 0),
     false, 400, 400},
    {"behind the stream's end", false, AT(500, 3), AT(450, 2), DUE(451), AT(500, 3), AT(450, 2),
     false, 400, 400},
    {"never before the slot", false, AT(500, 3), AT(450, 2), DUE(50), AT(500, 3), AT(100, 0),
     false, 100, 400},
    {"a resend is of the log alone",
     false,
     AT(500, 0),
     AT(450, 2),
     {.resend = true, .resend_at = AT(100, 0), .events_from_lsn = UINT64_MAX},
     AT(100, 0),
     AT(450, 2),
     false,
     100,
     400},
    {"a resend from before the slot",
     false,
     AT(500, 0),
     AT(450, 2),
     {.resend = true, .resend_at = AT(90, 0), .events_from_lsn = UINT64_MAX},
     AT(100, 0),
     AT(450, 2),
     true,
     100,
     400},
    {"a log that is short of the slot", false, AT(90, 0), AT(450, 2), NO_DEBT, AT(100, 0),
     AT(450, 2), true, 100, 400},
    {"events of another history", false, AT(500, 0), AT(1990, 1), NO_DEBT, AT(500, 0),
     AT(100, 0), false, 100, 400},
};

static void table(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct resume res = {.log_empty = r->log_empty,
                             .log_found = r->log_last.lsn != 0,
                             .log_last = r->log_last,
                             .events_found = r->events_last.lsn != 0,
                             .events_last = r->events_last};
        struct session *s = def_zalloc(1, sizeof *s);
        origin_decide(s, &REG, &res, &r->debt);
        if (position_cmp(s->log_have, r->log_have) != 0 ||
            position_cmp(s->events_have, r->events_have) != 0 || s->is_break != r->is_break ||
            s->start_lsn != r->start_lsn || s->commands_from_lsn != r->commands_from_lsn) {
            fail_msg(
                "%s: log %llu/%llu events %llu/%llu break %d start %llu commands %llu", r->what,
                (unsigned long long)s->log_have.lsn, (unsigned long long)s->log_have.ordinal,
                (unsigned long long)s->events_have.lsn,
                (unsigned long long)s->events_have.ordinal, s->is_break,
                (unsigned long long)s->start_lsn, (unsigned long long)s->commands_from_lsn);
        }
        free(s);
    }
}

/* A session that should have sent events from 420 to 450 again and ended before, somewhere, or behind. */
static void due(void **state)
{
    UNUSED(state);
    static const struct {
        uint64_t done, under_way, due;
    } cases[] = {
        {0, UINT64_MAX, 420},   {430, UINT64_MAX, 430}, {430, 425, 425},
        {450, UINT64_MAX, 450}, {460, 455, 455},        {460, UINT64_MAX, UINT64_MAX},
    };
    struct resume res = {.log_found = true,
                         .log_last = AT(500, 0),
                         .events_found = true,
                         .events_last = AT(450, 2)};
    struct origin_debt debt = DUE(420);
    struct origin_debt none = NO_DEBT;
    struct session *s = def_zalloc(1, sizeof *s);
    origin_decide(s, &REG, &res, &none);
    assert_true(origin_due(s, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(origin_due(s, 470), 470);
    origin_decide(s, &REG, &res, &debt);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        atomic_store(&s->commands_lsn, cases[i].done);
        assert_true(origin_due(s, cases[i].under_way) == cases[i].due);
    }
    assert_true(epoch_eq(s->epoch, E));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(due)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
