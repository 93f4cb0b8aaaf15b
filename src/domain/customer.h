/* customer.h - customers: create, list, details, update.
 *
 * A customer has a number, drawn or chosen by the client, and a uuid; both name it (its reference). username and email are
 * unique. All functions run on the caller's thread over its database handle. Texts are UTF-8 without NUL; the
 * functions check what they are given. Card data is not among what they return. */
#ifndef PARKWAY_DOMAIN_CUSTOMER_H
#define PARKWAY_DOMAIN_CUSTOMER_H

#include "domain/db.h"

/* What a client gives; p NULL: not given. */
struct customer_input {
    struct str uuid;
    struct str username;
    struct str first_name;
    struct str last_name;
    struct str full_name; /* not given: first and last name with a blank between */
    struct str email;
    struct str phone;
};

/* A row as it is read; p NULL: it has none. */
struct customer {
    struct str id; /* decimal */
    struct str uuid;
    struct str username;
    struct str first_name;
    struct str last_name;
    struct str full_name;
    struct str email;
    struct str phone;
    struct str lat, lon; /* decimal degrees */
};

enum { CUSTOMER_PAGE = 500 /* rows of a page */ };

/* customer_create - the row as it was committed, or, when one with that uuid and the same content is there, that one.
 * ERR_INVALID: a name is missing, a text is none, a uuid is none; ERR_CONFLICT: the uuid has another content, the
 * username or the email is taken. *out: one row, to be freed with result_free; customer_at reads it. */
NODISCARD int customer_create(struct db *db, const struct customer_input *in,
                              struct result **out, struct err *e);
/* customer_update - changes what is given. ERR_NOT_FOUND; ERR_INVALID also: nothing is given, or a uuid. */
NODISCARD int customer_update(struct db *db, struct str ref, const struct customer_input *in,
                              struct result **out, struct err *e);
/* customer_list - a page of all, by number: those behind the number `after` (p NULL: the first ones). The last page has
 * less than CUSTOMER_PAGE rows. */
NODISCARD int customer_list(struct db *db, const struct db_freshness *fresh, struct str after,
                            struct result **out, struct err *e);
/* customer_details - one row. ERR_NOT_FOUND: none, or ref is neither a number nor a uuid. */
NODISCARD int customer_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                               struct result **out, struct err *e);
struct customer customer_at(const struct result *rows, size_t i);

#endif
