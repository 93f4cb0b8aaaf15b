/* shape.c - the lexer behind shapes.
 *
 * Everything that is no literal is kept as written, in lower case outside quotes, with each run
 * of blanks and comments as one blank; each literal becomes one mark by its sort. So two texts
 * with one shape are the same tokens to the server but for the values of literals, provided
 * that the ends of literals, quoted names and comments are found exactly where the server finds
 * them. Where that is in doubt (junk after a number, U&"" names with their own escape
 * character, control bytes) there is no shape. */
#include "router/shape.h"

enum { MARK_NUMBER = 1, MARK_STRING = 2, MARK_BITS = 3, MARK_NATIONAL = 4 /* a cast too */ };

struct lexer {
    const char *p;
    const char *end;
    char *out; /* room for every byte of the text and one more */
    size_t n;
    bool blank; /* blanks or comments since the last token */
    bool semicolon;
    struct shape *s;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static char at(const struct lexer *x, size_t ahead)
{
    return (size_t)(x->end - x->p) > ahead ? x->p[ahead] : '\0';
}

/* A token begins: the blank before it, and whether it starts a further statement. */
static void token(struct lexer *x)
{
    if (x->blank && x->n > 0) {
        x->out[x->n++] = ' ';
    }
    x->blank = false;
    x->s->statements = x->s->statements || x->semicolon;
}

static void put(struct lexer *x, char c)
{
    x->out[x->n++] = c;
}

static void put_lower(struct lexer *x, char c)
{
    x->out[x->n++] = (c >= 'A' && c <= 'Z') ? (char)(c + ('a' - 'A')) : c;
}

/* parkway.position=VALUE up to a blank, a quote or the comment's end. */
struct str shape_position(struct str text)
{
    static const char name[] = "parkway.position";
    const char *p = text.p;
    const char *end = text.p + text.n;
    struct str found = STR_NULL;

