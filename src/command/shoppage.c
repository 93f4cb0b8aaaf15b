/* shoppage.c - see shoppage.h. Ids are numbers here. The lists are streams: an order's items or a million of them take the
 * same memory. */
#include "command/shoppage.h"

#include "command/fields.h"
#include "command/idempotency.h"
#include "command/listing.h"
#include "domain/instant.h"
#include "domain/shop.h"
#include "domain/shoplist.h"

#include <stdlib.h>

static void number(struct json *j, const char *key, struct str digits)
{
    json_key(j, key);
    json_raw(j, digits);
}

static void number_if(struct json *j, const char *key, struct str digits)
{
    if (digits.p != NULL) {
        number(j, key, digits);
    }
}

/* --- commands ---------------------------------------------------------------------------------- */

/* The elements of the array as items; the caller frees them. */
static int read_items(struct arena *mem, struct str array, struct shop_item **out,
                      size_t *count, struct err *e)
{
    struct str one;
    size_t at = 0;
    size_t capacity = 0;
    int rc = 0;
    while (rc == 0 && fields_item(array, &at, &one)) {
        struct field f[] = {{.name = "name", .kind = FIELD_TEXT, .required = true},
                            {.name = "quantity", .kind = FIELD_COUNT, .required = true},
                            {.name = "price", .kind = FIELD_MONEY, .required = true}};
        rc = fields_read(mem, one, f, ARRAY_LEN(f), e);
        if (rc != 0) {
            return err_add(e, "items[%zu]", *count);
        }
        if (*count == capacity) {
            capacity = capacity * 2 + 4;
            *out = def_realloc(*out, capacity * sizeof **out);
        }
        (*out)[(*count)++] = (struct shop_item){f[0].text, f[1].text, f[2].text};
    }
    return rc;
}

static void create(struct request *q, const struct shop_input *in)
{
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = shop_create(q->db, in, &rows, &e);
    if (rc == 0) {
        struct shop_order o = shop_order_at(rows, 0);
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        json_object(&j);
        number(&j, "order_id", o.id);
        json_key_text(&j, "total", o.total);
        json_key_text(&j, "order_status", o.state);
        json_object_end(&j);
        q->reply->status = 201;
    }
    if (idempotency_end(q, rc, &e) == 0) {
        httpd_reply_header(q->reply, "Location", "/order/%.*s",
                           STR_ARG(shop_order_at(rows, 0).id));
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    result_free(rows);
}

void shoppage_create(struct request *q)
{
    enum { USER, ADDRESS, ITEMS };
    struct field f[] = {[USER] = {.name = "user_id", .kind = FIELD_ID, .required = true},
                        [ADDRESS] = {.name = "address_id", .kind = FIELD_ID},
                        [ITEMS] = {.name = "items", .kind = FIELD_ARRAY, .required = true}};
    struct arena mem = {0};
    struct shop_item *items = NULL;
    size_t count = 0;
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, ARRAY_LEN(f), &e);
    if (rc == 0) {
        rc = read_items(&mem, f[ITEMS].text, &items, &count, &e);
    }
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        create(q, &(struct shop_input){.user_id = f[USER].text,
                                       .address_id = f[ADDRESS].text,
                                       .items = items,
                                       .item_count = count});
    }
    free(items);
    arena_fini(&mem);
}

static void update(struct request *q, const struct shop_update_input *in)
{
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = shop_update(q->db, in, &rows, &e);
    if (rc == 0) {
        struct shop_update u = shop_update_at(rows, 0);
        char at[INSTANT_EPOCH_MAX];
        struct json j;
        instant_epoch(u.updated_ms, at);
        json_init(&j, &q->reply->body, JSON_COMPACT);
        json_object(&j);
        number(&j, "id", u.id);
        number(&j, "order_id", u.order_id);
        json_key_text(&j, "status", u.status);
        number(&j, "updated_at", str_of(at));
        json_object_end(&j);
        q->reply->status = 202;
    }
    if (idempotency_end(q, rc, &e) == 0) {
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    result_free(rows);
}

void shoppage_update(struct request *q)
{
    enum { ORDER, STATUS, AT, SOURCE };
    struct field f[] = {[ORDER] = {.name = "order_id", .kind = FIELD_REF, .required = true},
                        [STATUS] = {.name = "status", .kind = FIELD_TEXT, .required = true},
                        [AT] = {.name = "updated_at", .kind = FIELD_REF},
                        [SOURCE] = {.name = "source", .kind = FIELD_TEXT}};
    struct arena mem = {0};
    int64_t ms = -1;
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, ARRAY_LEN(f), &e);
    if (rc == 0 && f[AT].text.p != NULL && !instant_parse(f[AT].text, &ms)) {
        rc = err_set(&e, ERR_INVALID,
                     "updated_at must be seconds since 1970 or a time as "
                     "2024-09-02T17:21:02.000Z");
    }
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        update(q, &(struct shop_update_input){.order = f[ORDER].text,
                                              .status = f[STATUS].text,
                                              .source = f[SOURCE].text,
                                              .updated_ms = ms});
    }
    arena_fini(&mem);
}

