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
