/* mirror.h - which source table goes to which target table, from the configuration. Pure. */
#ifndef PARKWAY_CONSUMER_MIRROR_H
#define PARKWAY_CONSUMER_MIRROR_H

#include "base/err.h"
#include "consumer/consumer_conf.h"

/* A column of a mirror: source name (or "$position", "$op", "$commit_time", "$row", "$type", "$data") and target name. */
struct mirror_column {
    char *source;
    char *target;
};

struct mirror {
    char *source_schema, *source_name;
    char *target_schema, *target_name;
    bool append;
    struct mirror_column *columns; /* none: every column under its own name */
    size_t column_count;
};

struct mirrors {
    struct mirror *items;
    size_t count;
    bool all; /* nothing configured: every table onto itself */
};

/* mirrors_load - ERR_INVALID names the mirror and what is wrong. */
NODISCARD int mirrors_load(struct mirrors *m, const struct consumer_conf *conf, struct err *e);
void mirrors_free(struct mirrors *m);
/* mirror_fill - one mirror; columns as in consumer_mirror.columns. */
NODISCARD int mirror_fill(struct mirror *m, const char *source, const char *target, bool append,
                          const char *columns, struct err *e);
void mirror_clear(struct mirror *m);

#endif
