/* address.c - see address.h. Whether the customer is there is the foreign key's to say, so that no customer can go between a
 * question and the answer. */
#include "domain/address.h"

#include "base/utf8.h"
#include "domain/instant.h"

#define COLUMNS                                                                                \
    "address_id, customer_id, street, city, state, postal_code, country, " INSTANT_SQL(        \
        "created_at")

static const char owner[] = "owner_customer";

struct address address_at(const struct result *rows, size_t i)
{
    return (struct address){.id = result_get(rows, i, 0),
                            .customer_id = result_get(rows, i, 1),
                            .street = result_get(rows, i, 2),
                            .city = result_get(rows, i, 3),
                            .state = result_get(rows, i, 4),
                            .postal_code = result_get(rows, i, 5),
                            .country = result_get(rows, i, 6),
                            .created = result_get(rows, i, 7)};
}

int address_check(const struct address_input *in, struct err *e)
{
    const struct {
        const char *name;
        struct str text;
        bool required;
    } texts[] = {{"street", in->street, true},
                 {"city", in->city, true},
                 {"state", in->state, false},
                 {"postal_code", in->postal_code, false},
                 {"country", in->country, true}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].text.p == NULL && texts[i].required) {
            return err_set(e, ERR_INVALID, "%s must not be null", texts[i].name);
        }
        if (texts[i].text.p != NULL && texts[i].text.n == 0) {
            return err_set(e, ERR_INVALID, "%s must not be empty", texts[i].name);
        }
        if (texts[i].text.p != NULL && !utf8_storable(texts[i].text)) {
            return err_set(e, ERR_INVALID, "%s must be UTF-8 text without NUL characters",
                           texts[i].name);
        }
    }
    return 0;
}

static int no_user(struct str id, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "user not found: %.*s", STR_ARG(id));
}

int address_create(struct db *db, const struct address_input *in, struct result **out,
                   struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = address_check(in, e);
    if (rc == 0) {
        rc = db_act_as(db, owner, &alone, e);
    }
    if (rc != 0) {
        return rc;
    }
    const struct str params[] = {in->customer_id, in->street,      in->city,
                                 in->state,       in->postal_code, in->country};
    rc = db_write(db,
                  "insert into addresses (customer_id, street, city, state, postal_code, "
                  "country) values ($1, $2, $3, $4, $5, $6) returning " COLUMNS,
                  ARRAY_LEN(params), params, out, e);
    if (rc == ERR_INVALID && strcmp(e->sqlstate, "23503") == 0) {
        rc = no_user(in->customer_id, e);
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int address_list(struct db *db, const struct db_freshness *fresh, struct str after,
                 struct result **out, struct err *e)
{
    return db_read(db, fresh,
                   "select " COLUMNS " from addresses where address_id > coalesce($1::bigint, "
                   "-9223372036854775808) order by address_id limit 500",
                   1, &after, out, e);
}

int address_known(struct db *db, struct str customer_id, struct str address_id, struct err *e)
{
    ASSERT(db_in_transaction(db));
    const struct str params[] = {customer_id, address_id};
    struct result *found = NULL;
    int rc = db_write(db,
                      "select exists (select from customers where customer_id = $1), "
                      "$2::bigint is null or exists (select from addresses "
                      "where address_id = $2 and customer_id = $1)",
                      ARRAY_LEN(params), params, &found, e);
    if (rc != 0) {
        return rc;
    }
    bool customer = result_text(found, 0, 0)[0] == 't';
    bool address = result_text(found, 0, 1)[0] == 't';
    result_free(found);
    return !customer ? no_user(customer_id, e)
           : !address
               ? err_set(e, ERR_NOT_FOUND, "address not found: %.*s", STR_ARG(address_id))
               : 0;
}