    while (p < end && (p = memmem(p, (size_t)(end - p), name, sizeof(name) - 1)) != NULL) {
        const char *from;

        p += sizeof(name) - 1;
        while (p < end && is_blank(*p)) {
            p++;
        }
        if (p == end || *p != '=') {
            continue;
        }
        p++;
        while (p < end && (is_blank(*p) || *p == '\'')) {
            p++;
        }
        from = p;
        while (p < end && !is_blank(*p) && *p != '\'' && *p != '*' && *p != ';') {
            p++;
        }
        found = (struct str){from, (size_t)(p - from)};
    }
    return found;
}

static void hint(struct lexer *x, const char *from, const char *to)
{
    struct str found = shape_position((struct str){from, (size_t)(to - from)});

    if (found.p != NULL) {
        x->s->position = found;
    }
}

static void line_comment(struct lexer *x)
{
    const char *from = x->p;

    while (x->p < x->end && *x->p != '\n' && *x->p != '\r') {
        x->p++;
    }
    hint(x, from, x->p);
    x->blank = true;
}

/* Slash-star comments nest. */
static bool block_comment(struct lexer *x)
{
    const char *from = x->p;
    size_t depth = 0;

    while (x->p < x->end) {
        if (at(x, 0) == '/' && at(x, 1) == '*') {
            depth++;
            x->p += 2;
        } else if (at(x, 0) == '*' && at(x, 1) == '/') {
            depth--;
            x->p += 2;
            if (depth == 0) {
                hint(x, from, x->p);
                x->blank = true;
                return true;
            }
        } else {
            x->p++;
        }
    }
    return false;
}

/* From the opening quote; a doubled quote is one; escapes: a backslash hides the next byte. */
static bool quoted(struct lexer *x, char quote, bool escapes, bool keep)
{
    const char *from = x->p;

    for (x->p++; x->p < x->end; x->p++) {
        if (*x->p == quote) {
            if (at(x, 1) != quote) {
                x->p++;
                if (keep) {
                    memcpy(x->out + x->n, from, (size_t)(x->p - from));
                    x->n += (size_t)(x->p - from);
                }
                return true;
            }
            x->p++;
        } else if (escapes && *x->p == '\\' && x->p + 1 < x->end) {
            x->p++;
        }
    }
    return false;
}

static bool string(struct lexer *x, size_t prefix, bool escapes, char mark)
{
    x->p += prefix;
    put(x, mark);
    if (!quoted(x, '\'', escapes, false)) {
        return false;
    }
    /* E'a' may go on in a further line, with escapes there too */
    const char *next = x->p;
    while (escapes && next < x->end && is_blank(*next)) {
        next++;
    }
    return !escapes || next == x->end || (*next != '\'' && *next != '-');
}

/* $1, or $tag$ … $tag$; false when the text has no end or the dollar opens nothing. */
static bool dollar(struct lexer *x)
{
    const char *tag = x->p;
    const char *q = x->p + 1;
    const char *close;
    size_t n;

    if (q < x->end && is_digit(*q)) { /* a parameter */
        put(x, *x->p++);
        while (is_digit(at(x, 0))) {
            put(x, *x->p++);
        }
        return !is_word_start(at(x, 0));
    }
    if (q < x->end && is_word_start(*q)) {
        while (q < x->end && (is_word_start(*q) || is_digit(*q))) {
            q++;
        }
    }
    if (q >= x->end || *q != '$') {
        return false;
    }
    n = (size_t)(q + 1 - tag);
    close = memmem(q + 1, (size_t)(x->end - (q + 1)), tag, n);
    if (close == NULL) {
        return false;
    }
    x->p = close + n;
    put(x, MARK_STRING);
    return true;
}

static bool number(struct lexer *x)
{
    while (is_digit(at(x, 0))) {
        x->p++;
    }
    if (at(x, 0) == '.' && at(x, 1) != '.') {
        x->p++;
        while (is_digit(at(x, 0))) {
            x->p++;
        }
    }
    if (at(x, 0) == 'e' || at(x, 0) == 'E') {
        size_t sign = at(x, 1) == '+' || at(x, 1) == '-' ? 1 : 0;

        if (is_digit(at(x, 1 + sign))) {
            x->p += 1 + sign;
            while (is_digit(at(x, 0))) {
                x->p++;
            }
        }
    }
    put(x, MARK_NUMBER);
    return !is_word_start(at(x, 0)); /* 1a: the server's error, or two tokens to older ones */
}

static bool word(struct lexer *x)
{
    char c = at(x, 0);
    char q = at(x, 1);

    if (q == '\'') {
        switch (c) {
        case 'e':
        case 'E': return string(x, 1, true, MARK_STRING);
        case 'n':
        case 'N': return string(x, 1, false, MARK_NATIONAL);
        case 'b':
        case 'B':
        case 'x':
        case 'X': return string(x, 1, false, MARK_BITS);
        default: break;
        }
    }
    if ((c == 'u' || c == 'U') && q == '&') {
        if (at(x, 2) == '"' || at(x, 2) == '\'') {
            return false; /* UESCAPE decides what it means */
        }
    }
    while (x->p < x->end && is_word(*x->p)) {
        put_lower(x, *x->p++);
    }
    return true;
}

static bool step(struct lexer *x)
{
    char c = *x->p;

    if (is_blank(c)) {
        x->blank = true;
        x->p++;
        return true;
    }
    if (c == '-' && at(x, 1) == '-') {
        line_comment(x);
        return true;
    }
    if (c == '/' && at(x, 1) == '*') {
        return block_comment(x);
    }
    if ((unsigned char)c < ' ' || c == 0x7f) {
        return false;
    }
    if (c == ';') {
        token(x);
        x->semicolon = true;
        put(x, c);
        x->p++;
        return true;
    }
    token(x);
    if (is_word_start(c)) {
        return word(x);
    }
    if (is_digit(c) ||
        (c == '.' && is_digit(at(x, 1)) && (x->n == 0 || x->out[x->n - 1] != '.'))) {
        return number(x);
    }
    switch (c) {
    case '\'': return string(x, 0, false, MARK_STRING);
    case '"': return quoted(x, '"', false, true);
    case '$': return dollar(x);
    default:
        put(x, c);
        x->p++;
        return true;
    }
}

void shape_scan(struct str text, struct buf *out, struct shape *s)
{
    struct lexer x = {.p = text.p, .end = text.p + text.n, .s = s};

    buf_reset(out);
    *s = (struct shape){.ok = true};
    /* Nothing grows: a token's text is no longer than itself, and a blank stands for at least one. */
    x.out = buf_reserve(out, text.n + 2);
    while (x.p < x.end) {
        if (!step(&x)) {
            s->ok = false;
            hint(&x, text.p, text.p + text.n); /* a token must not be lost with the shape */
            break;
        }
    }
    buf_commit(out, x.n);
    s->hash = shape_hash((struct str){x.out, x.n});
}

__extension__ typedef unsigned __int128 wide;

static uint64_t fold(uint64_t a, uint64_t b)
{
    wide m = (wide)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t shape_hash(struct str s)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ s.n;
    uint64_t w;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        memcpy(&w, s.p + i, 8);
        h = fold(h ^ w, 0xd6e8feb86659fd93u);
    }
    w = 0;
    if (i < s.n) {
        memcpy(&w, s.p + i, s.n - i);
    }
    h = fold(h ^ w, 0xa0761d6478bd642fu);
    return h == 0 ? 1 : h;
}
