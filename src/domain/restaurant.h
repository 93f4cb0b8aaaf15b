/* restaurant.h - restaurants and their menus: create, list, details, change. A number that the client chose makes a creation one
 * that can be repeated. The caller's thread and database handle; functions check what they are given. */
#ifndef PARKWAY_DOMAIN_RESTAURANT_H
#define PARKWAY_DOMAIN_RESTAURANT_H

#include "domain/db.h"

/* What a client gives; p NULL: not given. */
struct restaurant_input {
    struct str id; /* decimal */
    struct str name;
    struct str lat, lon; /* decimal degrees */
    struct str active;   /* "true" or "false" */
};
/* A row as it is read. */
struct restaurant {
    struct str id, name, lat, lon;
    bool active;
};

enum { RESTAURANT_PAGE = 500 /* rows of a page */ };

/* restaurant_create - the row as it was committed, or, when one with that number and what is given is there, that one. *out:
 * one row, to be freed. ERR_INVALID; ERR_CONFLICT: the number has other content; ERR_UNAVAILABLE: try again. */
NODISCARD int restaurant_create(struct db *db, const struct restaurant_input *in,
                                struct result **out, struct err *e);
/* restaurant_list - a page of all, by number, behind the number `after` (p NULL: the first ones). */
NODISCARD int restaurant_list(struct db *db, const struct db_freshness *fresh, struct str after,
                              struct result **out, struct err *e);
/* restaurant_details - one row. ERR_NOT_FOUND. */
NODISCARD int restaurant_details(struct db *db, const struct db_freshness *fresh, struct str id,
                                 struct result **out, struct err *e);
struct restaurant restaurant_at(const struct result *rows, size_t i);

#endif
