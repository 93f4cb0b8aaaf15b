/* msg.c - see msg.h. Every length is checked before the byte behind it is read; a message is
 * accepted only when its fields fill it exactly, because a router must never pass on what a server
 * might read differently. */
#include "pg/msg.h"

enum msg_step msg_head(struct str in, struct msg *out)
{
    if (in.n < MSG_HEAD) {
        return MSG_NEED;
    }
    uint32_t len;
    memcpy(&len, in.p + 1, sizeof len);
    len = __builtin_bswap32(len);
    if (len < 4 || len > MSG_BODY_MAX) {
        return MSG_BAD;
    }
    out->type = in.p[0];
    out->size = (size_t)len + 1;
    size_t have = in.n < out->size ? in.n : out->size;
    out->body = (struct str){in.p + MSG_HEAD, have - MSG_HEAD};
    return MSG_DONE;
}

enum msg_step msg_next(struct str in, struct msg *out)
{
    enum msg_step step = msg_head(in, out);
    if (step == MSG_DONE && in.n < out->size) {
        return MSG_NEED;
    }
    return step;
}

enum msg_step msg_startup(struct str in, uint32_t *code, size_t *size, struct str *body)
{
    if (in.n < 4) {
        return MSG_NEED;
    }
    uint32_t len;
    memcpy(&len, in.p, sizeof len);
    len = __builtin_bswap32(len);
    if (len < 8 || len > MSG_STARTUP_MAX) {
        return MSG_BAD;
    }
    if (in.n < len) {
        return MSG_NEED;
    }
    memcpy(code, in.p + 4, sizeof *code);
    *code = __builtin_bswap32(*code);
    *size = len;
    *body = (struct str){in.p + 8, len - 8};
    return MSG_DONE;
}

bool msg_startup_param(struct rd *body, struct str *name, struct str *value)
{
    *name = rd_cstr(body);
    if (body->bad) {
        return false;
    }
    if (name->n == 0) {
        return false; /* the terminator */
    }
    *value = rd_cstr(body);
    return !body->bad;
}

bool msg_read_query(struct str body, struct str *text)
{
    struct rd r = rd_of(body);
    *text = rd_cstr(&r);
    return !r.bad && rd_left(&r) == 0;
}

bool msg_read_parse(struct str body, struct msg_parse *out)
{
    struct rd r = rd_of(body);
    out->name = rd_cstr(&r);
    out->text = rd_cstr(&r);
    const char *tail = (const char *)r.p;
    size_t tail_len = rd_left(&r);
    out->type_count = rd_u16(&r);
    out->types = r;
    out->tail = (struct str){tail, tail_len};
    return !r.bad && rd_left(&r) == (size_t)out->type_count * 4;
}

bool msg_read_bind(struct str body, struct msg_bind *out)
{
    struct rd r = rd_of(body);
    out->portal = rd_cstr(&r);
    out->statement = rd_cstr(&r);
    out->tail = (struct str){(const char *)r.p, rd_left(&r)};
    uint16_t formats = rd_u16(&r);
    rd_bytes(&r, (size_t)formats * 2);
    uint16_t params = rd_u16(&r);
    for (uint16_t i = 0; i < params && !r.bad; i++) {
        uint32_t n = rd_u32(&r);
        if (n != UINT32_MAX) {
            rd_bytes(&r, n);
        }
    }
    uint16_t results = rd_u16(&r);
    rd_bytes(&r, (size_t)results * 2);
    return !r.bad && rd_left(&r) == 0;
}

bool msg_read_describe(struct str body, struct msg_describe *out)
{
    struct rd r = rd_of(body);
    out->kind = (char)rd_u8(&r);
    out->name = rd_cstr(&r);
    return !r.bad && rd_left(&r) == 0 && (out->kind == 'S' || out->kind == 'P');
}

bool msg_read_execute(struct str body, struct msg_execute *out)
{
    struct rd r = rd_of(body);
    out->portal = rd_cstr(&r);
    out->rows_max = rd_u32(&r);
    return !r.bad && rd_left(&r) == 0;
}

struct str msg_field(struct str body, char code)
{
    struct rd r = rd_of(body);
    while (rd_left(&r) > 0) {
        char c = (char)rd_u8(&r);
        if (c == '\0') {
            break;
        }
        struct str value = rd_cstr(&r);
        if (r.bad) {
            break;
        }
        if (c == code) {
            return value;
        }
    }
    return STR_NULL;
}

bool msg_columns_open(struct str body, struct msg_columns *out)
{
    out->rd = rd_of(body);
    out->start = body.p;
    out->left = rd_u16(&out->rd);
    return !out->rd.bad;
}

