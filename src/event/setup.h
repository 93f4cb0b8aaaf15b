/* setup.h - the settings that more than one part shares: the servers, what is captured, the
 * names on the broker. Each daemon's own keys stand in its folder (<daemon>_conf.h).
 *
 * Filled once by main before the subcommand runs; read-only afterwards, from any thread. */
#ifndef PARKWAY_EVENT_SETUP_H
#define PARKWAY_EVENT_SETUP_H

#include "base/conf.h"

/* Of the commands of sagas: direct, a routing key is the name of a queue. */
#define COMMAND_EXCHANGE "CQRS_COMMAND"

struct setup_topic {
    char *table; /* "schema.name" */
    char *topic; /* what the routing key begins with */
    bool batch;  /* consecutive plain events of one key may share a message */
    char *on_insert, *on_update, *on_delete, *on_truncate; /* its last word; "": no event */
};

/* A table of which only some columns are published. */
struct setup_columns {
    char *table;   /* "schema.name" */
    char *columns; /* their names, blanks or commas between */
};

struct setup {
    char *primary_url; /* Parkway's own login on the primary */
    char *replica_url; /* and on the replica */
    char *broker_url;
    int64_t broker_members; /* of a stream when it is made; 0: every node */
    char *log_level;

    struct conf_strings capture_tables; /* "schema.name" each */
    struct conf_groups capture_columns; /* struct setup_columns */
    struct conf_groups capture_topics;  /* struct setup_topic */
    char *capture_publication;
    char *capture_slot;

    char *events_exchange;
    char *events_stream;
    struct conf_strings events_bindings; /* "queue=routing key" each */
    int64_t events_max_value_bytes;
    int64_t events_max_bytes;

    char *log_stream;
    int64_t log_max_bytes;
    char *log_applied_queue;
};

const struct setup *setup(void);
/* the groups primary, replica, broker, main, capture, events, log; count in setup_group_count
 */
extern const struct conf_group setup_groups[];
extern const size_t setup_group_count;

/* setup_topic_of - the topic row of "schema.name", or NULL: captured for replicas only. */
const struct setup_topic *setup_topic_of(struct str schema, struct str name);
/* setup_is_pattern - an entry of capture.tables with a *, which stands for anything. */
bool setup_is_pattern(const char *entry);

#endif
