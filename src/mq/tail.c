/* tail.c - see tail.h. */
#include "mq/tail.h"

#include <amqp.h>
#include <amqp_framing.h>

int tail_start(struct link *l, const char *queue, const char *consumer, bool from_last,
               uint16_t prefetch, struct err *e)
{
    amqp_basic_qos(link_raw(l), link_channel(l), 0, prefetch, 0);
    int rc = link_check_rpc(l, "could not set the prefetch", e);
    if (rc != 0) {
        return rc;
    }
    amqp_table_entry_t offset = {.key = amqp_cstring_bytes("x-stream-offset")};
    offset.value.kind = AMQP_FIELD_KIND_UTF8;
    offset.value.value.bytes = amqp_cstring_bytes("last");
    amqp_table_t arguments = {from_last ? 1 : 0, &offset};
    amqp_basic_consume(link_raw(l), link_channel(l), amqp_cstring_bytes(queue),
                       amqp_cstring_bytes(consumer), 0, 0, 0, arguments);
    rc = link_check_rpc(l, queue, e);
    return rc == 0 ? 0 : err_add(e, "could not read from the queue");
}

int tail_ack(struct link *l, uint64_t tag, struct err *e)
{
    return link_check_status(l, amqp_basic_ack(link_raw(l), link_channel(l), tag, 1),
                             "could not acknowledge", e);
}

int tail_stop(struct link *l, const char *consumer, struct err *e)
{
    amqp_basic_cancel(link_raw(l), link_channel(l), amqp_cstring_bytes(consumer));
    return link_check_rpc(l, "could not cancel a consumer", e);
}
