/* survey.h - which tables of a replica can be compared with the primary, and how.
 *
 * Read from both catalogues at the time of the call: the publication's tables with their columns and row filters,
 * the mirrors that want them, the key by which rows are found on both sides. A published table is
 * described as the log would describe it, so mirrors, columns and keys are those of the consumer.
 * Owner: the caller's struct. Thread: that of the two connections, which must be in digest_session. */
#ifndef PARKWAY_CONSUMER_SURVEY_H
#define PARKWAY_CONSUMER_SURVEY_H

#include "consumer/digest.h"
#include "consumer/sink.h"

struct survey_table {
    struct relation *relation; /* the survey's; NULL: a view */
    struct sink *sink;         /* the relation's; NULL: a view */
    char *source;              /* "schema.name" */
    char *target;              /* "schema.name" on the replica */
    char *state;  /* "ok"; "blocked", "copying": not to be compared now; "other": never */
    char *reason; /* why not; "" */
    struct digest digest; /* of a table that is ok */
    uint16_t
        *key; /* the sink's column of each key column of the digest; of a view the digest's */
    int64_t rows_estimated;
};

struct survey {
    struct relations relations;
    struct survey_table *tables; /* one a sink, in the order of the source's name */
    size_t count;
};

/* survey_load - consumer: whose parkway.table_state and copies count. */
NODISCARD int survey_load(struct survey *s, struct conn *primary, struct conn *replica,
                          const struct mirrors *mirrors, const char *publication,
                          const char *consumer, struct err *e);
/* survey_views - the views of the consumer (docs/views.md): the source of each is its SELECT, the target its table,
 * both on the replica. */
NODISCARD int survey_views(struct survey *s, struct conn *replica, const char *consumer,
                           struct err *e);
void survey_free(struct survey *s);
bool survey_comparable(const struct survey_table *t);
/* survey_key_name - of the target's column. */
const char *survey_key_name(const struct survey_table *t, size_t key);

#endif
