/* Binding keys of a topic exchange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "event/pattern.h"

static void table(void **state)
{
    static const struct {
        const char *pattern, *key;
        bool fits;
    } rows[] = {
        {"#", "", true},
        {"#", "parking.create", true},
        {"parking.create", "parking.create", true},
        {"parking.create", "parking.created", false},
        {"parking.*", "parking.create", true},
        {"parking.*", "parking", false},
        {"parking.*", "parking.a.b", false},
        {"parking.#", "parking", true},
        {"parking.#", "parking.a.b", true},
        {"parking.#", "parkings", false},
        {"*", "a", true},
        {"*", "", true},
        {"*", "a.b", false},
        {"*.create", "order.create", true},
        {"#.create", "create", true},
        {"#.create", "a.b.create", true},
        {"#.create", "a.create.b", false},
        {"a.#.b.#.c", "a.b.c", true},
        {"a.#.b.#.c", "a.x.b.y.b.z.c", true},
        {"a.#.b.#.c", "a.x.c", false},
        {"#.*", "a", true},
        {"#.#", "", true},
        {"#.*.#", "a.b.c", true},
        {"", "", true},
        {"", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool fits = pattern_match(str_of(rows[i].pattern), str_of(rows[i].key));
        if (fits != rows[i].fits) {
            fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
