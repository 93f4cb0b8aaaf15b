/* orders.c - see orders.h. What an order does not have is left out of details and lists, but for its history, which has every
 * member as the HTTP API has it. The file of an order holds a card's number, so its copy in memory is wiped. */
#include "cli/orders.h"

#include "base/json.h"
#include "cli/present.h"
#include "command/command_conf.h"
#include "command/orderbody.h"
#include "domain/delivery.h"
#include "domain/history.h"
#include "domain/kitchen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 20, NUMBER_MAX = 24 };

static void show(struct cli *cli, const struct present_field *fields, size_t count, bool line)
{
    if (line) {
        present_line(&cli->out, fields, count);
    } else {
        present_detail(&cli->out, fields, count);
    }
}

/* --- making and cancelling -------------------------------------------------------------------- */

/* The whole file into text, which holds FILE_MAX bytes. */
static int read_file(const char *path, char *text, size_t *n, struct err *e)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return err_set(e, ERR_INVALID, "could not read %s: %s", path, strerror(errno));
    }
    setvbuf(f, NULL, _IONBF, 0); /* no copy of it in a buffer */
    *n = fread(text, 1, FILE_MAX, f);
    int rc = 0;
    if (ferror(f) != 0) {
        rc = err_set(e, ERR_INVALID, "could not read %s: %s", path, strerror(errno));
    } else if (*n == FILE_MAX) {
        rc = err_set(e, ERR_INVALID, "%s is no order: it has %d bytes or more", path, FILE_MAX);
    }
    fclose(f);
    return rc;
}

static void show_brief(struct cli *cli, const struct result *rows)
{
    struct orderview o = orderview_at(rows, 0);
    const struct present_field fields[] = {{"order_id", o.id, true},
                                           {"public_id", o.public_id, false},
                                           {"tracking_id", o.tracking_id, false},
                                           {"state", o.state, false}};
    show(cli, fields, ARRAY_LEN(fields), cli->json);
}

int orders_create(struct cli *cli, const struct argline_values *v, struct err *e)
{
    char *path = def_strndup(v->of[0].p, v->of[0].n);
    char *text = def_alloc(FILE_MAX);
    size_t n = 0;
    struct arena mem = {.held_bytes = 0};
    struct order_input in;
    struct result *rows = NULL;
    int rc = read_file(path, text, &n, e);
    if (rc == 0 && orderbody_food(&mem, (struct str){text, n}, &in, e) != 0) {
        rc = err_add(e, "%s", path);
    }
    rc = rc == 0 ? order_create(cli->db, &in, &rows, e) : rc;
    if (rc == 0) {
        show_brief(cli, rows);
    }
    result_free(rows);
    arena_fini(&mem);
    explicit_bzero(text, n);
    free(text);
    free(path);
    return rc;
}

int orders_request(struct cli *cli, const struct argline_values *v, struct err *e)
{
    UNUSED(v);
    struct result *rows = NULL;
    int rc = order_request(cli->db, &rows, e);
    if (rc != 0) {
        return rc;
    }
    char place[COMMAND_PLACE_MAX];
    char address[COMMAND_PLACE_MAX + 64];
    struct str id = orderview_at(rows, 0).public_id;
    command_conf_place(place);
    snprintf(address, sizeof address, "http://%s/query/%.*s", place, STR_ARG(id));
    const struct present_field fields[] = {{"id", id, false},
                                           {"_query", str_of(address), false}};
    show(cli, fields, ARRAY_LEN(fields), cli->json);
    result_free(rows);
    return 0;
}

int orders_cancel(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = order_cancel(cli->db, v->of[0], "cli", &rows, e);
    if (rc == 0) {
        show_brief(cli, rows);
        result_free(rows);
    }
    return rc;
}

/* --- looking up ------------------------------------------------------------------------------- */

