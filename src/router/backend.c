/* backend.c - see backend.h. Rows are not looked at: runs of them go to the user of the connection in
 * one piece, and a row longer than the buffer goes on as it comes. */
#include "router/backend.h"

#include "base/clock.h"
#include "router/router_conf.h"
#include "router/stmt.h"
#include "router/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void on_wire(struct wire *w, enum wire_event ev, int code);

static void on_closed(struct wire *w)
{
    struct backend *b = w->owner;
    free(b->ring);
    scram_free(b->scram);
    explicit_bzero(b->login.client_key, sizeof b->login.client_key);
    free((char *)(uintptr_t)b->login.params);
    free((char *)(uintptr_t)b->login.password);
    prepared_free(b->prepared);
    free(b);
}

static void unlink_backend(struct backend *b)
{
    if (b->prev != NULL) {
        b->prev->next = b->next;
    } else {
        b->worker->backends = b->next;
    }
    if (b->next != NULL) {
        b->next->prev = b->prev;
    }
}

int backend_open(struct backend **out, struct worker *w, struct target *t,
                 const struct backend_login *login, const struct backend_ops *ops, void *user,
                 struct err *e)
{
    struct sockaddr_storage to;
    socklen_t len = target_address(t, &to);
    if (len == 0) {
        return err_set(e, ERR_UNAVAILABLE, "could not find the host \"%s\"", t->host);
    }
    struct backend *b = def_zalloc(1, sizeof *b);
    int rc = wire_connect(&b->wire, &w->wires, (struct sockaddr *)&to, len, on_wire, b, e);
    if (rc != 0) {
        free(b);
        return rc;
    }
    b->worker = w;
    b->target = t;
    b->ops = ops;
    b->user = user;
    b->login = *login;
    b->login.params = NULL;
    if (login->params_len > 0) {
        char *copy = def_alloc(login->params_len);
        memcpy(copy, login->params, login->params_len);
        b->login.params = copy;
    }
    b->login.password = login->password != NULL ? def_strdup(login->password) : NULL;
    b->tx = 'I';
    b->deadline_us = clock_mono_us() + router_conf()->connect_ms * 1000;
    b->next = w->backends;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    w->backends = b;
    *out = b;
    return 0;
}

static void close_now(struct backend *b)
{
    b->state = BACKEND_CLOSED;
    b->deadline_us = 0;
    unlink_backend(b);
    wire_close(&b->wire, on_closed);
}

void backend_close(struct backend *b)
{
    if (b->state == BACKEND_CLOSED) {
        return;
    }
    if (b->state == BACKEND_READY) {
        msg_empty(&b->wire.out, 'X');
    }
    close_now(b);
}

static void lose(struct backend *b, const struct err *why)
{
    if (b->state == BACKEND_CLOSED) {
        return;
    }
    close_now(b);
    b->ops->lost(b, why);
}

void backend_expect(struct backend *b, enum expect_kind kind, bool show, uint64_t tag)
{
    wire_touch(&b->wire);
    if (kind != EXPECT_LOCAL) {
        b->open = kind != EXPECT_SYNC && kind != EXPECT_QUERY && kind != EXPECT_CALL;
    }
    if (b->skipping && kind != EXPECT_SYNC) {
        return; /* it will not be answered */
    }
    b->skipping = false;
    if (b->ring_len == b->ring_cap) {
        uint32_t cap = b->ring_cap > 0 ? b->ring_cap * 2 : 16;
        struct expect *ring = def_alloc(cap * sizeof *ring);
        for (uint32_t i = 0; i < b->ring_len; i++) {
            ring[i] = b->ring[(b->ring_head + i) & (b->ring_cap - 1)];
        }
        free(b->ring);
        b->ring = ring;
        b->ring_head = 0;
        b->ring_cap = cap;
    }
    b->ring[(b->ring_head + b->ring_len) & (b->ring_cap - 1)] =
        (struct expect){kind, show, tag};
    b->ring_len++;
}

static struct expect *head(struct backend *b)
{
    return b->ring_len > 0 ? &b->ring[b->ring_head & (b->ring_cap - 1)] : NULL;
}

static void pop(struct backend *b)
{
    b->ring_head = (b->ring_head + 1) & (b->ring_cap - 1);
    b->ring_len--;
}

static bool head_is(struct backend *b, enum expect_kind kind)
{
    const struct expect *x = head(b);
    return x != NULL && x->kind == kind;
}

/* Answers whose turn has come and that no server gives. */
void backend_settle(struct backend *b)
{
    while (b->state == BACKEND_READY && head_is(b, EXPECT_LOCAL)) {
        struct expect x = *head(b);
        pop(b);
        if (x.show) {
            char bytes[MSG_HEAD] = {x.tag >= BACKEND_TAG_STMT ? '1' : '3', 0, 0, 0, 4};
            struct msg m = {bytes[0], sizeof bytes, {bytes + MSG_HEAD, 0}};
            if (!b->ops->message(b, &m, &x)) {
                b->ops->bytes(b, bytes, sizeof bytes);
            }
        }
    }
}

