/* setup.c - see setup.h. */
#include "event/setup.h"

static struct setup values;

const struct setup *setup(void)
{
    return &values;
}

#define AT(member)    offsetof(struct setup, member)
#define TOPIC(member) offsetof(struct setup_topic, member)

static const struct conf_key main_keys[] = {
    {.name = "log_level",
     .type = CONF_STRING,
     .offset = AT(log_level),
     .unit = "",
     .initial = "info",
     .choices = "error|warn|info|debug",
     .sentence = "How much the daemons write to their log."},
};

static const struct conf_key primary_keys[] = {
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(primary_url),
     .unit = "",
     .initial = "postgresql://parkway:parkway@127.0.0.1:5434/postgres",
     .sentence = "Parkway's own login on the primary; DATABASE_URL wins over it."},
};

static const struct conf_key replica_keys[] = {
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(replica_url),
     .unit = "",
     .initial = "postgresql://parkway:parkway@127.0.0.1:5435/postgres",
     .sentence = "Parkway's own login on the replica; REPLICA_DATABASE_URL wins over it."},
};

static const struct conf_key broker_keys[] = {
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(broker_url),
     .unit = "",
     .initial = "amqp://guest:guest@127.0.0.1:5672/",
     .sentence = "The RabbitMQ broker, or the nodes of a cluster with commas between; "
                 "RABBITMQ_BROKER_URL wins over it."},
    {.name = "members",
     .type = CONF_INT,
     .offset = AT(broker_members),
     .unit = "nodes",
     .initial = "0",
     .min = 0,
     .max = 99,
     .sentence =
         "On how many nodes of a cluster the streams are kept when they are made; 0: on "
         "all."},
};

static const struct conf_key topic_keys[] = {
    {.name = "table",
     .type = CONF_STRING,
     .offset = TOPIC(table),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "The captured table, \"schema.name\"."},
    {.name = "topic",
     .type = CONF_STRING,
     .offset = TOPIC(topic),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence =
         "What the routing key begins with: <topic>.create, .update, .delete, .truncate."},
    {.name = "batch",
     .type = CONF_BOOL,
     .offset = TOPIC(batch),
     .unit = "",
     .initial = "false",
     .sentence = "Whether consecutive plain events of one key may share a message."},
    {.name = "on_insert",
     .type = CONF_STRING,
     .offset = TOPIC(on_insert),
     .unit = "",
     .initial = "create",
     .sentence = "Last word of the routing key of a new row; empty: no event."},
    {.name = "on_update",
     .type = CONF_STRING,
     .offset = TOPIC(on_update),
     .unit = "",
     .initial = "update",
     .sentence = "Last word of the routing key of a changed row; empty: no event."},
    {.name = "on_delete",
     .type = CONF_STRING,
     .offset = TOPIC(on_delete),
     .unit = "",
     .initial = "delete",
     .sentence = "Last word of the routing key of a row that went; empty: no event."},
    {.name = "on_truncate",
     .type = CONF_STRING,
     .offset = TOPIC(on_truncate),
     .unit = "",
     .initial = "truncate",
     .sentence = "Last word of the routing key of TRUNCATE; empty: no event."},
};

#define COLUMNS(field) offsetof(struct setup_columns, field)
static const struct conf_key columns_keys[] = {
    {.name = "table",
     .type = CONF_STRING,
     .offset = COLUMNS(table),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "The captured table, \"schema.name\"."},
    {.name = "columns",
     .type = CONF_STRING,
     .offset = COLUMNS(columns),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "Names of the columns, blanks between; the primary "
                 "key's must be among them."},
};

static const struct conf_key capture_keys[] = {
    {.name = "tables",
     .type = CONF_STRINGS,
     .offset = AT(capture_tables),
     .unit = "",
     .initial = "public.parking_slots",
     .sentence =
         "The tables of the primary that replicas and subscribers follow; with * new ones "
         "that fit, too (public.*)."},
    {.name = "columns",
     .type = CONF_GROUPS,
     .offset = AT(capture_columns),
     .unit = "",
     /* the ordering domain's: without what there is of cards */
     .initial = "table=public.customers,columns=customer_id customer_uuid username first_name "
                "last_name full_name email phone lat long created_at;"
                "table=public.orders,columns=order_id public_id tracking_id kind state "
                "customer_id address_id restaurant_id total ticket_id accept_time ready_time "
                "picked_up_time delivery_completed_time preparing_time failure_messages "
                "order_date updated_date version",
     .sub = columns_keys,
     .sub_count = ARRAY_LEN(columns_keys),
     .sub_size = sizeof(struct setup_columns),
     .sentence = "Tables of which only these columns leave the primary; of the others all do."},
    {.name = "topics",
     .type = CONF_GROUPS,
     .offset = AT(capture_topics),
     .unit = "",
     .initial = "table=public.parking_slots,topic=parking",
     .sub = topic_keys,
     .sub_count = ARRAY_LEN(topic_keys),
     .sub_size = sizeof(struct setup_topic),
     .sentence = "The tables whose changes become events; the others go to the log alone."},
    {.name = "publication",
     .type = CONF_STRING,
     .offset = AT(capture_publication),
     .unit = "",
     .initial = "parkway",
     .sentence = "Name of the publication on the primary."},
    {.name = "slot",
     .type = CONF_STRING,
     .offset = AT(capture_slot),
     .unit = "",
     .initial = "parkway",
     .sentence = "Name of the logical replication slot on the primary."},
};

