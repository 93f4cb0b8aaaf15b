/* consumer_conf.h - the consumer's own settings. Read-only after main loaded them. */
#ifndef PARKWAY_CONSUMER_CONSUMER_CONF_H
#define PARKWAY_CONSUMER_CONSUMER_CONF_H

#include "base/conf.h"

struct consumer_mirror {
    char *source;  /* "schema.name" on the primary */
    char *target;  /* "schema.name" on the replica; "" is the source's name */
    char *kind;    /* "row" or "append" */
    char *columns; /* "a, b, c=d, $position=pos"; "" is every column under its own name */
};

/* A table that a view's SELECT reads, and which rows of the view one of its rows belongs to. */
struct consumer_view_source {
    char *table;   /* "schema.name" on the replica */
    char *columns; /* that equal the view's key, in its order; "" */
    char *query;   /* else: a SELECT of keys, which sees the touched rows as "touched" */
};

struct consumer_view {
    char *name;  /* "schema.name" of the table that holds it */
    char *key;   /* its columns, blank-separated */
    char *query; /* the SELECT; "": file has it */
    char *file;
    struct conf_strings indexes;
    bool scan;
    struct conf_groups sources; /* struct consumer_view_source */
};

struct consumer_conf {
    char *name;
    int64_t http_port;
    int64_t prefetch;
    int64_t batch_max_bytes;
    int64_t batch_max_rows;
    char *on_poison;
    int64_t apply_delay_ms;
    int64_t place_save_ms;
    bool auto_resync;
    int64_t verify_interval;
    int64_t verify_rate;
    struct conf_groups mirrors; /* struct consumer_mirror */
    struct conf_groups views;   /* struct consumer_view */
};

const struct consumer_conf *consumer_conf(void);
extern const struct conf_group consumer_conf_group;

#endif
