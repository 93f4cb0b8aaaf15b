/* menu.h - what restaurants sell: create, list of one restaurant, change. The caller's thread and database handle; functions
 * check what they are given. */
#ifndef PARKWAY_DOMAIN_MENU_H
#define PARKWAY_DOMAIN_MENU_H

#include "domain/db.h"

/* What a client gives; p NULL: not given. */
struct menu_input {
    struct str id; /* decimal */
    struct str restaurant_id;
    struct str name, description;
    struct str price;     /* as money_text writes it */
    struct str rating;    /* a decimal number from 0 to 5 */
    struct str available; /* "true" or "false" */
};
/* A row as it is read; p NULL: it has none. */
struct menu {
    struct str id, restaurant_id;
    struct str name, description, price, rating;
    bool available;
};

enum { MENU_PAGE = 500 /* rows of a page */ };

/* menu_create - the row as it was committed, or, when one with that number and what is given is there, that one. *out:
 * one row, to be freed. ERR_INVALID; ERR_NOT_FOUND "restaurant not found: <id>"; ERR_CONFLICT: the number has other content;
 * ERR_UNAVAILABLE: try again. */
NODISCARD int menu_create(struct db *db, const struct menu_input *in, struct result **out,
                          struct err *e);
/* menu_update - changes what is given, but not to which restaurant it belongs. ERR_NOT_FOUND "menu item not found: <id>";
 * ERR_INVALID also: nothing is given. */
NODISCARD int menu_update(struct db *db, struct str id, const struct menu_input *in,
                          struct result **out, struct err *e);
/* menu_list - a page of one restaurant's, by number, behind the number `after` (p NULL: the first ones). ERR_NOT_FOUND: no
 * such restaurant. */
NODISCARD int menu_list(struct db *db, const struct db_freshness *fresh, struct str restaurant,
                        struct str after, struct result **out, struct err *e);
struct menu menu_at(const struct result *rows, size_t i);

#endif
