/* event.h - one message of the events lane: a CloudEvents 1.0 event in AMQP's binary mode, built
 * from a decoded change.
 *
 * The body is the row as a JSON object, keys in column order; exact by type OID: json and jsonb are
 * embedded as they are, numbers by their own digits (NaN and the infinities as strings), bool as
 * true or false, everything else as the type's text. A delete carries the old key (or the whole old
 * row under REPLICA IDENTITY FULL), a truncate {}. Unchanged TOAST columns are left out and named in
 * the header parkway:unchanged, values above the bound in parkway:omitted, the old key of a key
 * change stands in parkway:oldkey as a JSON object.
 *
 * Pure but for setup() (topics, exchange). A relation and an event belong to the relay's emitting
 * thread. Source: CloudEvents 1.0.2, AMQP protocol binding 1.0.2. */
#ifndef PARKWAY_EVENT_EVENT_H
#define PARKWAY_EVENT_EVENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/trace.h"
#include "event/position.h"
#include "pg/pgoutput.h"

/* What becomes of a table's changes. */
enum event_route {
    EVENT_LOG_ONLY, /* captured without a topic */
    EVENT_TOPIC,    /* <topic>.create|update|delete|truncate */
    EVENT_STORE,    /* public.events: inserts, under the row's own routing_key */
};

struct event_column {
    char *name;
    uint32_t type_oid;
    bool key;
};

/* A table as its Relation message described it. */
struct event_relation {
    uint32_t oid;
    enum event_route route;
    char *table; /* "schema.name" */
    char *topic; /* of EVENT_TOPIC */
    /* of EVENT_TOPIC: the last word for insert, update, delete, truncate; "": no event */
    char *verbs[4];
    bool batch;
    struct event_column *columns;
    size_t column_count;
};

struct event_relation *event_relation_new(const struct pgoutput_msg *relation);
void event_relation_free(struct event_relation *r); /* NULL is fine */

enum { EVENT_KEY_MAX = 256, EVENT_HEADERS_MAX = 20 };

struct event_header {
    char name[64];
    bool is_number;
    int64_t number;
    size_t at, len; /* the text, inside texts */
};

struct event {
    char exchange[EVENT_KEY_MAX];
    char key[EVENT_KEY_MAX];
    char message_id[POSITION_TEXT_MAX]; /* the position */
    struct position at;
    struct event_header headers[EVENT_HEADERS_MAX];
    size_t header_count;
    struct buf texts; /* header texts, one after the other */
    struct buf body;
    bool
        batch; /* may share a message with its neighbours: only standard headers, topic says so */
    unsigned batch_count; /* events inside, when it became a batch */
    uint64_t batch_lsn;   /* of the first of them; the sender's note */
    unsigned tries;       /* publications that were refused; the sender's note */
};

/* event_value - a value that is not NULL, as it stands in an event's body. */
void event_value(struct json *j, uint32_t type_oid, struct str text);
void event_fini(struct event *ev);
void event_free(struct event *ev); /* one from the heap; NULL is fine */
/* event_header_text - the text of header i; borrowed until the next change. */
struct str event_header_text(const struct event *ev, size_t i);

/* event_from_change - an insert, update or delete. 0 with ev filled; ERR_NOT_FOUND: this change
 * makes no event; ERR_INVALID: it should, but cannot (a routing key over 255 bytes). commit_us is
 * wall time since 1970. */
NODISCARD int event_from_change(struct event *ev, const struct event_relation *r,
                                const struct pgoutput_msg *msg, struct position at,
                                int64_t commit_us, struct err *e);
/* event_from_truncate - the same for one table of a truncate. */
NODISCARD int event_from_truncate(struct event *ev, const struct event_relation *r,
                                  struct position at, int64_t commit_us, struct err *e);
/* event_from_message - a transactional logical message with prefix parkway.publish. ERR_NOT_FOUND for every
 * other prefix; ERR_INVALID: content that is not {"exchange","routing_key","id","headers","data"}
 * or names an exchange that is not Parkway's. */
NODISCARD int event_from_message(struct event *ev, const struct pgoutput_msg *msg,
                                 struct position at, int64_t commit_us, struct err *e);

/* event_trace_of - the traceparent that a transactional message parkway.trace gives its transaction; false: msg is none. */
bool event_trace_of(const struct pgoutput_msg *msg, char out[TRACE_TEXT_MAX]);
/* event_trace - adds it to an event, as CloudEvents' distributed tracing extension has it. */
void event_trace(struct event *ev, const char *trace);

/* event_batch_add - puts ev behind what is in batch already, when both may share a message and have
 * one key; the batch then carries ev's position. False: nothing happened. */
bool event_batch_add(struct event *batch, const struct event *ev);
/* event_batch_end - finishes a batch; does nothing to a single event. */
void event_batch_end(struct event *batch);

#endif
