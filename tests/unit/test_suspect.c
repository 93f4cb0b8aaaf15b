/* test_suspect.c - what the looks at a row prove, as a table. */
#include "consumer/suspect.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A look: "" is absent, "content/version" otherwise. */
static struct suspect_view view(const char *text)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        return (struct suspect_view){0};
    }
    return (struct suspect_view){
        true, {text, (size_t)(slash - text)}, {slash + 1, strlen(slash + 1)}};
}

static void looks(void **state)
{
    UNUSED(state);
    static const struct {
        const char *what;
        bool group;
        const char *first, *replica, *second, *later; /* later NULL: not looked */
        enum suspect_verdict verdict;
    } rows[] = {
        {"nobody has it", false, "", "", "", NULL, SUSPECT_EQUAL},
        {"the same", false, "a/1", "a/9", "a/1", NULL, SUSPECT_EQUAL},
        {"the same, changed since", false, "a/1", "a/9", "b/2", NULL, SUSPECT_EQUAL},
        {"other content, untouched", false, "a/1", "b/9", "a/1", NULL, SUSPECT_DIFFERENT},
        {"missing, untouched", false, "a/1", "", "a/1", NULL, SUSPECT_DIFFERENT},
        {"other content, changed since", false, "a/1", "b/9", "b/2", NULL, SUSPECT_AGAIN},
        {"changed and changed back", false, "a/1", "b/9", "a/3", NULL, SUSPECT_AGAIN},
        {"missing, deleted since", false, "a/1", "", "", NULL, SUSPECT_AGAIN},
        {"extra, inserted since", false, "", "a/9", "a/1", NULL, SUSPECT_AGAIN},
        {"extra", false, "", "a/9", "", NULL, SUSPECT_LATER},
        {"extra, and stays", false, "", "a/9", "", "a/9", SUSPECT_DIFFERENT},
        {"extra, came and went", false, "", "a/9", "", "", SUSPECT_AGAIN},
        {"extra, came, went, came", false, "", "a/9", "", "a/10", SUSPECT_AGAIN},
        {"group, the same number", true, "2/1", "2/9", "2/1", NULL, SUSPECT_EQUAL},
        {"group, untouched", true, "2/1", "3/9", "2/1", NULL, SUSPECT_LATER},
        {"group, and stays", true, "2/1", "3/9", "2/1", "3/9", SUSPECT_DIFFERENT},
        {"group, one came and went", true, "2/1", "3/9", "2/1", "2/8", SUSPECT_AGAIN},
        {"group, changed", true, "2/1", "3/9", "3/2", NULL, SUSPECT_AGAIN},
        {"group, missing", true, "2/1", "", "2/1", "", SUSPECT_DIFFERENT},
        {"group, missing for a moment", true, "2/1", "", "2/1", "2/9", SUSPECT_AGAIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct suspect_looks l = {.first = view(rows[i].first),
                                  .replica = view(rows[i].replica),
                                  .second = view(rows[i].second)};
        if (rows[i].later != NULL) {
            l.later = view(rows[i].later);
            l.has_later = true;
        }
        if (suspect_decide(&l, rows[i].group) != rows[i].verdict) {
            fail_msg("%s: %d instead of %d", rows[i].what, suspect_decide(&l, rows[i].group),
                     rows[i].verdict);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(looks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
