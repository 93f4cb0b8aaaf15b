/* json.h - writing JSON into a buf, fast and exact, and what a string literal stands for. (Reading whole texts:
 * jansson, event/member.h, or the router's own streaming reader for libpg_query.) The writer adds commas itself; style CLI puts ", " and ":
 * " as the CLI's output has them, COMPACT none. Text must be UTF-8; control characters, quotes
 * and backslashes are escaped, everything else stays as it is. Owner: the caller's struct. */
#ifndef PARKWAY_BASE_JSON_H
#define PARKWAY_BASE_JSON_H

#include "base/buf.h"

enum json_style { JSON_COMPACT, JSON_CLI };

struct json {
    struct buf *out;
    enum json_style style;
    bool comma; /* an element stands before the next one at this level */
};

void json_init(struct json *j, struct buf *out, enum json_style style);
void json_object(struct json *j);
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_key_str(struct json *j, struct str key);
void json_text(struct json *j, struct str s); /* a string; NULL writes null */
void json_int(struct json *j, int64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j,
              struct str s); /* s is JSON already: a number's digits, json, jsonb */
/* json_value - s is JSON already, of one value: written in the writer's style, whatever blanks it has (those of jsonb
 * between its tokens). */
void json_value(struct json *j, struct str s);
/* shorthand: key and value */
void json_key_text(struct json *j, const char *key, struct str s);
void json_key_int(struct json *j, const char *key, int64_t v);
/* json_quote - only the escaped string with its quotes, no commas. */
void json_quote(struct buf *out, struct str s);

/* json_unescape - appends the meaning of raw, what stands between a string's quotes; false: a malformed escape
 * or half a surrogate pair. At most raw.n bytes are appended. */
bool json_unescape(struct str raw, struct buf *out);

#endif
