/* storefront.c - see storefront.h.
 *
 * push_events writes as it goes: a line is on stdout when its update is committed. Ctrl-C (and SIGTERM) ends it between two
 * updates, with success; a second one while the database does not answer ends the process. The handlers are those of
 * the time of the command only, so the interactive mode has its own back. */
#include "cli/storefront.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/bar.h"
#include "cli/number.h"
#include "cli/present.h"
#include "cli/seed.h"
#include "domain/instant.h"
#include "domain/shop.h"
#include "domain/shoplist.h"
#include "domain/user.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NUMBER_MAX = 24, INTERVAL_MOST_MS = 3600000, WAIT_STEP_MS = 100 };

/* What is in cli->out goes to stdout now. */
static int emit(struct cli *cli, struct err *e)
{
    struct str s = buf_str(&cli->out);
    bool ok = fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0;
    buf_reset(&cli->out);
    return ok ? 0 : err_set(e, ERR_FAIL, "could not write the result");
}

/* --- order_details_mv -------------------------------------------------------------------------- */

static void show(struct cli *cli, struct shoplist_detail d)
{
    const struct present_field fields[] = {
        {"order_id", d.order_id, true},
        {"user_id", d.user_id, true},
        {"total", d.total, false},
        {"order_date", d.order_date, false},
        {"order_status", d.order_status, false},
        {"last_order_update", d.last_order_update, false},
        {"user_phone", d.user_phone, false},
        {"full_address", d.full_address, false},
        {"order_items_details", d.order_items_details, false},
    };
    present_line(&cli->out, fields, ARRAY_LEN(fields));
}

int storefront_details_mv(struct cli *cli, const struct argline_values *v, struct err *e)
{
    char after[NUMBER_MAX] = "";
    struct result *rows = NULL;
    size_t count = SHOPLIST_PAGE;
    int rc = 0;
    if (v->of[0].p != NULL) {
        rc = shoplist_mv_of(cli->db, NULL, v->of[0], &rows, e);
        if (rc == 0) {
            show(cli, shoplist_detail_at(rows, 0));
            result_free(rows);
        }
        return rc;
    }
    while (rc == 0 && count == SHOPLIST_PAGE) {
        rc = shoplist_mv(cli->db, NULL, after[0] != '\0' ? str_of(after) : STR_NULL, &rows, e);
        count = rc == 0 ? result_count(rows) : 0;
        for (size_t i = 0; i < count; i++) {
            show(cli, shoplist_detail_at(rows, i));
        }
        if (count > 0) {
            snprintf(after, sizeof after, "%s", result_text(rows, count - 1, 0));
        }
        if (rc == 0) {
            result_free(rows);
            rc = emit(cli, e);
        }
    }
    return rc;
}

/* --- push_events ------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
    UNUSED(sig);
    stopped = 1;
}

static const int stop_signals[] = {SIGINT, SIGTERM};

static void listen_for_stop(struct sigaction before[])
{
    struct sigaction sa = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&sa.sa_mask);
    stopped = 0;
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++) {
        sigaction(stop_signals[i], &sa, &before[i]);
    }
}

static void listen_no_more(const struct sigaction before[])
{
    for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++) {
        sigaction(stop_signals[i], &before[i], NULL);
    }
}

static void wait_ms(int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * 1000;
    for (int64_t left; !stopped && (left = (until_us - clock_mono_us()) / 1000) > 0;) {
        poll(NULL, 0, left > WAIT_STEP_MS ? WAIT_STEP_MS : (int)left);
    }
}

/* The orders that are not finished yet, in no order. */
struct open_orders {
    int64_t *ids;
    size_t count, capacity;
};

static int read_open(struct db *db, struct str from, struct str end, struct open_orders *o,
                     struct err *e)
{
    char after[NUMBER_MAX] = "";
    size_t count = SHOP_PAGE;
    int rc = 0;
    while (rc == 0 && count == SHOP_PAGE) {
        struct result *rows = NULL;
        rc = shop_unfinished(db, from, end, after[0] != '\0' ? str_of(after) : STR_NULL, &rows,
                             e);
        count = rc == 0 ? result_count(rows) : 0;
        for (size_t i = 0; i < count; i++) {
            if (o->count == o->capacity) {
                o->capacity = o->capacity * 2 + SHOP_PAGE;
                o->ids = def_realloc(o->ids, o->capacity * sizeof *o->ids);
            }
            o->ids[o->count++] = result_int(rows, i, 0);
        }
        if (count > 0) {
            snprintf(after, sizeof after, "%s", result_text(rows, count - 1, 0));
        }
        result_free(rows);
    }
    return rc;
}

static void say_sent(struct cli *cli, struct shop_update u)
{
    struct json j;
    char at[INSTANT_EPOCH_MAX];
    instant_epoch(u.updated_ms, at);
    buf_adds(&cli->out, "Message sent: ");
    json_init(&j, &cli->out, JSON_COMPACT);
    json_object(&j);
    json_key(&j, "id");
    json_raw(&j, u.id);
    json_key(&j, "order_id");
    json_raw(&j, u.order_id);
    json_key_text(&j, "status", u.status);
    json_key(&j, "updated_at");
    json_raw(&j, str_of(at));
    json_object_end(&j);
    buf_u8(&cli->out, '\n');
}

