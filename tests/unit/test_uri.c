/* test_uri.c - connection strings in both forms, and everything that is none. */
#include "pg/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void forms(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        struct uri want;
    } table[] = {
        {"postgresql://cqrs:cqrs@127.0.0.1:6432/postgres",
         {"127.0.0.1", "6432", "cqrs", "cqrs", "postgres", "", 0}},
        {"postgres://u@h", {"h", "5432", "u", "", "u", "", 0}},
        {"postgresql://u:p@/d", {"127.0.0.1", "5432", "u", "p", "d", "", 0}},
        {"postgresql://u:p%40%3a%2F@h:1/"
         "d%20x?application_name=a%20b&connect_timeout=7&sslmode=prefer",
         {"h", "1", "u", "p@:/", "d x", "a b", 7}},
        {"postgresql://u:a@b@h/d", {"h", "5432", "u", "a@b", "d", "", 0}},
        {"postgresql://u@[::1]:5433/d", {"::1", "5433", "u", "", "d", "", 0}},
        {"postgresql://u@h?dbname=d", {"h", "5432", "u", "", "d", "", 0}},
        {"postgresql:///d?user=u&host=h&port=9&password=p", {"h", "9", "u", "p", "d", "", 0}},
        {"host=h port=1 user=u password='p \\' \\\\' dbname = d",
         {"h", "1", "u", "p ' \\", "d", "", 0}},
        {" user=u  sslmode=disable gssencmode=disable ",
         {"127.0.0.1", "5432", "u", "", "u", "", 0}},
        {"user=u password=''", {"127.0.0.1", "5432", "u", "", "u", "", 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct uri u;
        struct err e = ERR_INIT;
        if (uri_parse(table[i].text, &u, &e) != 0) {
            fail_msg("%s: %s", table[i].text, e.text);
        }
        assert_string_equal(u.host, table[i].want.host);
        assert_string_equal(u.port, table[i].want.port);
        assert_string_equal(u.user, table[i].want.user);
        assert_string_equal(u.password, table[i].want.password);
        assert_string_equal(u.dbname, table[i].want.dbname);
        assert_string_equal(u.application_name, table[i].want.application_name);
        assert_int_equal(u.connect_timeout_s, table[i].want.connect_timeout_s);
    }
}

static void refusals(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "mysql://u@h/d",
                                      "postgresql://",
                                      "postgresql://h/d",
                                      "host=h",
                                      "postgresql://u:secret@h:0/d",
                                      "postgresql://u:secret@h:65536/d",
                                      "postgresql://u:secret@h:5x/d",
                                      "postgresql://u:secret@h1,h2/d",
                                      "postgresql://u:secret@h/d?sslmode=require",
                                      "postgresql://u:secret@h/d?nope=1",
                                      "postgresql://u:secret@h/d?gssencmode=require",
                                      "postgresql://u:secret%@h/d",
                                      "postgresql://u:secret%4@h/d",
                                      "postgresql://u:secret%00@h/d",
                                      "postgresql://u:secret%zz@h/d",
                                      "host=/tmp user=u",
                                      "user='u",
                                      "user=u colour=red",
                                      "user=u host"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct uri u;
        struct err e = ERR_INIT;
        if (uri_parse(bad[i], &u, &e) != ERR_INVALID) {
            fail_msg("<%s> is taken", bad[i]);
        }
        assert_null(strstr(e.text, "secret"));
    }
}

/* Cut at every byte and with every byte changed it is taken or refused, never more. */
static void damaged(void **state)
{
    UNUSED(state);
    static const char *const whole[] = {
        "postgresql://us%20er:pa%40ss@[::1]:6432/db?sslmode=prefer&connect_timeout=5&host=x",
        "host='a \\' b' port=1 user=u password=p dbname=d application_name=''"};
    for (size_t w = 0; w < ARRAY_LEN(whole); w++) {
        size_t n = strlen(whole[w]);
        for (size_t i = 0; i <= n; i++) {
            char *text = def_strndup(whole[w], i); /* exact size: a read beyond it is seen */
            struct uri u;
            struct err e = ERR_INIT;
            (void)!uri_parse(text, &u, &e);
            free(text);
            for (int c = 1; i < n && c < 256; c += 3) {
                text = def_strdup(whole[w]);
                text[i] = (char)c;
                (void)!uri_parse(text, &u, &e);
                free(text);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(refusals),
                                       cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
