/* publish.c - see publish.h. */
#include "mq/publish.h"

#include <amqp.h>
#include <amqp_framing.h>

int publish_start(struct link *l, struct err *e)
{
    amqp_confirm_select(link_raw(l), link_channel(l));
    return link_check_rpc(l, "could not switch to publisher confirms", e);
}

static amqp_bytes_t bytes_of(struct str s)
{
    return (amqp_bytes_t){s.n, (void *)(uintptr_t)s.p};
}

int publish_send(struct link *l, const struct publish_message *m, struct err *e)
{
    ASSERT(m->header_count <= PUBLISH_HEADERS_MAX);
    if (!link_channel_alive(l)) {
        return err_set(e, ERR_CLOSED, "could not publish: the connection is gone");
    }
    amqp_table_entry_t entries[PUBLISH_HEADERS_MAX];
    for (size_t i = 0; i < m->header_count; i++) {
        const struct publish_header *h = &m->headers[i];
        entries[i].key = amqp_cstring_bytes(h->name);
        if (h->text.p != NULL) {
            entries[i].value.kind = AMQP_FIELD_KIND_UTF8;
            entries[i].value.value.bytes = bytes_of(h->text);
        } else {
            entries[i].value.kind = AMQP_FIELD_KIND_I64;
            entries[i].value.value.i64 = h->number;
        }
    }
    amqp_basic_properties_t p = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .content_type = amqp_cstring_bytes(m->content_type),
    };
    if (m->type != NULL) {
        p._flags |= AMQP_BASIC_TYPE_FLAG;
        p.type = amqp_cstring_bytes(m->type);
    }
    if (m->message_id != NULL) {
        p._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
        p.message_id = amqp_cstring_bytes(m->message_id);
    }
    if (m->header_count > 0) {
        p._flags |= AMQP_BASIC_HEADERS_FLAG;
        p.headers = (amqp_table_t){(int)m->header_count, entries};
    }
    int status =
        amqp_basic_publish(link_raw(l), link_channel(l), amqp_cstring_bytes(m->exchange),
                           amqp_cstring_bytes(m->key), 1, 0, &p, bytes_of(m->body));
    return link_check_status(l, status, "could not publish", e);
}
