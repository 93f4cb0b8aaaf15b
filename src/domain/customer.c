/* customer.c - see customer.h.
 *
 * A creation carries its uuid, which is drawn here if the client has none, so it can be asked again after a connection that
 * broke at its commit: the row is there with the same content, or is made. An insert that meets another row does nothing;
 * what is there by that number or uuid decides then. A drawn number may meet one that a client chose in the same moment: it is
 * drawn again. */
#include "domain/customer.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "domain/instant.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS                                                                                \
    "customer_id, customer_uuid, username, first_name, last_name, full_name, email, phone, "   \
    "lat, long, " INSTANT_SQL("created_at")
/* what only the primary has */
#define WRITTEN COLUMNS ", card_last4, card_expiry"

enum { C_CREATED = 10, C_LAST4, C_EXPIRY, C_SAME };
enum { DRAWS = 3, REPEAT_US = 5000000, NUMBER_MAX = 18 /* decimal digits of a reference */ };

static const char owner[] = "owner_customer";

struct customer customer_at(const struct result *rows, size_t i)
{
    bool written = result_columns(rows) > C_EXPIRY;
    return (struct customer){.id = result_get(rows, i, 0),
                             .uuid = result_get(rows, i, 1),
                             .username = result_get(rows, i, 2),
                             .first_name = result_get(rows, i, 3),
                             .last_name = result_get(rows, i, 4),
                             .full_name = result_get(rows, i, 5),
                             .email = result_get(rows, i, 6),
                             .phone = result_get(rows, i, 7),
                             .lat = result_get(rows, i, 8),
                             .lon = result_get(rows, i, 9),
                             .created = result_get(rows, i, C_CREATED),
                             .card_last4 = written ? result_get(rows, i, C_LAST4) : STR_NULL,
                             .card_expiry = written ? result_get(rows, i, C_EXPIRY) : STR_NULL};
}

/* --- what is given ---------------------------------------------------------------------------- */

static int check_text(const char *name, struct str text, struct err *e)
{
    if (text.p != NULL && !utf8_storable(text)) {
        return err_set(e, ERR_INVALID, "%s must be UTF-8 text without NUL characters", name);
    }
    return 0;
}

static int check_filled(const char *name, struct str text, struct err *e)
{
    if (text.p != NULL && text.n == 0) {
        return err_set(e, ERR_INVALID, "%s must not be empty", name);
    }
    return check_text(name, text, e);
}

int customer_check_place(struct str lat, struct str lon, struct err *e)
{
    if ((lat.p == NULL) != (lon.p == NULL)) {
        return err_set(e, ERR_INVALID, "%s must not be null", lat.p == NULL ? "lat" : "long");
    }
    const struct {
        const char *name;
        struct str text;
        double most;
    } axes[] = {{"lat", lat, 90}, {"long", lon, 180}};
    for (size_t i = 0; lat.p != NULL && i < ARRAY_LEN(axes); i++) {
        char text[64]; /* a longer number is more exact than any place */
        char *end;
        snprintf(text, sizeof text, "%.*s", STR_ARG(axes[i].text));
        double v = strtod(text, &end);
        if (axes[i].text.n == 0 || axes[i].text.n >= sizeof text || *end != '\0' ||
            !(v >= -axes[i].most && v <= axes[i].most)) {
            return err_set(e, ERR_INVALID, "%s must be a number from -%.0f to %.0f",
                           axes[i].name, axes[i].most, axes[i].most);
        }
    }
    return 0;
}

static int check_input(const struct customer_input *in, struct err *e)
{
    const struct {
        const char *name;
        struct str text;
    } texts[] = {{"username", in->username},
                 {"first_name", in->first_name},
                 {"full_name", in->full_name},
                 {"email", in->email},
                 {"phone", in->phone}};
    int rc = check_text("last_name", in->last_name, e);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(texts); i++) {
        rc = check_filled(texts[i].name, texts[i].text, e);
    }
    if (rc == 0 && in->email.p != NULL && memchr(in->email.p, '@', in->email.n) == NULL) {
        rc = err_set(e, ERR_INVALID, "email must have an @");
    }
    return rc == 0 ? customer_check_place(in->lat, in->lon, e) : rc;
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

/* The parameters of every statement that writes; the first one is what the row is found by. */
enum { PARAMS = 12 };
static void params_of(const struct customer_input *in, struct str key, struct str out[PARAMS])
{
    const struct str list[PARAMS] = {
        key,       in->username, in->first_name, in->last_name,  in->full_name,   in->email,
        in->phone, in->lat,      in->lon,        in->card_last4, in->card_expiry, in->uuid};
    memcpy(out, list, sizeof list);
}

