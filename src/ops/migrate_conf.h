/* migrate_conf.h - the configuration group "migrate": the superuser logins of parkway migrate. Filled
 * by main; read-only afterwards. */
#ifndef PARKWAY_OPS_MIGRATE_CONF_H
#define PARKWAY_OPS_MIGRATE_CONF_H

#include "base/conf.h"

struct migrate_conf {
    char *primary_url; /* "": primary.url */
    char *replica_url; /* "": replica.url */
};

const struct migrate_conf *migrate_conf(void);
extern const struct conf_group migrate_conf_group;

#endif
