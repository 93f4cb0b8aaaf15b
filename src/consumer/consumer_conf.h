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

struct consumer_conf {
    char *name;
    int64_t http_port;
    int64_t prefetch;
    int64_t batch_max_bytes;
    int64_t batch_max_rows;
    char *on_poison;
    int64_t apply_delay_ms;
    bool auto_resync;
    struct conf_groups mirrors; /* struct consumer_mirror */
};

const struct consumer_conf *consumer_conf(void);
extern const struct conf_group consumer_conf_group;

#endif
