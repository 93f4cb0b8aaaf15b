/* claim.c - see claim.h. */
#include "relay/claim.h"

#include "event/setup.h"
#include "mq/topology.h"

#include <stdio.h>

int claim_slot(struct conn *primary, int *pid, struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    struct rows *rows;
    int rc = conn_query(primary,
                        "SELECT active_pid FROM pg_replication_slots"
                        " WHERE slot_name = $1 AND active",
                        1, &slot, &rows, e);
    if (rc == 0) {
        *pid = rows_count(rows) > 0 ? (int)rows_int(rows, 0, 0) : 0;
        rows_free(rows);
    }
    return rc;
}

int claim_log(struct link **publisher, unsigned *turn, struct err *e)
{
    char name[256];
    snprintf(name, sizeof name, "%s.relay", setup()->log_stream);
    struct link_options o = {
        .name = "parkway relay publish", .heartbeat_s = CLAIM_HEARTBEAT_S, .turn = turn};
    int rc = link_open(publisher, setup()->broker_url, &o, e);
    if (rc != 0) {
        return rc;
    }
    rc = topology_own(*publisher, name, 0, e);
    if (rc != 0) {
        link_close(*publisher);
        *publisher = NULL;
    }
    return rc;
}