void backend_query(struct backend *b, struct str text, bool show, uint64_t tag)
{
    msg_query(&b->wire.out, text);
    backend_expect(b, EXPECT_QUERY, show, tag);
}

void backend_sync(struct backend *b, bool show, uint64_t tag)
{
    msg_empty(&b->wire.out, 'S');
    backend_expect(b, EXPECT_SYNC, show, tag);
}

bool backend_idle(const struct backend *b)
{
    return b->state == BACKEND_READY && b->ring_len == 0 && b->tx == 'I' && b->stream_left == 0;
}

void backend_hide(struct backend *b)
{
    for (uint32_t i = 0; i < b->ring_len; i++) {
        b->ring[(b->ring_head + i) & (b->ring_cap - 1)].show = false;
    }
    b->stream_show = false;
}

void backend_hide_unit(struct backend *b)
{
    for (uint32_t i = 0; i < b->ring_len; i++) {
        struct expect *x = &b->ring[(b->ring_head + i) & (b->ring_cap - 1)];
        x->show = x->show && x->kind == EXPECT_SYNC;
    }
}

void backend_drop_syncs(struct backend *b)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->ring_len; i++) {
        struct expect x = b->ring[(b->ring_head + i) & (b->ring_cap - 1)];
        if (x.kind != EXPECT_SYNC) {
            b->ring[(b->ring_head + kept++) & (b->ring_cap - 1)] = x;
        }
    }
    b->ring_len = kept;
}

bool backend_follows(const struct backend *b)
{
    for (uint32_t i = 1; i < b->ring_len; i++) {
        if (b->ring[(b->ring_head + i) & (b->ring_cap - 1)].kind != EXPECT_SYNC) {
            return true;
        }
    }
    return false;
}

void backend_tick(struct backend *b, int64_t now_us)
{
    if (b->deadline_us != 0 && now_us > b->deadline_us) {
        struct err e = ERR_INIT;
        err_set(&e, ERR_TIMEOUT, "no answer from %s within %d ms", b->target->name,
                (int)router_conf()->connect_ms);
        lose(b, &e);
    }
}

/* ---- login ---- */

static void send_startup(struct backend *b)
{
    struct buf *out = &b->wire.out;
    size_t at = out->len;
    buf_u32(out, 0);
    buf_u32(out, MSG_PROTOCOL_3);
    buf_addz(out, "user");
    buf_addz(out, b->login.user);
    buf_addz(out, "database");
    buf_addz(out, b->login.dbname);
    buf_add(out, b->login.params, b->login.params_len);
    if (b->login.read_only) {
        buf_addz(out, "default_transaction_read_only");
        buf_addz(out, "on");
    }
    buf_u8(out, 0);
    buf_put_u32(out, at, (uint32_t)(out->len - at));
    wire_touch(&b->wire);
    b->state = BACKEND_LOGIN;
}

/* The mechanism list of AuthenticationSASL has ours. */
static bool offers_scram(struct rd *r)
{
    for (;;) {
        struct str one = rd_cstr(r);
        if (r->bad || one.n == 0) {
            return false;
        }
        if (str_eq(one, STR("SCRAM-SHA-256"))) {
            return true;
        }
    }
}

static int authenticate(struct backend *b, struct str body, struct err *e)
{
    struct rd r = rd_of(body);
    uint32_t code = rd_u32(&r);
    struct buf *out = &b->wire.out;
    struct str rest = {(const char *)r.p, rd_left(&r)};
    size_t m;
    switch (code) {
    case 0:
        scram_free(b->scram);
        b->scram = NULL;
        explicit_bzero(b->login.client_key, sizeof b->login.client_key);
        return 0;
    case 10: {
        if (!offers_scram(&r)) {
            return err_set(e, ERR_AUTH, "the server does not offer SCRAM-SHA-256");
        }
        char nonce[SCRAM_NONCE + 1];
        scram_nonce(nonce);
        b->scram = b->scram != NULL ? b->scram : def_zalloc(1, sizeof *b->scram);
        m = msg_begin(out, 'p');
        buf_addz(out, "SCRAM-SHA-256");
        size_t at = out->len;
        buf_u32(out, 0);
        scram_client_first(b->scram, nonce, out);
        buf_put_u32(out, at, (uint32_t)(out->len - at - 4));
        msg_end(out, m);
        break;
    }
    case 11: {
        if (b->scram == NULL) {
            return err_set(e, ERR_PROTOCOL, "SASL continues before it began");
        }
        struct str password = str_of(b->login.password != NULL ? b->login.password : "");
        m = msg_begin(out, 'p');
        int rc = scram_client_final(b->scram, b->login.by_key ? &b->login.verifier : NULL,
                                    b->login.client_key, password, rest, out, e);
        if (rc != 0) {
            buf_truncate(out, m);
            b->mismatch = rc == ERR_CONFLICT;
            return rc;
        }
        msg_end(out, m);
        break;
    }
    case 12:
        if (b->scram == NULL) {
            return err_set(e, ERR_PROTOCOL, "SASL ends before it began");
        }
        return scram_client_check(b->scram, rest, e);
    default:
        return err_set(e, ERR_AUTH, "the server asks for an authentication other than SCRAM");
    }
    wire_touch(&b->wire);
    return 0;
}

