/* direct.c - see direct.h.
 *
 * A statement that comes for the second time on a connection is prepared under a name, so that the server parses it no more and
 * keeps its plan: most of the time that a short statement takes is spent there. It is there once its ParseComplete has come, whatever
 * becomes of the statement; one that was not prepared in its round trip is sent again, under another name. */
#include "pg/direct.h"

#include "base/clock.h"
#include "pg/msg.h"
#include "pg/scram.h"
#include "pg/uri.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PARAMETERS_MAX = 64, /* PostgreSQL 15 reports 14 */
    READ_BYTES = 65536,
    KEEP_BYTES = 1 << 20, /* of a buffer that one large statement has grown */
    PREPARED_MAX = 64,    /* statements; further ones are never prepared */
};

enum { AUTH_OK = 0, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

struct parameter {
    char *name;
    char *value;
};

struct prepared {
    char *sql;
    unsigned name; /* 0: none */
    bool sent;     /* and not yet known to be there */
};

enum { UNNAMED = UINT8_MAX }; /* for the place of a statement in the table */

struct direct {
    int fd;
    bool dead;
    int stop_fd;         /* of direct_options; below 0: none, as poll has it */
    int64_t deadline_us; /* of the login; 0: none, a statement takes the time it takes */
    struct buf in;
    struct buf out;
    size_t taken; /* size of the message given out last; its bytes go at the next one */
    size_t added; /* statements in out */
    struct prepared prepared[PREPARED_MAX];
    size_t prepared_count;
    unsigned names; /* given so far */
    struct buf
        parses; /* of what was sent to be parsed, in order: places in the table, or UNNAMED */
    size_t parsed; /* how many of them are */
    bool
        stale; /* a plan does not fit its table any more, or a name is not known: all are made again */
    char status; /* of the last ReadyForQuery */
    struct parameter parameters[PARAMETERS_MAX];
    size_t parameter_count;
};

/* ---- bytes ---- */

static int lost(struct direct *d, struct err *e, const char *why)
{
    d->dead = true;
    return err_set(e, ERR_CLOSED, "the connection to the server was lost: %s", why);
}

static int await(struct direct *d, short events, struct err *e)
{
    for (;;) {
        int wait_ms = -1;
        if (d->deadline_us != 0) {
            int64_t left_us = d->deadline_us - clock_mono_us();
            if (left_us <= 0) {
                return lost(d, e, "no answer in time");
            }
            wait_ms = (int)(left_us / 1000) + 1;
        }
        struct pollfd p[] = {{.fd = d->fd, .events = events},
                             {.fd = d->stop_fd, .events = POLLIN}};
        int n = poll(p, ARRAY_LEN(p), wait_ms);
        if (n > 0 && p[1].revents != 0) {
            return lost(d, e, "this process is about to end");
        }
        if (n > 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return lost(d, e, strerror(errno));
        }
    }
}

static int flush(struct direct *d, struct err *e)
{
    while (d->out.len > 0) {
        ssize_t n = send(d->fd, buf_data(&d->out), d->out.len, MSG_NOSIGNAL);
        if (n >= 0) {
            buf_take(&d->out, (size_t)n);
        } else if (errno == EAGAIN) {
            int rc = await(d, POLLOUT, e);
            if (rc != 0) {
                return rc;
            }
        } else if (errno != EINTR) {
            return lost(d, e, strerror(errno));
        }
    }
    return 0;
}

/* The next message; its body is borrowed until the next call. */
static int next(struct direct *d, struct msg *m, struct err *e)
{
    buf_take(&d->in, d->taken);
    d->taken = 0;
    for (;;) {
        enum msg_step step = msg_next(buf_str(&d->in), m);
        if (step == MSG_DONE) {
            d->taken = m->size;
            return 0;
        }
        if (step == MSG_BAD) {
            d->dead = true;
            return err_set(e, ERR_PROTOCOL, "the server sent a malformed message");
        }
        char *room = buf_reserve(&d->in, READ_BYTES);
        ssize_t n = recv(d->fd, room, READ_BYTES, 0);
        if (n > 0) {
            buf_commit(&d->in, (size_t)n);
        } else if (n == 0) {
            return lost(d, e, "it was closed");
        } else if (errno == EAGAIN) {
            int rc = await(d, POLLIN, e);
            if (rc != 0) {
                return rc;
            }
        } else if (errno != EINTR) {
            return lost(d, e, strerror(errno));
        }
    }
}

/* ---- messages that may come at any time ---- */

static void set_parameter(struct direct *d, struct str body)
{
    struct rd r = rd_of(body);
    struct str name = rd_cstr(&r);
    struct str value = rd_cstr(&r);
    if (r.bad) {
        return;
    }
    size_t i = 0;
    while (i < d->parameter_count && !str_eq(str_of(d->parameters[i].name), name)) {
        i++;
    }
    if (i == PARAMETERS_MAX) {
        return;
    }
    if (i == d->parameter_count) {
        d->parameters[d->parameter_count++].name = def_strndup(name.p, name.n);
    } else {
        free(d->parameters[i].value);
    }
    d->parameters[i].value = def_strndup(value.p, value.n);
}

/* An ErrorResponse as a struct err: ERR_SQL, or ERR_CLOSED when the server ends the connection with it. */
static int server_error(struct direct *d, struct str body, struct err *e)
{
    struct str severity = msg_field(body, 'V');
    struct str state = msg_field(body, 'C');
    struct str text = msg_field(body, 'M');
    struct str detail = msg_field(body, 'D');
    char sqlstate[6];
    snprintf(sqlstate, sizeof sqlstate, "%.*s", STR_ARG(state));
    bool fatal = !str_eq(severity, STR("ERROR")) || strcmp(sqlstate, "57P01") == 0;
    d->dead = d->dead || fatal;
    d->stale = str_eq(state, STR("26000")) ||
               str_eq(msg_field(body, 'R'), STR("RevalidateCachedQuery"));
    return err_sql(e, fatal ? ERR_CLOSED : ERR_SQL, sqlstate, "%.*s%s%.*s", STR_ARG(text),
                   detail.p != NULL ? ": " : "", STR_ARG(detail));
}

/* ---- connecting ---- */

static int try_address(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1, idle_s = 5, every_s = 2, tries = 4, silent_ms = 15000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
        return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* The address list is tried in order; the last failure is told. */
static int dial(struct direct *d, const struct uri *u, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *list = NULL;
    int why = getaddrinfo(u->host, u->port, &hints, &list);
    if (why == EAI_NONAME) {
        hints.ai_flags = 0;
        why = getaddrinfo(u->host, u->port, &hints, &list);
    }
    if (why != 0) {
        return err_set(e, ERR_UNAVAILABLE, "%s", gai_strerror(why));
    }
    int rc = err_set(e, ERR_UNAVAILABLE, "no address");
    for (const struct addrinfo *a = list; a != NULL && rc != 0; a = a->ai_next) {
        d->dead = false;
        d->fd = try_address(a);
        int failure = errno;
        socklen_t size = sizeof failure;
        if (d->fd >= 0) {
            rc = await(d, POLLOUT, e);
            if (rc == 0) {
                getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
            }
        }
        if (d->fd < 0 || (rc == 0 && failure != 0)) {
            rc = err_set(e, ERR_UNAVAILABLE, "%s", strerror(failure));
        }
        if (rc != 0 && d->fd >= 0) {
            close(d->fd);
            d->fd = -1;
        }
    }
    freeaddrinfo(list);
    return rc;
}

static void startup(struct direct *d, const struct uri *u, const struct direct_options *o)
{
    const char *const pairs[] = {"user",
                                 u->user,
                                 "database",
                                 u->dbname,
                                 "application_name",
                                 u->application_name[0] != '\0' ? u->application_name
                                                                : o->application_name,
                                 "client_encoding",
                                 "UTF8",
                                 o->options != NULL ? "options" : NULL,
                                 o->options};
    buf_u32(&d->out, 0);
    buf_u32(&d->out, MSG_PROTOCOL_3);
    for (size_t i = 0; i < ARRAY_LEN(pairs) && pairs[i] != NULL; i++) {
        buf_addz(&d->out, pairs[i]);
    }
    buf_u8(&d->out, 0);
    buf_put_u32(&d->out, 0, (uint32_t)d->out.len);
}

static int sasl_start(struct direct *d, struct rd *methods, struct scram *s, struct err *e)
{
    struct str method;
    bool known = false;
    while ((method = rd_cstr(methods)).n > 0) {
        known = known || str_eq(method, STR("SCRAM-SHA-256"));
    }
    if (!known) {
        return err_set(e, ERR_AUTH, "the server does not offer SCRAM-SHA-256");
    }
    char nonce[SCRAM_NONCE + 1];
    struct buf first = BUF_INIT;
    scram_nonce(nonce);
    scram_client_first(s, nonce, &first);
    size_t mark = msg_begin(&d->out, 'p');
    buf_addz(&d->out, "SCRAM-SHA-256");
    buf_u32(&d->out, (uint32_t)first.len);
    buf_addstr(&d->out, buf_str(&first));
    msg_end(&d->out, mark);
    buf_fini(&first);
    return 0;
}

static int authenticate(struct direct *d, struct str body, struct scram *s,
                        const char *password, struct err *e)
{
    struct rd r = rd_of(body);
    uint32_t kind = rd_u32(&r);
    struct str data = {(const char *)r.p, rd_left(&r)};
    switch (kind) {
    case AUTH_OK: return 0;
    case AUTH_SASL:
        if (password[0] == '\0') {
            return err_set(e, ERR_AUTH, "the server asks for a password and none is given");
        }
        return sasl_start(d, &r, s, e);
    case AUTH_SASL_CONTINUE: {
        size_t mark = msg_begin(&d->out, 'p');
        int rc = scram_client_final(s, NULL, NULL, str_of(password), data, &d->out, e);
        msg_end(&d->out, mark);
        return rc;
    }
    case AUTH_SASL_FINAL: return scram_client_check(s, data, e);
    default:
        return err_set(e, ERR_AUTH, "the server asks for a way of login that is not supported");
    }
}

static int log_in(struct direct *d, const char *password, struct err *e)
{
    struct scram s = {.gs2 = 'n'};
    struct msg m;
    int rc;
    while ((rc = flush(d, e)) == 0 && (rc = next(d, &m, e)) == 0) {
        switch (m.type) {
        case 'R': rc = authenticate(d, m.body, &s, password, e); break;
        case 'S': set_parameter(d, m.body); break;
        case 'E':
            server_error(d, m.body, e);
            return e->code = strncmp(e->sqlstate, "28", 2) == 0 ? ERR_AUTH : ERR_UNAVAILABLE;
        case 'Z': return 0;
        default: break;
        }
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

int direct_open(struct direct **out, const char *url, const struct direct_options *o,
                struct err *e)
{
    struct uri u;
    *out = NULL;
    int rc = uri_parse(url, &u, e);
    if (rc != 0) {
        return rc;
    }
    const char *password = u.password[0] != '\0' ? u.password : getenv("PGPASSWORD");
    int timeout_s = u.connect_timeout_s > 0    ? u.connect_timeout_s
                    : o->connect_timeout_s > 0 ? o->connect_timeout_s
                                               : 5;
    struct direct *d = def_zalloc(1, sizeof *d);
    d->fd = -1;
    d->stop_fd = o->stop_fd > 0 ? o->stop_fd : -1;
    d->deadline_us = clock_mono_us() + timeout_s * INT64_C(1000000);
    rc = dial(d, &u, e);
    if (rc == 0) {
        startup(d, &u, o);
        rc = log_in(d, password != NULL ? password : "", e);
    }
    if (rc != 0) {
        rc = e->code = rc == ERR_AUTH ? ERR_AUTH : ERR_UNAVAILABLE;
        err_add(e, "could not connect to %s:%s", u.host, u.port);
        direct_close(d);
        return rc;
    }
    d->deadline_us = 0;
    *out = d;
    return 0;
}

void direct_close(struct direct *d)
{
    if (d == NULL) {
        return;
    }
    if (d->fd >= 0 && !d->dead) {
        static const char terminate[MSG_HEAD] = {'X', 0, 0, 0, 4};
        ssize_t ignored = send(d->fd, terminate, sizeof terminate, MSG_NOSIGNAL | MSG_DONTWAIT);
        UNUSED(ignored);
    }
    if (d->fd >= 0) {
        close(d->fd);
    }
    for (size_t i = 0; i < d->parameter_count; i++) {
        free(d->parameters[i].name);
        free(d->parameters[i].value);
    }
    for (size_t i = 0; i < d->prepared_count; i++) {
        free(d->prepared[i].sql);
    }
    buf_fini(&d->in);
    buf_fini(&d->out);
    buf_fini(&d->parses);
    free(d);
}

bool direct_stale(const struct direct *d)
{
    char c;
    ssize_t n = d->dead ? 0 : recv(d->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n == 1 && c == 'E') || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* ---- statements ---- */

static bool worth_it(const char *sql)
{
    static const char *const starts[] = {"select ", "insert ", "update ", "delete ", "with "};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (strncmp(sql, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* What is known of the text; NULL: it is sent as it is. */
static struct prepared *find(struct direct *d, const char *sql)
{
    for (size_t i = 0; i < d->prepared_count; i++) {
        struct prepared *p = &d->prepared[i];
        if (strcmp(p->sql, sql) == 0) {
            return p;
        }
    }
    if (d->prepared_count < PREPARED_MAX && worth_it(sql)) {
        d->prepared[d->prepared_count++] = (struct prepared){.sql = def_strdup(sql)};
    }
    return NULL;
}

/* After a round trip, or instead of one. */
static void settle(struct direct *d)
{
    for (size_t i = 0; i < d->prepared_count; i++) {
        struct prepared *p = &d->prepared[i];
        if (p->sent || d->stale) {
            p->name = 0;
        }
        p->sent = false;
    }
    buf_reset(&d->parses);
    d->parsed = 0;
    d->stale = false;
}

/* A ParseComplete. */
static void one_parsed(struct direct *d)
{
    if (d->parsed < d->parses.len) {
        uint8_t place = (uint8_t)buf_data(&d->parses)[d->parsed++];
        if (place != UNNAMED) {
            d->prepared[place].sent = false;
        }
    }
}

void direct_add(struct direct *d, const char *sql, size_t param_count, const struct str *params)
{
    struct buf *out = &d->out;
    struct prepared *p = find(d, sql);
    char name[16] = "";
    bool parse = p == NULL || p->name == 0;
    if (p != NULL && p->name == 0) {
        p->name = ++d->names;
        p->sent = true;
    }
    if (p != NULL) {
        snprintf(name, sizeof name, "d%u", p->name);
    }
    size_t mark;
    if (parse) {
        buf_u8(&d->parses, p != NULL ? (uint8_t)(p - d->prepared) : UNNAMED);
        mark = msg_begin(out, 'P');
        buf_addz(out, name);
        buf_addz(out, sql);
        buf_u16(out, 0);
        msg_end(out, mark);
    }
    mark = msg_begin(out, 'B');
    buf_addz(out, "");
    buf_addz(out, name);
    buf_u16(out, 0);
    buf_u16(out, (uint16_t)param_count);
    for (size_t i = 0; i < param_count; i++) {
        buf_u32(out, params[i].p != NULL ? (uint32_t)params[i].n : UINT32_MAX);
        if (params[i].p != NULL) {
            buf_addstr(out, params[i]);
        }
    }
    buf_u16(out, 0);
    msg_end(out, mark);
    mark = msg_begin(out, 'E');
    buf_addz(out, "");
    buf_u32(out, 0);
    msg_end(out, mark);
    d->added++;
}

/* Up to ReadyForQuery. An error does not end the reading: the server still says that it is ready. */
static int hear(struct direct *d, struct result **results, size_t count, struct err *e)
{
    int result = 0;
    size_t at = 0;
    struct msg m;
    for (;;) {
        struct err broken = ERR_INIT;
        int rc = next(d, &m, &broken);
        if (rc != 0) {
            if (result == 0) {
                *e = broken;
            }
            return e->code = rc;
        }
        switch (m.type) {
        case 'D':
            if (at == count || !result_row(results[at], m.body)) {
                d->dead = true;
                return err_set(e, ERR_PROTOCOL, "the server sent a malformed row");
            }
            break;
        case 'C': {
            struct rd body = rd_of(m.body);
            if (at == count) {
                d->dead = true;
                return err_set(e, ERR_PROTOCOL, "the server answered what it was not asked");
            }
            result_complete(results[at++], rd_cstr(&body));
            break;
        }
        case 'E': result = server_error(d, m.body, e); break;
        case 'S': set_parameter(d, m.body); break;
        case '1': one_parsed(d); break;
        case 'I': at += at < count; break;
        case 'Z':
            d->status = m.body.n > 0 ? m.body.p[0] : 'I';
            if (result == 0 && at < count) {
                d->dead = true;
                return err_set(e, ERR_PROTOCOL, "the server answered less than it was asked");
            }
            return result;
        case 'G':
        case 'H':
        case 'W': d->dead = true; return err_set(e, ERR_PROTOCOL, "COPY is not supported here");
        default: break;
        }
        if (d->dead) {
            return result;
        }
    }
}

void direct_forget(struct direct *d)
{
    buf_take(&d->out, d->out.len);
    d->added = 0;
    settle(d);
}

int direct_run(struct direct *d, struct result **results, size_t count, struct err *e)
{
    ASSERT(count == d->added);
    d->added = 0;
    for (size_t i = 0; i < count; i++) {
        results[i] = result_new();
    }
    int rc = d->dead ? err_set(e, ERR_CLOSED, "the connection to the server was lost") : 0;
    if (rc == 0) {
        msg_empty(&d->out, 'S');
        rc = flush(d, e);
    }
    if (rc == 0) {
        rc = hear(d, results, count, e);
        buf_take(&d->in, d->taken);
        d->taken = 0;
        if (d->in.len == 0) {
            buf_shrink(&d->in, KEEP_BYTES);
        }
        buf_shrink(&d->out, KEEP_BYTES);
    }
    if (rc == ERR_SQL && d->stale) {
        rc = e->code = ERR_UNAVAILABLE;
    }
    settle(d);
    for (size_t i = 0; rc != 0 && i < count; i++) {
        result_free(results[i]);
        results[i] = NULL;
    }
    return rc;
}

char direct_status(const struct direct *d)
{
    return d->status;
}

const char *direct_parameter(const struct direct *d, const char *name)
{
    for (size_t i = 0; i < d->parameter_count; i++) {
        if (strcmp(d->parameters[i].name, name) == 0) {
            return d->parameters[i].value;
        }
    }
    return NULL;
}
