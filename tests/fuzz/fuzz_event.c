/* Fuzz target (libFuzzer): events made of any change of any table, and of any parkway.publish message: headers, body,
 * batches. Whatever comes in, an event has bounded headers and, when its values are text, a body that is JSON.
 * Input: length of a Relation message (two bytes), the message, another message. */
#include "event/event.h"
#include "event/member.h"
#include "event/setup.h"

#include "base/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char exchange[] = "CQRS_EVENT_STORE";
static char topic_name[] = "t";
static const struct setup_topic topic = {.topic = topic_name,
                                         .batch = true,
                                         .on_insert = "create",
                                         .on_update = "update",
                                         .on_delete = "delete",
                                         .on_truncate = "truncate"};

const struct setup *setup(void)
{
    static const struct setup s = {.events_exchange = exchange, .events_max_value_bytes = 64};
    return &s;
}

const struct setup_topic *setup_topic_of(struct str schema, struct str name)
{
    UNUSED(schema);
    return name.n > 0 && name.p[0] == 'x' ? NULL : &topic;
}

static bool texts_only(const struct event_relation *r)
{
    for (size_t i = 0; i < r->column_count; i++) {
        switch (r->columns[i].type_oid) {
        case 114:
        case 3802:
        case 20:
        case 21:
        case 23:
        case 26:
        case 700:
        case 701:
        case 1700: return false; /* embedded as they come: the server's word is taken */
        default: break;
        }
    }
    return true;
}

static void look(const struct event *ev)
{
    ASSERT(ev->header_count <= EVENT_HEADERS_MAX);
    ASSERT(strlen(ev->key) < EVENT_KEY_MAX && strlen(ev->exchange) < EVENT_KEY_MAX);
    for (size_t i = 0; i < ev->header_count; i++) {
        struct str text = event_header_text(ev, i);
        ASSERT(ev->headers[i].at + text.n <= ev->texts.len);
        ASSERT(strlen(ev->headers[i].name) < sizeof ev->headers[i].name);
    }
}

static void changes(struct event_relation *r, const struct pgoutput_msg *m)
{
    struct position at = {{1, 1}, 100, 1, 0};
    struct event a = {0};
    struct event b = {0};
    int rc = event_from_change(&a, r, m, at, 0, NULL);
    if (rc == 0) {
        look(&a);
        ASSERT(!texts_only(r) || member_check(buf_str(&a.body)));
        if (event_from_change(&b, r, m, at, 1, NULL) == 0 && event_batch_add(&a, &b)) {
            event_batch_end(&a);
            ASSERT(!texts_only(r) || member_check(buf_str(&a.body)));
        }
    }
    event_fini(&a);
    event_fini(&b);
}

static void message(const struct pgoutput_msg *m)
{
    struct event ev = {0};
    if (event_from_message(&ev, m, (struct position){{1, 1}, 100, 1, 0}, 0, NULL) == 0) {
        look(&ev);
        ASSERT(member_check(buf_str(&ev.body)));
    }
    event_fini(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pgoutput_msg rel;
    struct pgoutput_msg m;
    char trace[TRACE_TEXT_MAX];
    if (size < 2) {
        return 0;
    }
    size_t n = (size_t)data[0] << 8 | data[1];
    n = n < size - 2 ? n : size - 2;
    struct str first = {(const char *)data + 2, n};
    struct str second = {(const char *)data + 2 + n, size - 2 - n};
    (void)trace_comment(second, trace);
    (void)trace_parse(second, trace);
    if (pgoutput_parse(first, &rel, NULL) != 0 || pgoutput_parse(second, &m, NULL) != 0) {
        return 0;
    }
    if (m.type == PGOUTPUT_MESSAGE) {
        message(&m);
    } else if (rel.type == PGOUTPUT_RELATION &&
               (m.type == PGOUTPUT_INSERT || m.type == PGOUTPUT_UPDATE ||
                m.type == PGOUTPUT_DELETE)) {
        struct event_relation *r = event_relation_new(&rel);
        changes(r, &m);
        event_relation_free(r);
    }
    return 0;
}
