/* command_conf.h - the configuration groups "command" and "http" (the HTTP service) and "cli" (bin/cqrs): the
 * two fronts of the domain, which reach the databases through the router alone. Filled by main;
 * read-only afterwards, from any thread. */
#ifndef PARKWAY_COMMAND_COMMAND_CONF_H
#define PARKWAY_COMMAND_COMMAND_CONF_H

#include "base/conf.h"

struct command_conf {
    struct conf_strings listen;
    int64_t port;
    char *url; /* "": the router of this configuration */
    int64_t threads;
    int64_t connections;
    int64_t event_streams;
    int64_t body_max_bytes;
    int64_t timeout_ms;
    int64_t idempotency_keep_s;
    bool http_allow_get_commands;
    char *cli_url;
    int64_t cli_read_your_writes_ms;
};

const struct command_conf *command_conf(void);
extern const struct conf_group command_conf_group;
extern const struct conf_group command_conf_http_group;
extern const struct conf_group command_conf_cli_group;

enum { COMMAND_PLACE_MAX = 80 };
/* command_conf_place - "127.0.0.1:8000": where the service is reached from this machine, the first place that it listens on. */
void command_conf_place(char out[COMMAND_PLACE_MAX]);

#endif
