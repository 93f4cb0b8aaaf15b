/* menu.c - see menu.h. A creation goes as a restaurant's (restaurant.c). Prices are numeric from end to end. */
#include "domain/menu.h"

#include "base/utf8.h"
#include "domain/orderref.h"
#include "domain/restaurant.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS "menu_item_id, restaurant_id, name, description, price, rating, available"

enum { DRAWS = 3, C_SAME = 7 };

static const char owner[] = "owner_restaurant";

struct menu menu_at(const struct result *rows, size_t i)
{
    return (struct menu){.id = result_get(rows, i, 0),
                         .restaurant_id = result_get(rows, i, 1),
                         .name = result_get(rows, i, 2),
                         .description = result_get(rows, i, 3),
                         .price = result_get(rows, i, 4),
                         .rating = result_get(rows, i, 5),
                         .available = result_text(rows, i, 6)[0] == 't'};
}

static int check(const struct menu_input *in, struct err *e)
{
    if (in->name.p != NULL && in->name.n == 0) {
        return err_set(e, ERR_INVALID, "name must not be empty");
    }
    if ((in->name.p != NULL && !utf8_storable(in->name)) ||
        (in->description.p != NULL && !utf8_storable(in->description))) {
        return err_set(e, ERR_INVALID,
                       "name and description must be UTF-8 text without NUL characters");
    }
    if (in->rating.p != NULL) {
        char text[32]; /* a rating of more digits is none */
        char *end;
        snprintf(text, sizeof text, "%.*s", STR_ARG(in->rating));
        double v = strtod(text, &end);
        if (in->rating.n == 0 || in->rating.n >= sizeof text || *end != '\0' ||
            !(v >= 0 && v <= 5)) {
            return err_set(e, ERR_INVALID, "rating must be a number from 0 to 5");
        }
    }
    return 0;
}

static int no_restaurant(struct str id, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "restaurant not found: %.*s", STR_ARG(id));
}

/* The row that has the number. 0 with *out: it is what is given. */
static int compare(struct db *db, const struct str *params, size_t count, struct result **out,
                   struct err *e)
{
    int rc =
        db_write(db,
                 "select " COLUMNS ", restaurant_id = $2 and name = $3 and price = $5::numeric "
                 "and ($4::text is null or description = $4) "
                 "and ($6::real is null or rating is not distinct from $6) "
                 "and ($7::boolean is null or available = $7) "
                 "from menu_items where menu_item_id = $1",
                 count, params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = err_set(e, ERR_UNAVAILABLE, "the number of a menu item was taken; try again");
    } else if (rc == 0 && result_text(*out, 0, C_SAME)[0] != 't') {
        rc = err_set(e, ERR_CONFLICT, "menu item %.*s exists with other content",
                     STR_ARG(params[0]));
    }
    return rc;
}

static int insert(struct db *db, const struct menu_input *in, struct result **out,
                  struct err *e)
{
    static const char chosen[] =
        "insert into menu_items (menu_item_id, restaurant_id, name, description, price, "
        "rating, "
        "available) values ($1, $2, $3, coalesce($4::text, ''), $5::numeric, $6::real, "
        "coalesce($7::boolean, true)) on conflict do nothing returning " COLUMNS;
    static const char drawn[] =
        "insert into menu_items (restaurant_id, name, description, price, rating, available) "
        "values ($1, $2, coalesce($3::text, ''), $4::numeric, $5::real, "
        "coalesce($6::boolean, true)) on conflict do nothing returning " COLUMNS;
    const struct str params[] = {in->id,    in->restaurant_id, in->name,     in->description,
                                 in->price, in->rating,        in->available};
    bool given = in->id.p != NULL;
    size_t skip = given ? 0 : 1;
    int rc = 0;
    for (int draw = 0; rc == 0 && *out == NULL && draw < DRAWS; draw++) {
        rc = db_write(db, given ? chosen : drawn, ARRAY_LEN(params) - skip, params + skip, out,
                      e);
        if (rc == ERR_INVALID && strcmp(e->sqlstate, "23503") == 0) {
            return no_restaurant(in->restaurant_id, e);
        }
        if (rc == 0 && result_count(*out) == 0) {
            result_free(*out);
            *out = NULL;
            rc = given ? compare(db, params, ARRAY_LEN(params), out, e) : 0;
        }
    }
    return rc != 0 || *out != NULL
               ? rc
               : err_set(e, ERR_UNAVAILABLE, "the number drawn for a menu item was taken");
}

int menu_create(struct db *db, const struct menu_input *in, struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = check(in, e);
    if (rc == 0 && (in->restaurant_id.p == NULL || in->name.p == NULL || in->price.p == NULL)) {
        rc = err_set(e, ERR_INVALID, "%s must not be null",
                     in->restaurant_id.p == NULL ? "restaurantId"
                     : in->name.p == NULL        ? "name"
                                                 : "price");
    }
    if (rc == 0) {
        rc = db_act_as(db, owner, &alone, e);
    }
    if (rc != 0) {
        return rc;
    }
    rc = db_act_end(db, alone, insert(db, in, out, e), e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int menu_update(struct db *db, struct str id, const struct menu_input *in, struct result **out,
                struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = check(in, e);
    if (rc == 0 && in->name.p == NULL && in->description.p == NULL && in->price.p == NULL &&
        in->rating.p == NULL && in->available.p == NULL) {
        rc = err_set(e, ERR_INVALID, "nothing to update");
    }
    if (rc == 0 && !orderref_is_number(id)) {
        rc = err_set(e, ERR_NOT_FOUND, "menu item not found: %.*s", STR_ARG(id));
    }
    if (rc == 0) {
        rc = db_act_as(db, owner, &alone, e);
    }
    if (rc != 0) {
        return rc;
    }
    const struct str params[] = {id,        in->name,   in->description,
                                 in->price, in->rating, in->available};
    rc = db_write(db,
                  "update menu_items set name = coalesce($2, name), "
                  "description = coalesce($3, description), "
                  "price = coalesce($4::numeric, price), rating = coalesce($5::real, rating), "
                  "available = coalesce($6::boolean, available) "
                  "where menu_item_id = $1 returning " COLUMNS,
                  ARRAY_LEN(params), params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "menu item not found: %.*s", STR_ARG(id));
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int menu_list(struct db *db, const struct db_freshness *fresh, struct str restaurant,
              struct str after, struct result **out, struct err *e)
{
    struct result *there = NULL;
    const struct str params[] = {restaurant, after};
    *out = NULL;
    if (!orderref_is_number(restaurant)) {
        return no_restaurant(restaurant, e);
    }
    int rc = db_read(db, fresh,
                     "select " COLUMNS " from menu_items where restaurant_id = $1 and "
                     "menu_item_id > coalesce($2::bigint, -9223372036854775808) "
                     "order by menu_item_id limit 500",
                     ARRAY_LEN(params), params, out, e);
    if (rc == 0 && after.p == NULL && result_count(*out) == 0) {
        rc = restaurant_details(db, fresh, restaurant, &there, e);
        result_free(there);
    }
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
