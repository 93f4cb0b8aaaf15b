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
