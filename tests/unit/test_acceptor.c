/* test_acceptor.c - places as text, and the errors of listening. */
#include "base/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void places(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", 8000},
        {"127.0.0.1:81", "127.0.0.1", 81},
        {"0.0.0.0:65535", "0.0.0.0", 65535},
        {"::1", "::1", 8000},
        {"::", "::", 8000},
        {"[::1]", "::1", 8000},
        {"[fe80::1]:9", "fe80::1", 9},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_storage at;
        struct err e = ERR_INIT;
        char host[INET6_ADDRSTRLEN];
        int size = acceptor_parse(rows[i].text, 8000, &at, &e);
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at;
        bool is_v4 = at.ss_family == AF_INET;
        assert_int_equal(size, is_v4 ? sizeof *v4 : sizeof *v6);
        inet_ntop(at.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, host,
                  sizeof host);
        assert_string_equal(host, rows[i].host);
        assert_int_equal(ntohs(is_v4 ? v4->sin_port : v6->sin6_port), rows[i].port);
    }
}

static void refusals(void **state)
{
    UNUSED(state);
    static const char *const rows[] = {
        "",
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:8x",
        ":8000",
        "127.0.0.256",
        "[127.0.0.1]",
        "[::1",
        "[::1]8000",
        "[::1]:",
        "[]:1",
        "::1]:1",
        "1.2.3.4:-1",
        "1.2.3.4: 80",
        "1.2.3.4:000080",
        "http://1.2.3.4",
        "0123456789012345678901234567890123456789012345678901234567890123456789",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_storage at;
        struct err e = ERR_INIT;
        assert_int_equal(acceptor_parse(rows[i], 8000, &at, &e), ERR_INVALID);
        assert_non_null(strstr(e.text, rows[i]));
    }
}

static void busy(void **state)
{
    UNUSED(state);
    const char *place = "127.0.0.1:1";
    struct acceptor *a = NULL;
    struct err e = ERR_INIT;
    struct sockaddr_in at = {.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&at, &size);
    char taken[64], told[128];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", ntohs(at.sin_port));
    snprintf(told, sizeof told, "could not listen on %s: Address already in use", taken);
    const char *both[] = {"127.0.0.1", taken};
    /* The first place is free (port 0: any), so what it opened must be closed again: see the sanitizers. */
    assert_int_equal(acceptor_open(&a, both, 2, 0, STR(""), &e), ERR_UNAVAILABLE);
    assert_string_equal(e.text, told);
    assert_null(a);
    assert_int_equal(acceptor_open(&a, &place, 0, 0, STR(""), &e), ERR_INVALID);
    assert_int_equal(acceptor_open(&a, &place, ACCEPTOR_PLACES_MAX + 1, 0, STR(""), &e),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(refusals),
        cmocka_unit_test(busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
