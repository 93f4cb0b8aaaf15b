/* link.h - one connection and one channel to RabbitMQ, and the pump of what arrives on it.
 *
 * rabbitmq-c stands behind it; only the files of mq/ know the library. A link belongs to one thread
 * for life, except link_interrupt. Publishing (publish.h) and consuming (consume.h) add their
 * methods on top; everything that comes back goes through link_next: confirms, returned messages,
 * deliveries, cancelled consumers, connection.blocked. Publishers and consumers use separate
 * links: a broker under an alarm stops reading a link that publishes.
 *
 * Errors: ERR_UNAVAILABLE (nobody there), ERR_AUTH (login or permission refused), ERR_CLOSED (the
 * connection is gone), ERR_TIMEOUT (the peer does not answer; the connection is of no more use),
 * and for a channel closed by the server ERR_NOT_FOUND (404), ERR_CONFLICT (405, 406), ERR_TOO_LARGE
 * (311), ERR_FAIL, with the server's reply text; the connection then lives on and link_channel_open
 * gives a new channel. The password never appears in an error. */
#ifndef PARKWAY_MQ_LINK_H
#define PARKWAY_MQ_LINK_H

#include "base/buf.h"
#include "base/err.h"

struct link;

struct link_options {
    const char *name; /* connection name that the broker shows; borrowed during link_open */
    int connect_timeout_ms; /* TCP and handshake; 0: 5000, of a broker in a list 2000 */
    int rpc_timeout_ms;     /* of every synchronous method; 0: 10000 */
    int heartbeat_s;        /* 0: 10. A silent peer is given up after two to three of them */
    /* which broker of the list to begin with; set to the one that answered. The owner of the link keeps it
     * from one link to the next, so that a dead broker is not tried first each time. NULL: the first */
    unsigned *turn;
};

/* link_open - url is amqp://user:password@host:port/vhost ("/" or nothing: vhost "/"), or a list of
 * them with commas between: the nodes of one cluster, tried in turn. Opens the connection and its
 * channel. Advertises publisher_confirms, basic.nack, consumer_cancel_notify, connection.blocked.
 * ERR_INVALID: a URL that is none; otherwise the error of the last broker tried. */
NODISCARD int link_open(struct link **out, const char *url, const struct link_options *o,
                        struct err *e);
/* link_close - orderly when the connection is alive, within a second; NULL is fine. */
void link_close(struct link *l);
/* link_interrupt - any thread: makes every call in progress and to come fail with ERR_CLOSED. */
void link_interrupt(struct link *l);
bool link_alive(const struct link *l);         /* connection, as far as known */
bool link_channel_alive(const struct link *l); /* and its channel */
/* link_channel_open - a new channel after the server closed the old one (consumers, confirms and
 * unacknowledged deliveries of the old one are gone). */
NODISCARD int link_channel_open(struct link *l, struct err *e);
int link_socket(const struct link *l);
bool link_blocked(const struct link *l); /* between LINK_BLOCKED and LINK_UNBLOCKED */
/* link_pending - bytes were read from the socket already: do not poll it, call link_next. */
bool link_pending(const struct link *l);

/* What arrives. Texts, headers and body are borrowed until the next call on the link. */
enum link_event_kind {
    LINK_NONE,   /* nothing within the timeout */
    LINK_ACK,    /* publisher confirm: tag, multiple */
    LINK_NACK,   /* the broker could not take it: tag, multiple */
    LINK_RETURN, /* an unroutable mandatory message; its confirm follows: code, text, key … */
    LINK_DELIVER, /* tag, consumer, redelivered, exchange, key, properties, body */
    LINK_CANCEL,  /* the server cancelled a consumer (queue deleted, leader moved): consumer */
    LINK_BLOCKED, /* resource alarm: text is the reason */
    LINK_UNBLOCKED,
};

struct link_event {
    enum link_event_kind kind;
    uint64_t tag;
    bool multiple;
    bool redelivered;
    int code;        /* of LINK_RETURN: 312 NO_ROUTE */
    struct str text; /* reply text or reason */
    struct str consumer;
    struct str exchange;
    struct str key;
    struct str content_type; /* p NULL when absent, like the next three */
    struct str type;
    struct str message_id;
    struct str correlation_id;
    struct str body;
    const void *headers; /* for link_header_* */
};

/* link_next - one event, waiting up to timeout_ms (0: only what is there already). Serves
 * heartbeats in both directions, so call it at least every second.
 * Returns 0 (ev->kind may be LINK_NONE), or an error as above. */
NODISCARD int link_next(struct link *l, int timeout_ms, struct link_event *ev, struct err *e);
/* A header of LINK_DELIVER or LINK_RETURN; false when absent or of another type. */
bool link_header_text(const struct link_event *ev, const char *name, struct str *out);
bool link_header_int(const struct link_event *ev, const char *name, int64_t *out);
/* link_header_next - walks all headers that are texts or numbers (text->p NULL: number); *at starts at 0. */
bool link_header_next(const struct link_event *ev, size_t *at, char *name, size_t size,
                      struct str *text, int64_t *number);

/* Why a dead letter is one: the newest entry of x-death. Source: RabbitMQ 3.10, "Dead Letter Exchanges". */
struct link_death {
    struct str reason; /* rejected, delivery_limit, expired, maxlen */
    struct str queue;  /* in which it died */
    int64_t count;     /* how often there, for this reason */
    int64_t time_s;    /* since 1970: the first time */
};
/* link_death - of LINK_DELIVER; false when it died nowhere. Borrowed as the event is. */
bool link_death(const struct link_event *ev, struct link_death *out);

/* For the files of mq/ only: amqp_connection_state_t, the channel number, and the judgement of what
 * the library said (RPC: of the method just called; reply: a const amqp_rpc_reply_t *; status: an
 * amqp_status_enum). what names the call in the error text. */
void *link_raw(struct link *l);
uint16_t link_channel(const struct link *l);
int link_check_rpc(struct link *l, const char *what, struct err *e);
int link_check_reply(struct link *l, const void *reply, const char *what, struct err *e);
int link_check_status(struct link *l, int status, const char *what, struct err *e);

#endif
