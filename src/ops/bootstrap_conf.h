/* bootstrap_conf.h - the configuration group "bootstrap": how rows are copied to a replica. Filled by main;
 * read-only afterwards. */
#ifndef PARKWAY_OPS_BOOTSTRAP_CONF_H
#define PARKWAY_OPS_BOOTSTRAP_CONF_H

#include "base/conf.h"

struct bootstrap_conf {
    int64_t jobs;
    int64_t chunk_rows;
};

const struct bootstrap_conf *bootstrap_conf(void);
extern const struct conf_group bootstrap_conf_group;

#endif
