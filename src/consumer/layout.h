/* layout.h - what a table looks like, as the primary announces it and as the replica has it. Pure.
 *
 * The content of a parkway.shape message is JSON (docs/log-format.md); the replica describes its own tables in
 * the same form (parkway.shape_of), so one parser reads both. Everything lies in the arena that the caller
 * gives; texts are NUL-terminated, NULL where the JSON has null. */
#ifndef PARKWAY_CONSUMER_LAYOUT_H
#define PARKWAY_CONSUMER_LAYOUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct relation;

struct layout_column {
    int num; /* pg_attribute.attnum: stays when the column is renamed */
    const char *name;
    const char *type; /* format_type, qualified outside pg_catalog */
    uint32_t type_oid;
    int32_t mod;
    const char *collation; /* qualified; NULL: the type's own */
    const char *def;       /* default expression */
    const char *missing;   /* what rows from before the column have, as the type's text */
    const char *generated; /* expression */
    bool constant;         /* def is a constant */
    bool not_null;
    bool published;
    char identity; /* 'a', 'd' or 0 */
};

struct layout {
    uint32_t oid;
    const char *schema, *name;
    char kind;     /* 'r', 'p' */
    char identity; /* replica identity: 'd','n','f','i' */
    const char *filter;
    struct layout_column *columns;
    size_t column_count;
    int *key; /* column numbers of the primary key */
    size_t key_count;
    int *identity_key; /* and of the replica identity's index */
    size_t identity_key_count;
    const char **readers; /* logins that may SELECT */
    size_t reader_count;
    /* of the replica's tables alone */
    const char *key_name; /* constraint of the primary key */
    const char **uniques; /* other unique indexes */
    size_t unique_count;
};

/* A parkway.shape message. */
struct layout_notice {
    struct layout *table; /* NULL: dropped, released or failed */
    struct layout *was;   /* NULL: not captured before */
    int rewrite;          /* rows were written anew: LAYOUT_REWRITE_* or-ed */
    bool plain;           /* by the types' own casts */
    bool filled;          /* it holds rows; told of tables that are new or were rewritten */
    bool state;           /* no change: how it is */
    bool joined;          /* a partition came with rows in it */
    bool released;        /* it exists, but is not captured any more */
    const char **gone;    /* bounds of partitions that left; NULL where they cannot be told */
    size_t gone_count;
    const char *failed; /* why the primary could not tell the shape of: */
    uint32_t failed_oid;
    const char *failed_schema, *failed_name;
};

enum { LAYOUT_REWRITE_DEFAULT = 2, LAYOUT_REWRITE_COLUMN = 4 };

/* layout_notice_parse - ERR_PROTOCOL when content is not such a message. */
NODISCARD int layout_notice_parse(struct str content, struct arena *a,
                                  struct layout_notice *out, struct err *e);
/* layout_parse - one table, or NULL for JSON null. */
NODISCARD int layout_parse(struct str json, struct arena *a, struct layout **out,
                           struct err *e);

const struct layout_column *layout_column_by_num(const struct layout *l, int num);
const struct layout_column *layout_column_by_name(const struct layout *l, const char *name);
/* layout_mirrors - the column exists on replicas: its values come, or they are computed there. */
bool layout_mirrors(const struct layout_column *c);
/* layout_fits - the Relation message describes this table; if not, reason says what differs. */
bool layout_fits(const struct layout *l, const struct relation *r, char *reason, size_t size);

#endif
