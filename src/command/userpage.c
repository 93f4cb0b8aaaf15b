/* userpage.c - see userpage.h. Ids are numbers here, as everywhere in the shop. */
#include "command/userpage.h"

#include "command/fields.h"
#include "command/idempotency.h"
#include "command/listing.h"
#include "domain/user.h"

static void number(struct json *j, const char *key, struct str digits)
{
    json_key(j, key);
    json_raw(j, digits);
}

static void text_if(struct json *j, const char *key, struct str text)
{
    if (text.p != NULL) {
        json_key_text(j, key, text);
    }
}

/* --- users ------------------------------------------------------------------------------------- */

static void write_user(struct json *j, const struct result *rows, size_t i)
{
    struct user u = user_at(rows, i);
    json_object(j);
    number(j, "user_id", u.id);
    json_key_text(j, "name", u.name);
    json_key_text(j, "email", u.email);
    text_if(j, "phone", u.phone);
    json_key_text(j, "created_at", u.created);
    json_object_end(j);
}

enum { STREET, CITY, STATE, POSTAL_CODE, COUNTRY, PLACE };
#define PLACE_FIELDS                                                                           \
    [STREET] = {.name = "street", .kind = FIELD_TEXT, .required = true},                       \
    [CITY] = {.name = "city", .kind = FIELD_TEXT, .required = true},                           \
    [STATE] = {.name = "state", .kind = FIELD_TEXT},                                           \
    [POSTAL_CODE] = {.name = "postal_code", .kind = FIELD_TEXT},                               \
    [COUNTRY] = {.name = "country", .kind = FIELD_TEXT, .required = true}

static struct address_input place_of(const struct field *f)
{
    return (struct address_input){.street = f[STREET].text,
                                  .city = f[CITY].text,
                                  .state = f[STATE].text,
                                  .postal_code = f[POSTAL_CODE].text,
                                  .country = f[COUNTRY].text};
}

static int read_place(struct arena *mem, struct str object, struct address_input *out,
                      struct err *e)
{
    struct field f[] = {PLACE_FIELDS};
    int rc = fields_read(mem, object, f, ARRAY_LEN(f), e);
    *out = place_of(f);
    return rc == 0 ? 0 : err_add(e, "address");
}

static void create(struct request *q, const struct user_input *in)
{
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = user_create(q->db, in, &rows, &e);
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_user(&j, rows, 0);
        q->reply->status = 201;
    }
    if (idempotency_end(q, rc, &e) == 0) {
        httpd_reply_header(q->reply, "Location", "/customer/%.*s",
                           STR_ARG(user_at(rows, 0).id));
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    result_free(rows);
}

void userpage_create(struct request *q)
{
    enum { NAME, EMAIL, PHONE, ADDRESS };
    struct field f[] = {[NAME] = {.name = "name", .kind = FIELD_TEXT, .required = true},
                        [EMAIL] = {.name = "email", .kind = FIELD_TEXT, .required = true},
                        [PHONE] = {.name = "phone", .kind = FIELD_TEXT},
                        [ADDRESS] = {.name = "address", .kind = FIELD_OBJECT}};
    struct arena mem = {0};
    struct address_input place;
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, ARRAY_LEN(f), &e);
    bool placed = rc == 0 && f[ADDRESS].text.p != NULL;
    if (placed) {
        rc = read_place(&mem, f[ADDRESS].text, &place, &e);
    }
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        create(q, &(struct user_input){.name = f[NAME].text,
                                       .email = f[EMAIL].text,
                                       .phone = f[PHONE].text,
                                       .address = placed ? &place : NULL});
    }
    arena_fini(&mem);
}

static struct str user_key(const struct result *rows, size_t i)
{
    return user_at(rows, i).id;
}

void userpage_list(struct request *q)
{
    static const struct listing all = {.page_rows = USER_PAGE,
                                       .page = user_list,
                                       .key = user_key,
                                       .write = write_user,
                                       .open = "{\"users\":[",
                                       .close = "]}"};
    listing_serve(q, &all);
}

/* --- addresses --------------------------------------------------------------------------------- */

static void write_address(struct json *j, const struct result *rows, size_t i)
{
    struct address a = address_at(rows, i);
    json_object(j);
    number(j, "address_id", a.id);
    number(j, "user_id", a.customer_id);
    json_key_text(j, "street", a.street);
    json_key_text(j, "city", a.city);
    text_if(j, "state", a.state);
    text_if(j, "postal_code", a.postal_code);
    json_key_text(j, "country", a.country);
    json_key_text(j, "created_at", a.created);
    json_object_end(j);
}

void userpage_add_address(struct request *q)
{
    enum { USER = PLACE };
    struct field f[] = {
        PLACE_FIELDS, [USER] = {.name = "user_id", .kind = FIELD_ID, .required = true}};
    struct arena mem = {0};
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, ARRAY_LEN(f), &e);
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        struct result *rows = NULL;
        struct address_input in = place_of(f);
        in.customer_id = f[USER].text;
        rc = address_create(q->db, &in, &rows, &e);
        if (rc == 0) {
            struct json j;
            json_init(&j, &q->reply->body, JSON_COMPACT);
            write_address(&j, rows, 0);
            q->reply->status = 201;
        }
        if (idempotency_end(q, rc, &e) == 0) {
            request_mark_write(q);
        } else {
            request_fail(q, &e);
        }
        result_free(rows);
    }
    arena_fini(&mem);
}

static struct str address_key(const struct result *rows, size_t i)
{
    return address_at(rows, i).id;
}

void userpage_addresses(struct request *q)
{
    static const struct listing all = {.page_rows = ADDRESS_PAGE,
                                       .page = address_list,
                                       .key = address_key,
                                       .write = write_address,
                                       .open = "{\"addresses\":[",
                                       .close = "]}"};
    listing_serve(q, &all);
}
