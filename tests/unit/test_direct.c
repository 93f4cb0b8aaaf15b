/* test_direct.c - the direct connection against a server made of canned bytes: whole, byte by byte, cut off,
 * silent, and talking nonsense. The server is a thread on a loopback socket. */
#include "pg/direct.h"

#include "pg/msg.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* Answers the startup packet with login and the first Sync with reply, `piece` bytes at a time, and then
 * closes (or waits for the client's end when stays is set). */
struct server {
    int fd;
    struct str login;
    struct str reply;
    size_t piece;
    bool stays;
};

static void give(int fd, struct str bytes, size_t piece)
{
    for (size_t at = 0; at < bytes.n; at += piece) {
        size_t n = bytes.n - at < piece ? bytes.n - at : piece;
        if (send(fd, bytes.p + at, n, MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    char in[4096];
    if (recv(fd, in, sizeof in, 0) > 0) {
        give(fd, s->login, s->piece);
        if (s->reply.p != NULL && recv(fd, in, sizeof in, 0) > 0) {
            give(fd, s->reply, s->piece);
        }
    }
    while (s->stays && recv(fd, in, sizeof in, 0) > 0) {
    }
    close(fd);
    return NULL;
}

/* A listening socket, and the URL of a server behind it. */
static int listen_at(char url[64])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&a, &size);
    snprintf(url, 64, "postgresql://u:p@127.0.0.1:%d/d?connect_timeout=1", ntohs(a.sin_port));
    return fd;
}

static int start(struct server *s, pthread_t *thread, char url[64])
{
    s->fd = listen_at(url);
    return pthread_create(thread, NULL, serve, s);
}

/* One statement alone. */
static int query(struct direct *d, const char *sql, size_t param_count,
                 const struct str *params, struct result **out, struct err *e)
{
    direct_add(d, sql, param_count, params);
    return direct_run(d, out, 1, e);
}

/* One connection and one statement against that server. */
static int ask(struct server s, struct result **r, struct err *e)
{
    pthread_t thread;
    char url[64];
    struct direct *d = NULL;
    struct direct_options o = {.application_name = "test"};
    assert_int_equal(start(&s, &thread, url), 0);
    int rc = direct_open(&d, url, &o, e);
    if (rc == 0 && s.reply.p != NULL) {
        rc = query(d, "select $1", 1, &STR("x"), r, e);
        if (rc == 0) {
            assert_string_equal(direct_parameter(d, "parkway.position"), "second");
            assert_null(direct_parameter(d, "nothing"));
        }
    }
    direct_close(d);
    pthread_join(thread, NULL);
    close(s.fd);
    return rc;
}

static void put_auth(struct buf *b, uint32_t kind)
{
    size_t mark = msg_begin(b, 'R');
    buf_u32(b, kind);
    msg_end(b, mark);
}

static void make_login(struct buf *b)
{
    put_auth(b, 0);
    msg_param(b, STR("parkway.position"), STR("first"));
    msg_key(b, 1, 2);
    msg_ready(b, 'I');
}

static void make_reply(struct buf *b)
{
    const struct str row[] = {STR("a"), STR_NULL};
    msg_empty(b, '1');
    msg_empty(b, '2');
    msg_text_columns(b, (const char *const[]){"x", "y"}, 2);
    msg_text_row(b, row, 2);
    msg_error(b, 'N', "NOTICE", "00000", "by the way", NULL, NULL);
    msg_text_row(b, row, 2);
    msg_complete(b, STR("SELECT 2"));
    msg_param(b, STR("parkway.position"), STR("second"));
    msg_ready(b, 'I');
}

static void answers(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT, reply = BUF_INIT;
    make_login(&login);
    make_reply(&reply);
    for (size_t piece = 1; piece < 200; piece += piece < 8 ? 1 : 50) {
        struct result *r = NULL;
        struct err e = ERR_INIT;
        struct server s = {.login = buf_str(&login), .reply = buf_str(&reply), .piece = piece};
        s.stays = true;
        assert_int_equal(ask(s, &r, &e), 0);
        assert_int_equal(result_count(r), 2);
        assert_true(str_eq(result_get(r, 1, 0), STR("a")));
        assert_null(result_get(r, 0, 1).p);
        result_free(r);
    }
    buf_fini(&login);
    buf_fini(&reply);
}

/* Cut anywhere, the login fails as unavailable and the statement as lost. */
static void cut(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT, reply = BUF_INIT;
    make_login(&login);
    make_reply(&reply);
    for (size_t n = 0; n < login.len; n += 3) {
        struct err e = ERR_INIT;
        struct server s = {.login = {buf_data(&login), n}, .piece = 1000};
        assert_int_equal(ask(s, NULL, &e), ERR_UNAVAILABLE);
    }
    for (size_t n = 0; n < reply.len; n += 3) {
        struct err e = ERR_INIT;
        struct result *r = NULL;
        struct server s = {
            .login = buf_str(&login), .reply = {buf_data(&reply), n}, .piece = 1000};
        assert_int_equal(ask(s, &r, &e), ERR_CLOSED);
        assert_null(r);
    }
    buf_fini(&login);
    buf_fini(&reply);
}

static void errors(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT, reply = BUF_INIT;
    struct result *r = NULL;
    struct err e = ERR_INIT;
    make_login(&login);
    msg_error(&reply, 'E', "ERROR", "23505", "duplicate key", "Key (x)=(1)", NULL);
    msg_ready(&reply, 'I');
    struct server s = {.login = buf_str(&login), .reply = buf_str(&reply), .piece = 7};
    assert_int_equal(ask(s, &r, &e), ERR_SQL);
    assert_string_equal(e.sqlstate, "23505");
    assert_string_equal(e.text, "duplicate key: Key (x)=(1)");
    buf_reset(&reply);
    msg_error(&reply, 'E', "FATAL", "57P01", "terminating", NULL, NULL);
    s.reply = buf_str(&reply);
    s.stays = true; /* the client does not wait for the end of file */
    assert_int_equal(ask(s, &r, &e), ERR_CLOSED);
    assert_string_equal(e.sqlstate, "57P01");
    static const struct str nonsense[] = {STR("D\0\0\0\2"), STR("D\xff\xff\xff\xff"),
                                          STR("D\0\0\0\6\0\2"), STR("G\0\0\0\7\0\0\0"),
                                          STR("D\0\0\0\12\0\1\0\0\0\5ab")};
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        s.reply = nonsense[i];
        assert_int_equal(ask(s, &r, &e), ERR_PROTOCOL);
        assert_null(r);
    }
    buf_fini(&login);
    buf_fini(&reply);
}

static void logins(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT;
    struct err e = ERR_INIT;
    struct server s = {.piece = 1000};
    msg_error(&login, 'E', "FATAL", "28P01", "password authentication failed", NULL, NULL);
    s.login = buf_str(&login);
    assert_int_equal(ask(s, NULL, &e), ERR_AUTH);
    assert_non_null(strstr(e.text, "password authentication failed"));
    buf_reset(&login);
    msg_error(&login, 'E', "FATAL", "57P03", "starting up", NULL, NULL);
    s.login = buf_str(&login);
    assert_int_equal(ask(s, NULL, &e), ERR_UNAVAILABLE);
    for (uint32_t kind = 2; kind < 12;
         kind++) { /* other ways, and SCRAM's steps out of order */
        buf_reset(&login);
        put_auth(&login, kind);
        s.login = buf_str(&login);
        assert_int_not_equal(ask(s, NULL, &e), 0);
    }
    s.login = STR("");
    s.stays = true;
    assert_int_equal(ask(s, NULL, &e), ERR_UNAVAILABLE); /* silent: given up after a second */
    assert_non_null(strstr(e.text, "no answer in time"));
    buf_fini(&login);
}

/* Nobody waits for a server any longer once the descriptor is readable: not for a statement, not for a login. */
static void stopped(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT;
    make_login(&login);
    int stop_fd = eventfd(0, EFD_CLOEXEC);
    struct server s = {.login = buf_str(&login), .piece = 4096, .stays = true};
    pthread_t thread;
    char url[64];
    struct direct *d = NULL;
    struct result *r = NULL;
    struct direct_options o = {.application_name = "test", .stop_fd = stop_fd};
    struct err e = ERR_INIT;
    assert_int_equal(start(&s, &thread, url), 0);
    assert_int_equal(direct_open(&d, url, &o, &e), 0);
    assert_int_equal(eventfd_write(stop_fd, 1), 0);
    assert_int_equal(query(d, "select 1", 0, NULL, &r, &e), ERR_CLOSED);
    assert_non_null(strstr(e.text, "about to end"));
    assert_true(direct_stale(d));
    direct_close(d);
    pthread_join(thread, NULL);
    close(s.fd);
    s.login = STR(""); /* silent */
    assert_int_equal(start(&s, &thread, url), 0);
    assert_int_equal(direct_open(&d, url, &o, &e), ERR_UNAVAILABLE);
    assert_non_null(strstr(e.text, "about to end"));
    shutdown(s.fd, SHUT_RDWR); /* the login may have been given up before it was accepted */
    pthread_join(thread, NULL);
    close(s.fd);
    close(stop_fd);
    buf_fini(&login);
}

/* Answers what was asked n-th with the n-th reply, and keeps what was asked. */
struct script {
    int fd;
    struct str login;
    struct str replies[8];
    size_t count;
    char asked[8][512];
    size_t sizes[8];
};

static void *play(void *arg)
{
    struct script *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    char in[512];
    if (recv(fd, in, sizeof in, 0) > 0) {
        give(fd, s->login, 4096);
    }
    for (size_t i = 0; i < s->count; i++) {
        ssize_t n = recv(fd, s->asked[i], sizeof s->asked[i], 0);
        s->sizes[i] = n > 0 ? (size_t)n : 0;
        give(fd, s->replies[i], 4096);
    }
    close(fd);
    return NULL;
}

/* The types of the n-th request's messages, and the name in its first one. */
static void check_asked(const struct script *s, size_t n, const char *types, const char *name)
{
    struct str left = {s->asked[n], s->sizes[n]};
    char found[64];
    size_t count = 0;
    struct msg m;
    while (left.n > 0 && msg_next(left, &m) == MSG_DONE && count < sizeof found - 1) {
        struct rd r = rd_of(m.body);
        if (count == 0 && m.type == 'B') {
            rd_cstr(&r); /* the portal */
        }
        if (count == 0) {
            assert_true(str_eq(rd_cstr(&r), str_of(name)));
        }
        found[count++] = m.type;
        left = (struct str){left.p + m.size, left.n - m.size};
    }
    found[count] = '\0';
    assert_string_equal(found, types);
}

static struct direct *dial(struct script *s, pthread_t *thread)
{
    char url[64];
    struct direct *d = NULL;
    struct err e = ERR_INIT;
    s->fd = listen_at(url);
    assert_int_equal(pthread_create(thread, NULL, play, s), 0);
    assert_int_equal(
        direct_open(&d, url, &(struct direct_options){.application_name = "test"}, &e), 0);
    return d;
}

/* A text that comes again is prepared, once, whatever becomes of it; when its plan does not fit any more, or it was not parsed, it is
 * prepared again under another name. */
static void prepared(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT;
    struct buf replies[4] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    enum { GOOD, NOT_PARSED, REFUSED, STALE };
    make_login(&login);
    make_reply(&replies[GOOD]);
    msg_error(&replies[NOT_PARSED], 'E', "ERROR", "42601", "syntax error", NULL, NULL);
    msg_empty(&replies[REFUSED], '1');
    msg_error(&replies[REFUSED], 'E', "ERROR", "23505", "duplicate key", NULL, NULL);
    msg_error(&replies[STALE], 'E', "ERROR", "26000", "no such statement", NULL, NULL);
    for (int i = NOT_PARSED; i <= STALE; i++) {
        msg_ready(&replies[i], 'I');
    }
    static const struct {
        int reply, rc;
        const char *types, *name;
    } steps[] = {
        {GOOD, 0, "PBES", ""},
        {NOT_PARSED, ERR_SQL, "PBES", "d1"},
        {REFUSED, ERR_SQL, "PBES", "d2"},
        {GOOD, 0, "BES", "d2"},
        {STALE, ERR_UNAVAILABLE, "BES", "d2"},
        {GOOD, 0, "PBES", "d3"},
        {GOOD, 0, "BES", "d3"},
    };
    struct script s = {.login = buf_str(&login), .count = ARRAY_LEN(steps)};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        s.replies[i] = buf_str(&replies[steps[i].reply]);
    }
    pthread_t thread;
    struct direct *d = dial(&s, &thread);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct err e = ERR_INIT;
        struct result *r = NULL;
        assert_int_equal(query(d, "select $1", 1, &STR("x"), &r, &e), steps[i].rc);
        result_free(r);
        assert_int_equal(direct_status(d), 'I');
    }
    pthread_join(thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        check_asked(&s, i, steps[i].types, steps[i].name);
    }
    direct_close(d);
    close(s.fd);
    buf_fini(&login);
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        buf_fini(&replies[i]);
    }
}

