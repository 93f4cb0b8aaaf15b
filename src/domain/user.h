/* user.h - the users of the shop: customers who are known by their email and have no username. Create with a first address, list,
 * drop. The caller's thread and database handle. */
#ifndef PARKWAY_DOMAIN_USER_H
#define PARKWAY_DOMAIN_USER_H

#include "domain/address.h"

/* What a client gives; p NULL: not given. */
struct user_input {
    struct str name, email;
    struct str phone;
    const struct address_input *address; /* without customer_id; NULL: none */
};

/* A row as it is read; p NULL: it has none. */
struct user {
    struct str id;
    struct str name, email, phone;
    struct str created; /* 2024-09-02T17:21:02.500Z */
};

enum { USER_PAGE = 500 /* rows of a page */ };

/* user_create - a user and, when given, the first address, in one transaction. *out: one row, to be freed. ERR_INVALID: name or
 * email is missing, a text is none, what address_check says; ERR_CONFLICT: the email is taken. */
NODISCARD int user_create(struct db *db, const struct user_input *in, struct result **out,
                          struct err *e);
/* user_list - a page of all, by number, behind the number `after` (p NULL: the first ones). */
NODISCARD int user_list(struct db *db, const struct db_freshness *fresh, struct str after,
                        struct result **out, struct err *e);
/* user_drop - deletes the next users with their addresses, at most USER_PAGE, behind the number `after`; *out: their numbers. */
NODISCARD int user_drop(struct db *db, struct str after, struct result **out, struct err *e);
struct user user_at(const struct result *rows, size_t i);

#endif
