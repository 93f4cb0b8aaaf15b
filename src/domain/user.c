/* user.c - see user.h. A user is a row of customers: the name is the full name, byte for byte; first and last name are what
 * stands before and behind its first blank. */
#include "domain/user.h"

#include "domain/customer.h"
#include "domain/instant.h"

#include <stdlib.h>

#define USERS "username is null and email is not null"

struct user user_at(const struct result *rows, size_t i)
{
    return (struct user){.id = result_get(rows, i, 0),
                         .name = result_get(rows, i, 1),
                         .email = result_get(rows, i, 2),
                         .phone = result_get(rows, i, 3),
                         .created = result_get(rows, i, 4)};
}

#define COLUMNS "customer_id, full_name, email, phone, " INSTANT_SQL("created_at")

static void split(struct str name, struct str *first, struct str *last)
{
    const char *blank = memchr(name.p, ' ', name.n);
    size_t n = blank != NULL ? (size_t)(blank - name.p) : 0;
    *first = n > 0 ? (struct str){name.p, n} : name;
    *last = n > 0 ? (struct str){blank + 1, name.n - n - 1} : STR("");
}

/* The customer's row as a user's, read where it was written. */
static int create(struct db *db, const struct user_input *in, struct result **out,
                  struct err *e)
{
    struct customer_input c = {.full_name = in->name, .email = in->email, .phone = in->phone};
    struct result *made = NULL;
    struct result *place = NULL;
    split(in->name, &c.first_name, &c.last_name);
    int rc = customer_create(db, &c, &made, e);
    if (rc != 0) {
        return rc;
    }
    struct str id = customer_at(made, 0).id;
    if (in->address != NULL) {
        struct address_input a = *in->address;
        a.customer_id = id;
        rc = address_create(db, &a, &place, e);
        result_free(place);
    }
    if (rc == 0) {
        rc = db_write(db, "select " COLUMNS " from customers where customer_id = $1", 1, &id,
                      out, e);
    }
    result_free(made);
    return rc;
}

int user_create(struct db *db, const struct user_input *in, struct result **out, struct err *e)
{
    *out = NULL;
    if (in->name.p == NULL || in->name.n == 0 || in->email.p == NULL) {
        return err_set(e, ERR_INVALID, "%s must not be %s",
                       in->email.p == NULL ? "email" : "name",
                       in->email.p == NULL || in->name.p == NULL ? "null" : "empty");
    }
    int rc = in->address != NULL ? address_check(in->address, e) : 0;
    bool alone = !db_in_transaction(db);
    if (rc == 0 && alone) {
        rc = db_begin(db, e);
    }
    if (rc == 0) {
        rc = create(db, in, out, e);
    }
    if (rc == 0 && alone) {
        rc = db_commit(db, e);
    }
    if (rc != 0) {
        if (alone) {
            db_rollback(db);
        }
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int user_list(struct db *db, const struct db_freshness *fresh, struct str after,
              struct result **out, struct err *e)
{
    return db_read(db, fresh,
                   "select " COLUMNS " from customers where " USERS
                   " and customer_id > coalesce($1::bigint, -9223372036854775808) "
                   "order by customer_id limit 500",
                   1, &after, out, e);
}

int user_drop(struct db *db, struct str after, struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = db_act_as(db, "owner_customer", &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(db,
                  "with gone as (delete from customers where customer_id in "
                  "(select customer_id from customers where " USERS
                  " and customer_id > coalesce($1::bigint, -9223372036854775808) "
                  "order by customer_id limit 500) returning customer_id) "
                  "select customer_id from gone order by customer_id",
                  1, &after, out, e);
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
