/* jscan.h - a pull reader of JSON text, for what libpg_query writes: no tree, no allocation, no
 * depth. Each call gives one token that borrows the text; commas and colons are passed over, and a
 * text followed by a colon is a key. Balance of brackets is the caller's to check: it keeps the
 * stack that gives tokens their meaning. Pure; owns nothing. Source: RFC 8259. */
#ifndef PARKWAY_ROUTER_JSCAN_H
#define PARKWAY_ROUTER_JSCAN_H

#include "base/buf.h"

enum jscan_type {
    JSCAN_END, /* of the text */
    JSCAN_BAD, /* malformed here; every further call says so too */
    JSCAN_OBJECT,
    JSCAN_OBJECT_END,
    JSCAN_ARRAY,
    JSCAN_ARRAY_END,
    JSCAN_KEY,
    JSCAN_STRING,
    JSCAN_NUMBER,
    JSCAN_TRUE,
    JSCAN_FALSE,
    JSCAN_NULL,
};

struct jscan {
    const char *p;
    const char *end;
    bool bad;
};

struct jscan_token {
    enum jscan_type type;
    struct str text; /* KEY, STRING: between the quotes, as written; NUMBER: its digits */
    bool escaped;    /* the text has backslashes: json_unescape */
};

void jscan_init(struct jscan *j, struct str text);
enum jscan_type jscan_next(struct jscan *j, struct jscan_token *t);

#endif