/* The order at that place goes one step on, or leaves the list. *sent: an update was written. */
static int push_one(struct cli *cli, struct open_orders *o, size_t place, bool *sent,
                    struct err *e)
{
    char id[NUMBER_MAX];
    struct result *rows = NULL;
    snprintf(id, sizeof id, "%" PRId64, o->ids[place]);
    int rc = shop_advance(cli->db, str_of(id), &rows, e);
    *sent = rc == 0 && result_count(rows) > 0;
    if (*sent) {
        say_sent(cli, shop_update_at(rows, 0));
    }
    if (rc == 0 && (!*sent || str_eq(shop_update_at(rows, 0).status, STR("finished")))) {
        o->ids[place] = o->ids[--o->count];
    }
    result_free(rows);
    if (rc == ERR_CONFLICT) {
        rc = 0; /* somebody else was faster; its turn comes again */
    }
    return rc == 0 && *sent ? emit(cli, e) : rc;
}

static int push(struct cli *cli, struct open_orders *o, int64_t count, int64_t interval_ms,
                uint64_t seed, struct err *e)
{
    struct bar bar;
    int rc = 0;
    int64_t done = 0;
    bar_init(&bar, "updates", count == INT64_MAX ? 0 : count);
    while (rc == 0 && !stopped && o->count > 0 && done < count) {
        bool sent = false;
        bar_clear(&bar);
        rc = push_one(cli, o, (size_t)seed_below(&seed, o->count), &sent, e);
        done += sent;
        bar_show(&bar, done);
        if (rc == 0 && o->count > 0 && done < count) {
            wait_ms(interval_ms);
        }
    }
    bar_clear(&bar);
    return rc;
}

int storefront_push_events(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct sigaction before[ARRAY_LEN(stop_signals)];
    struct open_orders open = {.count = 0};
    int64_t from, end, count, interval_ms, seed;
    int rc = number_read("start", v->of[0], 0, 0, INT64_MAX, &from, e);
    if (rc == 0) {
        rc = number_read("end", v->of[1], 0, 0, INT64_MAX, &end, e);
    }
    if (rc == 0) {
        rc = number_read("count", v->of[2], INT64_MAX, 0, INT64_MAX, &count, e);
    }
    if (rc == 0) {
        rc = number_read("interval_ms", v->of[3], 1000, 0, INTERVAL_MOST_MS, &interval_ms, e);
    }
    if (rc == 0) {
        rc = number_read("seed", v->of[4], 1, 0, INT64_MAX, &seed, e);
    }
    if (rc == 0) {
        rc = db_connect(cli->db, e);
    }
    if (rc != 0) {
        return rc;
    }
    listen_for_stop(before);
    buf_adds(&cli->out, "RabbitMQ producer connected.\n");
    rc = emit(cli, e);
    if (rc == 0) {
        rc = read_open(cli->db, v->of[0], v->of[1], &open, e);
    }
    if (rc == 0) {
        rc = push(cli, &open, count, interval_ms, (uint64_t)seed, e);
    }
    listen_no_more(before);
    free(open.ids);
    return rc;
}

/* --- drop_data --------------------------------------------------------------------------------- */

/* On a terminal somebody can be asked. */
static bool may_drop(const struct argline_values *v)
{
    if (v->of[0].p != NULL || !isatty(STDIN_FILENO)) {
        return true;
    }
    char line[16] = "";
    fprintf(stderr, "Delete the shop's users, addresses and orders? [y/N] ");
    fflush(stderr);
    return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

/* Page by page, until nothing is left. */
static int drop_all(struct db *db,
                    int (*drop)(struct db *db, struct str after, struct result **out,
                                struct err *e),
                    const char *what, struct err *e)
{
    struct bar bar;
    char after[NUMBER_MAX] = "";
    int64_t done = 0;
    size_t count = SIZE_MAX;
    int rc = 0;
    bar_init(&bar, what, 0);
    while (rc == 0 && count > 0) {
        struct result *rows = NULL;
        rc = drop(db, after[0] != '\0' ? str_of(after) : STR_NULL, &rows, e);
        count = rc == 0 ? result_count(rows) : 0;
        if (count > 0) {
            snprintf(after, sizeof after, "%s", result_text(rows, count - 1, 0));
        }
        done += (int64_t)count;
        bar_show(&bar, done);
        result_free(rows);
    }
    bar_clear(&bar);
    return rc;
}

int storefront_drop_data(struct cli *cli, const struct argline_values *v, struct err *e)
{
    if (!may_drop(v)) {
        return err_set(e, ERR_FAIL, "nothing was deleted");
    }
    int rc = drop_all(cli->db, shop_drop, "orders deleted", e);
    if (rc == 0) {
        rc = drop_all(cli->db, user_drop, "users deleted", e);
    }
    if (rc == 0) {
        buf_adds(&cli->out, "All data has been successfully deleted.\n");
    }
    return rc;
}
