/* saga_conf.h - the configuration group "saga". Filled by main; read-only afterwards. */
#ifndef PARKWAY_SAGA_SAGA_CONF_H
#define PARKWAY_SAGA_SAGA_CONF_H

#include "base/buf.h"
#include "base/conf.h"

struct saga_conf {
    char *file;  /* the declarations */
    char *url;   /* the router; "": this configuration's */
    char *queue; /* what the engine hears of */
    int64_t http_port;
    int64_t timer_ms;
};

const struct saga_conf *saga_conf(void);
extern const struct conf_group saga_conf_group;

/* saga_conf_path - where saga.file is: beside_find. Appends to out. */
void saga_conf_path(struct buf *out);

#endif
