/* publish.h - publishing with confirms on a link of its own: persistent and mandatory, always.
 *
 * Every message gets the next delivery tag of the channel; its LINK_ACK, LINK_NACK or LINK_RETURN
 * comes out of link_next. How many may be unconfirmed is the caller's decision. */
#ifndef PARKWAY_MQ_PUBLISH_H
#define PARKWAY_MQ_PUBLISH_H

#include "mq/link.h"

enum { PUBLISH_HEADERS_MAX = 64 };

struct publish_header {
    const char *name;
    struct str text; /* p NULL: the number counts */
    int64_t number;
};

struct publish_message {
    const char *exchange; /* "" is the default exchange: key is a queue's name */
    const char *key;
    const char *content_type;
    const char *type;       /* may be NULL */
    const char *message_id; /* may be NULL */
    const struct publish_header *headers;
    size_t header_count;
    struct str body; /* borrowed until return */
};

/* publish_start - confirm mode on the link's present channel; tags begin at 1. */
NODISCARD int publish_start(struct link *l, struct err *e);
/* publish_send - may wait for the socket: a broker that stops reading stops this call, until it
 * reads again, is found dead by its heartbeat, or link_interrupt. After an error it is unknown
 * whether the message arrived. */
NODISCARD int publish_send(struct link *l, const struct publish_message *m, struct err *e);

#endif
