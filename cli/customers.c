/* customers.c - see customers.h. What a customer does not have is left out of both formats. */
#include "cli/customers.h"

#include "cli/present.h"
#include "domain/customer.h"

#include <stdio.h>

enum { BRIEF = 5 /* the first fields, which are what a creation shows */ };

static void show(struct cli *cli, struct customer c, size_t fields, bool line)
{
    const struct present_field all[] = {
        {"customer_id", c.id, true},       {"customer_uuid", c.uuid, false},
        {"username", c.username, false},   {"first_name", c.first_name, false},
        {"last_name", c.last_name, false}, {"email", c.email, false},
        {"phone", c.phone, false},
    };
    struct present_field there[ARRAY_LEN(all)];
    size_t count = 0;
    for (size_t i = 0; i < fields && i < ARRAY_LEN(all); i++) {
        if (all[i].value.p != NULL) {
            there[count++] = all[i];
        }
    }
    if (line) {
        present_line(&cli->out, there, count);
    } else {
        present_detail(&cli->out, there, count);
    }
}

static void show_one(struct cli *cli, size_t fields, struct result *rows)
{
    show(cli, customer_at(rows, 0), fields, cli->json);
    result_free(rows);
}

int customers_create(struct cli *cli, const struct argline_values *v, struct err *e)
{
    const struct customer_input in = {.username = v->of[0],
                                      .first_name = v->of[1],
                                      .last_name = v->of[2],
                                      .uuid = v->of[3],
                                      .email = v->of[4],
                                      .phone = v->of[5]};
    struct result *rows = NULL;
    int rc = customer_create(cli->db, &in, &rows, e);
    if (rc == 0) {
        show_one(cli, BRIEF, rows);
    }
    return rc;
}

int customers_list(struct cli *cli, const struct argline_values *v, struct err *e)
{
    UNUSED(v);
    char after[24] = "";
    for (;;) {
        struct result *rows = NULL;
        int rc =
            customer_list(cli->db, NULL, after[0] != '\0' ? str_of(after) : STR_NULL, &rows, e);
        if (rc != 0) {
            return rc;
        }
        size_t count = result_count(rows);
        for (size_t i = 0; i < count; i++) {
            show(cli, customer_at(rows, i), SIZE_MAX, true);
        }
        if (count > 0) {
            snprintf(after, sizeof after, "%s", result_text(rows, count - 1, 0));
        }
        result_free(rows);
        if (count < CUSTOMER_PAGE) {
            return 0;
        }
    }
}

int customers_details(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = customer_details(cli->db, NULL, v->of[0], &rows, e);
    if (rc == 0) {
        show_one(cli, SIZE_MAX, rows);
    }
    return rc;
}

int customers_update(struct cli *cli, const struct argline_values *v, struct err *e)
{
    const struct customer_input in = {.username = v->of[1],
                                      .first_name = v->of[2],
                                      .last_name = v->of[3],
                                      .email = v->of[4],
                                      .phone = v->of[5]};
    struct result *rows = NULL;
    int rc = customer_update(cli->db, v->of[0], &in, &rows, e);
    if (rc == 0) {
        show_one(cli, SIZE_MAX, rows);
    }
    return rc;
}