static const struct conf_key events_keys[] = {
    {.name = "exchange",
     .type = CONF_STRING,
     .offset = AT(events_exchange),
     .unit = "",
     .initial = "CQRS_EVENT_STORE",
     .sentence = "The topic exchange that events are published to."},
    {.name = "stream",
     .type = CONF_STRING,
     .offset = AT(events_stream),
     .unit = "",
     .initial = "parkway.events",
     .sentence = "The stream that keeps a copy of every event; bound to the exchange with #."},
    {.name = "bindings",
     .type = CONF_STRINGS,
     .offset = AT(events_bindings),
     .unit = "",
     .initial = "",
     .sentence =
         "Queues that must stay bound, \"queue=routing key\" each; asserted every 5 s."},
    {.name = "max_value_bytes",
     .type = CONF_INT,
     .offset = AT(events_max_value_bytes),
     .unit = "bytes",
     .initial = "1048576",
     .min = 64,
     .max = 100000000,
     .sentence = "A longer value is left out of the event and named in its header."},
    {.name = "max_bytes",
     .type = CONF_INT,
     .offset = AT(events_max_bytes),
     .unit = "bytes",
     .initial = "2147483648",
     .min = 1048576,
     .max = INT64_MAX,
     .sentence = "How much of the events the broker keeps in the stream."},
};

static const struct conf_key log_keys[] = {
    {.name = "stream",
     .type = CONF_STRING,
     .offset = AT(log_stream),
     .unit = "",
     .initial = "parkway.log",
     .sentence = "The stream that every replica is fed from."},
    {.name = "max_bytes",
     .type = CONF_INT,
     .offset = AT(log_max_bytes),
     .unit = "bytes",
     .initial = "8589934592",
     .min = 1048576,
     .max = INT64_MAX,
     .sentence = "How much of the log the broker keeps; there is no age limit."},
    {.name = "applied_queue",
     .type = CONF_STRING,
     .offset = AT(log_applied_queue),
     .unit = "",
     .initial = "parkway.applied",
     .sentence = "The queue on which replicas report what they have applied."},
};

#define GROUP(n, text, k)                                                                      \
    {                                                                                          \
        n, text, k, ARRAY_LEN(k), &values                                                      \
    }

const struct conf_group setup_groups[] = {
    GROUP("main", "What all daemons share.", main_keys),
    GROUP("primary", "The primary database: every write goes there.", primary_keys),
    GROUP("replica", "The replica database, fed by events: reads go there.", replica_keys),
    GROUP("broker", "The message broker.", broker_keys),
    GROUP("capture", "What the relay captures on the primary.", capture_keys),
    GROUP("events", "Events for everybody: CloudEvents on a topic exchange.", events_keys),
    GROUP("log", "The log: the replayable source of every replica.", log_keys),
};
const size_t setup_group_count = ARRAY_LEN(setup_groups);

/* Whether text is "schema.name". */
static bool is_table(const char *text, struct str schema, struct str name)
{
    return strlen(text) == schema.n + 1 + name.n && memcmp(text, schema.p, schema.n) == 0 &&
           text[schema.n] == '.' && memcmp(text + schema.n + 1, name.p, name.n) == 0;
}

const struct setup_topic *setup_topic_of(struct str schema, struct str name)
{
    const struct setup_topic *topics = values.capture_topics.items;
    for (size_t i = 0; i < values.capture_topics.count; i++) {
        if (is_table(topics[i].table, schema, name)) {
            return &topics[i];
        }
    }
    return NULL;
}

bool setup_is_pattern(const char *entry)
{
    return strchr(entry, '*') != NULL;
}