/* --- lists ------------------------------------------------------------------------------------- */

static void write_order(struct json *j, const struct result *rows, size_t i)
{
    struct shoplist_order o = shoplist_order_at(rows, i);
    json_object(j);
    number(j, "order_id", o.id);
    number_if(j, "user_id", o.user_id);
    json_key_text(j, "total", o.total);
    json_key_text(j, "order_date", o.order_date);
    json_key_text(j, "order_status", o.state);
    json_key_text(j, "updated_date", o.updated_date);
    json_object_end(j);
}

static struct str order_key(const struct result *rows, size_t i)
{
    return shoplist_order_at(rows, i).id;
}

void shoppage_orders(struct request *q)
{
    static const struct listing all = {.page_rows = SHOPLIST_PAGE,
                                       .page = shoplist_orders,
                                       .key = order_key,
                                       .write = write_order,
                                       .open = "{\"orders\":[",
                                       .close = "]}"};
    listing_serve(q, &all);
}

static void write_item(struct json *j, const struct result *rows, size_t i)
{
    struct shoplist_item item = shoplist_item_at(rows, i);
    json_object(j);
    number(j, "id", item.id);
    number(j, "order_id", item.order_id);
    json_key_text(j, "name", item.name);
    number(j, "quantity", item.quantity);
    json_key_text(j, "price", item.price);
    json_object_end(j);
}

static struct str item_key(const struct result *rows, size_t i)
{
    return shoplist_item_at(rows, i).key;
}

void shoppage_items(struct request *q)
{
    static const struct listing all = {.page_rows = SHOPLIST_PAGE,
                                       .page = shoplist_items,
                                       .key = item_key,
                                       .write = write_item,
                                       .open = "{\"order_items\":[",
                                       .close = "]}"};
    listing_serve(q, &all);
}

static void write_detail(struct json *j, const struct result *rows, size_t i)
{
    struct shoplist_detail d = shoplist_detail_at(rows, i);
    json_object(j);
    number(j, "order_id", d.order_id);
    number(j, "user_id", d.user_id);
    json_key_text(j, "total", d.total);
    json_key_text(j, "order_date", d.order_date);
    json_key_text(j, "order_status", d.order_status);
    json_key_text(j, "last_order_update", d.last_order_update);
    json_key_text(j, "user_phone", d.user_phone);
    json_key_text(j, "full_address", d.full_address);
    json_key_text(j, "order_items_details", d.order_items_details);
    if (d.user_name.p != NULL) {
        json_key_text(j, "user_name", d.user_name);
    }
    if (d.user_email.p != NULL) {
        json_key_text(j, "user_email", d.user_email);
    }
    json_object_end(j);
}

static struct str detail_key(const struct result *rows, size_t i)
{
    return shoplist_detail_at(rows, i).order_id;
}

void shoppage_details(struct request *q)
{
    static const struct listing all = {.page_rows = SHOPLIST_PAGE,
                                       .page = shoplist_details,
                                       .key = detail_key,
                                       .write = write_detail,
                                       .open = "{\"orders\":[",
                                       .close = "]}"};
    listing_serve(q, &all);
}

void shoppage_mv(struct request *q)
{
    static const struct listing all = {.page_rows = SHOPLIST_PAGE,
                                       .page = shoplist_mv,
                                       .key = detail_key,
                                       .write = write_detail,
                                       .open = "[",
                                       .close = "]"};
    listing_serve(q, &all);
}

void shoppage_mv_of(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = shoplist_mv_of(q->db, &fresh, q->name, &rows, &e);
    }
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_detail(&j, rows, 0);
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        request_mark_read(q, &fresh);
    }
}