bool msg_columns_next(struct msg_columns *c, struct msg_column *out)
{
    if (c->left == 0) {
        return false;
    }
    c->left--;
    out->name = rd_cstr(&c->rd);
    out->at = (size_t)((const char *)c->rd.p - c->start);
    out->table_oid = rd_u32(&c->rd);
    out->attribute = rd_u16(&c->rd);
    out->type_oid = rd_u32(&c->rd);
    out->type_len = (int16_t)rd_u16(&c->rd);
    out->type_mod = (int32_t)rd_u32(&c->rd);
    out->format = rd_u16(&c->rd);
    return !c->rd.bad;
}

bool msg_values_open(struct str body, struct msg_values *out)
{
    out->rd = rd_of(body);
    out->left = rd_u16(&out->rd);
    return !out->rd.bad;
}

bool msg_values_next(struct msg_values *v, struct str *out)
{
    if (v->left == 0) {
        return false;
    }
    v->left--;
    uint32_t n = rd_u32(&v->rd);
    *out = n == UINT32_MAX ? STR_NULL : rd_bytes(&v->rd, n);
    return !v->rd.bad;
}

size_t msg_begin(struct buf *out, char type)
{
    size_t mark = out->len;
    buf_u8(out, (uint8_t)type);
    buf_u32(out, 0);
    return mark;
}

void msg_end(struct buf *out, size_t mark)
{
    buf_put_u32(out, mark + 1, (uint32_t)(out->len - mark - 1));
}

void msg_empty(struct buf *out, char type)
{
    buf_u8(out, (uint8_t)type);
    buf_u32(out, 4);
}

static void add_cstr(struct buf *out, struct str s)
{
    buf_addstr(out, s);
    buf_u8(out, 0);
}

void msg_query(struct buf *out, struct str text)
{
    size_t m = msg_begin(out, 'Q');
    add_cstr(out, text);
    msg_end(out, m);
}

void msg_parse(struct buf *out, struct str name, struct str text, struct str tail)
{
    size_t m = msg_begin(out, 'P');
    add_cstr(out, name);
    add_cstr(out, text);
    buf_addstr(out, tail);
    msg_end(out, m);
}

void msg_bind(struct buf *out, struct str portal, struct str statement, struct str tail)
{
    size_t m = msg_begin(out, 'B');
    add_cstr(out, portal);
    add_cstr(out, statement);
    buf_addstr(out, tail);
    msg_end(out, m);
}

void msg_describe(struct buf *out, char type, char kind, struct str name)
{
    size_t m = msg_begin(out, type);
    buf_u8(out, (uint8_t)kind);
    add_cstr(out, name);
    msg_end(out, m);
}

void msg_ready(struct buf *out, char status)
{
    buf_u8(out, 'Z');
    buf_u32(out, 5);
    buf_u8(out, (uint8_t)status);
}

void msg_complete(struct buf *out, struct str tag)
{
    size_t m = msg_begin(out, 'C');
    add_cstr(out, tag);
    msg_end(out, m);
}

void msg_param(struct buf *out, struct str name, struct str value)
{
    size_t m = msg_begin(out, 'S');
    add_cstr(out, name);
    add_cstr(out, value);
    msg_end(out, m);
}

void msg_key(struct buf *out, uint32_t pid, uint32_t secret)
{
    size_t m = msg_begin(out, 'K');
    buf_u32(out, pid);
    buf_u32(out, secret);
    msg_end(out, m);
}

static void add_field(struct buf *out, char code, const char *text)
{
    if (text != NULL) {
        buf_u8(out, (uint8_t)code);
        buf_addz(out, text);
    }
}

void msg_error(struct buf *out, char type, const char *severity, const char *sqlstate,
               const char *text, const char *detail, const char *hint)
{
    size_t m = msg_begin(out, type);
    add_field(out, 'S', severity);
    add_field(out, 'V', severity);
    add_field(out, 'C', sqlstate);
    add_field(out, 'M', text);
    add_field(out, 'D', detail);
    add_field(out, 'H', hint);
    buf_u8(out, 0);
    msg_end(out, m);
}

void msg_text_columns(struct buf *out, const char *const *names, size_t n)
{
    size_t m = msg_begin(out, 'T');
    buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, names[i]);
        buf_u32(out, 0);
        buf_u16(out, 0);
        buf_u32(out, 25); /* text */
        buf_u16(out, (uint16_t)-1);
        buf_u32(out, (uint32_t)-1);
        buf_u16(out, 0);
    }
    msg_end(out, m);
}

void msg_text_row(struct buf *out, const struct str *values, size_t n)
{
    size_t m = msg_begin(out, 'D');
    buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        if (values[i].p == NULL) {
            buf_u32(out, UINT32_MAX);
        } else {
            buf_u32(out, (uint32_t)values[i].n);
            buf_addstr(out, values[i]);
        }
    }
    msg_end(out, m);
}

void msg_cancel(struct buf *out, uint32_t pid, uint32_t secret)
{
    buf_u32(out, 16);
    buf_u32(out, MSG_CODE_CANCEL);
    buf_u32(out, pid);
    buf_u32(out, secret);
}
