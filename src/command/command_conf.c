/* command_conf.c - see command_conf.h. */
#include "command/command_conf.h"

#include "base/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static struct command_conf values;

const struct command_conf *command_conf(void)
{
    return &values;
}

#define AT(member) offsetof(struct command_conf, member)

static const struct conf_key command_keys[] = {
    {.name = "listen",
     .type = CONF_STRINGS,
     .offset = AT(listen),
     .unit = "",
     .initial = "127.0.0.1",
     .flags = CONF_SINGLE,
     .sentence = "Where the HTTP command service listens: IP addresses, each with or without a "
                 "port, as "
                 "127.0.0.1:8001 or [::1]:8001."},
    {.name = "port",
     .type = CONF_INT,
     .offset = AT(port),
     .unit = "",
     .initial = "8000",
     .min = 1,
     .max = 65535,
     .sentence = "Port of the addresses in listen that name none."},
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(url),
     .unit = "",
     .initial = "",
     .sentence = "The router with the application's login; empty: cqrs on this configuration's "
                 "router."},
    {.name = "threads",
     .type = CONF_INT,
     .offset = AT(threads),
     .unit = "threads",
     .initial = "8",
     .min = 2,
     .max = 256,
     .sentence = "Requests served at once, each over a router connection of its own."},
    {.name = "connections",
     .type = CONF_INT,
     .offset = AT(connections),
     .unit = "connections",
     .initial = "256",
     .min = 8,
     .max = 10000,
     .sentence = "Connections open at a time; one more is answered with 503 and closed."},
    {.name = "event_streams",
     .type = CONF_INT,
     .offset = AT(event_streams),
     .unit = "connections",
     .initial = "64",
     .min = 1,
     .max = 1024,
     .sentence = "Streams of GET /events open at a time; one more is answered with 503."},
    {.name = "body_max_bytes",
     .type = CONF_INT,
     .offset = AT(body_max_bytes),
     .unit = "bytes",
     .initial = "1048576",
     .min = 1024,
     .max = 134217728,
     .sentence = "A larger request body is answered with 413."},
    {.name = "timeout_ms",
     .type = CONF_INT,
     .offset = AT(timeout_ms),
     .unit = "ms",
     .initial = "15000",
     .min = 1000,
     .max = 3600000,
     .sentence = "A silent connection is closed after this time; a request has twice as long "
                 "to arrive."},
    {.name = "idempotency_keep_s",
     .type = CONF_INT,
     .offset = AT(idempotency_keep_s),
     .unit = "s",
     .initial = "604800",
     .min = 60,
     .max = 315360000,
     .sentence = "How long the answer to a request with an Idempotency-Key is remembered."},
};

static const struct conf_key http_keys[] = {
    {.name = "allow_get_commands",
     .type = CONF_BOOL,
     .offset = AT(http_allow_get_commands),
     .unit = "",
     .initial = "true",
     .sentence =
         "Whether GET does what POST does at /command, /kitchen/ready and /delivery/…, for "
         "walk-throughs with a browser; false: 405."},
};

static const struct conf_key cli_keys[] = {
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(cli_url),
     .unit = "",
     .initial = "",
     .sentence = "The router with the application's login; empty: cqrs on this configuration's "
                 "router."},
    {.name = "read_your_writes_ms",
     .type = CONF_INT,
     .offset = AT(cli_read_your_writes_ms),
     .unit = "ms",
     .initial = "3000",
     .min = 0,
     .max = 600000,
     .sentence = "How long create_parking_slot waits for its row to reach the replica."},
};

const struct conf_group command_conf_group = {"command", "The HTTP command service.",
                                              command_keys, ARRAY_LEN(command_keys), &values};
const struct conf_group command_conf_http_group = {
    "http", "What the HTTP command service offers.", http_keys, ARRAY_LEN(http_keys), &values};
const struct conf_group command_conf_cli_group = {"cli", "The command line, bin/cqrs.",
                                                  cli_keys, ARRAY_LEN(cli_keys), &values};

void command_conf_place(char out[COMMAND_PLACE_MAX])
{
    struct sockaddr_storage place;
    struct err e = ERR_INIT;
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    int port = (int)values.port;
    bool six = false;
    if (values.listen.count > 0 &&
        acceptor_parse(values.listen.items[0], port, &place, &e) > 0) {
        six = place.ss_family == AF_INET6;
        const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&place;
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)&place;
        port = ntohs(six ? a6->sin6_port : a4->sin_port);
        if (six && IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr)) {
            snprintf(host, sizeof host, "::1");
        } else if (six || a4->sin_addr.s_addr != INADDR_ANY) {
            const void *address = six ? (const void *)&a6->sin6_addr : &a4->sin_addr;
            inet_ntop(place.ss_family, address, host, sizeof host);
        }
    }
    snprintf(out, COMMAND_PLACE_MAX, six ? "[%s]:%d" : "%s:%d", host, port);
}
