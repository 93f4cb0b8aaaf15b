/* router_conf.c - see router_conf.h. */
#include "router/router_conf.h"

#include <inttypes.h>
#include <stdio.h>

#include <stdio.h>

static struct router_conf values;

#define AT(member)      offsetof(struct router_conf, member)
#define REPLICA(member) offsetof(struct router_replica, member)

static const struct conf_key replica_keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     .offset = REPLICA(name),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "The replica's name in the console and the log."},
    {.name = "host",
     .type = CONF_STRING,
     .offset = REPLICA(host),
     .unit = "",
     .initial = "127.0.0.1",
     .sentence = "Its host."},
    {.name = "port",
     .type = CONF_INT,
     .offset = REPLICA(port),
     .unit = "",
     .initial = "5432",
     .min = 1,
     .max = 65535,
     .sentence = "Its port."},
    {.name = "dbname",
     .type = CONF_STRING,
     .offset = REPLICA(dbname),
     .unit = "",
     .initial = "",
     .sentence = "Its database; empty: named as the primary's."},
    {.name = "kind",
     .type = CONF_STRING,
     .offset = REPLICA(kind),
     .unit = "",
     .initial = "event",
     .choices = "event|standby",
     .sentence = "Fed by events, or a physical standby of the primary."},
    {.name = "consumer",
     .type = CONF_STRING,
     .offset = REPLICA(consumer),
     .unit = "",
     .initial = "replica",
     .sentence = "The consumer that feeds it: its row of parkway.cursor."},
    {.name = "weight",
     .type = CONF_INT,
     .offset = REPLICA(weight),
     .unit = "",
     .initial = "1",
     .min = 0,
     .max = 1000,
     .sentence = "Its share of the sessions; 0: none."},
};

static const struct conf_key keys[] = {
    {.name = "listen",
     .type = CONF_STRING,
     .offset = AT(listen),
     .unit = "",
     .initial = "127.0.0.1",
     .sentence = "The address to listen on."},
    {.name = "port",
     .type = CONF_INT,
     .offset = AT(port),
     .unit = "",
     .initial = "6432",
     .min = 1,
     .max = 65535,
     .sentence = "The port that clients connect to."},
    {.name = "http_port",
     .type = CONF_INT,
     .offset = AT(http_port),
     .unit = "",
     .initial = "9433",
     .min = 0,
     .max = 65535,
     .sentence = "Metrics and health on 127.0.0.1; 0 turns them off."},
    {.name = "threads",
     .type = CONF_INT,
     .offset = AT(threads),
     .unit = "",
     .initial = "2",
     .min = 1,
     .max = 64,
     .sentence = "Worker threads; a connection stays with one for life."},
    {.name = "clients_max",
     .type = CONF_INT,
     .offset = AT(clients_max),
     .unit = "connections",
     .initial = "10000",
     .min = 1,
     .max = 100000,
     .sentence = "More clients than this are refused with 53300."},
    {.name = "wait_ms",
     .type = CONF_INT,
     .offset = AT(wait_ms),
     .unit = "ms",
     .initial = "1000",
     .max = 600000,
     .sentence =
         "How long a read waits for a replica to have the session's writes before it goes "
         "to the primary."},
    {.name = "no_replica",
     .type = CONF_STRING,
     .offset = AT(no_replica),
     .unit = "",
     .initial = "primary",
     .choices = "primary|error",
     .sentence = "Where reads go when no replica is in service: to the primary, or an error."},
    {.name = "primary",
     .type = CONF_STRING,
     .offset = AT(primary),
     .unit = "",
     .initial = "",
     .sentence = "The primary as clients are sent to it (host=… port=… dbname=…); empty: host, "
                 "port and database of primary.url."},
    {.name = "replicas",
     .type = CONF_GROUPS,
     .offset = AT(replicas),
     .unit = "",
     .initial = "",
     .sub = replica_keys,
     .sub_count = ARRAY_LEN(replica_keys),
     .sub_size = sizeof(struct router_replica),
     .sentence = "The replicas; empty: one fed by events, at replica.url."},
    {.name = "users_file",
     .type = CONF_STRING,
     .offset = AT(users_file),
     .unit = "",
     .initial = "",
     .sentence = "Users and their SCRAM verifiers, written by parkway migrate; "
                 "empty: \"users\" beside the configuration file."},
    {.name = "admin_users",
     .type = CONF_STRINGS,
     .offset = AT(admin_users),
     .unit = "",
     .initial = "postgres",
     .sentence = "Who may connect to the console (database parkway)."},
    {.name = "replica_connections",
     .type = CONF_INT,
     .offset = AT(replica_connections),
     .unit = "connections",
     .initial = "20",
     .min = 1,
     .max = 10000,
     .sentence = "Connections of one worker thread to one replica, of all users together."},
    {.name = "replay_per_s",
     .type = CONF_INT,
     .offset = AT(replay_per_s),
     .unit = "1/s",
     .initial = "200",
     .max = 1000000,
     .sentence = "Statements a second that may be run again on the primary after a replica's "
                 "error, for one worker thread."},
    {.name = "cache_entries",
     .type = CONF_INT,
     .offset = AT(cache_entries),
     .unit = "entries",
     .initial = "4096",
     .min = 16,
     .max = 10000000,
     .sentence = "Texts, and again shapes, that a worker thread remembers as classified."},
    {.name = "health_ms",
     .type = CONF_INT,
     .offset = AT(health_ms),
     .unit = "ms",
     .initial = "500",
     .min = 10,
     .max = 60000,
     .sentence = "How often an idle worker looks at each server."},
    {.name = "connect_ms",
     .type = CONF_INT,
     .offset = AT(connect_ms),
     .unit = "ms",
     .initial = "5000",
     .min = 100,
     .max = 600000,
     .sentence = "How long connecting and logging in to a server may take."},
};

const struct conf_group router_conf_group = {
    .name = "router",
    .sentence = "The read/write-split router.",
    .keys = keys,
    .count = ARRAY_LEN(keys),
    .target = &values,
};

const struct router_conf *router_conf(void)
{
    return &values;
}

const char *router_conf_users_file(void)
{
    static _Thread_local char path[4096];
    const char *conf = conf_path();
    const char *slash = conf != NULL ? strrchr(conf, '/') : NULL;
    if (values.users_file[0] != '\0') {
        snprintf(path, sizeof path, "%s", values.users_file);
    } else if (slash != NULL) {
        snprintf(path, sizeof path, "%.*s/users", (int)(slash - conf), conf);
    } else {
        snprintf(path, sizeof path, "users");
    }
    return path;
}

void router_conf_url(const char *url, char out[ROUTER_URL_MAX])
{
    if (url[0] != '\0') {
        snprintf(out, ROUTER_URL_MAX, "%s", url);
    } else {
        /* The router on this machine offers no encryption; asking for it costs the CLI 2 ms. */
        snprintf(out, ROUTER_URL_MAX,
                 "postgresql://cqrs:cqrs@127.0.0.1:%" PRId64
                 "/postgres?sslmode=disable&gssencmode=disable",
                 values.port);
    }
}
