/* test_httpd.c - the server over the loopback address: streams that end, fail, wait and are left, and the
 * stop. What a handler of the command service does, and rubbish from clients, is tests/flow/http's. */
#include "base/clock.h"
#include "base/httpd.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { LINES = 100000, BOUND_MS = 20000 };

/* One server for each test; what its streams did. */
static struct {
    struct httpd *server;
    char place[32];
    struct sockaddr_in at;
    atomic_int opened, released, turns, hurried;
    atomic_long largest; /* chunk, in bytes */
    pthread_mutex_t lock;
    struct httpd_stream *live; /* /live's, under the lock */
    atomic_int news;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct count {
    long next, end;
    enum httpd_turn then;
};

static enum httpd_turn next_lines(void *ctx, struct buf *out, int64_t *wait_ms)
{
    UNUSED(wait_ms);
    struct count *c = ctx;
    atomic_fetch_add(&t.turns, 1);
    while (c->next < c->end && out->len < HTTPD_CHUNK) {
        buf_addf(out, "%ld\n", c->next++);
    }
    if ((long)out->len > atomic_load(&t.largest)) {
        atomic_store(&t.largest, (long)out->len);
    }
    return c->next < c->end ? HTTPD_MORE : c->then;
}

static void release_lines(void *ctx)
{
    atomic_fetch_add(&t.released, 1);
    free(ctx);
}

/* Something at every turn, and a turn every half second without being woken. */
static enum httpd_turn next_beat(void *ctx, struct buf *out, int64_t *wait_ms)
{
    UNUSED(ctx);
    *wait_ms = 1;
    buf_addf(out, "beat %d\n", atomic_fetch_add(&t.turns, 1));
    return HTTPD_WAIT;
}

static void release_beat(void *ctx)
{
    UNUSED(ctx);
    atomic_fetch_add(&t.released, 1);
}

static enum httpd_turn next_news(void *ctx, struct buf *out, int64_t *wait_ms)
{
    UNUSED(ctx);
    *wait_ms = 3600000;
    int news = atomic_exchange(&t.news, 0);
    for (int i = 0; i < news; i++) {
        buf_adds(out, "news\n");
    }
    return HTTPD_WAIT;
}

static void release_news(void *ctx)
{
    UNUSED(ctx);
    pthread_mutex_lock(&t.lock);
    t.live = NULL;
    pthread_mutex_unlock(&t.lock);
    atomic_fetch_add(&t.released, 1);
}

static void tell_news(void)
{
    atomic_fetch_add(&t.news, 1);
    pthread_mutex_lock(&t.lock);
    assert_non_null(t.live);
    httpd_wake(t.live);
    pthread_mutex_unlock(&t.lock);
}

static void handler(void *ctx, const struct httpd_request *q, struct httpd_reply *r)
{
    UNUSED(ctx);
    bool fails = str_eq(q->path, STR("/cut"));
    bool endless = str_eq(q->path, STR("/endless"));
    r->content_type = "text/plain";
    if (str_eq(q->path, STR("/lines")) || fails || endless) {
        struct count *c = def_zalloc(1, sizeof *c);
        *c = (struct count){.next = 1,
                            .end = endless ? LONG_MAX : LINES,
                            .then = fails ? HTTPD_FAILED : HTTPD_END};
        atomic_fetch_add(&t.opened, 1);
        buf_adds(&r->body, "0\n");
        httpd_reply_stream(r, next_lines, release_lines, c);
    } else if (str_eq(q->path, STR("/live"))) {
        atomic_fetch_add(&t.opened, 1);
        pthread_mutex_lock(&t.lock);
        t.live = httpd_reply_stream(r, next_news, release_news, NULL);
        pthread_mutex_unlock(&t.lock);
    } else if (str_eq(q->path, STR("/beat"))) {
        atomic_fetch_add(&t.opened, 1);
        httpd_reply_stream(r, next_beat, release_beat, NULL);
    } else if (str_eq(q->path, STR("/sleep"))) {
        atomic_fetch_add(&t.opened, 1);
        int64_t until_us = clock_mono_us() + BOUND_MS * 1000;
        while (atomic_load(&t.hurried) == 0 && clock_mono_us() < until_us) {
            clock_sleep_us(1000);
        }
        buf_adds(&r->body, "slept\n");
    } else {
        buf_adds(&r->body, "ok\n");
    }
}

static void hurry(void *ctx)
{
    UNUSED(ctx);
    atomic_fetch_add(&t.hurried, 1);
}

static int start_with(int64_t timeout_ms)
{
    socklen_t size = sizeof t.at;
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    t.at = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.1", &t.at.sin_addr);
    assert_int_equal(bind(probe, (struct sockaddr *)&t.at, size), 0);
    getsockname(probe, (struct sockaddr *)&t.at, &size);
    close(probe);
    snprintf(t.place, sizeof t.place, "127.0.0.1:%d", ntohs(t.at.sin_port));
    atomic_store(&t.opened, 0);
    atomic_store(&t.released, 0);
    atomic_store(&t.turns, 0);
    atomic_store(&t.largest, 0);
    atomic_store(&t.hurried, 0);
    atomic_store(&t.news, 0);
    const char *places[] = {t.place};
    struct httpd_options o = {.places = places,
                              .place_count = 1,
                              .threads = 2,
                              .connections_max = 8,
                              .timeout_ms = timeout_ms,
                              .hurry = hurry};
    struct err e = ERR_INIT;
    return httpd_start(&t.server, &o, handler, NULL, &e);
}

static int start(void **state)
{
    UNUSED(state);
    return start_with(60000);
}

static int start_impatient(void **state)
{
    UNUSED(state);
    return start_with(300);
}

static int stop(void **state)
{
    UNUSED(state);
    httpd_stop(t.server);
    t.server = NULL;
    return atomic_load(&t.released) > atomic_load(&t.opened);
}

static int dial(const char *path)
{
    char text[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&t.at, sizeof t.at), 0);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

/* Reads until the text has come (NULL: until the end); false: the end came first, or nothing for BOUND_MS. */
static bool read_until(int fd, struct buf *in, const char *text)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (text == NULL || strstr(buf_cstr(in), text) == NULL) {
        if (poll(&p, 1, BOUND_MS) <= 0) {
            return false;
        }
        ssize_t n = recv(fd, buf_reserve(in, 65536), 65536, 0);
        if (n <= 0) {
            return text == NULL;
        }
        buf_commit(in, (size_t)n);
    }
    return true;
}

