/* test_chunk.c - how many pieces, which regions, which half of a change a copy holds: as tables. */
#include "consumer/chunk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void wanted(void **state)
{
    UNUSED(state);
    static const struct {
        const char *what;
        uint64_t rows, bytes, rows_each, bytes_each;
        size_t count;
    } cases[] = {
        {"empty", 0, 0, 1000, 1 << 20, 1},
        {"unknown rows, a little data", 0, 100, 1000, 1 << 20, 1},
        {"unknown rows, much data", 0, 10 << 20, 1000, 1 << 20, 10},
        {"one row", 1, 100, 1000, 1 << 20, 1},
        {"just one piece", 1000, 100, 1000, 1 << 20, 1},
        {"a row more", 1001, 100, 1000, 1 << 20, 2},
        {"many rows", 1000000, 100, 1000, 1 << 20, 1000},
        {"wide rows", 100, 50 << 20, 1000, 1 << 20, 50},
        {"never more pieces than rows", 3, 50 << 20, 1000, 1 << 20, 3},
        {"a bound", UINT64_MAX, UINT64_MAX, 1000, 1 << 20, CHUNK_MAX},
        {"no size asked for", 1000, 1000, 0, 0, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t got = chunk_wanted(cases[i].rows, cases[i].bytes, cases[i].rows_each,
                                  cases[i].bytes_each);
        if (got != cases[i].count) {
            fail_msg("%s: %zu pieces", cases[i].what, got);
        }
    }
}

static void regions(void **state)
{
    UNUSED(state);
    static const struct {
        const char *what;
        uint64_t lsns[6];
        size_t count;
        size_t first[6];
        size_t regions;
    } cases[] = {
        {"no piece", {0}, 0, {0}, 0},
        {"one piece", {7}, 1, {0}, 1},
        {"one position", {7, 7, 7}, 3, {0}, 1},
        {"interrupted once", {7, 7, 9, 9}, 4, {0, 2}, 2},
        {"a hole filled later", {7, 9, 7, 7}, 4, {0, 1, 2}, 3},
        {"every piece its own", {3, 2, 1}, 3, {0, 1, 2}, 3},
        {"the same position twice", {7, 9, 7, 9, 9, 8}, 6, {0, 1, 2, 3, 5}, 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t first[6];
        size_t got = chunk_regions(cases[i].lsns, cases[i].count, first);
        if (got != cases[i].regions) {
            fail_msg("%s: %zu regions", cases[i].what, got);
        }
        assert_memory_equal(first, cases[i].first, got * sizeof first[0]);
    }
}

static void halves(void **state)
{
    UNUSED(state);
    static const struct {
        const char *what;
        uint64_t commit, old_lsn, neu_lsn;
        unsigned held;
    } cases[] = {
        {"before both", 5, 10, 20, CHUNK_OLD | CHUNK_NEW},
        {"behind both", 25, 10, 20, 0},
        {"the old half is in the copy: insert the new one", 15, 20, 10, CHUNK_OLD},
        {"the new half is in the copy: delete the old one", 15, 10, 20, CHUNK_NEW},
        {"the commit record begins at the position: behind it", 10, 10, 10, 0},
        {"it ends at the position: in it", 9, 10, 10, CHUNK_OLD | CHUNK_NEW},
        {"never copied", 1, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned got = chunk_held(cases[i].commit, cases[i].old_lsn, cases[i].neu_lsn);
        if (got != cases[i].held) {
            fail_msg("%s: %u", cases[i].what, got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wanted), cmocka_unit_test(regions),
                                       cmocka_unit_test(halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
