/* argline.c - see argline.h. */
#include "cli/argline.h"

#include "base/utf8.h"

void argline_init(struct argline *a)
{
    *a = (struct argline){.bytes = BUF_INIT};
}

void argline_fini(struct argline *a)
{
    buf_fini(&a->bytes);
    a->count = 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The end of the quoted text that starts behind position at (its quote); its bytes go to out. Returns the
 * position of the closing quote, or line.n when there is none. */
static size_t quoted(struct str line, size_t at, struct buf *out)
{
    char quote = line.p[at];
    for (at++; at < line.n && line.p[at] != quote; at++) {
        if (quote == '"' && line.p[at] == '\\' && at + 1 < line.n &&
            strchr("\"\\$`", line.p[at + 1]) != NULL) {
            at++;
        }
        buf_u8(out, (uint8_t)line.p[at]);
    }
    return at;
}

/* One word from position *at on, which is no blank; *at ends behind it. */
static int split_word(struct str line, size_t *at, struct buf *out, struct err *e)
{
    size_t i = *at;
    for (; i < line.n && !is_blank(line.p[i]); i++) {
        char c = line.p[i];
        if (c == '\'' || c == '"') {
            i = quoted(line, i, out);
            if (i == line.n) {
                return err_set(e, ERR_USAGE, "a quote (%c) is not closed", c);
            }
        } else if (c == '\\') {
            if (++i == line.n) {
                return err_set(e, ERR_USAGE, "nothing stands behind the last backslash");
            }
            buf_u8(out, (uint8_t)line.p[i]);
        } else {
            buf_u8(out, (uint8_t)c);
        }
    }
    *at = i;
    return 0;
}

int argline_split(struct argline *a, struct str line, struct err *e)
{
    buf_reset(&a->bytes);
    a->count = 0;
    if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL) {
        return err_set(e, ERR_USAGE, "the line has a NUL character");
    }
    /* No word grows: reserved at once, the bytes do not move under the words. */
    buf_reserve(&a->bytes, line.n + 1);
    for (size_t at = 0; at < line.n;) {
        if (is_blank(line.p[at])) {
            at++;
            continue;
        }
        if (line.p[at] == '#' && a->count == 0) {
            return 0;
        }
        if (a->count == ARGLINE_WORDS_MAX) {
            return err_set(e, ERR_USAGE, "more than %d words", ARGLINE_WORDS_MAX);
        }
        size_t from = a->bytes.len;
        int rc = split_word(line, &at, &a->bytes, e);
        if (rc != 0) {
            return rc;
        }
        a->words[a->count++] = (struct str){buf_data(&a->bytes) + from, a->bytes.len - from};
    }
    return 0;
}

bool argline_same(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        char x = a.p[i] == '-' ? '_' : a.p[i];
        char y = b.p[i] == '-' ? '_' : b.p[i];
        if (x != y) {
            return false;
        }
    }
    return true;
}

static int give(const struct argline_param *p, struct str value, struct str *to, struct err *e)
{
    if (to->p != NULL) {
        return err_set(e, ERR_USAGE, "--%s is given twice", p->name);
    }
    if (!utf8_storable(value)) {
        return err_set(e, ERR_INVALID, "the value of --%s is not valid UTF-8", p->name);
    }
    *to = value;
    return 0;
}

/* words[*at] is --name or --name=value; *at ends on its last word. */
static int bind_option(const struct argline_param *params, size_t param_count,
                       const struct str *words, size_t word_count, size_t *at,
                       struct argline_values *out, struct err *e)
{
    struct str name = {words[*at].p + 2, words[*at].n - 2};
    const char *equals = memchr(name.p, '=', name.n);
    struct str value = STR_NULL;
    if (equals != NULL) {
        value = (struct str){equals + 1, name.n - (size_t)(equals + 1 - name.p)};
        name.n = (size_t)(equals - name.p);
    }
    if (equals == NULL && argline_same(name, STR("json"))) {
        out->json = true;
        return 0;
    }
    for (size_t i = 0; i < param_count; i++) {
        if (!argline_same(name, str_of(params[i].name))) {
            continue;
        }
        if (params[i].value == NULL) {
            return equals == NULL
                       ? give(&params[i], ARGLINE_YES, &out->of[i], e)
                       : err_set(e, ERR_USAGE, "--%s takes no value", params[i].name);
        }
        if (equals == NULL) {
            if (*at + 1 == word_count) {
                return err_set(e, ERR_USAGE, "--%s needs a value", params[i].name);
            }
            value = words[++*at];
        }
        return give(&params[i], value, &out->of[i], e);
    }
    return err_set(e, ERR_USAGE, "unknown option --%.*s", STR_ARG(name));
}

int argline_bind(const struct argline_param *params, size_t param_count,
                 const struct str *words, size_t word_count, struct argline_values *out,
                 struct err *e)
{
    ASSERT(param_count <= ARGLINE_PARAMS_MAX);
    *out = (struct argline_values){.json = false};
    bool options = true;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < word_count; at++) {
        struct str w = words[at];
        if (options && (str_eq(w, STR("--help")) || str_eq(w, STR("-h")))) {
            out->help = true;
            return 0;
        }
        if (options && str_eq(w, STR("--"))) {
            options = false;
        } else if (options && w.n > 2 && w.p[0] == '-' && w.p[1] == '-') {
            rc = bind_option(params, param_count, words, word_count, &at, out, e);
        } else {
            size_t i = 0;
            while (i < param_count && (out->of[i].p != NULL || params[i].value == NULL)) {
                i++;
            }
            rc = i < param_count ? give(&params[i], w, &out->of[i], e)
                                 : err_set(e, ERR_USAGE, "unexpected \"%.*s\"", STR_ARG(w));
        }
    }
    for (size_t i = 0; rc == 0 && i < param_count; i++) {
        if (params[i].required && out->of[i].p == NULL) {
            rc = err_set(e, ERR_USAGE, "--%s=%s is missing", params[i].name, params[i].value);
        }
    }
    return rc;
}
