/* consume.c - see consume.h. */
#include "mq/consume.h"

#include <amqp.h>
#include <amqp_framing.h>

static void put_text(amqp_field_value_t *v, const char *text)
{
    v->kind = AMQP_FIELD_KIND_UTF8;
    v->value.bytes = amqp_cstring_bytes(text);
}

/* The x-stream-offset argument: a word, a signed 64-bit offset, or a timestamp. */
static int arguments(struct consume_place place, amqp_table_entry_t *entry)
{
    entry->key = amqp_cstring_bytes("x-stream-offset");
    switch (place.from) {
    case CONSUME_FIRST: put_text(&entry->value, "first"); return 1;
    case CONSUME_LAST: put_text(&entry->value, "last"); return 1;
    case CONSUME_NEXT: put_text(&entry->value, "next"); return 1;
    case CONSUME_OFFSET:
        entry->value.kind = AMQP_FIELD_KIND_I64;
        entry->value.value.i64 = (int64_t)place.offset;
        return 1;
    case CONSUME_TIME:
        entry->value.kind = AMQP_FIELD_KIND_TIMESTAMP;
        entry->value.value.u64 = (uint64_t)place.time_s;
        return 1;
    case CONSUME_QUEUE: break;
    }
    return 0;
}

int consume_start(struct link *l, const char *queue, const char *tag, uint16_t prefetch,
                  struct consume_place place, struct err *e)
{
    if (!link_channel_alive(l)) {
        return err_set(e, ERR_CLOSED, "the channel is gone");
    }
    amqp_basic_qos(link_raw(l), link_channel(l), 0, prefetch, false);
    int rc = link_check_rpc(l, "could not set the prefetch", e);
    if (rc != 0) {
        return rc;
    }
    amqp_table_entry_t entry;
    amqp_table_t args = {0, &entry};
    args.num_entries = arguments(place, &entry);
    amqp_basic_consume(link_raw(l), link_channel(l), amqp_cstring_bytes(queue),
                       amqp_cstring_bytes(tag), false, false, false, args);
    rc = link_check_rpc(l, "could not subscribe", e);
    return rc == 0 ? 0 : err_add(e, "queue %s", queue);
}

int consume_ack(struct link *l, uint64_t tag, struct err *e)
{
    int status = amqp_basic_ack(link_raw(l), link_channel(l), tag, true);
    return link_check_status(l, status, "could not acknowledge", e);
}

int consume_ack_one(struct link *l, uint64_t tag, struct err *e)
{
    int status = amqp_basic_ack(link_raw(l), link_channel(l), tag, false);
    return link_check_status(l, status, "could not acknowledge", e);
}

int consume_reject(struct link *l, uint64_t tag, bool requeue, struct err *e)
{
    int status = amqp_basic_reject(link_raw(l), link_channel(l), tag, requeue);
    return link_check_status(l, status, "could not reject", e);
}

int consume_stop(struct link *l, const char *tag, struct err *e)
{
    amqp_basic_cancel(link_raw(l), link_channel(l), amqp_cstring_bytes(tag));
    return link_check_rpc(l, "could not cancel the subscription", e);
}

bool consume_offset(const struct link_event *ev, uint64_t *out)
{
    int64_t v;
    if (!link_header_int(ev, "x-stream-offset", &v) || v < 0) {
        return false;
    }
    *out = (uint64_t)v;
    return true;
}
