/* migrate_conf.c - see migrate_conf.h. */
#include "ops/migrate_conf.h"

static struct migrate_conf values;

const struct migrate_conf *migrate_conf(void)
{
    return &values;
}

static const struct conf_key keys[] = {
    {.name = "primary_url",
     .type = CONF_STRING,
     .offset = offsetof(struct migrate_conf, primary_url),
     .unit = "",
     .initial = "",
     .sentence = "A superuser's login on the primary; empty: primary.url."},
    {.name = "replica_url",
     .type = CONF_STRING,
     .offset = offsetof(struct migrate_conf, replica_url),
     .unit = "",
     .initial = "",
     .sentence = "A superuser's login on the replica; empty: replica.url."},
};

const struct conf_group migrate_conf_group = {
    "migrate", "The logins of parkway migrate, which makes roles and tables.", keys,
    ARRAY_LEN(keys), &values};