/* ErrorResponse as a struct err. */
static void take_error(struct str body, struct err *e)
{
    struct str text = msg_field(body, 'M');
    struct str state = msg_field(body, 'C');
    char code[6];
    snprintf(code, sizeof code, "%.*s", STR_ARG(state));
    err_sql(e, strncmp(code, "28", 2) == 0 ? ERR_AUTH : ERR_UNAVAILABLE, code, "%.*s",
            STR_ARG(text));
}

static int login_message(struct backend *b, const struct msg *m, struct err *e)
{
    struct rd r = rd_of(m->body);
    switch (m->type) {
    case 'R': return authenticate(b, m->body, e);
    case 'K':
        b->pid = rd_u32(&r);
        b->secret = rd_u32(&r);
        return 0;
    case 'S': b->ops->message(b, m, NULL); return 0;
    case 'Z':
        b->tx = 'I';
        b->state = BACKEND_READY;
        b->deadline_us = 0;
        b->ops->ready(b);
        return 0;
    case 'E': take_error(m->body, e); return e->code;
    case 'N':
    case 'v': return 0;
    default:
        return err_set(e, ERR_PROTOCOL, "unexpected message 0x%02x from %s while logging in",
                       (unsigned char)m->type, b->target->name);
    }
}

/* ---- replies ---- */

/* Takes the expectation off that a message ends; x is what it answers. False: nothing explains it. */
static bool account(struct backend *b, const struct msg *m, struct expect *x)
{
    struct expect *h = head(b);
    if (h == NULL) {
        return false;
    }
    *x = *h;
    bool whole = x->kind == EXPECT_QUERY || x->kind == EXPECT_CALL;
    bool ends = false;
    switch (m->type) {
    case '1': ends = x->kind == EXPECT_PARSE; break;
    case '2': ends = x->kind == EXPECT_BIND; break;
    case '3': ends = x->kind == EXPECT_CLOSE; break;
    case 'T':
    case 'n': ends = x->kind == EXPECT_DESCRIBE; break;
    case 'C':
    case 'I':
    case 's': ends = x->kind == EXPECT_EXECUTE; break;
    case 'E':
        while (!whole && b->ring_len > 0 && !head_is(b, EXPECT_SYNC)) {
            pop(b);
        }
        b->skipping = !whole && b->ring_len == 0;
        return true;
    case 'Z': ends = whole || x->kind == EXPECT_SYNC; break;
    case 't': return x->kind == EXPECT_DESCRIBE;
    case 'G':
    case 'H':
    case 'W':
    case 'c': return whole || x->kind == EXPECT_EXECUTE;
    case 'V': return x->kind == EXPECT_CALL;
    default: return false;
    }
    if (ends) {
        pop(b);
        return true;
    }
    return whole;
}

struct run {
    const char *p;
    size_t n;
};

static void flush_run(struct backend *b, struct run *run)
{
    if (run->n > 0) {
        b->ops->bytes(b, run->p, run->n);
    }
    run->n = 0;
}

static void extend_run(struct run *run, const char *p, size_t n)
{
    if (run->n == 0) {
        run->p = p;
    }
    run->n += n;
}

/* One message of a connection in use. 0, or the reason why the connection is of no more use. */
static int reply(struct backend *b, const struct msg *m, const char *at, struct run *run,
                 struct err *e)
{
    struct expect x = {EXPECT_QUERY, true, 0};
    bool asked = true;
    if (m->type == 'N' || m->type == 'S' || m->type == 'A') {
        asked = b->ring_len > 0;
        x = asked ? *head(b) : x;
    } else if (m->type == 'E' && b->ring_len == 0) {
        take_error(m->body, &b->fatal);
        return 0;
    } else if (!account(b, m, &x)) {
        return err_set(e, ERR_PROTOCOL, "unexpected message 0x%02x from %s",
                       (unsigned char)m->type, b->target->name);
    }
    if (m->type == 'E' && str_eq(msg_field(m->body, 'V'), STR("FATAL"))) {
        take_error(m->body, &b->fatal);
    }
    if (m->type == 'Z') {
        b->tx = m->body.n == 1 ? m->body.p[0] : 'I';
    }
    flush_run(b, run);
    if (b->state != BACKEND_CLOSED && !b->ops->message(b, m, asked ? &x : NULL) && x.show &&
        b->state != BACKEND_CLOSED) {
        extend_run(run, at, m->size);
    }
    if (b->state == BACKEND_READY && head_is(b, EXPECT_LOCAL)) {
        flush_run(b, run);
        backend_settle(b);
    }
    return 0;
}

