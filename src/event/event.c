/* event.c - see event.h. */
#include "event/event.h"

#include "base/clock.h"
#include "base/json.h"
#include "event/member.h"
#include "event/setup.h"

#include <stdio.h>
#include <stdlib.h>

/* Names of columns in a header, and an old key, are bounded: a content header of AMQP must fit one
 * frame of 128 kB. The broker takes messages up to 128 MB. */
enum { NAMES_MAX = 16 << 10, OLDKEY_MAX = 48 << 10, BODY_MAX = 100 << 20 };

/* A byte of text may take six in JSON (\u001f). */
enum { ESCAPED_MAX = 6 };

/* pg_type.h: numbers of the built-in types that JSON has a form for */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700,
    OID_JSONB = 3802,
};

static const char PUBLISH_PREFIX[] = "parkway.publish";

/* --- relations --------------------------------------------------------------------------------- */

enum verb { VERB_INSERT, VERB_UPDATE, VERB_DELETE, VERB_TRUNCATE };

struct event_relation *event_relation_new(const struct pgoutput_msg *relation)
{
    ASSERT(relation->type == PGOUTPUT_RELATION);
    struct event_relation *r = def_zalloc(1, sizeof *r);
    struct str schema = relation->u.relation.schema;
    struct str name = relation->u.relation.name;
    if (schema.n == 0) {
        schema = STR("pg_catalog");
    }
    struct buf table = BUF_INIT;
    buf_addf(&table, "%.*s.%.*s", STR_ARG(schema), STR_ARG(name));
    r->table = def_strdup(buf_cstr(&table));
    buf_fini(&table);
    r->oid = relation->u.relation.oid;
    const struct setup_topic *topic = setup_topic_of(schema, name);
    if (strcmp(r->table, "public.events") == 0) {
        r->route = EVENT_STORE;
    } else if (topic != NULL) {
        r->route = EVENT_TOPIC;
        r->topic = def_strdup(topic->topic);
        r->verbs[VERB_INSERT] = def_strdup(topic->on_insert);
        r->verbs[VERB_UPDATE] = def_strdup(topic->on_update);
        r->verbs[VERB_DELETE] = def_strdup(topic->on_delete);
        r->verbs[VERB_TRUNCATE] = def_strdup(topic->on_truncate);
        r->batch = topic->batch;
    }
    r->columns = def_zalloc(relation->u.relation.column_count, sizeof *r->columns);
    struct rd rd = relation->u.relation.columns;
    struct pgoutput_column c;
    while (r->column_count < relation->u.relation.column_count &&
           pgoutput_column_next(&rd, &c)) {
        r->columns[r->column_count++] = (struct event_column){
            .name = def_strndup(c.name.p, c.name.n), .type_oid = c.type_oid, .key = c.key};
    }
    return r;
}

void event_relation_free(struct event_relation *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->column_count; i++) {
        free(r->columns[i].name);
    }
    free(r->columns);
    free(r->table);
    free(r->topic);
    for (size_t i = 0; i < ARRAY_LEN(r->verbs); i++) {
        free(r->verbs[i]);
    }
    free(r);
}

/* --- headers ----------------------------------------------------------------------------------- */

void event_fini(struct event *ev)
{
    buf_fini(&ev->texts);
    buf_fini(&ev->body);
}

void event_free(struct event *ev)
{
    if (ev != NULL) {
        event_fini(ev);
        free(ev);
    }
}

struct str event_header_text(const struct event *ev, size_t i)
{
    const struct event_header *h = &ev->headers[i];
    return (struct str){buf_str(&ev->texts).p + h->at, h->len};
}

static void reset(struct event *ev, struct position at)
{
    ev->exchange[0] = '\0';
    ev->key[0] = '\0';
    ev->at = at;
    position_text(at, ev->message_id);
    ev->header_count = 0;
    ev->batch = false;
    buf_shrink(&ev->texts, (size_t)64 << 10);
    buf_shrink(&ev->body, (size_t)1 << 20);
}

