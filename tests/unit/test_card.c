/* test_card.c - a card is taken, masked where it stood, and refused without a word about it. */
#include "domain/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static int take(struct card *c, char *number, const char *yy, const char *mm, char *cvc,
                struct err *e)
{
    return card_take(c, str_of(number), str_of(yy), str_of(mm), str_of(cvc), e);
}

static void taken(void **state)
{
    UNUSED(state);
    char number[] = "\"0123456789\"";
    char cvc[] = "\"111\"";
    struct card c;
    struct err e = ERR_INIT;
    assert_int_equal(take(&c, number, "\"24\"", "\"01\"", cvc, &e), 0);
    assert_string_equal(c.number, "0123456789");
    assert_string_equal(c.masked, "******6789");
    assert_string_equal(c.last4, "6789");
    assert_string_equal(c.expiry, "01/24");
    assert_string_equal(number, "\"******6789\"");
    assert_string_equal(cvc, "\"***\"");
    card_forget(&c);
    assert_string_equal(c.number, "");
    assert_string_equal(c.masked, "******6789");

    /* numbers without quotes stay JSON; no CVC is as good as one */
    char bare[] = "4111111111115678";
    char bare_cvc[] = "9876";
    assert_int_equal(take(&c, bare, "30", "12", bare_cvc, &e), 0);
    assert_string_equal(c.masked, "************5678");
    assert_string_equal(bare, "1111111111115678");
    assert_string_equal(bare_cvc, "1111");
    assert_int_equal(take(&c, bare, "30", "12", NULL, &e), 0);

    char masked[CARD_NUMBER_MAX];
    card_mask(STR("6789"), masked);
    assert_string_equal(masked, "************6789");
}

static void refused(void **state)
{
    UNUSED(state);
    static const struct {
        const char *number, *yy, *mm, *cvc;
    } bad[] = {{"\"1234567\"", "\"24\"", "\"01\"", "\"987\""},
               {"\"12345678901234567890\"", "\"24\"", "\"01\"", "\"987\""},
               {"\"12345678x9\"", "\"24\"", "\"01\"", "\"987\""},
               {"\"\\u0030123456789\"", "\"24\"", "\"01\"", "\"987\""},
               {"{\"n\":12345678}", "\"24\"", "\"01\"", "\"987\""},
               {"1234567.5", "\"24\"", "\"01\"", "\"987\""},
               {"\"1234567890\"", "\"2024\"", "\"01\"", "\"987\""},
               {"\"1234567890\"", "\"24\"", "\"13\"", "\"987\""},
               {"\"1234567890\"", "\"24\"", "\"00\"", "\"987\""},
               {"\"1234567890\"", "\"24\"", "1", "\"987\""},
               {"\"1234567890\"", "\"24\"", "\"01\"", "\"98\""},
               {"\"1234567890\"", "\"24\"", "\"01\"", "\"98765\""},
               {"\"1234567890\"", "\"24\"", "\"01\"", "\"98x\""}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char number[64], cvc[64];
        struct card c;
        struct err e = ERR_INIT;
        snprintf(number, sizeof number, "%s", bad[i].number);
        snprintf(cvc, sizeof cvc, "%s", bad[i].cvc);
        assert_int_equal(take(&c, number, bad[i].yy, bad[i].mm, cvc, &e), ERR_INVALID);
        assert_null(strstr(e.text, "1234"));
        assert_null(strstr(e.text, "98"));
        assert_null(strstr(number, "12345"));
        assert_null(strstr(cvc, "98"));
        assert_string_equal(c.number, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(taken), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
