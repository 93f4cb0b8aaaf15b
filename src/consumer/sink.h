/* sink.h - one target table of the replica: its shape and the statements that change it.
 *
 * A sink takes rows of one source relation version. Its shape (columns, types, key) is looked up in the
 * replica's catalogue at first use; what does not fit makes it broken, and every change for it is then
 * refused with that reason. All statements are set-wise over arrays of text in binary form, cast to
 * the column's type by the server, so that one form serves one row and ten thousand, and no value is
 * quoted; each is prepared once. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_SINK_H
#define PARKWAY_CONSUMER_SINK_H

#include "consumer/plan.h"
#include "consumer/relation.h"
#include "pg/conn.h"

enum sink_op {
    SINK_DELETE,
    SINK_UPDATE,
    SINK_INSERT, /* a row whose key is there is left alone and not counted */
    SINK_UPSERT,
    SINK_MOVE, /* delete by old key and insert, unchanged values taken from the deleted row */
    SINK_DELETE_ROW,
    SINK_UPDATE_ROW,
};

/* The pseudo-columns, as source numbers. */
enum {
    SINK_POSITION = -1,
    SINK_OP = -2,
    SINK_COMMIT_TIME = -3,
    SINK_ROW = -4,
    SINK_TYPE = -5,
    SINK_DATA = -6,
    SINK_NONE = -7
};

struct sink_column {
    int source;   /* column number of the relation, or a pseudo-column */
    char *target; /* unquoted */
    char *quoted;
    char *type;    /* quoted and qualified, for a cast */
    bool identity; /* GENERATED ALWAYS AS IDENTITY: cannot be updated */
};

struct sink_param {
    bool old; /* of the old row */
    uint16_t column;
};

struct sink_statement {
    enum sink_op op;
    bool sure;  /* fails (22012) when it changes no row, instead of saying so */
    char *mask; /* one character a column: '~' unchanged, '.' given */
    char name[24];
    struct sink_param *params;
    size_t param_count;
};

struct sink {
    struct plan_table plan; /* columns of the plan are the sink's */
    const struct relation *relation;
    char *schema, *name;          /* of the target */
    char *target;                 /* quoted and qualified */
    struct mirror_column *wanted; /* of the mirror; none: all */
    size_t wanted_count;
    bool append;

    bool known;        /* the shape was looked up */
    bool checked;      /* alter_check has passed */
    struct err broken; /* code 0: usable */
    bool settled;      /* aside.c's note: a broken sink was looked at again in this run */
    struct sink_column *columns;
    uint16_t *key;
    bool unique;      /* a unique index stands behind the key */
    bool partitioned; /* the target */
    bool straight;    /* column i is the relation's column i */
    char **extra;     /* quoted columns of the target that the mirror does not feed */
    size_t extra_count;
    char *column_list; /* quoted, for INSERT and COPY */
    struct sink_statement **statements;
    size_t statement_count;
    uint64_t start_lsn; /* changes that end at or before it are in the target already */
};

struct sink *sink_new(const struct relation *r, const struct mirror *m);
void sink_free(struct sink *s);
/* sink_know - looks the shape up, once. 0 also when the sink turns out broken; an error is the
 * connection's. */
NODISCARD int sink_know(struct sink *s, struct conn *c, struct err *e);
void sink_forget(struct sink *s); /* the shape will be looked up again */

/* sink_statement - the prepared statement for op and the unchanged columns of row (NULL: none). May ask
 * the server once. ERR_SQL when it refuses the text. sure: of INSERT and UPDATE, see sink_statement.sure. */
NODISCARD int sink_statement(struct sink *s, struct conn *c, enum sink_op op, bool sure,
                             const struct str *row, struct sink_statement **out, struct err *e);

/* What a change looks like besides its rows. */
struct sink_change {
    struct position at;
    int64_t commit_us; /* since 1970 */
    const char *op;    /* "create", "update", "delete" */
};

/* A change as one sink sees it, in the sink's columns. Of a broken sink: in the relation's. */
struct sink_view {
    struct sink *sink;
    enum plan_op op;
    const struct str *old; /* may be NULL */
    const struct str *neu; /* may be NULL */
    struct position at;
    int64_t commit_us; /* since 1970 */
    struct str msg;    /* pgoutput, as the log brought it */
    bool half;         /* of a key change: the target's copy has the other half (start.h) */
};

/* sink_refuses - this change cannot be written by any statement; why, which may be NULL, becomes the reason. */
bool sink_refuses(const struct sink_view *v, struct err *why);
/* sink_incomplete - the refusal of a row that is not there and that its change does not carry whole. */
int sink_incomplete(struct err *e);

/* sink_row - a relation's row as the sink's columns. */
const struct str *sink_row(const struct sink *s, const struct str *row,
                           const struct sink_change *ch, struct arena *a);

#endif