static void add_header(struct event *ev, const char *name, struct str text)
{
    ASSERT(ev->header_count < EVENT_HEADERS_MAX);
    struct event_header *h = &ev->headers[ev->header_count++];
    snprintf(h->name, sizeof h->name, "%s", name);
    h->is_number = false;
    h->at = ev->texts.len;
    h->len = text.n;
    buf_addstr(&ev->texts, text);
}

/* The attributes every event has. id and type borrow. */
static void add_attributes(struct event *ev, struct str id, const char *source, struct str type,
                           int64_t commit_us)
{
    char when[CLOCK_TEXT_MAX];
    clock_text(commit_us, when);
    add_header(ev, "cloudEvents:specversion", STR("1.0"));
    add_header(ev, "cloudEvents:id", id);
    add_header(ev, "cloudEvents:source", str_of(source));
    add_header(ev, "cloudEvents:type", type);
    add_header(ev, "cloudEvents:time", str_of(when));
}

/* --- values ------------------------------------------------------------------------------------ */

static void add_number(struct json *j, struct str text)
{
    size_t first = text.n > 1 && text.p[0] == '-' ? 1 : 0;
    bool plain = text.n > first && text.p[first] >= '0' && text.p[first] <= '9';
    if (plain) {
        json_raw(j, text);
    } else {
        json_text(j, text); /* NaN, Infinity, -Infinity */
    }
}

void event_value(struct json *j, uint32_t type_oid, struct str text)
{
    switch (type_oid) {
    case OID_JSON:
    case OID_JSONB: json_raw(j, text); break;
    case OID_BOOL: json_bool(j, text.n == 1 && text.p[0] == 't'); break;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC: add_number(j, text); break;
    default: json_text(j, text); break;
    }
}

/* A list of column names for a header, as a JSON array; bounded. */
struct names {
    struct buf text;
    size_t count;
};

static void names_add(struct names *n, const char *name)
{
    if (n->text.len + strlen(name) > NAMES_MAX) {
        return;
    }
    buf_u8(&n->text, n->count++ == 0 ? '[' : ',');
    json_quote(&n->text, str_of(name));
}

static void names_header(struct names *n, struct event *ev, const char *header)
{
    if (n->count > 0) {
        buf_u8(&n->text, ']');
        add_header(ev, header, buf_str(&n->text));
        ev->batch = false;
    }
    buf_fini(&n->text);
}

/* The row as the body. fallback: the whole old row, where an unchanged value can be taken from. */
static void add_row(struct event *ev, const struct event_relation *r,
                    const struct pgoutput_tuple *tuple, const struct pgoutput_tuple *fallback,
                    bool key_only)
{
    struct names unchanged = {BUF_INIT, 0};
    struct names omitted = {BUF_INIT, 0};
    size_t bound = (size_t)setup()->events_max_value_bytes;
    struct json j;
    json_init(&j, &ev->body, JSON_COMPACT);
    json_object(&j);
    struct rd rd = tuple->data;
    struct rd old = fallback != NULL ? fallback->data : tuple->data;
    struct pgoutput_value v;
    struct pgoutput_value before = {PGOUTPUT_UNCHANGED, STR_NULL};
    for (size_t i = 0; i < r->column_count && pgoutput_tuple_next(&rd, &v); i++) {
        const struct event_column *c = &r->columns[i];
        if (fallback != NULL && pgoutput_tuple_next(&old, &before) &&
            v.kind == PGOUTPUT_UNCHANGED) {
            v = before;
        }
        if (key_only && !c->key) {
            continue;
        }
        if (v.kind == PGOUTPUT_UNCHANGED) {
            names_add(&unchanged, c->name);
        } else if (v.kind == PGOUTPUT_NULL) {
            json_key(&j, c->name);
            json_null(&j);
        } else if (v.text.n > bound) {
            names_add(&omitted, c->name);
        } else {
            struct json before_value = j;
            size_t len = ev->body.len;
            json_key(&j, c->name);
            event_value(&j, c->type_oid, v.text);
            if (ev->body.len > BODY_MAX) {
                buf_truncate(&ev->body, len);
                j = before_value;
                names_add(&omitted, c->name);
            }
        }
    }
    json_object_end(&j);
    names_header(&unchanged, ev, "parkway:unchanged");
    names_header(&omitted, ev, "parkway:omitted");
}