/* Why the insert did nothing. 0 with *out: it is there already; ERR_UNAVAILABLE: draw again. */
static int explain(struct db *db, const struct customer_input *in, struct result **out,
                   struct err *e)
{
    struct str params[PARAMS];
    struct str key = in->id.p != NULL ? in->id : in->uuid;
    char sql[1536];
    params_of(in, key, params);
    int n =
        snprintf(sql, sizeof sql,
                 "select " WRITTEN ", ($2::text is null or $2 is not distinct from username)"
                 " and ($3::text is null or $3 = first_name)"
                 " and ($4::text is null or $4 = last_name)"
                 " and ($5::text is null or $5 = full_name)"
                 " and ($6::text is null or $6 is not distinct from email)"
                 " and ($7::text is null or $7 is not distinct from phone)"
                 " and ($8::float8 is null or $8 is not distinct from lat)"
                 " and ($9::float8 is null or $9 is not distinct from long)"
                 " and ($10::text is null or $10 is not distinct from card_last4)"
                 " and ($11::text is null or $11 is not distinct from card_expiry)"
                 " from customers where %s = $1",
                 in->id.p != NULL ? "customer_id" : "customer_uuid");
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    int rc = db_write(db, sql, PARAMS - 1, params, out, e);
    if (rc != 0) {
        return rc;
    }
    if (result_count(*out) > 0) {
        if (result_text(*out, 0, C_SAME)[0] == 't') {
            return 0;
        }
        result_free(*out);
        *out = NULL;
        return err_set(e, ERR_CONFLICT, "customer %.*s exists with other content",
                       STR_ARG(key));
    }
    result_free(*out);
    *out = NULL;
    const struct str unique[] = {in->username, in->email};
    struct result *taken;
    rc = db_write(db,
                  "select exists (select from customers where username = $1), "
                  "exists (select from customers where email = $2)",
                  ARRAY_LEN(unique), unique, &taken, e);
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

#define DEFAULT_NAME(first, last)                                                              \
    first " || case when " last " = '' then '' else ' ' || " last " end"

static int insert(struct db *db, const struct customer_input *in, struct result **out,
                  struct err *e)
{
    bool alone;
    bool chosen = in->id.p != NULL;
    struct str params[PARAMS];
    char sql[1024];
    params_of(in, in->id, params);
    /* a NULL is no identity's default: without a number its column is not named */
    int n = snprintf(sql, sizeof sql,
                     "insert into customers (%susername, first_name, last_name, full_name, "
                     "email, phone, lat, long, card_last4, card_expiry, customer_uuid) "
                     "select %s$2, $3::text, $4::text, "
                     "coalesce($5, " DEFAULT_NAME(
                         "$3::text", "$4::text") "), $6, $7, $8::float8, "
                                                 "$9::float8, $10, $11, $12::uuid %s"
                                                 "on conflict do nothing returning " WRITTEN,
                     chosen ? "customer_id, " : "", chosen ? "$1::bigint, " : "",
                     chosen ? "" : "where $1::text is null ");
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(db, sql, PARAMS, params, out, e);
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
    if (in->id.p != NULL && in->uuid.p != NULL) {
        return err_set(e, ERR_INVALID, "a customer is made by a number or by a uuid");
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
        /* what the server refused has failed the transaction around it */
        bool ours = e->sqlstate[0] == '\0';
        bool again = alone ? taken || rc == ERR_CLOSED : taken && ours && db_in_transaction(db);
        if (!again || clock_mono_us() >= until_us) {
            return rc;
        }
        clock_sleep_us(backoff_next_ms(&wait) * 1000);
    }
}

/* --- the others ------------------------------------------------------------------------------- */

/* What a username or an email that somebody else has is told. */
static int name_conflict(int rc, const struct customer_input *in, struct err *e)
{
    if (rc == ERR_CONFLICT && strstr(e->text, "customers_username_key") != NULL) {
        return err_set(e, rc, "username %.*s is taken", STR_ARG(in->username));
    }
    if (rc == ERR_CONFLICT && strstr(e->text, "customers_email_key") != NULL) {
        return err_set(e, rc, "email %.*s is taken", STR_ARG(in->email));
    }
    return rc;
}

int customer_update(struct db *db, struct str ref, const struct customer_input *in,
                    struct result **out, struct err *e)
{
    *out = NULL;
    const char *column;
    if (in->id.p != NULL || in->uuid.p != NULL) {
        return err_set(e, ERR_INVALID, "a customer's number and uuid cannot be changed");
    }
    if (in->username.p == NULL && in->first_name.p == NULL && in->last_name.p == NULL &&
        in->full_name.p == NULL && in->email.p == NULL && in->phone.p == NULL &&
        in->lat.p == NULL && in->lon.p == NULL && in->card_last4.p == NULL) {
        return err_set(e, ERR_INVALID, "nothing to update");
    }
    int rc = check_input(in, e);
    if (rc != 0) {
        return rc;
    }
    if (!parse_ref(ref, &column)) {
        return not_found(ref, e);
    }
    char sql[1536];
    int n = snprintf(
        sql, sizeof sql,
        "update customers set username = coalesce($2, username), "
        "first_name = coalesce($3::text, first_name), "
        "last_name = coalesce($4::text, last_name), "
        "full_name = coalesce($5, case when full_name = " DEFAULT_NAME(
            "first_name",
            "last_name") " then " DEFAULT_NAME("coalesce($3::text, first_name)",
                                               "coalesce($4::text, "
                                               "last_name)") " else full_name "
                                                             "end), "
                                                             "email = coalesce($6, email), "
                                                             "phone = coalesce($7, phone), "
                                                             "lat = coalesce($8::float8, lat), "
                                                             "long = coalesce($9::float8, "
                                                             "long), "
                                                             "card_last4 = coalesce($10, "
                                                             "card_last4), card_expiry = "
                                                             "coalesce($11, card_expiry) "
                                                             "where %s = $1 returning " WRITTEN,
        column);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    struct str params[PARAMS];
    params_of(in, ref, params);
    bool alone;
    rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = name_conflict(db_write(db, sql, PARAMS - 1, params, out, e), in, e);
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
    char sql[384];
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
