/* json.c - see json.h. RFC 8259. */
#include "base/json.h"

#include <stdio.h>

void json_init(struct json *j, struct buf *out, enum json_style style)
{
    *j = (struct json){.out = out, .style = style};
}

static void separate(struct json *j)
{
    if (j->comma) {
        buf_adds(j->out, j->style == JSON_CLI ? ", " : ",");
    }
    j->comma = true;
}

static void open_with(struct json *j, char c)
{
    separate(j);
    buf_u8(j->out, (uint8_t)c);
    j->comma = false;
}

static void close_with(struct json *j, char c)
{
    buf_u8(j->out, (uint8_t)c);
    j->comma = true;
}

void json_object(struct json *j)
{
    open_with(j, '{');
}

void json_object_end(struct json *j)
{
    close_with(j, '}');
}

void json_array(struct json *j)
{
    open_with(j, '[');
}

void json_array_end(struct json *j)
{
    close_with(j, ']');
}

void json_quote(struct buf *out, struct str s)
{
    buf_u8(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buf_add(out, s.p + from, i - from);
        from = i + 1;
        switch (c) {
        case '"': buf_adds(out, "\\\""); break;
        case '\\': buf_adds(out, "\\\\"); break;
        case '\n': buf_adds(out, "\\n"); break;
        case '\r': buf_adds(out, "\\r"); break;
        case '\t': buf_adds(out, "\\t"); break;
        default: buf_addf(out, "\\u%04x", c); break;
        }
    }
    buf_add(out, s.p + from, s.n - from);
    buf_u8(out, '"');
}

void json_key_str(struct json *j, struct str key)
{
    separate(j);
    json_quote(j->out, key);
    buf_adds(j->out, j->style == JSON_CLI ? ": " : ":");
    j->comma = false;
}

void json_key(struct json *j, const char *key)
{
    json_key_str(j, str_of(key));
}

void json_text(struct json *j, struct str s)
{
    if (s.p == NULL) {
        json_null(j);
        return;
    }
    separate(j);
    json_quote(j->out, s);
}

void json_int(struct json *j, int64_t v)
{
    separate(j);
    buf_addf(j->out, "%lld", (long long)v);
}

void json_raw(struct json *j, struct str s)
{
    separate(j);
    buf_addstr(j->out, s);
}

/* The end of the string that begins at s.p[at], behind its closing quote. */
static size_t string_end(struct str s, size_t at)
{
    for (at++; at < s.n && s.p[at] != '"'; at++) {
        at += s.p[at] == '\\' ? 1 : 0;
    }
    return at < s.n ? at + 1 : s.n;
}

void json_value(struct json *j, struct str s)
{
    separate(j);
    for (size_t at = 0; at < s.n;) {
        char c = s.p[at];
        size_t end = c == '"' ? string_end(s, at) : at + 1;
        if (strchr(" \t\r\n", c) == NULL) {
            buf_add(j->out, s.p + at, end - at);
        }
        if (j->style == JSON_CLI && (c == ',' || c == ':')) {
            buf_u8(j->out, ' ');
        }
        at = end;
    }
}

void json_bool(struct json *j, bool v)
{
    json_raw(j, v ? STR("true") : STR("false"));
}

void json_null(struct json *j)
{
    json_raw(j, STR("null"));
}

void json_key_text(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_text(j, s);
}

void json_key_int(struct json *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

/* --- reading ----------------------------------------------------------------------------------- */

static bool hex4(const char *p, const char *end, uint32_t *out)
{
    uint32_t v = 0;
    if (end - p < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        v <<= 4;
        if (c >= '0' && c <= '9') {
            v |= (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            v |= (uint32_t)(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            v |= (uint32_t)(c - 'A' + 10);
        } else {
            return false;
        }
    }
    *out = v;
    return true;
}

static void utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_u8(out, (uint8_t)(0xc0 | c >> 6));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_u8(out, (uint8_t)(0xe0 | c >> 12));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        buf_u8(out, (uint8_t)(0xf0 | c >> 18));
        buf_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* \uXXXX, p behind the u; a high surrogate must be followed by a low one. */
static const char *unicode(const char *p, const char *end, struct buf *out)
{
    uint32_t c;
    uint32_t low;
    if (!hex4(p, end, &c)) {
        return NULL;
    }
    p += 4;
    if (c >= 0xdc00 && c <= 0xdfff) {
        return NULL;
    }
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || !hex4(p + 2, end, &low) ||
            low < 0xdc00 || low > 0xdfff) {
            return NULL;
        }
        p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    utf8(out, c);
    return p;
}

bool json_unescape(struct str raw, struct buf *out)
{
    const char *p = raw.p;
    const char *end = raw.p + raw.n;
    while (p < end) {
        const char *q = memchr(p, '\\', (size_t)(end - p));
        if (q == NULL) {
            q = end;
        }
        buf_add(out, p, (size_t)(q - p));
        p = q;
        if (p == end) {
            break;
        }
        if (end - p < 2) {
            return false;
        }
        p += 2;
        switch (p[-1]) {
        case '"': buf_u8(out, '"'); break;
        case '\\': buf_u8(out, '\\'); break;
        case '/': buf_u8(out, '/'); break;
        case 'b': buf_u8(out, '\b'); break;
        case 'f': buf_u8(out, '\f'); break;
        case 'n': buf_u8(out, '\n'); break;
        case 'r': buf_u8(out, '\r'); break;
        case 't': buf_u8(out, '\t'); break;
        case 'u':
            p = unicode(p, end, out);
            if (p == NULL) {
                return false;
            }
            break;
        default: return false;
        }
    }
    return true;
}