static bool is_json(const char *column)
{
    static const char *const names[] = {"order_id", "customer_id", "restaurant_id",
                                        "preparing_time", "failure_messages"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(column, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void show_row(struct cli *cli, const struct result *rows, size_t row, bool line)
{
    struct present_field there[ARGLINE_WORDS_MAX];
    size_t count = 0;
    ASSERT(order_column_count <= ARRAY_LEN(there));
    for (size_t i = 0; i < order_column_count; i++) {
        struct str value = result_get(rows, row, i);
        if (value.p != NULL) {
            there[count++] =
                (struct present_field){order_columns[i], value, is_json(order_columns[i])};
        }
    }
    show(cli, there, count, line);
}

static void show_view(struct cli *cli, const struct result *rows, size_t row, bool line)
{
    UNUSED(line);
    struct orderview v = orderview_at(rows, row);
    struct json j;
    json_init(&j, &cli->out, JSON_CLI);
    orderview_write(&j, &v);
    buf_u8(&cli->out, '\n');
}

/* Every page of a list, each row shown; the order's number is its first column. */
static int list_all(struct cli *cli, struct str of, size_t page_rows,
                    int (*page)(struct db *db, const struct db_freshness *fresh, struct str of,
                                struct str after, struct result **out, struct err *e),
                    void (*write)(struct cli *cli, const struct result *rows, size_t row,
                                  bool line),
                    struct err *e)
{
    char after[NUMBER_MAX] = "";
    for (;;) {
        struct result *rows = NULL;
        int rc = page(cli->db, NULL, of, after[0] != '\0' ? str_of(after) : STR_NULL, &rows, e);
        if (rc != 0) {
            return rc;
        }
        size_t count = result_count(rows);
        for (size_t i = 0; i < count; i++) {
            write(cli, rows, i, true);
        }
        if (count > 0) {
            snprintf(after, sizeof after, "%s", result_text(rows, count - 1, 0));
        }
        result_free(rows);
        if (count < page_rows) {
            return 0;
        }
    }
}

static int any_page(struct db *db, const struct db_freshness *fresh, struct str of,
                    struct str after, struct result **out, struct err *e)
{
    UNUSED(of);
    return order_list(db, fresh, after, out, e);
}

int orders_list(struct cli *cli, const struct argline_values *v, struct err *e)
{
    UNUSED(v);
    return list_all(cli, STR_NULL, ORDER_PAGE, any_page, show_row, e);
}

int orders_details(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = order_details(cli->db, NULL, v->of[0], &rows, e);
    if (rc == 0) {
        show_row(cli, rows, 0, cli->json);
        result_free(rows);
    }
    return rc;
}

int orders_history(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct str ref = v->of[0];
    struct str state = v->of[1];
    struct result *rows = NULL;
    if (ref.p == NULL) {
        return list_all(cli, state, HISTORY_PAGE, history_page, show_view, e);
    }
    int rc = state.p != NULL ? history_state(state, e) : 0;
    rc = rc == 0 ? history_look(cli->db, NULL, ref, &rows, e) : rc;
    if (rc == 0) {
        if (state.p == NULL || str_eq(orderview_at(rows, 0).state, state)) {
            show_view(cli, rows, 0, true);
        }
        result_free(rows);
    }
    return rc;
}

int orders_document(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = history_document(cli->db, NULL, v->of[0], &rows, e);
    if (rc == 0) {
        struct json j;
        json_init(&j, &cli->out, JSON_CLI);
        history_write(&j, rows, 0);
        buf_u8(&cli->out, '\n');
        result_free(rows);
    }
    return rc;
}

/* --- cooks and riders ------------------------------------------------------------------------- */

static int report(struct cli *cli, struct str ref,
                  int (*step)(struct db *db, struct str ref, struct result **out,
                              struct err *e),
                  struct err *e)
{
    struct result *rows = NULL;
    int rc = step(cli->db, ref, &rows, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < result_count(rows); i++) {
        const struct present_field fields[] = {{"orderId", result_get(rows, i, 0), false},
                                               {"state", result_get(rows, i, 1), false}};
        show(cli, fields, ARRAY_LEN(fields), true);
    }
    result_free(rows);
    return 0;
}

int orders_ready(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return report(cli, v->of[0], kitchen_ready, e);
}

int orders_picked_up(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return report(cli, v->of[0], delivery_pick_up, e);
}

int orders_delivered(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return report(cli, v->of[0], delivery_complete, e);
}