/* Several statements in one go: a result each, or none and the error of the first that failed. */
static void together(void **state)
{
    UNUSED(state);
    struct buf login = BUF_INIT, good = BUF_INIT, refused = BUF_INIT, less = BUF_INIT;
    const struct str row[] = {STR("1")};
    make_login(&login);
    msg_complete(&good, STR("BEGIN"));
    msg_text_row(&good, row, 1);
    msg_complete(&good, STR("SELECT 1"));
    msg_complete(&good, STR("UPDATE 3"));
    msg_ready(&good, 'T');
    msg_complete(&refused, STR("BEGIN"));
    msg_error(&refused, 'E', "ERROR", "22012", "division by zero", NULL, NULL);
    msg_ready(&refused, 'E');
    msg_complete(&less, STR("BEGIN"));
    msg_ready(&less, 'T');
    struct script s = {.login = buf_str(&login),
                       .replies = {buf_str(&good), buf_str(&refused), buf_str(&less)},
                       .count = 3};
    pthread_t thread;
    struct direct *d = dial(&s, &thread);
    direct_add(d, "select forgotten", 0, NULL);
    direct_forget(d);
    for (int i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        struct result *r[3];
        direct_add(d, "begin", 0, NULL);
        direct_add(d, i < 2 ? "select 1" : "select 2", 0, NULL);
        direct_add(d, i < 2 ? "update t set x = 1" : "select 2", 0, NULL);
        int rc = direct_run(d, r, 3, &e);
        assert_int_equal(rc, i == 0 ? 0 : i == 1 ? ERR_SQL : ERR_PROTOCOL);
        for (int k = 0; i > 0 && k < 3; k++) {
            assert_null(r[k]);
        }
        if (i < 2) {
            assert_int_equal(direct_status(d), i == 0 ? 'T' : 'E');
        }
        if (i == 0) {
            assert_int_equal(result_count(r[0]), 0);
            assert_int_equal(result_int(r[1], 0, 0), 1);
            assert_int_equal(result_affected(r[2]), 3);
            for (int k = 0; k < 3; k++) {
                result_free(r[k]);
            }
        }
    }
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 2; i++) {
        check_asked(&s, i, "PBEPBEPBES", "");
    }
    direct_close(d);
    close(s.fd);
    buf_fini(&login);
    buf_fini(&good);
    buf_fini(&refused);
    buf_fini(&less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),  cmocka_unit_test(cut),     cmocka_unit_test(errors),
        cmocka_unit_test(logins),   cmocka_unit_test(stopped), cmocka_unit_test(prepared),
        cmocka_unit_test(together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
