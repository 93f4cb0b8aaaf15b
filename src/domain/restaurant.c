/* restaurant.c - see restaurant.h. A creation inserts, and does nothing when the number is taken; then the row that is there
 * decides: the same content is the answer, other content a conflict. A number that was drawn and is taken is drawn again: a
 * client chose it in the same moment. */
#include "domain/restaurant.h"

#include "base/utf8.h"
#include "domain/customer.h"
#include "domain/orderref.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS "restaurant_id, name, lat, long, active"

enum { DRAWS = 3, C_SAME = 5 };

struct restaurant restaurant_at(const struct result *rows, size_t i)
{
    return (struct restaurant){.id = result_get(rows, i, 0),
                               .name = result_get(rows, i, 1),
                               .lat = result_get(rows, i, 2),
                               .lon = result_get(rows, i, 3),
                               .active = result_text(rows, i, 4)[0] == 't'};
}

static int check(const struct restaurant_input *in, struct err *e)
{
    if (in->name.p == NULL || in->name.n == 0) {
        return err_set(e, ERR_INVALID, "name must not be %s",
                       in->name.p == NULL ? "null" : "empty");
    }
    if (!utf8_storable(in->name)) {
        return err_set(e, ERR_INVALID, "name must be UTF-8 text without NUL characters");
    }
    if (in->lat.p == NULL || in->lon.p == NULL) {
        return err_set(e, ERR_INVALID, "%s must not be null",
                       in->lat.p == NULL ? "lat" : "long");
    }
    return customer_check_place(in->lat, in->lon, e);
}

/* The row that has the number. 0 with *out: it is what is given. */
static int compare(struct db *db, const struct str *params, size_t count, struct result **out,
                   struct err *e)
{
    int rc =
        db_write(db,
                 "select " COLUMNS ", name = $2 and lat = $3::float8 and long = $4::float8 "
                 "and ($5::boolean is null or active = $5) "
                 "from restaurants where restaurant_id = $1",
                 count, params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = err_set(e, ERR_UNAVAILABLE, "the number of a restaurant was taken; try again");
    } else if (rc == 0 && result_text(*out, 0, C_SAME)[0] != 't') {
        rc = err_set(e, ERR_CONFLICT, "restaurant %.*s exists with other content",
                     STR_ARG(params[0]));
    }
    return rc;
}

int restaurant_create(struct db *db, const struct restaurant_input *in, struct result **out,
                      struct err *e)
{
    static const char chosen[] =
        "insert into restaurants (restaurant_id, name, lat, long, active) "
        "values ($1, $2, $3::float8, $4::float8, coalesce($5::boolean, true)) "
        "on conflict do nothing returning " COLUMNS;
    static const char drawn[] = "insert into restaurants (name, lat, long, active) "
                                "values ($1, $2::float8, $3::float8, coalesce($4::boolean, "
                                "true)) on conflict do nothing returning " COLUMNS;
    const struct str params[] = {in->id, in->name, in->lat, in->lon, in->active};
    bool given = in->id.p != NULL;
    size_t skip = given ? 0 : 1;
    bool alone;
    *out = NULL;
    int rc = check(in, e);
    if (rc == 0) {
        rc = db_act_as(db, "owner_restaurant", &alone, e);
    }
    if (rc != 0) {
        return rc;
    }
    for (int draw = 0; rc == 0 && *out == NULL && draw < DRAWS; draw++) {
        rc = db_write(db, given ? chosen : drawn, ARRAY_LEN(params) - skip, params + skip, out,
                      e);
        if (rc == 0 && result_count(*out) == 0) {
            result_free(*out);
            *out = NULL;
            rc = given ? compare(db, params, ARRAY_LEN(params), out, e) : 0;
        }
    }
    if (rc == 0 && *out == NULL) {
        rc = err_set(e, ERR_UNAVAILABLE, "the number drawn for a restaurant was taken");
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int restaurant_list(struct db *db, const struct db_freshness *fresh, struct str after,
                    struct result **out, struct err *e)
{
    return db_read(
        db, fresh,
        "select " COLUMNS " from restaurants where restaurant_id > "
        "coalesce($1::bigint, -9223372036854775808) order by restaurant_id limit 500",
        1, &after, out, e);
}

int restaurant_details(struct db *db, const struct db_freshness *fresh, struct str id,
                       struct result **out, struct err *e)
{
    *out = NULL;
    int rc =
        orderref_is_number(id)
            ? db_read(db, fresh, "select " COLUMNS " from restaurants where restaurant_id = $1",
                      1, &id, out, e)
            : 0;
    if (rc == 0 && (*out == NULL || result_count(*out) == 0)) {
        result_free(*out);
        *out = NULL;
        return err_set(e, ERR_NOT_FOUND, "restaurant not found: %.*s", STR_ARG(id));
    }
    return rc;
}
