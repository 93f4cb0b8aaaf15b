/* consumer_conf.c - see consumer_conf.h. */
#include "consumer/consumer_conf.h"

static struct consumer_conf values;

const struct consumer_conf *consumer_conf(void)
{
    return &values;
}

#define AT(member)     offsetof(struct consumer_conf, member)
#define MIRROR(member) offsetof(struct consumer_mirror, member)
#define VIEW(member)   offsetof(struct consumer_view, member)
#define SOURCE(member) offsetof(struct consumer_view_source, member)

static const struct conf_key mirror_keys[] = {
    {.name = "source",
     .type = CONF_STRING,
     .offset = MIRROR(source),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "The captured table, \"schema.name\"."},
    {.name = "target",
     .type = CONF_STRING,
     .offset = MIRROR(target),
     .unit = "",
     .initial = "",
     .sentence = "The replica's table, \"schema.name\"; empty: the same name."},
    {.name = "kind",
     .type = CONF_STRING,
     .offset = MIRROR(kind),
     .unit = "",
     .initial = "row",
     .choices = "row|append",
     .sentence =
         "row: the target shows the present rows; append: one target row for each change."},
    {.name = "columns",
     .type = CONF_STRING,
     .offset = MIRROR(columns),
     .unit = "",
     .initial = "",
     .sentence =
         "Blank-separated source columns, renamed by source=target; $position, $op, "
         "$commit_time and $row may be mapped; empty: every column under its own name."},
};

static const struct conf_key source_keys[] = {
    {.name = "table",
     .type = CONF_STRING,
     .offset = SOURCE(table),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "A table of the replica that the SELECT reads, \"schema.name\"."},
    {.name = "columns",
     .type = CONF_STRING,
     .offset = SOURCE(columns),
     .unit = "",
     .initial = "",
     .sentence = "Its columns that equal the view's key, in the key's order, blank-separated."},
    {.name = "query",
     .type = CONF_STRING,
     .offset = SOURCE(query),
     .unit = "",
     .initial = "",
     .sentence =
         "Or a SELECT of the keys that its rows in the relation \"touched\" belong to."},
};

static const struct conf_key view_keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     .offset = VIEW(name),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "The replica's table that holds the view, \"schema.name\"."},
    {.name = "key",
     .type = CONF_STRING,
     .offset = VIEW(key),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "Its columns that tell its rows apart, blank-separated."},
    {.name = "query",
     .type = CONF_STRING,
     .offset = VIEW(query),
     .unit = "",
     .initial = "",
     .sentence = "The SELECT over the replica's tables."},
    {.name = "file",
     .type = CONF_STRING,
     .offset = VIEW(file),
     .unit = "",
     .initial = "",
     .sentence = "Or the file that holds it: beside the configuration file, or beside sql/."},
    {.name = "sources",
     .type = CONF_GROUPS,
     .offset = VIEW(sources),
     .unit = "",
     .flags = CONF_REQUIRED,
     .initial = "",
     .sub = source_keys,
     .sub_count = ARRAY_LEN(source_keys),
     .sub_size = sizeof(struct consumer_view_source),
     .sentence =
         "Groups of table, and columns or query: every table that the SELECT reads, and which "
         "rows of the view a row of it belongs to."},
    {.name = "indexes",
     .type = CONF_STRINGS,
     .offset = VIEW(indexes),
     .unit = "",
     .initial = "",
     .sentence = "Its indexes beside that of the key, as they stand behind CREATE INDEX ON it: "
                 "\"(state)\"."},
    {.name = "scan",
     .type = CONF_BOOL,
     .offset = VIEW(scan),
     .unit = "",
     .initial = "false",
     .sentence = "Whether computing one row may read a whole table."},
};

static const struct conf_key keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     .offset = AT(name),
     .unit = "",
     .initial = "replica",
     .sentence = "Name of this consumer: its row in parkway.cursor and in parkway.replicas."},
    {.name = "http_port",
     .type = CONF_INT,
     .offset = AT(http_port),
     .unit = "",
     .initial = "9432",
     .max = 65535,
     .sentence = "Port of /metrics, /healthz and /readyz on 127.0.0.1; 0: off."},
    {.name = "prefetch",
     .type = CONF_INT,
     .offset = AT(prefetch),
     .unit = "frames",
     .initial = "32",
     .min = 2,
     .max = 10000,
     .sentence =
         "Frames of the log that the broker may send ahead; bounds the memory of what waits."},
    {.name = "batch_max_bytes",
     .type = CONF_INT,
     .offset = AT(batch_max_bytes),
     .unit = "bytes",
     .initial = "4194304",
     .min = 4096,
     .max = 1073741824,
     .sentence =
         "A batch is applied when it holds so much, even while the log has more at hand."},
    {.name = "batch_max_rows",
     .type = CONF_INT,
     .offset = AT(batch_max_rows),
     .unit = "rows",
     .initial = "20000",
     .min = 1,
     .max = 1000000,
     .sentence = "Or so many changes."},
    {.name = "on_poison",
     .type = CONF_STRING,
     .offset = AT(on_poison),
     .unit = "",
     .initial = "park",
     .choices = "park|halt",
     .sentence = "What to do with a change that the replica refuses for good: park it and go "
                 "on, or halt."},
    {.name = "apply_delay_ms",
     .type = CONF_INT,
     .offset = AT(apply_delay_ms),
     .unit = "ms",
     .initial = "0",
     .max = 60000,
     .sentence = "A test aid: wait so long before each commit on the replica."},
    {.name = "auto_resync",
     .type = CONF_BOOL,
     .offset = AT(auto_resync),
     .unit = "",
     .initial = "true",
     .sentence =
         "Whether a break in the log is repaired at once by comparing with the primary."},
    {.name = "mirrors",
     .type = CONF_GROUPS,
     .offset = AT(mirrors),
     .unit = "",
     .initial = "",
     .sub = mirror_keys,
     .sub_count = ARRAY_LEN(mirror_keys),
     .sub_size = sizeof(struct consumer_mirror),
     .sentence =
         "What goes where; empty: every captured table onto the table of the same name."},
    {.name = "views",
     .type = CONF_GROUPS,
     .offset = AT(views),
     .unit = "",
     .initial = "",
     .sub = view_keys,
     .sub_count = ARRAY_LEN(view_keys),
     .sub_size = sizeof(struct consumer_view),
     .sentence = "Tables of the replica that are kept equal to a SELECT over its mirrors "
                 "(docs/views.md)."},
};

const struct conf_group consumer_conf_group = {
    "consumer", "The event consumer: applies the log to the replica.", keys, ARRAY_LEN(keys),
    &values};
