/* bootstrap_conf.c - see bootstrap_conf.h. */
#include "ops/bootstrap_conf.h"

static struct bootstrap_conf values;

const struct bootstrap_conf *bootstrap_conf(void)
{
    return &values;
}

static const struct conf_key keys[] = {
    {.name = "jobs",
     .type = CONF_INT,
     .offset = offsetof(struct bootstrap_conf, jobs),
     .unit = "connections",
     .initial = "4",
     .min = 1,
     .max = 64,
     .sentence =
         "How many pieces of tables are copied at once, each over a connection to either "
         "side."},
    {.name = "chunk_rows",
     .type = CONF_INT,
     .offset = offsetof(struct bootstrap_conf, chunk_rows),
     .unit = "rows",
     .initial = "50000",
     .min = 1000,
     .max = 1000000000,
     .sentence = "About so many rows are one piece (of wide rows fewer): what an interruption "
                 "loses is the pieces under way."},
};

const struct conf_group bootstrap_conf_group = {
    "bootstrap", "Copying rows to a new replica or of a new table.", keys, ARRAY_LEN(keys),
    &values};
