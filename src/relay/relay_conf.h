/* relay_conf.h - the relay's own settings (group "relay"). Read-only after main has loaded them. */
#ifndef PARKWAY_RELAY_RELAY_CONF_H
#define PARKWAY_RELAY_RELAY_CONF_H

#include "base/conf.h"

struct relay_conf {
    int64_t http_port;
    int64_t window;            /* messages that may be unconfirmed */
    int64_t window_bytes;      /* and their bytes */
    int64_t frame_max_bytes;   /* of one message of the log, about */
    char *release;             /* "applied" | "broker" */
    int64_t wal_budget_bytes;  /* WAL that replicas may hold on the primary; 0: no bound */
    int64_t decoding_bytes;    /* the server's memory for decoding for us */
    int64_t sender_timeout_ms; /* wal_sender_timeout of the replication connection */
    int64_t heartbeat_ms;      /* between transactions that measure the way; 0: none */
};

const struct relay_conf *relay_conf(void);
extern const struct conf_group relay_conf_group;

#endif
