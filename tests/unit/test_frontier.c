/* The frontier: a table of cases, and properties over random inputs. */
#include "relay/frontier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define E                                                                                      \
    {                                                                                          \
        7, 1                                                                                   \
    }

static const struct frontier_replica NONE[1];
static const struct frontier_replica SILENT[] = {{"a", false, E, 900}};
static const struct frontier_replica SLOW[] = {{"a", true, E, 300}, {"b", true, E, 500}};
static const struct frontier_replica ONE_SILENT[] = {{"a", true, E, 300}, {"b", false, E, 900}};
static const struct frontier_replica AHEAD[] = {{"a", true, E, 900}};
static const struct frontier_replica OLD_EPOCH[] = {{"a", true, {7, 2}, 900}};

struct row {
    const char *what;
    struct frontier_in in;
    uint64_t release;
    enum frontier_hold hold;
    size_t replica;
    bool over_budget;
};

#define IN(rel, l, ev, ap, reps, n, known, wal, budget)                                        \
    {                                                                                          \
        .released = (rel), .log_lsn = (l), .events_lsn = (ev), .applied = (ap), .epoch = E,    \
        .replicas = (reps), .replica_count = (n), .replicas_known = (known), .wal_lsn = (wal), \
        .wal_budget = (budget)                                                                 \
    }

static const struct row rows[] = {
    {"all done", IN(0, 500, 500, false, NONE, 0, true, 500, 0), 500, FRONTIER_NOTHING, 0,
     false},
    {"log behind", IN(0, 400, 500, false, NONE, 0, true, 500, 0), 400, FRONTIER_LOG, 0, false},
    {"events behind", IN(0, 500, 400, false, NONE, 0, true, 500, 0), 400, FRONTIER_EVENTS, 0,
     false},
    {"confirmed mode ignores replicas", IN(0, 500, 500, false, SLOW, 2, true, 500, 0), 500,
     FRONTIER_NOTHING, 0, false},
    {"no replica registered", IN(0, 500, 500, true, NONE, 0, true, 500, 0), 500,
     FRONTIER_NOTHING, 0, false},
    {"replicas not read yet", IN(100, 500, 500, true, NONE, 0, false, 500, 0), 100,
     FRONTIER_UNKNOWN, 0, false},
    {"slowest replica", IN(0, 500, 600, true, SLOW, 2, true, 600, 0), 300, FRONTIER_REPLICA, 0,
     false},
    {"one never reported", IN(200, 500, 600, true, ONE_SILENT, 2, true, 600, 0), 200,
     FRONTIER_REPLICA, 1, false},
    {"none reported", IN(250, 500, 500, true, SILENT, 1, true, 500, 0), 250, FRONTIER_REPLICA,
     0, false},
    {"replica ahead of the confirms", IN(0, 500, 450, true, AHEAD, 1, true, 600, 0), 450,
     FRONTIER_EVENTS, 0, false},
    {"report of another epoch", IN(100, 500, 500, true, OLD_EPOCH, 1, true, 500, 0), 100,
     FRONTIER_REPLICA, 0, false},
    {"never back", IN(450, 400, 400, true, SLOW, 2, true, 500, 0), 450, FRONTIER_REPLICA, 0,
     false},
    {"inside the budget", IN(0, 500, 500, true, SLOW, 2, true, 600, 300), 300, FRONTIER_REPLICA,
     0, false},
    {"over the budget", IN(0, 500, 480, true, SLOW, 2, true, 601, 300), 480, FRONTIER_REPLICA,
     0, true},
    {"over the budget by the broker alone", IN(0, 100, 100, false, NONE, 0, true, 9000, 300),
     100, FRONTIER_LOG, 0, false},
};

static void table(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct frontier_out out = frontier_decide(&rows[i].in);
        if (out.release != rows[i].release || out.hold != rows[i].hold ||
            out.replica != rows[i].replica || out.over_budget != rows[i].over_budget) {
            fail_msg("%s: release %llu hold %s replica %zu over %d", rows[i].what,
                     (unsigned long long)out.release, frontier_hold_name(out.hold), out.replica,
                     out.over_budget);
        }
    }
}

static void properties(void **state)
{
    UNUSED(state);
    unsigned seed = 1;
    for (int i = 0; i < 200000; i++) {
        struct frontier_replica r[3];
        for (size_t k = 0; k < 3; k++) {
            r[k] = (struct frontier_replica){"r",
                                             rand_r(&seed) % 4 != 0,
                                             {7, rand_r(&seed) % 8 == 0 ? 2 : 1},
                                             (uint64_t)(rand_r(&seed) % 50)};
        }
        struct frontier_in in =
            IN((uint64_t)(rand_r(&seed) % 20), (uint64_t)(rand_r(&seed) % 50),
               (uint64_t)(rand_r(&seed) % 50), rand_r(&seed) % 2, r,
               (size_t)(rand_r(&seed) % 4), rand_r(&seed) % 4 != 0,
               (uint64_t)(rand_r(&seed) % 60), (uint64_t)(rand_r(&seed) % 3 * 20));
        struct frontier_out out = frontier_decide(&in);
        assert_true(out.release >= in.released);
        if (out.release > in.released) {
            assert_true(out.release <= in.log_lsn && out.release <= in.events_lsn);
            for (size_t k = 0; in.applied && !out.over_budget && k < in.replica_count; k++) {
                assert_true(r[k].reported && epoch_eq(r[k].epoch, in.epoch));
                assert_true(out.release <= r[k].lsn);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