static bool same(const struct pgoutput_value *a, const struct pgoutput_value *b)
{
    return b->kind == PGOUTPUT_UNCHANGED ||
           (a->kind == b->kind && (a->kind != PGOUTPUT_TEXT || str_eq(a->text, b->text)));
}

/* The key columns whose value changed, with the old value. */
static void add_old_key(struct event *ev, const struct event_relation *r,
                        const struct pgoutput_msg *msg)
{
    struct buf text = BUF_INIT;
    struct json j;
    json_init(&j, &text, JSON_COMPACT);
    json_object(&j);
    struct rd old = msg->u.change.old.data;
    struct rd neu = msg->u.change.neu.data;
    struct pgoutput_value a;
    struct pgoutput_value b;
    bool any = false;
    for (size_t i = 0;
         i < r->column_count && pgoutput_tuple_next(&old, &a) && pgoutput_tuple_next(&neu, &b);
         i++) {
        const struct event_column *c = &r->columns[i];
        if (!c->key || same(&a, &b) || text.len + a.text.n * ESCAPED_MAX > OLDKEY_MAX) {
            continue;
        }
        any = true;
        json_key(&j, c->name);
        if (a.kind == PGOUTPUT_TEXT) {
            event_value(&j, c->type_oid, a.text);
        } else {
            json_null(&j);
        }
    }
    json_object_end(&j);
    if (any) {
        add_header(ev, "parkway:oldkey", buf_str(&text));
        ev->batch = false;
    }
    buf_fini(&text);
}

/* --- events ------------------------------------------------------------------------------------ */

static void source_of(const char *what, struct position at, char *out, size_t size)
{
    char epoch[POSITION_TEXT_MAX];
    epoch_text(at.epoch, epoch);
    snprintf(out, size, "/parkway/%s/%s", epoch, what);
}

static int topic_event(struct event *ev, const struct event_relation *r, enum verb verb_of,
                       int64_t commit_us, struct err *e)
{
    const char *verb = r->verbs[verb_of];
    if (verb[0] == '\0') {
        return ERR_NOT_FOUND;
    }
    int n = snprintf(ev->key, sizeof ev->key, "%s.%s", r->topic, verb);
    if (n < 0 || n >= EVENT_KEY_MAX) {
        return err_set(e, ERR_INVALID, "routing key of table %s is longer than 255 bytes",
                       r->table);
    }
    snprintf(ev->exchange, sizeof ev->exchange, "%s", setup()->events_exchange);
    char source[256];
    source_of(r->table, ev->at, source, sizeof source);
    add_attributes(ev, str_of(ev->message_id), source, str_of(ev->key), commit_us);
    ev->batch = r->batch;
    return 0;
}

/* The text of a named column of the new row; p NULL when it is not there. */
static struct str column_text(const struct event_relation *r,
                              const struct pgoutput_tuple *tuple, const char *name)
{
    struct rd rd = tuple->data;
    struct pgoutput_value v;
    for (size_t i = 0; i < r->column_count && pgoutput_tuple_next(&rd, &v); i++) {
        if (strcmp(r->columns[i].name, name) == 0) {
            return v.kind == PGOUTPUT_TEXT ? v.text : STR_NULL;
        }
    }
    return STR_NULL;
}

