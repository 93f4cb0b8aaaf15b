/* address.h - the addresses of customers: create, list, and which one an order goes to. A customer may have any number; the
 * first one (lowest number) is where orders go that name none. The caller's thread and database handle. */
#ifndef PARKWAY_DOMAIN_ADDRESS_H
#define PARKWAY_DOMAIN_ADDRESS_H

#include "domain/db.h"

/* What a client gives; p NULL: not given. */
struct address_input {
    struct str customer_id; /* decimal */
    struct str street, city, country;
    struct str state, postal_code; /* optional */
};

/* A row as it is read; p NULL: it has none. */
struct address {
    struct str id, customer_id;
    struct str street, city, state, postal_code, country;
    struct str created; /* 2024-09-02T17:21:02.500Z */
};

enum { ADDRESS_PAGE = 500 /* rows of a page */ };

/* address_check - ERR_INVALID: street, city or country is missing or empty, or a text is none. Pure. */
NODISCARD int address_check(const struct address_input *in, struct err *e);
/* address_create - *out: one row, to be freed. ERR_INVALID as above; ERR_NOT_FOUND "user not found: <id>". */
NODISCARD int address_create(struct db *db, const struct address_input *in, struct result **out,
                             struct err *e);
/* address_list - a page of all, by number, behind the number `after` (p NULL: the first ones). */
NODISCARD int address_list(struct db *db, const struct db_freshness *fresh, struct str after,
                           struct result **out, struct err *e);
struct address address_at(const struct result *rows, size_t i);

/* address_known - 0 when the customer is there, and the address (p NULL: not asked) is one of theirs; in the caller's
 * transaction, which makes it a question to the primary. ERR_NOT_FOUND "user not found: <id>", "address not found: <id>". */
NODISCARD int address_known(struct db *db, struct str customer_id, struct str address_id,
                            struct err *e);

#endif
