/* member.c - see member.h. */
#include "event/member.h"

#include "base/json.h"

struct scan {
    const char *p;
    const char *end;
};

static void blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')) {
        s->p++;
    }
}

static bool literal(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) {
        return false;
    }
    s->p += n;
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool string(struct scan *s)
{
    if (s->p >= s->end || *s->p != '"') {
        return false;
    }
    for (s->p++; s->p < s->end; s->p++) {
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            s->p++;
            return true;
        }
        if (c < 0x20) {
            return false;
        }
        if (c != '\\') {
            continue;
        }
        if (++s->p >= s->end) {
            return false;
        }
        if (*s->p == 'u') {
            for (int i = 0; i < 4; i++) {
                if (++s->p >= s->end || hex(*s->p) < 0) {
                    return false;
                }
            }
        } else if (*s->p == '\0' || strchr("\"\\/bfnrt", *s->p) == NULL) {
            return false;
        }
    }
    return false;
}

static bool digits(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
        s->p++;
    }
    return s->p > from;
}

static bool number(struct scan *s)
{
    if (s->p < s->end && *s->p == '-') {
        s->p++;
    }
    bool zero = s->p < s->end && *s->p == '0';
    const char *from = s->p;
    if (!digits(s) || (zero && s->p - from > 1)) {
        return false;
    }
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s)) {
            return false;
        }
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) {
            s->p++;
        }
        return digits(s);
    }
    return true;
}

static bool value(struct scan *s, int depth);

/* The elements of an object or array behind its opening bracket. */
static bool elements(struct scan *s, char close, int depth)
{
    blanks(s);
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return true;
    }
    for (;;) {
        blanks(s);
        if (close == '}') {
            if (!string(s)) {
                return false;
            }
            blanks(s);
            if (!literal(s, ":")) {
                return false;
            }
        }
        if (!value(s, depth)) {
            return false;
        }
        blanks(s);
        if (s->p < s->end && *s->p == close) {
            s->p++;
            return true;
        }
        if (!literal(s, ",")) {
            return false;
        }
    }
}

static bool value(struct scan *s, int depth)
{
    blanks(s);
    if (s->p >= s->end || depth > MEMBER_DEPTH_MAX) {
        return false;
    }
    switch (*s->p) {
    case '{': s->p++; return elements(s, '}', depth + 1);
    case '[': s->p++; return elements(s, ']', depth + 1);
    case '"': return string(s);
    case 't': return literal(s, "true");
    case 'f': return literal(s, "false");
    case 'n': return literal(s, "null");
    default: return number(s);
    }
}

bool member_check(struct str text)
{
    if (text.p == NULL) {
        return false;
    }
    struct scan s = {text.p, text.p + text.n};
    if (!value(&s, 0)) {
        return false;
    }
    blanks(&s);
    return s.p == s.end;
}

bool member_next(struct str text, size_t *at, struct str *key, struct str *val)
{
    struct scan s = {text.p + *at, text.p + text.n};
    blanks(&s);
    if (*at == 0 ? !literal(&s, "{") : !literal(&s, ",")) {
        return false;
    }
    blanks(&s);
    const char *from = s.p;
    if (!string(&s)) {
        return false;
    }
    *key = (struct str){from + 1, (size_t)(s.p - from) - 2};
    blanks(&s);
    if (!literal(&s, ":")) {
        return false;
    }
    blanks(&s);
    from = s.p;
    if (!value(&s, 1)) {
        return false;
    }
    *val = (struct str){from, (size_t)(s.p - from)};
    *at = (size_t)(s.p - text.p);
    return true;
}

bool member_item(struct str text, size_t *at, struct str *val)
{
    struct scan s = {text.p + *at, text.p + text.n};
    blanks(&s);
    if (*at == 0 ? !literal(&s, "[") : !literal(&s, ",")) {
        return false;
    }
    blanks(&s);
    const char *from = s.p;
    if (!value(&s, 1)) {
        return false;
    }
    *val = (struct str){from, (size_t)(s.p - from)};
    *at = (size_t)(s.p - text.p);
    return true;
}

struct str member_find(struct str text, const char *key)
{
    size_t at = 0;
    struct str k;
    struct str v;
    while (member_next(text, &at, &k, &v)) {
        if (str_eq(k, str_of(key))) {
            return v;
        }
    }
    return STR_NULL;
}

bool member_text(struct str raw, struct buf *out)
{
    if (raw.p == NULL) {
        return false;
    }
    struct scan s = {raw.p, raw.p + raw.n};
    size_t before = out->len;
    if (!string(&s) || s.p != s.end ||
        !json_unescape((struct str){raw.p + 1, raw.n - 2}, out)) {
        return false;
    }
    return out->len == before ||
           memchr(buf_data(out) + before, '\0', out->len - before) == NULL;
}

size_t member_texts(struct str object, const char *const *names, size_t count,
                    struct buf *texts, struct str *const *out)
{
    buf_reset(texts);
    for (size_t i = 0; i < count; i++) {
        size_t before = texts->len;
        struct str raw = member_find(object, names[i]);
        if (raw.p == NULL || !member_text(raw, texts)) {
            return i;
        }
        *out[i] = (struct str){NULL, texts->len - before};
    }
    size_t from = 0; /* the buffer does not move any more */
    for (size_t i = 0; i < count; i++) {
        *out[i] = (struct str){buf_str(texts).p + from, out[i]->n};
        from += out[i]->n;
    }
    return count;
}
