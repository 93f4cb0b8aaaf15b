/* msg.h - the messages of PostgreSQL's protocol 3, as pure parse and build functions.
 *
 * Parsing borrows the caller's bytes and keeps nothing; a step answers "done", "need more" or
 * "bad". Building appends whole messages to a buf. Used for both directions by the router: it is a
 * server to its clients and a client to its servers. Thread: any; no state.
 * Source: PostgreSQL 15 documentation, chapter 55 "Frontend/Backend Protocol". */
#ifndef PARKWAY_PG_MSG_H
#define PARKWAY_PG_MSG_H

#include "base/buf.h"

enum msg_step { MSG_BAD = -1, MSG_NEED = 0, MSG_DONE = 1 };

enum {
    MSG_HEAD = 5,              /* type byte and length */
    MSG_BODY_MAX = 0x3fffffff, /* PostgreSQL's own bound (MaxAllocSize) */
    MSG_STARTUP_MAX = 10000,   /* MAX_STARTUP_PACKET_LENGTH */
    MSG_CODE_CANCEL = 80877102,
    MSG_CODE_SSL = 80877103,
    MSG_CODE_GSS = 80877104,
    MSG_PROTOCOL_3 = 196608,
};

/* One typed message: body is borrowed from the input and may be shorter than size when only the
 * head has been asked for. */
struct msg {
    char type;
    size_t size; /* of the whole message, head included */
    struct str body;
};

/* msg_head - type and size as soon as five bytes are there. MSG_BAD: a length below 4 or above
 * MSG_BODY_MAX. body holds what is present of it. */
enum msg_step msg_head(struct str in, struct msg *out);
/* msg_next - a whole message, or MSG_NEED. */
enum msg_step msg_next(struct str in, struct msg *out);

/* msg_startup - an untyped first packet. code is one of MSG_CODE_* or the protocol version; body is
 * what follows the code. */
enum msg_step msg_startup(struct str in, uint32_t *code, size_t *size, struct str *body);
/* msg_startup_param - the next name and value of a startup body; false at the end or when malformed
 * (then body->bad). */
bool msg_startup_param(struct rd *body, struct str *name, struct str *value);

struct msg_parse {
    struct str name, text;
    uint16_t type_count;
    struct rd types; /* rd_u32 each */
    struct str tail; /* type count and types as sent */
};
struct msg_bind {
    struct str portal, statement;
    struct str tail; /* everything behind the statement's name */
};
struct msg_describe { /* Describe and Close */
    char kind;        /* 'S' or 'P' */
    struct str name;
};
struct msg_execute {
    struct str portal;
    uint32_t rows_max;
};
bool msg_read_query(struct str body, struct str *text);
bool msg_read_parse(struct str body, struct msg_parse *out);
bool msg_read_bind(struct str body,
                   struct msg_bind *out); /* checks the parameters' lengths too */
bool msg_read_describe(struct str body, struct msg_describe *out);
bool msg_read_execute(struct str body, struct msg_execute *out);

/* ErrorResponse and NoticeResponse: the field with that code, or {NULL,0}. */
struct str msg_field(struct str body, char code);

/* RowDescription, one column at a time; at is where its table OID stands in the body. */
struct msg_column {
    struct str name;
    uint32_t table_oid;
    uint16_t attribute;
    uint32_t type_oid;
    int16_t type_len;
    int32_t type_mod;
    uint16_t format;
    size_t at;
};
struct msg_columns {
    struct rd rd;
    const char *start;
    uint16_t left;
};
bool msg_columns_open(struct str body, struct msg_columns *out);
bool msg_columns_next(struct msg_columns *c, struct msg_column *out);

/* DataRow: the next value; p NULL is SQL NULL. False at the end. */
struct msg_values {
    struct rd rd;
    uint16_t left;
};
bool msg_values_open(struct str body, struct msg_values *out);
bool msg_values_next(struct msg_values *v, struct str *out);

/* Building. msg_begin returns a mark for msg_end, which fills the length in. */
size_t msg_begin(struct buf *out, char type);
void msg_end(struct buf *out, size_t mark);
void msg_empty(struct buf *out, char type); /* Sync, Flush, Terminate, ParseComplete, … */
void msg_query(struct buf *out, struct str text);
void msg_parse(struct buf *out, struct str name, struct str text, struct str tail);
void msg_bind(struct buf *out, struct str portal, struct str statement, struct str tail);
void msg_describe(struct buf *out, char type, char kind, struct str name); /* 'D' or 'C' */
void msg_ready(struct buf *out, char status);
void msg_complete(struct buf *out, struct str tag);
void msg_param(struct buf *out, struct str name, struct str value);
void msg_key(struct buf *out, uint32_t pid, uint32_t secret);
/* msg_error - ErrorResponse ('E') or NoticeResponse ('N'); detail and hint may be NULL. */
void msg_error(struct buf *out, char type, const char *severity, const char *sqlstate,
               const char *text, const char *detail, const char *hint);
/* msg_text_columns - RowDescription of n text columns without a table. */
void msg_text_columns(struct buf *out, const char *const *names, size_t n);
void msg_text_row(struct buf *out, const struct str *values, size_t n);
void msg_cancel(struct buf *out, uint32_t pid, uint32_t secret); /* the untyped packet */

#endif
