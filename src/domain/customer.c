/* customer.c - see customer.h.
 *
 * A creation carries its uuid, which is drawn here if the client has none, so it can be asked again after a connection that
 * broke at its commit: the row is there with the same content, or is made. An insert that meets another row does nothing;
 * what is there by that uuid decides then. A drawn number may meet one that a client chose in the same moment: it is
 * drawn again. */
#include "domain/customer.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"

#include <stdio.h>

#define COLUMNS                                                                                \
    "customer_id, customer_uuid, username, first_name, last_name, full_name, email, phone, "   \
    "lat, long"

enum { DRAWS = 3, REPEAT_US = 5000000, NUMBER_MAX = 18 /* decimal digits of a reference */ };

static const char owner[] = "owner_customer";

struct customer customer_at(const struct result *rows, size_t i)
{
    return (struct customer){.id = result_get(rows, i, 0),
                             .uuid = result_get(rows, i, 1),
                             .username = result_get(rows, i, 2),
                             .first_name = result_get(rows, i, 3),
                             .last_name = result_get(rows, i, 4),
                             .full_name = result_get(rows, i, 5),
                             .email = result_get(rows, i, 6),
                             .phone = result_get(rows, i, 7),
                             .lat = result_get(rows, i, 8),
                             .lon = result_get(rows, i, 9)};
}

/* --- what is given ---------------------------------------------------------------------------- */

static int check_text(const char *name, struct str text, struct err *e)
{
    if (text.p == NULL) {
        return 0;
    }
    if (text.n == 0) {
        return err_set(e, ERR_INVALID, "%s must not be empty", name);
    }
    if (!utf8_storable(text)) {
        return err_set(e, ERR_INVALID, "%s must be UTF-8 text without NUL characters", name);
    }
    return 0;
}

static int check_input(const struct customer_input *in, struct err *e)
{
    const struct {
        const char *name;
        struct str text;
    } texts[] = {{"username", in->username},   {"first_name", in->first_name},
                 {"last_name", in->last_name}, {"full_name", in->full_name},
                 {"email", in->email},         {"phone", in->phone}};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(texts); i++) {
        rc = check_text(texts[i].name, texts[i].text, e);
    }
    if (rc == 0 && in->email.p != NULL && memchr(in->email.p, '@', in->email.n) == NULL) {
        rc = err_set(e, ERR_INVALID, "email must have an @");
    }
    return rc;
}

/* Whether the text is a reference: column, and the value to compare with. */
static bool parse_ref(struct str ref, const char **column)
{
    uint8_t uuid[16];
    bool digits = ref.n > 0 && ref.n <= NUMBER_MAX;
    for (size_t i = 0; i < ref.n && digits; i++) {
        digits = ref.p[i] >= '0' && ref.p[i] <= '9';
    }
    *column = digits ? "customer_id" : "customer_uuid";
    return digits || uuid_parse(ref, uuid);
}

static int not_found(struct str ref, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "customer not found: %.*s", STR_ARG(ref));
}

/* --- creating --------------------------------------------------------------------------------- */

static bool same(struct str given, struct str there)
{
    return given.p == NULL || (there.p != NULL && str_eq(given, there));
}

