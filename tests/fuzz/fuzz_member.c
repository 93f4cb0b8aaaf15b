/* Fuzz target (libFuzzer): any bytes as JSON. What jansson reads, member_check accepts; what is accepted can be walked
 * to its end, and a string means to both the same. */
#include "event/member.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct str text, int depth)
{
    size_t at = 0;
    struct str key;
    struct str value;
    while (depth < 8 && member_next(text, &at, &key, &value)) {
        ASSERT(key.p > text.p && value.p + value.n <= text.p + text.n && at <= text.n);
        ASSERT(member_check(value));
        walk(value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    bool ok = member_check(text);
    json_error_t why;
    json_t *other = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    size_t depth = 0;
    for (size_t i = 0; i < size; i++) {
        depth += data[i] == '[' || data[i] == '{';
    }
    bool ends = memchr(text.p, '\0', text.n) != NULL; /* there jansson takes its input to end */
    ASSERT(other == NULL || ends || ok || depth >= MEMBER_DEPTH_MAX);
    if (ok) {
        walk(text, 0);
    }
    struct buf mine = BUF_INIT;
    if (json_is_string(other) && ok && text.p[0] == '"' && text.p[size - 1] == '"') {
        bool meant = member_text(text, &mine);
        size_t n = json_string_length(other);
        bool nul = memchr(json_string_value(other), '\0', n) != NULL;
        ASSERT(meant == !nul);
        ASSERT(nul || (n == mine.len &&
                       (n == 0 || memcmp(json_string_value(other), buf_data(&mine), n) == 0)));
    }
    buf_fini(&mine);
    json_decref(other);
    return 0;
}