static bool comes(atomic_int *what, int value)
{
    int64_t until_us = clock_mono_us() + BOUND_MS * 1000;
    while (atomic_load(what) != value && clock_mono_us() < until_us) {
        clock_sleep_us(1000);
    }
    return atomic_load(what) == value;
}

/* The lines of a chunked body, from 0 on without a gap; returns how many. */
static long lines_of(struct buf *in)
{
    struct buf body = BUF_INIT;
    const char *at = strstr(buf_cstr(in), "\r\n\r\n");
    assert_non_null(at);
    at += 4;
    const char *end = buf_data(in) + in->len;
    for (;;) {
        char *data = NULL;
        unsigned long n = strtoul(at, &data, 16);
        if (data == at || n == 0) {
            break;
        }
        data += 2;
        size_t here = (size_t)(end - data) < n ? (size_t)(end - data) : n;
        buf_add(&body, data, here);
        if (here < n) {
            break;
        }
        at = data + n + 2;
    }
    long count = 0;
    for (const char *line = buf_cstr(&body), *stop = strchr(line, '\n'); stop != NULL;
         line = stop + 1, stop = strchr(line, '\n')) {
        assert_int_equal(strtol(line, NULL, 10), count);
        count++;
    }
    buf_fini(&body);
    return count;
}

static void whole_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/lines");
    assert_true(read_until(fd, &in, "\r\n0\r\n\r\n"));
    assert_int_equal(lines_of(&in), LINES);
    assert_true(atomic_load(&t.turns) > 5);
    assert_true(atomic_load(&t.largest) < HTTPD_CHUNK + 16);
    assert_true(comes(&t.released, 1));
    /* and the connection goes on */
    buf_reset(&in);
    assert_true(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL) == 27);
    assert_true(read_until(fd, &in, "ok\n"));
    close(fd);
    buf_fini(&in);
}

/* Bytes in memory are bounded by the chunk, not by the answer: a client that does not read stops the producer. */
static void unread_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fds[4];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dial("/lines");
    }
    assert_true(comes(&t.opened, ARRAY_LEN(fds)));
    int other = dial("/");
    assert_true(read_until(other, &in, "ok\n")); /* they hold no worker */
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    assert_true(comes(&t.released, ARRAY_LEN(fds)));
    close(other);
    buf_fini(&in);
}

/* Answers without an end, to clients that take nothing: what the sockets hold is asked for, and no more. */
static void endless_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fds[2] = {dial("/endless"), dial("/endless")};
    assert_true(comes(&t.opened, ARRAY_LEN(fds)));
    int other = dial("/");
    int still = 0;
    for (int before = -1; still < 100 && atomic_load(&t.turns) < 2000; still++) {
        buf_reset(&in);
        assert_true(read_until(other, &in, "ok\n"));
        assert_int_equal(send(other, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL),
                         27);
        int now = atomic_load(&t.turns);
        still = now == before ? still : 0;
        before = now;
    }
    assert_int_equal(still, 100);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    assert_true(comes(&t.released, ARRAY_LEN(fds)));
    close(other);
    buf_fini(&in);
}

/* Nothing is taken, for longer than the timeout: the stream ends without the client's doing. */
static void abandoned_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/endless");
    assert_true(comes(&t.released, 1));
    assert_true(read_until(fd, &in, NULL) || in.len > 0);
    close(fd);
    buf_fini(&in);
}

