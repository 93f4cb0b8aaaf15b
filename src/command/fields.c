/* fields.c - see fields.h. The text is walked, not built into a tree: so a card's number is nowhere but in the text itself, where
 * it can be wiped, and an amount never goes through a double. */
#include "command/fields.h"

#include "base/json.h"
#include "base/utf8.h"
#include "domain/money.h"
#include "event/member.h"

#include <stdio.h>

enum { ID_DIGITS = 18 };

/* A whole body may begin with blanks. */
static bool is_object(struct str text)
{
    size_t at = 0;
    while (at < text.n && strchr(" \t\r\n", text.p[at]) != NULL) {
        at++;
    }
    return at < text.n && text.p[at] == '{';
}

int fields_check(struct str text, struct err *e)
{
    if (!utf8_valid(text)) {
        return err_set(e, ERR_INVALID, "bad JSON: not UTF-8");
    }
    if (!member_check(text)) {
        return err_set(e, ERR_INVALID, "bad JSON");
    }
    return is_object(text) ? 0 : err_set(e, ERR_INVALID, "the body must be a JSON object");
}

bool fields_item(struct str array, size_t *at, struct str *item)
{
    return member_item(array, at, item);
}

static bool is_text(struct str raw)
{
    return raw.p[0] == '"';
}

static bool is_number(struct str raw)
{
    return raw.p[0] == '-' || (raw.p[0] >= '0' && raw.p[0] <= '9');
}

/* What the string stands for; false: no string, or one that cannot be stored. */
static bool unquote(struct arena *mem, struct str raw, struct str *out)
{
    if (!is_text(raw)) {
        return false;
    }
    if (memchr(raw.p, '\\', raw.n) == NULL) {
        *out = (struct str){raw.p + 1, raw.n - 2};
        return true;
    }
    struct buf text = BUF_INIT;
    bool ok = member_text(raw, &text);
    if (ok) {
        *out = arena_copy(mem, buf_str(&text));
    }
    buf_fini(&text);
    return ok;
}

/* The digits of a whole number that is written with or without quotes. */
static bool whole(struct str raw, int64_t min, int64_t max, struct str *out)
{
    struct str s = is_text(raw) ? (struct str){raw.p + 1, raw.n - 2} : raw;
    int64_t v = 0;
    if (s.n == 0 || s.n > ID_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    *out = s;
    return v >= min && v <= max;
}

static bool money(struct arena *mem, struct str raw, struct str *out)
{
    int64_t cents;
    struct str s = is_text(raw) ? (struct str){raw.p + 1, raw.n - 2} : raw;
    if (!money_parse(s, &cents)) {
        return false;
    }
    char *text = arena_alloc(mem, MONEY_TEXT_MAX);
    money_text(cents, text);
    *out = str_of(text);
    return true;
}

/* Whether raw is of the kind; *out is its text then. */
static bool convert(struct arena *mem, enum field_kind kind, struct str raw, struct str *out)
{
    *out = raw;
    switch (kind) {
    case FIELD_TEXT: return unquote(mem, raw, out);
    case FIELD_NUMBER: return is_number(raw);
    case FIELD_COUNT: return whole(raw, 1, INT32_MAX, out);
    case FIELD_ID: return whole(raw, 0, INT64_MAX, out);
    case FIELD_REF: return is_number(raw) || unquote(mem, raw, out);
    case FIELD_MONEY: return money(mem, raw, out);
    case FIELD_BOOL: return raw.p[0] == 't' || raw.p[0] == 'f';
    case FIELD_OBJECT: return is_object(raw);
    case FIELD_ARRAY: return raw.p[0] == '[';
    case FIELD_VALUE: return true;
    }
    return false;
}

static const char *const kinds[] = {
    [FIELD_TEXT] = "a string",
    [FIELD_NUMBER] = "a number",
    [FIELD_COUNT] = "a whole number from 1 to 2147483647",
    [FIELD_ID] = "a number's digits, at most 18",
    [FIELD_REF] = "a string or a number",
    [FIELD_MONEY] = "an amount from 0 with at most two decimals and ten digits before them",
    [FIELD_BOOL] = "true or false",
    [FIELD_OBJECT] = "an object",
    [FIELD_ARRAY] = "an array",
    [FIELD_VALUE] = "a value"};

static int give(struct arena *mem, struct field *f, struct str raw, struct err *e)
{
    if (f->text.p != NULL) {
        return err_set(e, ERR_INVALID, "%s is there twice", f->name);
    }
    if (raw.p[0] == 'n') {
        return err_set(e, ERR_INVALID, "%s must not be null", f->name);
    }
    if (convert(mem, f->kind, raw, &f->text)) {
        return 0;
    }
    bool text = is_text(raw) && (f->kind == FIELD_TEXT || f->kind == FIELD_REF);
    return err_set(e, ERR_INVALID, "%s must be %s", f->name,
                   text ? "a text that can be stored: no \\u0000, no half of a pair"
                        : kinds[f->kind]);
}

/* "username must not be null--lastName must not be null" */
static int check_required(const struct field *list, size_t count, struct err *e)
{
    struct buf missing = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        if (list[i].required && list[i].text.p == NULL) {
            buf_addf(&missing, "%s%s must not be null", missing.len > 0 ? "--" : "",
                     list[i].name);
        }
    }
    int rc = missing.len > 0 ? err_set(e, ERR_INVALID, "%s", buf_cstr(&missing)) : 0;
    buf_fini(&missing);
    return rc;
}

int fields_read(struct arena *mem, struct str object, struct field *list, size_t count,
                struct err *e)
{
    struct str key, raw;
    size_t at = 0;
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        list[i].text = STR_NULL;
    }
    if (!is_object(object)) {
        return err_set(e, ERR_INVALID, "must be an object");
    }
    while (rc == 0 && member_next(object, &at, &key, &raw)) {
        struct buf name = BUF_INIT;
        if (!json_unescape(key, &name)) {
            rc = err_set(e, ERR_INVALID, "bad JSON: a name that is no text");
        }
        for (size_t i = 0; rc == 0 && i < count; i++) {
            if (str_eq(buf_str(&name), str_of(list[i].name))) {
                rc = give(mem, &list[i], raw, e);
                break;
            }
        }
        buf_fini(&name);
    }
    return rc == 0 ? check_required(list, count, e) : rc;
}

int fields_body(struct arena *mem, struct str body, struct field *list, size_t count,
                struct err *e)
{
    int rc = fields_check(body, e);
    return rc == 0 ? fields_read(mem, body, list, count, e) : rc;
}
