/* jscan.c - see jscan.h. */
#include "router/jscan.h"

void jscan_init(struct jscan *j, struct str text)
{
    *j = (struct jscan){text.p, text.p + text.n, false};
}

static enum jscan_type bad(struct jscan *j, struct jscan_token *t)
{
    j->bad = true;
    t->type = JSCAN_BAD;
    return JSCAN_BAD;
}

static void skip(struct jscan *j)
{
    while (j->p < j->end &&
           (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r' || *j->p == ',')) {
        j->p++;
    }
}

static enum jscan_type text(struct jscan *j, struct jscan_token *t)
{
    const char *from = ++j->p;

    t->escaped = false;
    while (j->p < j->end && *j->p != '"') {
        if (*j->p == '\\') {
            t->escaped = true;
            j->p++;
            if (j->p == j->end) {
                return bad(j, t);
            }
        }
        j->p++;
    }
    if (j->p >= j->end) {
        return bad(j, t);
    }
    t->text = (struct str){from, (size_t)(j->p - from)};
    j->p++;
    skip(j);
    if (j->p < j->end && *j->p == ':') {
        j->p++;
        return t->type = JSCAN_KEY;
    }
    return t->type = JSCAN_STRING;
}

static enum jscan_type word(struct jscan *j, struct jscan_token *t, struct str w,
                            enum jscan_type type)
{
    if ((size_t)(j->end - j->p) < w.n || memcmp(j->p, w.p, w.n) != 0) {
        return bad(j, t);
    }
    j->p += w.n;
    return t->type = type;
}

static enum jscan_type number(struct jscan *j, struct jscan_token *t)
{
    const char *from = j->p;

    while (j->p < j->end && ((*j->p >= '0' && *j->p <= '9') || *j->p == '-' || *j->p == '+' ||
                             *j->p == '.' || *j->p == 'e' || *j->p == 'E')) {
        j->p++;
    }
    if (j->p == from) {
        return bad(j, t);
    }
    t->text = (struct str){from, (size_t)(j->p - from)};
    return t->type = JSCAN_NUMBER;
}

enum jscan_type jscan_next(struct jscan *j, struct jscan_token *t)
{
    *t = (struct jscan_token){.type = JSCAN_END};
    if (j->bad) {
        return t->type = JSCAN_BAD;
    }
    skip(j);
    if (j->p == j->end) {
        return JSCAN_END;
    }
    switch (*j->p) {
    case '{': j->p++; return t->type = JSCAN_OBJECT;
    case '}': j->p++; return t->type = JSCAN_OBJECT_END;
    case '[': j->p++; return t->type = JSCAN_ARRAY;
    case ']': j->p++; return t->type = JSCAN_ARRAY_END;
    case '"': return text(j, t);
    case 't': return word(j, t, STR("true"), JSCAN_TRUE);
    case 'f': return word(j, t, STR("false"), JSCAN_FALSE);
    case 'n': return word(j, t, STR("null"), JSCAN_NULL);
    default: return number(j, t);
    }
}

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

bool jscan_unescape(struct str raw, struct buf *out)
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
