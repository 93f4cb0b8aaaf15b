/* customer.h - customers: create, list, details, update.
 *
 * A customer has a number, drawn or chosen by the client, and a uuid; both name it (its reference). username and email are
 * unique. All functions run on the caller's thread over its database handle. Texts are UTF-8 without NUL; the
 * functions check what they are given. Of a card only the last four digits and the expiry are kept, on the primary: what
 * is read elsewhere has none. */
#ifndef PARKWAY_DOMAIN_CUSTOMER_H
#define PARKWAY_DOMAIN_CUSTOMER_H

#include "domain/db.h"

/* What a client gives; p NULL: not given. */
struct customer_input {
    struct str id; /* decimal, chosen by the client */
    struct str uuid;
    struct str username;
    struct str first_name;
    struct str last_name; /* may be empty */
    struct str full_name; /* not given: first and last name with a blank between */
    struct str email;
    struct str phone;
    struct str lat, lon;                /* decimal degrees; both or none */
    struct str card_last4, card_expiry; /* both or none; the expiry as MM/YY */
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
    struct str lat, lon;                /* decimal degrees */
    struct str created;                 /* 2024-09-02T17:21:02.500Z */
    struct str card_last4, card_expiry; /* of create and update only */
};

enum { CUSTOMER_PAGE = 500 /* rows of a page */ };

/* customer_create - the row as it was committed, or, when one with that number (or uuid) and the same content is there, that
 * one. ERR_INVALID: a name is missing, a text is none, a uuid is none; ERR_CONFLICT: the number or uuid has another content,
 * the username or the email is taken. *out: one row, to be freed with result_free; customer_at reads it. */
NODISCARD int customer_create(struct db *db, const struct customer_input *in,
                              struct result **out, struct err *e);
/* customer_update - changes what is given; a full name that is first and last name stays that. ERR_NOT_FOUND; ERR_INVALID also:
 * nothing is given, or a number or a uuid. ERR_CONFLICT: the username or the email is taken. */
NODISCARD int customer_update(struct db *db, struct str ref, const struct customer_input *in,
                              struct result **out, struct err *e);
/* customer_list - a page of all, by number: those behind the number `after` (p NULL: the first ones). The last page has
 * less than CUSTOMER_PAGE rows. */
NODISCARD int customer_list(struct db *db, const struct db_freshness *fresh, struct str after,
                            struct result **out, struct err *e);
/* customer_details - one row. ERR_NOT_FOUND: none, or ref is neither a number nor a uuid. */
NODISCARD int customer_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                               struct result **out, struct err *e);
/* customer_check_place - decimal degrees, both or none; ERR_INVALID. Pure. */
NODISCARD int customer_check_place(struct str lat, struct str lon, struct err *e);
struct customer customer_at(const struct result *rows, size_t i);

#endif
