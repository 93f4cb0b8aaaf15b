/* audit.h - a thread of the consumer that looks after equality beside the applying.
 *
 * It has connections of its own and does two things:
 *
 *   continuous   every consumer.verify_interval seconds all tables are compared with the primary (compare.h), at most
 *                consumer.verify_rate rows a second; the outcome is a line of the log, metrics, and
 *                parkway.verified on the replica. Nothing is repaired: parkway resync does that when told.
 *   incomplete   a change that found its row missing and does not carry all of it was parked (SQLSTATE PKINC): the
 *                primary is asked to say in the log what that row is (repair.h), and so for the keys that wait
 *                behind it. Asked again every few seconds, until nothing is incomplete; what is
 *                needed stands in parkway.parked, so a consumer that was killed goes on with it.
 *
 * Owner: the consumer. audit_stop waits until the thread has ended, at most one statement. */
#ifndef PARKWAY_CONSUMER_AUDIT_H
#define PARKWAY_CONSUMER_AUDIT_H

#include "consumer/mirror.h"

struct audit;

struct audit_options {
    const char *primary_url;
    const char *replica_url;
    const char *publication;
    const char *consumer;
    const struct mirrors *mirrors; /* borrowed */
    int64_t interval_s;            /* 0: no comparing */
    int64_t rows_per_s;
};

struct audit *audit_start(const struct audit_options *o);
void audit_stop(struct audit *a); /* NULL is fine */

#endif
