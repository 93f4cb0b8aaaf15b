/* link.c - see link.h. Source: AMQP 0-9-1; RabbitMQ's extensions confirms, basic.nack,
 * consumer_cancel_notify, connection.blocked.
 *
 * A message arrives as method, header and body frames; the pump below collects them, so that a
 * caller sees whole messages and never a frame. Library memory is released when nothing that was
 * handed out can point into it any more: at the start of the next link_next. */
#include "mq/link.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Channel numbers that a link uses in turn; more than queues of events.bindings can be missing at once. */
enum { CHANNELS = 256 };

struct link {
    amqp_connection_state_t raw;
    amqp_channel_t channel;
    bool alive;
    bool channel_alive;
    bool blocked;
    atomic_int fd; /* for link_interrupt; -1 once closed */
    /* the message being collected */
    enum { WANT_METHOD, WANT_HEADER, WANT_BODY } want;
    struct link_event partial;
    uint64_t body_left;
    struct buf body;
};

static struct str view(amqp_bytes_t b)
{
    return (struct str){b.bytes != NULL ? b.bytes : "", b.len};
}

static struct timeval tv_of(int ms)
{
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* --- errors ------------------------------------------------------------------------------------ */

static int code_of_reply(int amqp_code)
{
    switch (amqp_code) {
    case 311: return ERR_TOO_LARGE;
    case 403: return ERR_AUTH;
    case 404: return ERR_NOT_FOUND;
    case 405:
    case 406: return ERR_CONFLICT;
    default: return ERR_FAIL;
    }
}

int link_check_status(struct link *l, int status, const char *what, struct err *e)
{
    if (status == AMQP_STATUS_OK) {
        return 0;
    }
    l->alive = false;
    l->channel_alive = false;
    bool waited = status == AMQP_STATUS_TIMEOUT || status == AMQP_STATUS_HEARTBEAT_TIMEOUT;
    return err_set(e, waited ? ERR_TIMEOUT : ERR_CLOSED, "%s: %s", what,
                   amqp_error_string2(status));
}

/* The server closed the channel or the connection: answer, and say what it said. */
static int closed_by_server(struct link *l, const amqp_method_t *m, const char *what,
                            struct err *e)
{
    if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *c = m->decoded;
        int code = err_set(e, code_of_reply(c->reply_code), "%s: %.*s", what,
                           STR_ARG(view(c->reply_text)));
        amqp_channel_close_ok_t ok = {0};
        amqp_send_method(l->raw, l->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
        l->channel_alive = false;
        return code;
    }
    if (m->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *c = m->decoded;
        int code = c->reply_code == 403 ? ERR_AUTH : ERR_CLOSED;
        err_set(e, code, "%s: %.*s", what, STR_ARG(view(c->reply_text)));
        amqp_connection_close_ok_t ok = {0};
        amqp_send_method(l->raw, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
        l->alive = false;
        l->channel_alive = false;
        return code;
    }
    l->alive = false;
    l->channel_alive = false;
    return err_set(e, ERR_PROTOCOL, "%s: unexpected method 0x%08X", what, m->id);
}

int link_check_reply(struct link *l, const void *reply, const char *what, struct err *e)
{
    const amqp_rpc_reply_t *r = reply;
    switch (r->reply_type) {
    case AMQP_RESPONSE_NORMAL: return 0;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return link_check_status(l, r->library_error, what, e);
    case AMQP_RESPONSE_SERVER_EXCEPTION: return closed_by_server(l, &r->reply, what, e);
    case AMQP_RESPONSE_NONE: break;
    }
    return link_check_status(l, AMQP_STATUS_CONNECTION_CLOSED, what, e);
}

int link_check_rpc(struct link *l, const char *what, struct err *e)
{
    amqp_rpc_reply_t r = amqp_get_rpc_reply(l->raw);
    return link_check_reply(l, &r, what, e);
}

/* --- open and close ---------------------------------------------------------------------------- */

static void tune_socket(int fd)
{
    int on = 1;
    int idle_s = 5;
    int interval_s = 5;
    int count = 2;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    /* no TCP_USER_TIMEOUT: a broker under an alarm may not read for minutes */
}

static amqp_table_entry_t entry_bool(const char *key, bool v)
{
    amqp_table_entry_t t = {.key = amqp_cstring_bytes(key)};
    t.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    t.value.value.boolean = v;
    return t;
}

static int login(struct link *l, const struct amqp_connection_info *ci, const char *vhost,
                 const struct link_options *o, struct err *e)
{
    amqp_table_entry_t caps[] = {
        entry_bool("publisher_confirms", true),
        entry_bool("basic.nack", true),
        entry_bool("consumer_cancel_notify", true),
        entry_bool("connection.blocked", true),
        entry_bool("authentication_failure_close", true),
    };
    amqp_table_entry_t props[2] = {{.key = amqp_cstring_bytes("capabilities")},
                                   {.key = amqp_cstring_bytes("connection_name")}};
    props[0].value.kind = AMQP_FIELD_KIND_TABLE;
    props[0].value.value.table = (amqp_table_t){(int)ARRAY_LEN(caps), caps};
    props[1].value.kind = AMQP_FIELD_KIND_UTF8;
    props[1].value.value.bytes = amqp_cstring_bytes(o->name != NULL ? o->name : "parkway");
    amqp_table_t table = {(int)ARRAY_LEN(props), props};
    amqp_rpc_reply_t r = amqp_login_with_properties(
        l->raw, vhost, 0, AMQP_DEFAULT_FRAME_SIZE, o->heartbeat_s > 0 ? o->heartbeat_s : 10,
        &table, AMQP_SASL_METHOD_PLAIN, ci->user, ci->password);
    return link_check_reply(l, &r, "login", e);
}

int link_channel_open(struct link *l, struct err *e)
{
    if (!l->alive) {
        return err_set(e, ERR_CLOSED, "the connection is gone");
    }
    l->want = WANT_METHOD;
    /* frames of the old channel may still be queued, so a number comes again only after many others;
     * the broker has a limit for numbers, and the library keeps memory for each */
    int limit = amqp_get_channel_max(l->raw);
    l->channel =
        (amqp_channel_t)(l->channel % (limit > 0 && limit < CHANNELS ? limit : CHANNELS) + 1);
    amqp_channel_open(l->raw, l->channel);
    int rc = link_check_rpc(l, "could not open a channel", e);
    l->channel_alive = rc == 0;
    return rc;
}

/* One broker; url is consumed by the parser. */
static int open_one(struct link **out, char *url, const struct link_options *o,
                    int connect_timeout_ms, struct err *e)
{
    struct amqp_connection_info ci;
    amqp_default_connection_info(&ci);
    if (amqp_parse_url(url, &ci) != AMQP_STATUS_OK || ci.ssl) {
        return err_set(e, ERR_INVALID,
                       "broker.url is no amqp://user:password@host:port/vhost URL");
    }
    const char *vhost = ci.vhost[0] != '\0' ? ci.vhost : "/";
    struct link *l = def_zalloc(1, sizeof *l);
    atomic_store(&l->fd, -1);
    l->raw = amqp_new_connection();
    amqp_socket_t *socket = l->raw != NULL ? amqp_tcp_socket_new(l->raw) : NULL;
    ASSERT(socket != NULL);
    struct timeval connect_tv = tv_of(connect_timeout_ms);
    struct timeval rpc_tv = tv_of(o->rpc_timeout_ms > 0 ? o->rpc_timeout_ms : 10000);
    int rc = amqp_socket_open_noblock(socket, ci.host, ci.port, &connect_tv);
    if (rc != AMQP_STATUS_OK) {
        rc = err_set(e, ERR_UNAVAILABLE, "%s", amqp_error_string2(rc));
    } else {
        l->alive = true;
        atomic_store(&l->fd, amqp_get_sockfd(l->raw));
        tune_socket(amqp_get_sockfd(l->raw));
        amqp_set_handshake_timeout(l->raw, &connect_tv);
        amqp_set_rpc_timeout(l->raw, &rpc_tv);
        rc = login(l, &ci, vhost, o, e);
        if (rc == ERR_CLOSED || rc == ERR_TIMEOUT) {
            e->code = rc = ERR_UNAVAILABLE;
        }
    }
    if (rc == 0) {
        rc = link_channel_open(l, e);
    }
    if (rc != 0) {
        err_add(e, "could not connect to the broker at %s:%d", ci.host, ci.port);
        link_close(l);
    } else {
        *out = l;
    }
    return rc;
}

enum { BROKERS_MAX = 16 };

/* Cuts the list in place: a comma separates where another URL begins, elsewhere it is part of one. */
static unsigned split(char *list, char **urls)
{
    unsigned n = 0;
    for (char *at = list; at != NULL && n < BROKERS_MAX; n++) {
        urls[n] = at + strspn(at, " ");
        at = strstr(urls[n], "amqp");
        do {
            at = at != NULL ? strchr(at + 1, ',') : NULL;
        } while (at != NULL && strncmp(at + 1 + strspn(at + 1, " "), "amqp", 4) != 0);
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return n;
}

int link_open(struct link **out, const char *url, const struct link_options *o, struct err *e)
{
    *out = NULL;
    char *list = def_strdup(url);
    char *urls[BROKERS_MAX];
    unsigned count = split(list, urls);
    unsigned first = o->turn != NULL ? *o->turn : 0;
    int timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms
                     : count > 1               ? 2000
                                               : 5000;
    int rc = ERR_INVALID;
    for (unsigned i = 0; i < count; i++) {
        unsigned one = (first + i) % count;
        rc = open_one(out, urls[one], o, timeout_ms, e);
        if (rc == 0 && o->turn != NULL) {
            *o->turn = one;
        }
        if (rc == 0 || rc == ERR_INVALID) {
            break;
        }
    }
    free(list);
    return rc;
}

void link_close(struct link *l)
{
    if (l == NULL) {
        return;
    }
    if (l->alive && !l->blocked) {
        struct timeval tv = tv_of(1000);
        amqp_set_rpc_timeout(l->raw, &tv);
        amqp_connection_close(l->raw, AMQP_REPLY_SUCCESS);
    }
    atomic_store(&l->fd, -1);
    amqp_destroy_connection(l->raw);
    buf_fini(&l->body);
    free(l);
}

void link_interrupt(struct link *l)
{
    int fd = atomic_load(&l->fd);
    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

bool link_alive(const struct link *l)
{
    return l->alive;
}

bool link_channel_alive(const struct link *l)
{
    return l->alive && l->channel_alive;
}

int link_socket(const struct link *l)
{
    return amqp_get_sockfd(l->raw);
}

bool link_blocked(const struct link *l)
{
    return l->blocked;
}

bool link_pending(const struct link *l)
{
    return amqp_frames_enqueued(l->raw) || amqp_data_in_buffer(l->raw);
}

void *link_raw(struct link *l)
{
    return l->raw;
}

uint16_t link_channel(const struct link *l)
{
    return l->channel;
}

/* --- the pump ---------------------------------------------------------------------------------- */

static int take_method(struct link *l, const amqp_frame_t *f, struct err *e)
{
    const amqp_method_t *m = &f->payload.method;
    struct link_event *ev = &l->partial;
    if (f->channel != 0 && f->channel != l->channel) {
        return 0; /* of a channel that was closed */
    }
    switch (m->id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *a = m->decoded;
        *ev = (struct link_event){
            .kind = LINK_ACK, .tag = a->delivery_tag, .multiple = a->multiple};
        return 0;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *a = m->decoded;
        *ev = (struct link_event){
            .kind = LINK_NACK, .tag = a->delivery_tag, .multiple = a->multiple};
        return 0;
    }
    case AMQP_BASIC_RETURN_METHOD: {
        const amqp_basic_return_t *r = m->decoded;
        *ev = (struct link_event){.kind = LINK_RETURN,
                                  .code = r->reply_code,
                                  .text = view(r->reply_text),
                                  .exchange = view(r->exchange),
                                  .key = view(r->routing_key)};
        l->want = WANT_HEADER;
        return 0;
    }
    case AMQP_BASIC_DELIVER_METHOD: {
        const amqp_basic_deliver_t *d = m->decoded;
        *ev = (struct link_event){.kind = LINK_DELIVER,
                                  .tag = d->delivery_tag,
                                  .redelivered = d->redelivered,
                                  .consumer = view(d->consumer_tag),
                                  .exchange = view(d->exchange),
                                  .key = view(d->routing_key)};
        l->want = WANT_HEADER;
        return 0;
    }
    case AMQP_BASIC_CANCEL_METHOD: {
        const amqp_basic_cancel_t *c = m->decoded;
        *ev = (struct link_event){.kind = LINK_CANCEL, .consumer = view(c->consumer_tag)};
        return 0;
    }
    case AMQP_BASIC_CANCEL_OK_METHOD: return 0; /* the answer to our own cancel, late */
    case AMQP_CONNECTION_BLOCKED_METHOD: {
        const amqp_connection_blocked_t *b = m->decoded;
        l->blocked = true;
        *ev = (struct link_event){.kind = LINK_BLOCKED, .text = view(b->reason)};
        return 0;
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        l->blocked = false;
        *ev = (struct link_event){.kind = LINK_UNBLOCKED};
        return 0;
    default: return closed_by_server(l, m, "closed by the broker", e);
    }
}

static struct str optional(const amqp_basic_properties_t *p, amqp_flags_t flag, amqp_bytes_t b)
{
    return (p->_flags & flag) != 0 ? view(b) : STR_NULL;
}

static void take_header(struct link *l, const amqp_frame_t *f)
{
    const amqp_basic_properties_t *p = f->payload.properties.decoded;
    struct link_event *ev = &l->partial;
    ev->content_type = optional(p, AMQP_BASIC_CONTENT_TYPE_FLAG, p->content_type);
    ev->type = optional(p, AMQP_BASIC_TYPE_FLAG, p->type);
    ev->message_id = optional(p, AMQP_BASIC_MESSAGE_ID_FLAG, p->message_id);
    ev->correlation_id = optional(p, AMQP_BASIC_CORRELATION_ID_FLAG, p->correlation_id);
    ev->headers = (p->_flags & AMQP_BASIC_HEADERS_FLAG) != 0 ? &p->headers : NULL;
    l->body_left = f->payload.properties.body_size;
    buf_shrink(&l->body, (size_t)1 << 20);
    l->want = l->body_left > 0 ? WANT_BODY : WANT_METHOD;
}

int link_next(struct link *l, int timeout_ms, struct link_event *ev, struct err *e)
{
    *ev = (struct link_event){.kind = LINK_NONE};
    if (!l->alive) {
        return err_set(e, ERR_CLOSED, "the connection is gone");
    }
    if (l->want == WANT_METHOD) {
        amqp_maybe_release_buffers(l->raw);
        l->partial = (struct link_event){.kind = LINK_NONE};
    }
    struct timeval tv = tv_of(timeout_ms);
    for (;;) {
        amqp_frame_t f;
        int status = amqp_simple_wait_frame_noblock(l->raw, &f, &tv);
        if (status == AMQP_STATUS_TIMEOUT) {
            return 0;
        }
        if (status != AMQP_STATUS_OK) {
            return link_check_status(l, status, "the broker's connection was lost", e);
        }
        if (f.frame_type == AMQP_FRAME_METHOD) {
            int rc = take_method(l, &f, e);
            if (rc != 0) {
                return rc;
            }
        } else if (f.channel != l->channel) {
            continue;
        } else if (f.frame_type == AMQP_FRAME_HEADER && l->want == WANT_HEADER) {
            take_header(l, &f);
        } else if (f.frame_type == AMQP_FRAME_BODY && l->want == WANT_BODY &&
                   f.payload.body_fragment.len <= l->body_left) {
            buf_add(&l->body, f.payload.body_fragment.bytes, f.payload.body_fragment.len);
            l->body_left -= f.payload.body_fragment.len;
            l->want = l->body_left > 0 ? WANT_BODY : WANT_METHOD;
        } else {
            l->alive = false;
            return err_set(e, ERR_PROTOCOL, "the broker sent a frame out of order");
        }
        if (l->want == WANT_METHOD && l->partial.kind != LINK_NONE) {
            *ev = l->partial;
            if (ev->kind == LINK_DELIVER || ev->kind == LINK_RETURN) {
                ev->body = buf_str(&l->body);
            }
            return 0;
        }
    }
}

static const amqp_field_value_t *header(const struct link_event *ev, const char *name)
{
    const amqp_table_t *t = ev->headers;
    for (int i = 0; t != NULL && i < t->num_entries; i++) {
        if (str_eq(view(t->entries[i].key), str_of(name))) {
            return &t->entries[i].value;
        }
    }
    return NULL;
}

bool link_header_text(const struct link_event *ev, const char *name, struct str *out)
{
    const amqp_field_value_t *v = header(ev, name);
    if (v == NULL || (v->kind != AMQP_FIELD_KIND_UTF8 && v->kind != AMQP_FIELD_KIND_BYTES)) {
        return false;
    }
    *out = view(v->value.bytes);
    return true;
}

bool link_header_int(const struct link_event *ev, const char *name, int64_t *out)
{
    const amqp_field_value_t *v = header(ev, name);
    if (v == NULL) {
        return false;
    }
    switch (v->kind) {
    case AMQP_FIELD_KIND_I8: *out = v->value.i8; return true;
    case AMQP_FIELD_KIND_U8: *out = v->value.u8; return true;
    case AMQP_FIELD_KIND_I16: *out = v->value.i16; return true;
    case AMQP_FIELD_KIND_U16: *out = v->value.u16; return true;
    case AMQP_FIELD_KIND_I32: *out = v->value.i32; return true;
    case AMQP_FIELD_KIND_U32: *out = v->value.u32; return true;
    case AMQP_FIELD_KIND_I64: *out = v->value.i64; return true;
    case AMQP_FIELD_KIND_U64: *out = (int64_t)v->value.u64; return true;
    default: return false;
    }
}

bool link_header_next(const struct link_event *ev, size_t *at, char *name, size_t size,
                      struct str *text, int64_t *number)
{
    const amqp_table_t *t = ev->headers;
    while (t != NULL && *at < (size_t)t->num_entries) {
        struct str key = view(t->entries[(*at)++].key);
        snprintf(name, size, "%.*s", STR_ARG(key));
        *text = STR_NULL;
        if (link_header_text(ev, name, text) || link_header_int(ev, name, number)) {
            return true;
        }
    }
    return false;
}

static void take_death(const amqp_table_entry_t *t, struct link_death *out)
{
    const amqp_field_value_t *v = &t->value;
    bool text = v->kind == AMQP_FIELD_KIND_UTF8 || v->kind == AMQP_FIELD_KIND_BYTES;
    if (text && str_eq(view(t->key), STR("reason"))) {
        out->reason = view(v->value.bytes);
    } else if (text && str_eq(view(t->key), STR("queue"))) {
        out->queue = view(v->value.bytes);
    } else if (v->kind == AMQP_FIELD_KIND_I64 && str_eq(view(t->key), STR("count"))) {
        out->count = v->value.i64;
    } else if (v->kind == AMQP_FIELD_KIND_TIMESTAMP && str_eq(view(t->key), STR("time"))) {
        out->time_s = (int64_t)v->value.u64;
    }
}

bool link_death(const struct link_event *ev, struct link_death *out)
{
    const amqp_field_value_t *v = header(ev, "x-death");
    *out = (struct link_death){.reason = STR(""), .queue = STR("")};
    if (v == NULL || v->kind != AMQP_FIELD_KIND_ARRAY || v->value.array.num_entries == 0 ||
        v->value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE) {
        return false;
    }
    const amqp_table_t *t = &v->value.array.entries[0].value.table;
    for (int i = 0; i < t->num_entries; i++) {
        take_death(&t->entries[i], out);
    }
    return true;
}
