/* The events' numbers: what is missing is seen, what others put between is not counted. */
#include "relay/gapless.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct one {
    const char *run;
    uint64_t seq;
    int64_t offset;
};

static const struct {
    const char *name;
    struct one fed[5]; /* behind run a, number 7, offset 20; run NULL ends them */
    uint64_t lsn; /* of the last event before a gap; events have 100, 101, … in the order fed */
    bool gap;
} cases[] = {
    {"nothing new", {{0}}, 99, false},
    {"the next ones", {{"a", 8, 21}, {"a", 9, 22}}, 101, false},
    {"others between", {{"a", 8, 25}, {"a", 9, 40}}, 101, false},
    {"one is missing", {{"a", 8, 21}, {"a", 10, 22}}, 100, true},
    {"the first is missing", {{"a", 9, 21}}, 99, true},
    {"behind a gap nothing counts", {{"a", 9, 21}, {"a", 8, 22}, {"a", 9, 23}}, 99, true},
    {"another run begins", {{"a", 8, 21}, {"b", 1, 22}, {"b", 2, 23}}, 102, false},
    {"another run without its first", {{"a", 8, 21}, {"b", 2, 22}}, 100, true},
    {"what was known already", {{"a", 6, 19}, {"a", 7, 20}, {"a", 8, 21}}, 102, false},
    {"an earlier number again", {{"a", 8, 21}, {"a", 8, 22}, {"a", 9, 23}}, 102, false},
};

static void feeds(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gapless g = {0};
        gapless_set(&g, STR("a"), 7, 20, (struct position){.lsn = 99});
        for (size_t n = 0; n < ARRAY_LEN(cases[i].fed) && cases[i].fed[n].run != NULL; n++) {
            const struct one *e = &cases[i].fed[n];
            gapless_feed(&g, str_of(e->run), e->seq, e->offset,
                         (struct position){.lsn = 100 + n});
        }
        if (g.at.lsn != cases[i].lsn || g.gap != cases[i].gap) {
            fail_msg("%s: lsn %d, gap %d", cases[i].name, (int)g.at.lsn, g.gap);
        }
    }
}

static void reaches(void **state)
{
    UNUSED(state);
    struct gapless g = {0};
    assert_false(gapless_reaches(&g, STR("a"), 7, 20));
    gapless_set(&g, STR("a"), 7, 20, (struct position){.lsn = 99});
    assert_true(gapless_reaches(&g, STR("a"), 7, 20));
    assert_true(gapless_reaches(&g, STR("a"), 10, 23));
    assert_false(gapless_reaches(&g, STR("a"), 10, 22)); /* one is missing */
    assert_false(
        gapless_reaches(&g, STR("a"), 10, 24)); /* perhaps: another's message is there */
    assert_false(gapless_reaches(&g, STR("b"), 10, 23));
    assert_false(gapless_reaches(&g, STR("a"), 6, 19));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(feeds), cmocka_unit_test(reaches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
