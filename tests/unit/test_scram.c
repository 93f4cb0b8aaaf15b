/* SCRAM-SHA-256: the exchange of RFC 7677, section 3, byte for byte; both sides against each
 * other, by password and by key; what must be refused. */
#include "pg/scram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t rfc_salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                   0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};

/* RFC 7677, section 3: user "user", password "pencil", 4096 iterations. */
static void rfc7677(void **state)
{
    UNUSED(state);
    struct scram_verifier v;
    uint8_t key[SCRAM_KEY];
    struct scram s;
    struct buf out = BUF_INIT;
    struct err e = ERR_INIT;
    scram_verifier_make(STR("pencil"), rfc_salt, sizeof rfc_salt, 4096, &v, key);
    assert_int_equal(scram_server_first(&s, &v, STR("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"),
                                        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", &out, &e),
                     0);
    assert_string_equal(buf_cstr(&out), "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    buf_reset(&out);
    assert_int_equal(
        scram_server_final(&s, &v,
                           STR("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                               "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
                           &out, &e),
        0);
    assert_string_equal(buf_cstr(&out), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_memory_equal(s.client_key, key, SCRAM_KEY);
    buf_fini(&out);
}

/* One whole exchange; 0 when both sides are satisfied. */
static int exchange(const struct scram_verifier *server, const struct scram_verifier *client,
                    const uint8_t *key, struct str password, uint8_t learnt[SCRAM_KEY])
{
    struct scram c, s;
    char nonce[2][SCRAM_NONCE + 1];
    struct buf m1 = BUF_INIT, m2 = BUF_INIT, m3 = BUF_INIT, m4 = BUF_INIT;
    struct err e = ERR_INIT;
    scram_nonce(nonce[0]);
    scram_nonce(nonce[1]);
    scram_client_first(&c, nonce[0], &m1);
    int rc = scram_server_first(&s, server, buf_str(&m1), nonce[1], &m2, &e);
    if (rc == 0) {
        rc = scram_client_final(&c, client, key, password, buf_str(&m2), &m3, &e);
    }
    if (rc == 0) {
        rc = scram_server_final(&s, server, buf_str(&m3), &m4, &e);
    }
    if (rc == 0) {
        rc = scram_client_check(&c, buf_str(&m4), &e);
        memcpy(learnt, s.client_key, SCRAM_KEY);
    }
    buf_fini(&m1);
    buf_fini(&m2);
    buf_fini(&m3);
    buf_fini(&m4);
    return rc;
}

static void both_sides(void **state)
{
    UNUSED(state);
    struct scram_verifier v, other, mock, again;
    uint8_t key[SCRAM_KEY], other_key[SCRAM_KEY], learnt[SCRAM_KEY], secret[SCRAM_KEY] = {1};
    scram_verifier_make(STR("secret"), rfc_salt, 16, 4096, &v, key);
    /* by password; and what the server learnt logs in elsewhere without it */
    assert_int_equal(exchange(&v, NULL, NULL, STR("secret"), learnt), 0);
    assert_memory_equal(learnt, key, SCRAM_KEY);
    assert_int_equal(exchange(&v, &v, learnt, STR_NULL, other_key), 0);
    assert_int_equal(exchange(&v, NULL, NULL, STR("wrong"), learnt), ERR_AUTH);
    /* another salt: the client's side sees that its key is of no use there */
    scram_verifier_make(STR("secret"), rfc_salt, 12, 4096, &other, other_key);
    assert_int_equal(exchange(&other, &v, key, STR_NULL, learnt), ERR_CONFLICT);
    /* a mock is the same every time and accepts nothing */
    scram_verifier_mock(secret, STR("nobody"), &mock);
    scram_verifier_mock(secret, STR("nobody"), &again);
    assert_memory_equal(&mock, &again, sizeof mock);
    assert_int_equal(exchange(&mock, NULL, NULL, STR("secret"), learnt), ERR_AUTH);
}

static void verifiers(void **state)
{
    UNUSED(state);
    static const char text[] = "SCRAM-SHA-256$4096:c9RYEcEB8ogEcc4PSmkBew==$AgICry6T35IEDm1z1P+"
                               "F5oWqBQ2PB5chWmzSFnSwtGA=:"
                               "Dpord9BzfAavufccT71YDBJmxXKdDC+aAARj9ZJuytw=";
    struct scram_verifier v;
    uint8_t learnt[SCRAM_KEY];
    assert_true(scram_verifier_parse(str_of(text), &v));
    assert_int_equal(v.iterations, 4096);
    assert_int_equal(v.salt_len, 16);
    assert_int_equal(exchange(&v, NULL, NULL, STR("cqrs"), learnt), 0);
    for (size_t n = 0; n < sizeof text - 1; n++) {
        assert_false(scram_verifier_parse((struct str){text, n}, &v));
    }
    assert_false(scram_verifier_parse(STR("md5abc"), &v));
    assert_false(
        scram_verifier_parse(STR("SCRAM-SHA-256$0:c9RYEcEB8ogEcc4PSmkBew==$a=:b="), &v));
}

/* Texts cut at every byte are refused, never read past. */
static void cut(void **state)
{
    UNUSED(state);
    static const char first[] = "n,,n=,r=abcdefgh", final[] = "c=biws,r=abcdefghXYZ,p=AAAA";
    struct scram_verifier v;
    uint8_t key[SCRAM_KEY];
    scram_verifier_make(STR("x"), rfc_salt, 16, 1, &v, key);
    for (size_t n = 0; n < sizeof first; n++) {
        struct scram s;
        struct buf out = BUF_INIT;
        struct err e = ERR_INIT;
        int rc = scram_server_first(&s, &v, (struct str){first, n}, "XYZ", &out, &e);
        assert_true(rc == 0 ? n > 8 : rc == ERR_PROTOCOL);
        for (size_t k = 0; rc == 0 && k < sizeof final; k++) {
            assert_true(scram_server_final(&s, &v, (struct str){final, k}, &out, &e) < 0);
        }
        buf_fini(&out);
    }
    struct scram s;
    struct buf out = BUF_INIT;
    struct err e = ERR_INIT;
    assert_int_equal(scram_server_first(&s, &v, STR("p=tls-unique,,n=,r=a"), "X", &out, &e),
                     ERR_PROTOCOL);
    buf_fini(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7677),
        cmocka_unit_test(both_sides),
        cmocka_unit_test(verifiers),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
