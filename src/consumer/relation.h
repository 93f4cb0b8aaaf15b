/* relation.h - the source's tables as the log describes them, and the sinks they feed.
 *
 * A relation is one version of a source table: its Relation message. A changed message makes a new
 * version; changes read before keep pointing to the old one until relations_collect. Each
 * relation has a sink (sink.h) for every mirror that wants it. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_RELATION_H
#define PARKWAY_CONSUMER_RELATION_H

#include "consumer/mirror.h"
#include "event/position.h"
#include "pg/pgoutput.h"

struct sink;
struct start;
struct arena;

struct relation_column {
    char *name;
    bool key; /* of the replica identity */
    uint32_t type_oid;
    int32_t type_mod;
};

struct relation {
    uint32_t oid;
    char *label; /* "schema.name" */
    char *schema, *name;
    char identity; /* 'd','n','f','i' */
    struct relation_column *columns;
    size_t column_count;
    struct sink **sinks;
    size_t sink_count;
    bool retired;
    uint32_t since;      /* relations.shape when it was taken */
    struct start *start; /* where its copy stands (start.h); NULL: not looked up yet */
    struct buf msg;
};

struct relations {
    struct relation **items; /* of all versions */
    size_t count, cap;
    struct relation *newest; /* the last one looked up */
    bool any_retired;
    uint32_t shape; /* counts changed versions; of the batch (batch_change.shape) */
};

/* relations_take - a Relation message. *changed: another version of this table was known; the changes
 * read so far must be applied before the coming ones. */
NODISCARD int relations_take(struct relations *rs, struct str msg,
                             const struct mirrors *mirrors, bool *changed, struct err *e);
/* relations_find - the present version; NULL when the log never described it. */
struct relation *relations_find(struct relations *rs, uint32_t oid);
/* relations_find_at - the version that was valid when the batch stood at shape. */
struct relation *relations_find_at(const struct relations *rs, uint32_t oid, uint32_t shape);
void relations_collect(
    struct relations *rs);                  /* frees retired versions; nobody points to them */
void relations_reset(struct relations *rs); /* forgets everything */

/* relation_row - a tuple as an array of column_count values (plan.h's convention) in the arena;
 * columns that the tuple lacks are NULL. */
struct str *relation_row(const struct relation *r, const struct pgoutput_tuple *t,
                         struct arena *a);

#endif
