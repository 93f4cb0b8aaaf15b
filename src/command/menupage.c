/* menupage.c - see menupage.h. Ids are texts here, as everywhere around food orders. */
#include "command/menupage.h"

#include "command/given.h"
#include "command/idempotency.h"
#include "command/listing.h"

/* Ends a command's answer: what was written, or the error. */
static void answer(struct request *q, int rc, struct result *rows,
                   void (*write)(struct json *j, const struct result *rows, size_t i),
                   struct err *e)
{
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write(&j, rows, 0);
    }
    if (idempotency_end(q, rc, e) == 0) {
        request_mark_write(q);
    } else {
        request_fail(q, e);
    }
    result_free(rows);
}

/* --- restaurants ------------------------------------------------------------------------------- */

static void write_restaurant(struct json *j, const struct result *rows, size_t i)
{
    struct restaurant r = restaurant_at(rows, i);
    json_object(j);
    json_key_text(j, "restaurantId", r.id);
    json_key_text(j, "name", r.name);
    json_key(j, "address");
    json_object(j);
    json_key(j, "lat");
    json_raw(j, r.lat);
    json_key(j, "long");
    json_raw(j, r.lon);
    json_object_end(j);
    json_key(j, "active");
    json_bool(j, r.active);
    json_object_end(j);
}

void menupage_open(struct request *q)
{
    struct arena mem = {0};
    struct restaurant_input in;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = fields_check(q->http->body, &e);
    rc = rc == 0 ? given_restaurant(&mem, q->http->body, &in, &e) : rc;
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        rc = restaurant_create(q->db, &in, &rows, &e);
        answer(q, rc, rows, write_restaurant, &e);
    }
    arena_fini(&mem);
}

static struct str restaurant_key(const struct result *rows, size_t i)
{
    return restaurant_at(rows, i).id;
}

void menupage_restaurants(struct request *q)
{
    static const struct listing all = {.page_rows = RESTAURANT_PAGE,
                                       .page = restaurant_list,
                                       .key = restaurant_key,
                                       .write = write_restaurant};
    listing_serve(q, &all);
}

void menupage_restaurant(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = restaurant_details(q->db, &fresh, q->name, &rows, &e);
    }
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_restaurant(&j, rows, 0);
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        request_mark_read(q, &fresh);
    }
}

/* --- menus ------------------------------------------------------------------------------------- */

static void write_menu(struct json *j, const struct result *rows, size_t i)
{
    struct menu m = menu_at(rows, i);
    json_object(j);
    json_key_text(j, "menuItemId", m.id);
    json_key_text(j, "restaurantId", m.restaurant_id);
    json_key_text(j, "name", m.name);
    json_key_text(j, "description", m.description);
    json_key_text(j, "price", m.price);
    if (m.rating.p != NULL) {
        json_key(j, "rating");
        json_raw(j, m.rating);
    }
    json_key(j, "available");
    json_bool(j, m.available);
    json_object_end(j);
}

void menupage_create(struct request *q)
{
    struct arena mem = {0};
    struct menu_input in;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = fields_check(q->http->body, &e);
    rc = rc == 0 ? given_menu(&mem, q->http->body, true, &in, &e) : rc;
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        rc = menu_create(q->db, &in, &rows, &e);
        answer(q, rc, rows, write_menu, &e);
    }
    arena_fini(&mem);
}

void menupage_update(struct request *q)
{
    struct arena mem = {0};
    struct menu_input in;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = fields_check(q->http->body, &e);
    rc = rc == 0 ? given_menu(&mem, q->http->body, false, &in, &e) : rc;
    if (rc == 0) {
        rc = menu_update(q->db, q->name, &in, &rows, &e);
    }
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_menu(&j, rows, 0);
        result_free(rows);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    arena_fini(&mem);
}

static struct str menu_key(const struct result *rows, size_t i)
{
    return menu_at(rows, i).id;
}

void menupage_list(struct request *q)
{
    static const struct listing of_one = {
        .page_rows = MENU_PAGE, .page_of = menu_list, .key = menu_key, .write = write_menu};
    listing_serve(q, &of_one);
}
