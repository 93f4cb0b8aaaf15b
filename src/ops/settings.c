/* settings.c - see settings.h. A daemon's group appears here when the daemon does. */
#include "ops/settings.h"

#include "base/conf.h"
#include "base/log.h"
#include "command/command_conf.h"
#include "consumer/consumer_conf.h"
#include "domain/mail_conf.h"
#include "domain/payment_conf.h"
#include "event/setup.h"
#include "ops/bootstrap_conf.h"
#include "ops/migrate_conf.h"
#include "relay/relay_conf.h"
#include "router/router_conf.h"
#include "saga/saga_conf.h"

static const struct conf_group *const own_groups[] = {
    &relay_conf_group,       &command_conf_group,   &command_conf_http_group,
    &command_conf_cli_group, &payment_conf_group,   &consumer_conf_group,
    &router_conf_group,      &saga_conf_group,      &mail_conf_group,
    &migrate_conf_group,     &bootstrap_conf_group, NULL, /* ends the list */
};

enum { GROUPS_MAX = 32 };

static size_t collect(struct conf_group *out)
{
    size_t n = 0;
    for (size_t i = 0; i < setup_group_count; i++) {
        out[n++] = setup_groups[i];
    }
    for (size_t i = 0; own_groups[i] != NULL; i++) {
        ASSERT(n < GROUPS_MAX);
        out[n++] = *own_groups[i];
    }
    return n;
}

int settings_load(const char *path, struct err *e)
{
    struct conf_group groups[GROUPS_MAX];
    int rc = conf_load(groups, collect(groups), path, e);
    enum log_level level;
    if (rc == 0 && log_parse_level(setup()->log_level, &level)) {
        log_set_level(level);
    }
    return rc;
}

void settings_print(bool defaults, struct buf *out)
{
    struct conf_group groups[GROUPS_MAX];
    conf_print(groups, collect(groups), defaults, out);
}
