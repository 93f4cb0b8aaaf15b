/* topology.c - see topology.h. A passive declaration comes first: a second declaration with other
 * arguments than the first is refused by the broker (406), and those arguments are not ours to
 * insist on once the queue holds data. */
#include "mq/topology.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <stdio.h>

static amqp_connection_state_t raw(struct link *l)
{
    return link_raw(l);
}

/* Judges the RPC just made; a channel that the server closed is replaced. */
static int settle(struct link *l, const char *what, const char *name, struct err *e)
{
    int rc = link_check_rpc(l, name, e);
    if (rc == 0) {
        return 0;
    }
    err_add(e, "%s", what);
    if (link_alive(l) && !link_channel_alive(l)) {
        struct err again = ERR_INIT;
        if (link_channel_open(l, &again) != 0) {
            *e = again;
            return again.code;
        }
    }
    return rc;
}

int topology_exchange(struct link *l, const char *name, const char *type, struct err *e)
{
    amqp_exchange_declare(raw(l), link_channel(l), amqp_cstring_bytes(name),
                          amqp_cstring_bytes(type), 0, 1, 0, 0, amqp_empty_table);
    return settle(l, "could not declare the exchange", name, e);
}

int topology_passage(struct link *l, const char *name, struct err *e)
{
    amqp_exchange_declare(raw(l), link_channel(l), amqp_cstring_bytes(name),
                          amqp_cstring_bytes("topic"), 0, 0, 1, 0, amqp_empty_table);
    return settle(l, "could not declare the exchange", name, e);
}

int topology_passage_end(struct link *l, const char *name, struct err *e)
{
    amqp_exchange_delete(raw(l), link_channel(l), amqp_cstring_bytes(name), 0);
    return settle(l, "could not delete the exchange", name, e);
}

static amqp_table_entry_t entry_text(const char *key, const char *v)
{
    amqp_table_entry_t t = {.key = amqp_cstring_bytes(key)};
    t.value.kind = AMQP_FIELD_KIND_UTF8;
    t.value.value.bytes = amqp_cstring_bytes(v);
    return t;
}

static amqp_table_entry_t entry_int(const char *key, int64_t v)
{
    amqp_table_entry_t t = {.key = amqp_cstring_bytes(key)};
    t.value.kind = AMQP_FIELD_KIND_I64;
    t.value.value.i64 = v;
    return t;
}

static amqp_table_entry_t entry_bool(const char *key, bool v)
{
    amqp_table_entry_t t = {.key = amqp_cstring_bytes(key)};
    t.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    t.value.value.boolean = v;
    return t;
}

int topology_depth(struct link *l, const char *queue, int64_t *messages, int64_t *consumers,
                   struct err *e)
{
    amqp_queue_declare_ok_t *ok = amqp_queue_declare(
        raw(l), link_channel(l), amqp_cstring_bytes(queue), 1, 1, 0, 0, amqp_empty_table);
    int rc = settle(l, "could not look at the queue", queue, e);
    if (rc == 0) {
        *messages = ok->message_count;
        if (consumers != NULL) {
            *consumers = ok->consumer_count;
        }
    }
    return rc;
}

static int declare(struct link *l, const char *name, amqp_table_t arguments, struct err *e)
{
    int64_t messages;
    int rc = topology_depth(l, name, &messages, NULL, e);
    if (rc != ERR_NOT_FOUND) {
        return rc;
    }
    amqp_queue_declare(raw(l), link_channel(l), amqp_cstring_bytes(name), 0, 1, 0, 0,
                       arguments);
    return settle(l, "could not declare the queue", name, e);
}

int topology_stream(struct link *l, const char *name, int64_t max_bytes, int64_t members,
                    struct err *e)
{
    /* retention drops whole segments: several must fit */
    enum { SEGMENT_MAX = 256 << 20, SEGMENT_MIN = 1 << 20 };
    int64_t segment = max_bytes / 8;
    segment = segment > SEGMENT_MAX ? SEGMENT_MAX : segment;
    segment = segment < SEGMENT_MIN ? SEGMENT_MIN : segment;
    amqp_table_entry_t entries[] = {
        entry_text("x-queue-type", "stream"),
        entry_int("x-max-length-bytes", max_bytes),
        entry_int("x-stream-max-segment-size-bytes", segment),
        entry_int("x-initial-cluster-size", members),
    };
    int count = (int)ARRAY_LEN(entries) - (members > 0 ? 0 : 1);
    return declare(l, name, (amqp_table_t){count, entries}, e);
}

/* The dead letters' queue comes first: a worker queue whose letters have nowhere to go must not be there. */
int topology_queue(struct link *l, const char *name, int64_t delivery_limit, struct err *e)
{
    char dead[256];
    int n = snprintf(dead, sizeof dead, "%s" TOPOLOGY_DEAD_SUFFIX, name);
    if (n < 0 || (size_t)n >= sizeof dead) {
        return err_set(e, ERR_INVALID, "the name of the queue is too long: %s", name);
    }
    amqp_table_entry_t plain[] = {entry_text("x-queue-type", "quorum")};
    amqp_table_entry_t entries[] = {
        entry_text("x-queue-type", "quorum"),
        entry_bool("x-single-active-consumer", true),
        entry_int("x-delivery-limit", delivery_limit),
        entry_text("x-overflow", "reject-publish"), /* at-least-once demands it */
        entry_text("x-dead-letter-exchange", TOPOLOGY_DEAD_EXCHANGE),
        entry_text("x-dead-letter-routing-key", name),
        entry_text("x-dead-letter-strategy", "at-least-once"),
    };
    int rc = topology_exchange(l, TOPOLOGY_DEAD_EXCHANGE, "direct", e);
    rc = rc == 0 ? declare(l, dead, (amqp_table_t){(int)ARRAY_LEN(plain), plain}, e) : rc;
    rc = rc == 0 ? topology_bind(l, dead, TOPOLOGY_DEAD_EXCHANGE, name, e) : rc;
    return rc == 0 ? declare(l, name, (amqp_table_t){(int)ARRAY_LEN(entries), entries}, e) : rc;
}

static int declare_own(struct link *l, const char *name, int64_t max_length, struct err *e)
{
    amqp_table_entry_t entries[] = {entry_int("x-max-length", max_length)};
    amqp_queue_declare(raw(l), link_channel(l), amqp_cstring_bytes(name), 0, 0, 1, 0,
                       (amqp_table_t){max_length > 0, entries});
    return settle(l, "could not declare the queue", name, e);
}

int topology_own(struct link *l, const char *name, int64_t max_length, struct err *e)
{
    int rc = declare_own(l, name, max_length, e);
    int64_t messages;
    struct err ignored = ERR_INIT;
    /* only a queue that is nobody's own can be looked at */
    if (rc == ERR_CONFLICT && topology_depth(l, name, &messages, NULL, &ignored) == 0) {
        amqp_queue_delete(raw(l), link_channel(l), amqp_cstring_bytes(name), 0, 0);
        rc = settle(l, "could not delete the queue", name, e);
        rc = rc == 0 ? declare_own(l, name, max_length, e) : rc;
    }
    return rc;
}

int topology_bind(struct link *l, const char *queue, const char *exchange, const char *key,
                  struct err *e)
{
    amqp_queue_bind(raw(l), link_channel(l), amqp_cstring_bytes(queue),
                    amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), amqp_empty_table);
    return settle(l, "could not bind the queue", queue, e);
}