/* The row that has the uuid, if any; *out NULL: none. */
static int find(struct db *db, struct str uuid, struct result **out, struct err *e)
{
    int rc = db_write(db, "select " COLUMNS " from customers where customer_uuid = $1", 1,
                      &uuid, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

/* Why the insert did nothing. 0 with *out: it is there already; ERR_UNAVAILABLE: draw again. */
static int explain(struct db *db, const struct customer_input *in, struct result **out,
                   struct err *e)
{
    int rc = find(db, in->uuid, out, e);
    if (rc != 0) {
        return rc;
    }
    if (*out != NULL) {
        struct customer c = customer_at(*out, 0);
        if (same(in->username, c.username) && same(in->first_name, c.first_name) &&
            same(in->last_name, c.last_name) && same(in->full_name, c.full_name) &&
            same(in->email, c.email) && same(in->phone, c.phone)) {
            return 0;
        }
        result_free(*out);
        *out = NULL;
        return err_set(e, ERR_CONFLICT, "customer %.*s exists with other content",
                       STR_ARG(in->uuid));
    }
    const struct str params[] = {in->username, in->email};
    struct result *taken;
    rc = db_write(db,
                  "select exists (select from customers where username = $1), "
                  "exists (select from customers where email = $2)",
                  ARRAY_LEN(params), params, &taken, e);
    if (rc != 0) {
        return rc;
    }
    bool name = result_text(taken, 0, 0)[0] == 't';
    bool email = result_text(taken, 0, 1)[0] == 't';
    result_free(taken);
    if (name) {
        return err_set(e, ERR_CONFLICT, "username %.*s is taken", STR_ARG(in->username));
    }
    if (email) {
        return err_set(e, ERR_CONFLICT, "email %.*s is taken", STR_ARG(in->email));
    }
    return err_set(e, ERR_UNAVAILABLE, "the number drawn for a customer was taken");
}

static int insert(struct db *db, const struct customer_input *in, struct result **out,
                  struct err *e)
{
    bool alone;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    const struct str params[] = {in->uuid,      in->username, in->first_name, in->last_name,
                                 in->full_name, in->email,    in->phone};
    rc = db_write(db,
                  "insert into customers (customer_uuid, username, first_name, last_name, "
                  "full_name, email, phone) values ($1, $2, $3::text, $4::text, "
                  "coalesce($5, $3::text || ' ' || $4::text), $6, $7) "
                  "on conflict do nothing returning " COLUMNS,
                  ARRAY_LEN(params), params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        rc = explain(db, in, out, e);
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int customer_create(struct db *db, const struct customer_input *in, struct result **out,
                    struct err *e)
{
    *out = NULL;
    struct customer_input full = *in;
    uint8_t bytes[16];
    char drawn[UUID_TEXT_MAX];
    if (in->first_name.p == NULL || in->last_name.p == NULL) {
        return err_set(e, ERR_INVALID, "%s must not be null",
                       in->first_name.p == NULL ? "first_name" : "last_name");
    }
    int rc = check_input(in, e);
    if (rc != 0) {
        return rc;
    }
    if (in->uuid.p == NULL) {
        uuid_make(bytes);
    } else if (!uuid_parse(in->uuid, bytes)) {
        return err_set(e, ERR_INVALID, "not a uuid: %.*s", STR_ARG(in->uuid));
    }
    uuid_text(bytes, drawn);
    full.uuid = str_of(drawn);
    bool alone = !db_in_transaction(db);
    struct backoff wait = {.seed = rand_u64()};
    int64_t until_us = clock_mono_us() + REPEAT_US;
    for (int draw = 1;; draw++) {
        rc = insert(db, &full, out, e);
        bool taken = rc == ERR_UNAVAILABLE && draw < DRAWS;
        bool again = alone ? taken || rc == ERR_CLOSED : taken && db_in_transaction(db);
        if (!again || clock_mono_us() >= until_us) {
            return rc;
        }
        clock_sleep_us(backoff_next_ms(&wait) * 1000);
    }
}

/* --- the others ------------------------------------------------------------------------------- */

int customer_update(struct db *db, struct str ref, const struct customer_input *in,
                    struct result **out, struct err *e)
{
    *out = NULL;
    const char *column;
    if (in->uuid.p != NULL) {
        return err_set(e, ERR_INVALID, "a customer's uuid cannot be changed");
    }
    if (in->username.p == NULL && in->first_name.p == NULL && in->last_name.p == NULL &&
        in->full_name.p == NULL && in->email.p == NULL && in->phone.p == NULL) {
        return err_set(e, ERR_INVALID, "nothing to update");
    }
    int rc = check_input(in, e);
    if (rc != 0) {
        return rc;
    }
    if (!parse_ref(ref, &column)) {
        return not_found(ref, e);
    }
    char sql[640];
    int n =
        snprintf(sql, sizeof sql,
                 "update customers set username = coalesce($2, username), "
                 "first_name = coalesce($3, first_name), last_name = coalesce($4, last_name), "
                 "full_name = coalesce($5, full_name), email = coalesce($6, email), "
                 "phone = coalesce($7, phone) where %s = $1 returning " COLUMNS,
                 column);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    const struct str params[] = {ref,           in->username, in->first_name, in->last_name,
                                 in->full_name, in->email,    in->phone};
    bool alone;
    rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(db, sql, ARRAY_LEN(params), params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = not_found(ref, e);
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int customer_list(struct db *db, const struct db_freshness *fresh, struct str after,
                  struct result **out, struct err *e)
{
    return db_read(db, fresh,
                   "select " COLUMNS " from customers where customer_id > coalesce($1::bigint, "
                   "-9223372036854775808) order by customer_id limit 500",
                   1, &after, out, e);
}

int customer_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                     struct result **out, struct err *e)
{
    const char *column;
    char sql[256];
    *out = NULL;
    if (!parse_ref(ref, &column)) {
        return not_found(ref, e);
    }
    snprintf(sql, sizeof sql, "select " COLUMNS " from customers where %s = $1", column);
    int rc = db_read(db, fresh, sql, 1, &ref, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        return not_found(ref, e);
    }
    return rc;
}
