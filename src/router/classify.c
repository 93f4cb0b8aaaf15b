/* classify.c - libpg_query in, classification out. See classify.h; the tree is read in ast.c. */
#include "router/classify.h"

#include <pg_query.h>
#include <stdlib.h>
#include <strings.h>

#include "router/ast.h"

const char *classify_kind_text(enum classify_kind k)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CLASSIFY_KIND_LIST(X)
#undef X
    };

    return (size_t)k < ARRAY_LEN(texts) ? texts[k] : "unknown";
}

bool classify_maybe_read(enum classify_kind k)
{
    return k == CLASSIFY_READ || k == CLASSIFY_COPY_OUT || k == CLASSIFY_EXPLAIN;
}

static bool is(struct str s, const char *word)
{
    return s.p != NULL && s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* Encodings in which a byte of a character may look like a quote, a backslash or a letter. */
static bool safe_encoding(struct str s)
{
    static const char *const unsafe[] = {
        "sjis",        "shift_jis", "shiftjis",   "mskanji", "win932", "windows932",
        "big5",        "win950",    "windows950", "gbk",     "win936", "windows936",
        "uhc",         "win949",    "windows949", "gb18030", "johab",  "shift_jis_2004",
        "shiftjis2004"};

    for (size_t i = 0; i < ARRAY_LEN(unsafe); i++) {
        if (is(s, unsafe[i])) {
            return false;
        }
    }
    return true;
}

static bool truth(struct str s)
{
    return s.p == NULL || is(s, "on") || is(s, "true") || is(s, "yes") || is(s, "1") ||
           is(s, "t") || is(s, "y") || is(s, "tr") || is(s, "tru") || is(s, "ye");
}

uint32_t classify_setting_pins(struct str name, struct str value, uint32_t *clear)
{
    uint32_t pin = 0;
    bool set = false;

    if (is(name, "role")) {
        pin = PIN_ROLE;
        set = value.p != NULL && !is(value, "none");
    } else if (is(name, "session_authorization")) {
        pin = PIN_ROLE;
        set = value.p != NULL;
    } else if (is(name, "standard_conforming_strings")) {
        pin = PIN_SYNTAX;
        set = !truth(value);
    } else if (is(name, "client_encoding")) {
        pin = PIN_SYNTAX;
        set = !safe_encoding(value);
    } else if (is(name, "default_transaction_isolation") || is(name, "transaction_isolation")) {
        pin = PIN_SERIALIZABLE;
        set = is(value, "serializable");
    }
    *clear = set ? 0 : pin;
    return set ? pin : 0;
}

/* The whole text as one statement that nobody understands. */
static void unknown(struct classification *c, size_t length, enum classify_kind kind)
{
    struct classify_stmt *s =
        ast_arena_take(c->arena, sizeof(*s), _Alignof(struct classify_stmt));

    *s = (struct classify_stmt){.kind = kind,
                                .body_kind = kind,
                                .length = (uint32_t)(length > UINT32_MAX ? UINT32_MAX : length),
                                .modes = {.read_only = -1, .deferrable = -1}};
    c->stmts = s;
    c->stmt_count = 1;
    c->literal = true;
}

struct classification *classify_parse(struct str text)
{
    struct classification *c = def_zalloc(1, sizeof(*c));
    PgQueryParseResult r;
    char *sql;
    bool ok = false;

    c->refs = 1;
    c->arena = ast_arena_new();
    c->too_long = text.n > CLASSIFY_TEXT_MAX;
    if (!c->too_long && (text.n == 0 || memchr(text.p, '\0', text.n) == NULL)) {
        sql = def_strndup(text.p, text.n);
        r = pg_query_parse(sql);
        if (r.error == NULL && r.parse_tree != NULL) {
            ok = ast_read(str_of(r.parse_tree), text, c);
        }
        pg_query_free_parse_result(r);
        free(sql);
    }
    if (!ok) {
        unknown(c, text.n, CLASSIFY_UNKNOWN);
    } else if (c->stmt_count == 0) {
        unknown(c, text.n, CLASSIFY_EMPTY);
    }
    c->bytes = sizeof(*c) + ast_arena_bytes(c->arena);
    return c;
}

void classify_ref(struct classification *c)
{
    c->refs++;
}

void classify_unref(struct classification *c)
{
    if (c != NULL && --c->refs == 0) {
        ast_arena_free(c->arena);
        free(c);
    }
}
