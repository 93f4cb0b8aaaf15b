/* customerpage.c - see customerpage.h. A customer is created under a uuid that the client has chosen, so the same request
 * again has the same answer, with an Idempotency-Key or without. */
#include "command/customerpage.h"

#include "command/body.h"
#include "command/idempotency.h"
#include "command/listing.h"
#include "domain/customer.h"

enum { ID, USERNAME, FIRST_NAME, LAST_NAME, REQUIRED, EMAIL = REQUIRED, PHONE, MEMBERS };

/* "username must not be null--lastName must not be null" */
static int check_required(const struct body_member *m, struct err *e)
{
    struct buf missing = BUF_INIT;
    for (size_t i = 0; i < REQUIRED; i++) {
        if (m[i].text.p == NULL) {
            buf_addf(&missing, "%s%s must not be null", missing.len > 0 ? "--" : "", m[i].name);
        }
    }
    int rc = missing.len > 0 ? err_set(e, ERR_INVALID, "%s", buf_cstr(&missing)) : 0;
    buf_fini(&missing);
    return rc;
}

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
    struct body_member m[MEMBERS] = {
        [ID] = {"customerId", STR_NULL},        [USERNAME] = {"username", STR_NULL},
        [FIRST_NAME] = {"firstName", STR_NULL}, [LAST_NAME] = {"lastName", STR_NULL},
        [EMAIL] = {"email", STR_NULL},          [PHONE] = {"phone", STR_NULL}};
    struct body *body = NULL;
    struct err e = ERR_INIT;
    int rc = body_read(q->http->body, m, MEMBERS, &body, &e);
    rc = rc == 0 ? check_required(m, &e) : rc;
    q->reply->content_type = "application/vnd.api.v1+json";
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        const struct customer_input in = {.uuid = m[ID].text,
                                          .username = m[USERNAME].text,
                                          .first_name = m[FIRST_NAME].text,
                                          .last_name = m[LAST_NAME].text,
                                          .email = m[EMAIL].text,
                                          .phone = m[PHONE].text};
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
    body_free(body);
}

/* As the food orders have it: ids are texts. */
static void write_customer(struct json *j, struct customer c)
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
    json_object_end(j);
}

static void write_row(struct json *j, const struct result *rows, size_t i)
{
    write_customer(j, customer_at(rows, i));
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
        write_customer(&j, customer_at(rows, 0));
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        request_mark_read(q, &fresh);
    }
}