/* The rest of a long row. */
static size_t stream(struct backend *b, const char *p, size_t have)
{
    size_t n = have < b->stream_left ? have : b->stream_left;
    b->stream_left -= n;
    if (b->stream_show) {
        b->ops->bytes(b, p, n);
    }
    return n;
}

static void feed(struct backend *b)
{
    struct err e = ERR_INIT;
    struct run run = {NULL, 0};
    size_t used = 0;
    int rc = 0;
    const char *in = buf_data(&b->wire.in);
    size_t have = b->wire.in.len;
    b->wire.in_max = WIRE_IN_MAX;
    while (rc == 0 && used < have && b->state != BACKEND_CLOSED && !b->wire.paused) {
        struct msg m;
        const char *at = in + used;
        if (b->stream_left > 0) {
            used += stream(b, at, have - used);
            continue;
        }
        enum msg_step step = msg_head((struct str){at, have - used}, &m);
        if (step == MSG_NEED) {
            break;
        }
        if (step == MSG_BAD) {
            rc = err_set(&e, ERR_PROTOCOL, "malformed message from %s", b->target->name);
            break;
        }
        bool whole = have - used >= m.size;
        bool row = (m.type == 'D' || m.type == 'd') && b->state == BACKEND_READY;
        if (!whole && (!row || m.size <= WIRE_READ_MAX)) {
            if (m.size > BACKEND_MESSAGE_MAX) {
                rc = err_set(&e, ERR_TOO_LARGE, "message of %zu bytes from %s", m.size,
                             b->target->name);
            } else if (m.size > WIRE_IN_MAX) {
                b->wire.in_max = m.size;
            }
            break;
        }
        if (row) {
            struct expect *h = head(b);
            bool show = h != NULL && h->show;
            size_t n = whole ? m.size : have - used;
            b->stream_left = m.size - n;
            b->stream_show = show;
            if (h == NULL) {
                rc = err_set(&e, ERR_PROTOCOL, "a row nobody asked for from %s",
                             b->target->name);
            } else if (show) {
                extend_run(&run, at, n);
            } else {
                flush_run(b, &run);
                if (whole) {
                    b->ops->message(b, &m, h);
                }
            }
            used += n;
        } else {
            used += m.size;
            rc = b->state == BACKEND_READY ? reply(b, &m, at, &run, &e)
                                           : login_message(b, &m, &e);
        }
    }
    if (b->state != BACKEND_CLOSED) {
        flush_run(b, &run);
    }
    if (b->state == BACKEND_CLOSED) {
        return;
    }
    buf_take(&b->wire.in, used);
    if (rc != 0) {
        lose(b, &e);
    }
}

void backend_resume(struct backend *b)
{
    if (b->state == BACKEND_CLOSED) {
        return;
    }
    wire_resume(&b->wire);
    if (b->wire.in.len > 0) {
        feed(b);
    }
    if (b->state != BACKEND_CLOSED) {
        wire_rearm(&b->wire);
        if (b->wire.eof && b->wire.in.len == 0) {
            on_wire(&b->wire, WIRE_EOF, 0);
        }
    }
}

static void on_wire(struct wire *w, enum wire_event ev, int code)
{
    struct backend *b = w->owner;
    struct err e = ERR_INIT;
    switch (ev) {
    case WIRE_CONNECTED: send_startup(b); break;
    case WIRE_DATA: feed(b); break;
    case WIRE_DRAINED:
        if (b->state == BACKEND_READY) {
            b->ops->drained(b);
        }
        break;
    case WIRE_EOF:
        if (b->wire.paused && b->wire.in.len > 0) {
            break; /* looked at again by backend_resume */
        }
        if (b->fatal.code != 0) {
            e = b->fatal;
        } else {
            err_set(&e, ERR_CLOSED, "%s closed the connection", b->target->name);
        }
        lose(b, &e);
        break;
    case WIRE_FAILED:
        if (b->fatal.code != 0) {
            e = b->fatal;
        } else {
            err_set(&e, b->state == BACKEND_CONNECTING ? ERR_UNAVAILABLE : ERR_CLOSED, "%s: %s",
                    b->target->name, strerror(code));
        }
        lose(b, &e);
        break;
    }
}
