/* router_conf.h - the configuration group "router". Filled by main before router_main runs;
 * read-only afterwards, from any thread. */
#ifndef PARKWAY_ROUTER_ROUTER_CONF_H
#define PARKWAY_ROUTER_ROUTER_CONF_H

#include "base/conf.h"

struct router_replica {
    char *name;
    char *host;
    int64_t port;
    char *dbname;   /* "": the routed database's own name */
    char *kind;     /* "event" or "standby" */
    char *consumer; /* key of parkway.cursor */
    int64_t weight;
};

struct router_conf {
    char *listen;
    int64_t port;
    int64_t http_port;
    int64_t threads;
    int64_t clients_max;
    int64_t wait_ms;
    char *no_replica;
    char *primary;               /* keyword string; "": from primary.url */
    struct conf_groups replicas; /* struct router_replica */
    char *users_file;
    struct conf_strings admin_users;
    int64_t replica_connections;
    int64_t replay_per_s;
    int64_t cache_entries;
    int64_t health_ms;
    int64_t connect_ms;
};

const struct router_conf *router_conf(void);
extern const struct conf_group router_conf_group;

/* router_conf_users_file - the users file's path: as set, or "users" beside the configuration file.
 * Valid until the next call. */
const char *router_conf_users_file(void);

enum { ROUTER_URL_MAX = 512 };

/* router_conf_url - url, or the application's login on this configuration's router where url is "". */
void router_conf_url(const char *url, char out[ROUTER_URL_MAX]);

#endif
