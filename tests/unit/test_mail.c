/* What of a mail's texts goes onto the wire as it is, and what does not. */
#include "domain/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void headers(void **state)
{
    UNUSED(state);
    static const struct {
        struct str text;
        const char *line;
    } rows[] = {
        {STR("Order ORD-1"), "Subject: Order ORD-1"},
        {STR(""), "Subject: "},
        {STR("주문"), "Subject: =?UTF-8?B?7KO866y4?="},
        {STR("a\r\nBcc: x@y"), "Subject: =?UTF-8?B?YQ0KQmNjOiB4QHk=?="},
        {STR("éééééééééééééééééééééééé"),
         "Subject: =?UTF-8?B?w6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6k=?=\r\n"
         " =?UTF-8?B?w6nDqQ==?="},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = BUF_INIT;
        mail_header("Subject", rows[i].text, &out);
        assert_string_equal(buf_cstr(&out), rows[i].line);
        buf_fini(&out);
    }
}

static void addresses(void **state)
{
    UNUSED(state);
    static const struct {
        struct str text;
        bool ok;
    } rows[] = {{STR("a@b.c"), true},
                {STR("first.last+tag@sub.example"), true},
                {STR_NULL, false},
                {STR(""), false},
                {STR("nobody"), false},
                {STR("@b"), false},
                {STR("a@"), false},
                {STR("a b@c"), false},
                {STR("a@b>\r\nRCPT"), false},
                {STR("<a@b>"), false},
                {STR("a,b@c"), false},
                {STR("주@b.c"), false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(mail_address(rows[i].text), rows[i].ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers), cmocka_unit_test(addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
