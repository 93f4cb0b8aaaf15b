/* customerpage.c - see customerpage.h. A customer is created under a uuid or a number that the client has chosen, so the same
 * request again has the same answer, with an Idempotency-Key or without. A card's number is masked in the request's body as
 * soon as it has been checked, and the CVC wiped: neither gets into the hash of the body that a key is remembered with. */
#include "command/customerpage.h"

#include "command/given.h"
#include "command/idempotency.h"
#include "command/listing.h"

/* --- by uuid ------------------------------------------------------------------------------------ */

static void reply_saved(struct request *q, struct customer c)
{
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "customerId", c.uuid);
    json_key_text(&j, "message", STR("Customer saved successfully!"));
    json_object_end(&j);
}

void customerpage_create(struct request *q)
{
    struct arena mem = {0};
    struct customer_input in;
    struct err e = ERR_INIT;
    int rc = fields_check(q->http->body, &e);
    rc = rc == 0 ? given_account(&mem, q->http->body, &in, &e) : rc;
    q->reply->content_type = "application/vnd.api.v1+json";
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        struct result *rows = NULL;
        rc = customer_create(q->db, &in, &rows, &e);
        if (rc == 0) {
            reply_saved(q, customer_at(rows, 0));
            result_free(rows);
        }
        if (idempotency_end(q, rc, &e) == 0) {
            request_mark_write(q);
        } else {
            request_fail(q, &e);
        }
    }
    arena_fini(&mem);
}

/* --- by number ---------------------------------------------------------------------------------- */

/* As the food orders have it: ids are texts. masked "": the card is not shown, for it is not known where this was read. */
static void write_customer(struct json *j, struct customer c, const char *masked)
{
    json_object(j);
    json_key_text(j, "customerId", c.id);
    json_key_text(j, "firstname", c.first_name);
    json_key_text(j, "lastname", c.last_name);
    json_key_text(j, "fullname", c.full_name);
    if (c.lat.p != NULL && c.lon.p != NULL) {
        json_key(j, "address");
        json_object(j);
        json_key(j, "lat");
        json_raw(j, c.lat);
        json_key(j, "long");
        json_raw(j, c.lon);
        json_object_end(j);
    }
    if (masked[0] != '\0' && c.card_expiry.n == 5) { /* MM/YY */
        json_key(j, "card");
        json_object(j);
        json_key_text(j, "number", str_of(masked));
        json_key_text(j, "yy", (struct str){c.card_expiry.p + 3, 2});
        json_key_text(j, "mm", (struct str){c.card_expiry.p, 2});
        json_object_end(j);
    }
    json_object_end(j);
}

static void reply_customer(struct request *q, const struct given_customer *g,
                           const struct result *rows)
{
    struct customer c = customer_at(rows, 0);
    char masked[CARD_NUMBER_MAX] = "";
    if (!g->has_card && c.card_last4.p != NULL) {
        card_mask(c.card_last4, masked);
    }
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    write_customer(&j, c, g->has_card ? g->card.masked : masked);
}

/* The key covers the body as it came: reading it masks the card. */
void customerpage_add(struct request *q)
{
    struct arena mem = {0};
    struct given_customer g;
    struct err e = ERR_INIT;
    if (fields_check(q->http->body, &e) != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        struct result *rows = NULL;
        int rc = given_customer(&mem, q->http->body, true, &g, &e);
        rc = rc == 0 ? customer_create(q->db, &g.in, &rows, &e) : rc;
        if (rc == 0) {
            reply_customer(q, &g, rows);
            result_free(rows);
        }
        if (idempotency_end(q, rc, &e) == 0) {
            request_mark_write(q);
        } else {
            request_fail(q, &e);
        }
    }
    arena_fini(&mem);
}

void customerpage_update(struct request *q)
{
    struct arena mem = {0};
    struct given_customer g;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = fields_check(q->http->body, &e);
    rc = rc == 0 ? given_customer(&mem, q->http->body, false, &g, &e) : rc;
    if (rc == 0) {
        rc = customer_update(q->db, q->name, &g.in, &rows, &e);
    }
    if (rc == 0) {
        reply_customer(q, &g, rows);
        result_free(rows);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    arena_fini(&mem);
}

static void write_row(struct json *j, const struct result *rows, size_t i)
{
    write_customer(j, customer_at(rows, i), "");
}

static struct str key_of(const struct result *rows, size_t i)
{
    return customer_at(rows, i).id;
}

void customerpage_list(struct request *q)
{
    static const struct listing all = {
        .page_rows = CUSTOMER_PAGE, .page = customer_list, .key = key_of, .write = write_row};
    listing_serve(q, &all);
}

void customerpage_details(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = customer_details(q->db, &fresh, q->name, &rows, &e);
    }
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_customer(&j, customer_at(rows, 0), "");
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        request_mark_read(q, &fresh);
    }
}