/* Unlike a connection, a stream that waits is not silent for too long: it lives until its client goes. */
static void beating_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/beat");
    assert_true(read_until(fd, &in, "beat 4\n")); /* later than the timeout, and twice that */
    close(fd);
    assert_true(comes(&t.released, 1));
    buf_fini(&in);
}

static void failing_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/cut");
    assert_true(read_until(fd, &in, NULL));
    assert_int_equal(lines_of(&in), LINES);
    assert_true(in.len < 5 || memcmp(buf_data(&in) + in.len - 5, "0\r\n\r\n", 5) != 0);
    assert_true(comes(&t.released, 1));
    close(fd);
    buf_fini(&in);
}

static void head_of_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/");
    assert_true(read_until(fd, &in, "ok\n"));
    buf_reset(&in);
    static const char two[] =
        "HEAD /lines HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(send(fd, two, sizeof two - 1, MSG_NOSIGNAL), sizeof two - 1);
    assert_true(read_until(fd, &in, "ok\n"));
    assert_true(comes(&t.released, 1));
    assert_int_equal(atomic_load(&t.turns), 0);
    close(fd);
    buf_fini(&in);
}

static void live_stream(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int fd = dial("/live");
    assert_true(read_until(fd, &in, "\r\n\r\n"));
    for (int i = 0; i < 100; i++) {
        buf_reset(&in);
        tell_news();
        assert_true(read_until(fd, &in, "news\n"));
    }
    close(fd);
    assert_true(comes(&t.released, 1)); /* nobody wrote anything: the client's end was seen */
    buf_fini(&in);
}

/* The end of the client's side right behind its last bytes: half a request ends the connection, without the
 * timeout of a minute; a whole one is answered first. */
static void half_closed(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    for (size_t n = 1; n <= 27; n++) {
        int fd = dial("/");
        buf_reset(&in);
        assert_true(read_until(fd, &in, "ok\n"));
        buf_reset(&in);
        assert_int_equal(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", n, MSG_NOSIGNAL), n);
        shutdown(fd, SHUT_WR);
        assert_true(read_until(fd, &in, NULL));
        assert_int_equal(strstr(buf_cstr(&in), "ok\n") != NULL, n == 27);
        close(fd);
    }
    buf_fini(&in);
}

static void full(void **state)
{
    UNUSED(state);
    int fds[8];
    struct buf in = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dial("/");
        buf_reset(&in);
        assert_true(read_until(fds[i], &in, "ok\n"));
    }
    assert_int_equal(httpd_connections(t.server), 8);
    for (int i = 0; i < 200; i++) {
        int fd = dial("/");
        buf_reset(&in);
        assert_true(read_until(fd, &in, NULL));
        assert_non_null(strstr(buf_cstr(&in), "HTTP/1.1 503 "));
        assert_non_null(strstr(buf_cstr(&in), "{\"code\":\"Service Unavailable\","));
        close(fd);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    for (int tries = 0; httpd_connections(t.server) > 0 && tries < BOUND_MS; tries++) {
        clock_sleep_us(1000);
    }
    int fd = dial("/");
    buf_reset(&in);
    assert_true(read_until(fd, &in, "ok\n"));
    close(fd);
    buf_fini(&in);
}

/* An idle connection, a live stream, an unread one, a handler that waits and two requests nobody has begun. */
static void stopping(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    int idle = dial("/");
    assert_true(read_until(idle, &in, "ok\n"));
    int live = dial("/live");
    int unread = dial("/lines");
    buf_reset(&in);
    assert_true(read_until(live, &in, "\r\n\r\n"));
    assert_true(comes(&t.opened, 2));
    int slow[] = {dial("/sleep"), dial("/sleep")};
    assert_true(comes(&t.opened, 4));
    int queued = dial("/");
    while (httpd_connections(t.server) < 6) {
        clock_sleep_us(1000);
    }
    clock_sleep_us(
        100000); /* so that its request was read; if not, it is closed without an answer */
    httpd_stop(t.server);
    t.server = NULL;
    assert_int_equal(atomic_load(&t.hurried), 1);
    assert_int_equal(atomic_load(&t.released), 2);
    buf_reset(&in);
    assert_true(read_until(queued, &in, NULL));
    assert_true(in.len == 0 || strstr(buf_cstr(&in), "HTTP/1.1 503 ") != NULL);
    int all[] = {idle, live, unread, slow[0], slow[1], queued};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(read_until(all[i], &in, NULL));
        close(all[i]);
    }
    buf_fini(&in);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(whole_stream),
        ROW(unread_stream),
        ROW(endless_stream),
        cmocka_unit_test_setup_teardown(abandoned_stream, start_impatient, stop),
        cmocka_unit_test_setup_teardown(beating_stream, start_impatient, stop),
        ROW(failing_stream),
        ROW(head_of_stream),
        ROW(live_stream),
        ROW(half_closed),
        ROW(full),
        ROW(stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
