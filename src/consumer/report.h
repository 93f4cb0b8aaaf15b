/* report.h - tells the relay how far this replica is, and that frames are missing.
 *
 * A thread with a broker connection of its own (a broker under an alarm stops reading publishers, and
 * that must not stop the replica). It sends the newest position at most every 100 ms, and again every
 * second, because a relay that starts releases nothing until every replica has reported. Only positions
 * that are flushed on the replica may be given to it: what is reported may be forgotten upstream. */
#ifndef PARKWAY_CONSUMER_REPORT_H
#define PARKWAY_CONSUMER_REPORT_H

#include "event/position.h"

struct report;

struct report_options {
    const char *url; /* texts are borrowed for its life */
    const char *queue;
    const char *replica;
};

struct report *report_new(const struct report_options *o);
void report_free(struct report *r);
/* report_applied - at is durable on the replica; incarnation NULL: none known. */
void report_applied(struct report *r, struct position at, const uint8_t *incarnation);
/* report_resend - ask the relay to send again from the slot's confirmed position. */
void report_resend(struct report *r);

#endif