static bool copy_key(char *out, struct str text)
{
    if (text.p == NULL || text.n == 0 || text.n >= EVENT_KEY_MAX ||
        memchr(text.p, '\0', text.n) != NULL) {
        return false;
    }
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static int store_event(struct event *ev, const struct event_relation *r,
                       const struct pgoutput_tuple *row, int64_t commit_us, struct err *e)
{
    if (!copy_key(ev->key, column_text(r, row, "routing_key"))) {
        return err_set(e, ERR_INVALID, "row of %s has no usable routing_key", r->table);
    }
    snprintf(ev->exchange, sizeof ev->exchange, "%s", setup()->events_exchange);
    struct str id = column_text(r, row, "event_id");
    struct str type = column_text(r, row, "type");
    char source[256];
    source_of(r->table, ev->at, source, sizeof source);
    add_attributes(ev, id.p != NULL && id.n <= 256 ? id : str_of(ev->message_id), source,
                   type.p != NULL && type.n > 0 && type.n <= 256 ? type : str_of(ev->key),
                   commit_us);
    return 0;
}

int event_from_change(struct event *ev, const struct event_relation *r,
                      const struct pgoutput_msg *msg, struct position at, int64_t commit_us,
                      struct err *e)
{
    if (r->route == EVENT_LOG_ONLY ||
        (r->route == EVENT_STORE && msg->type != PGOUTPUT_INSERT)) {
        return ERR_NOT_FOUND;
    }
    reset(ev, at);
    enum verb verb = msg->type == PGOUTPUT_INSERT   ? VERB_INSERT
                     : msg->type == PGOUTPUT_UPDATE ? VERB_UPDATE
                                                    : VERB_DELETE;
    int rc = r->route == EVENT_STORE ? store_event(ev, r, &msg->u.change.neu, commit_us, e)
                                     : topic_event(ev, r, verb, commit_us, e);
    if (rc != 0) {
        return rc;
    }
    bool whole_old = msg->u.change.old_kind == 'O';
    if (msg->type == PGOUTPUT_DELETE) {
        add_row(ev, r, &msg->u.change.old, NULL, !whole_old);
        return 0;
    }
    add_row(ev, r, &msg->u.change.neu, whole_old ? &msg->u.change.old : NULL, false);
    if (msg->u.change.old.present) {
        add_old_key(ev, r, msg);
    }
    return 0;
}

int event_from_truncate(struct event *ev, const struct event_relation *r, struct position at,
                        int64_t commit_us, struct err *e)
{
    if (r->route != EVENT_TOPIC) {
        return ERR_NOT_FOUND;
    }
    reset(ev, at);
    int rc = topic_event(ev, r, VERB_TRUNCATE, commit_us, e);
    if (rc == 0) {
        buf_adds(&ev->body, "{}");
    }
    return rc;
}

/* A member that must be a string of 1 to 255 bytes; absent: initial. */
static bool name_member(struct str content, const char *key, const char *initial, char *out)
{
    struct str raw = member_find(content, key);
    if (raw.p == NULL && initial != NULL) {
        snprintf(out, EVENT_KEY_MAX, "%s", initial);
        return true;
    }
    struct buf text = BUF_INIT;
    bool ok = member_text(raw, &text) && copy_key(out, buf_str(&text));
    buf_fini(&text);
    return ok;
}

/* A header that is taken: the relay looks for its own in what it reads back (parkway:), others would stand twice. */
static bool is_taken(const struct event *ev, const char *name)
{
    if (strncmp(name, "parkway:", strlen("parkway:")) == 0) {
        return true;
    }
    for (size_t i = 0; i < ev->header_count; i++) {
        if (strcmp(ev->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool message_headers(struct event *ev, struct str headers)
{
    enum { STANDARD = 6 }; /* attributes, a traceparent; the relay has room of its own */
    size_t at = 0;
    struct str key;
    struct str value;
    while (headers.p != NULL && member_next(headers, &at, &key, &value)) {
        char name[sizeof ev->headers[0].name];
        if (ev->header_count + STANDARD >= EVENT_HEADERS_MAX || key.n == 0 ||
            key.n >= sizeof name || value.n > 8192 || memchr(key.p, '\\', key.n) != NULL ||
            str_eq(key, STR("CC")) || str_eq(key, STR("BCC"))) {
            return false; /* the last two are the broker's own, and no texts */
        }
        memcpy(name, key.p, key.n);
        name[key.n] = '\0';
        struct buf text = BUF_INIT;
        if (value.p[0] != '"') {
            buf_addstr(&text, value);
        }
        bool ok = !is_taken(ev, name) && (value.p[0] != '"' || member_text(value, &text));
        if (ok) {
            add_header(ev, name, buf_str(&text));
        }
        buf_fini(&text);
        if (!ok) {
            return false;
        }
    }
    return true;
}

int event_from_message(struct event *ev, const struct pgoutput_msg *msg, struct position at,
                       int64_t commit_us, struct err *e)
{
    if (!msg->u.message.transactional || !str_eq(msg->u.message.prefix, STR(PUBLISH_PREFIX))) {
        return ERR_NOT_FOUND;
    }
    struct str content = msg->u.message.content;
    reset(ev, at);
    char id[EVENT_KEY_MAX];
    if (content.n > BODY_MAX || !member_check(content)) {
        return err_set(e, ERR_INVALID, "message parkway.publish is no JSON, or too large");
    }
    const char *exchange = setup()->events_exchange;
    struct str data = member_find(content, "data");
    if (!name_member(content, "routing_key", NULL, ev->key) ||
        !name_member(content, "exchange", exchange, ev->exchange) ||
        !name_member(content, "id", ev->message_id, id)) {
        return err_set(e, ERR_INVALID,
                       "message parkway.publish needs texts routing_key, exchange, id");
    }
    if (strcmp(ev->exchange, exchange) != 0 && strcmp(ev->exchange, COMMAND_EXCHANGE) != 0) {
        return err_set(e, ERR_INVALID, "message parkway.publish names a foreign exchange");
    }
    char source[256];
    source_of("message", at, source, sizeof source);
    add_attributes(ev, str_of(id), source, str_of(ev->key), commit_us);
    if (!message_headers(ev, member_find(content, "headers"))) {
        return err_set(e, ERR_INVALID, "message parkway.publish has unusable headers");
    }
    buf_addstr(&ev->body, data.p != NULL ? data : STR("null"));
    return 0;
}

bool event_trace_of(const struct pgoutput_msg *msg, char out[TRACE_TEXT_MAX])
{
    return msg->type == PGOUTPUT_MESSAGE && msg->u.message.transactional &&
           str_eq(msg->u.message.prefix, STR("parkway.trace")) &&
           trace_parse(msg->u.message.content, out);
}

void event_trace(struct event *ev, const char *trace)
{
    if (!is_taken(ev, "cloudEvents:traceparent")) {
        add_header(ev, "cloudEvents:traceparent", str_of(trace));
    }
}

/* --- batches ----------------------------------------------------------------------------------- */

/* One event in the JSON format, as an element of a batch. Its headers are the attributes alone. */
static void add_element(struct buf *out, const struct event *ev)
{
    static const char prefix[] = "cloudEvents:";
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    for (size_t i = 0; i < ev->header_count; i++) {
        json_key(&j, ev->headers[i].name + sizeof prefix - 1);
        json_text(&j, event_header_text(ev, i));
    }
    json_key_text(&j, "datacontenttype", STR("application/json"));
    json_key(&j, "data");
    json_raw(&j, buf_str(&ev->body));
    json_object_end(&j);
}

bool event_batch_add(struct event *batch, const struct event *ev)
{
    if (!batch->batch || !ev->batch || strcmp(batch->key, ev->key) != 0 ||
        strcmp(batch->exchange, ev->exchange) != 0) {
        return false;
    }
    if (batch->batch_count == 0) {
        struct buf first = BUF_INIT;
        buf_u8(&first, '[');
        add_element(&first, batch);
        buf_fini(&batch->body);
        batch->body = first;
        batch->batch_count = 1;
    }
    buf_u8(&batch->body, ',');
    add_element(&batch->body, ev);
    batch->batch_count++;
    batch->at = ev->at;
    memcpy(batch->message_id, ev->message_id, sizeof batch->message_id);
    return true;
}

void event_batch_end(struct event *batch)
{
    if (batch->batch_count > 0) {
        buf_u8(&batch->body, ']');
        batch->header_count = 0;
    }
}
