/* command.c - the command service: HTTP in front, the domain behind it, the router as its only
 * database. A request is served whole by one worker thread over that worker's own router connection
 * (thread-specific, closed when the thread ends), which is opened at the first need and again after
 * a loss; the service itself never ends because a peer is down. */
#include "command/command.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/metric.h"
#include "command/command_conf.h"
#include "command/customerpage.h"
#include "command/historypage.h"
#include "command/eventpage.h"
#include "command/idempotency.h"
#include "command/menupage.h"
#include "command/openapi.h"
#include "command/probe.h"
#include "command/routes.h"
#include "command/sagapage.h"
#include "command/shoppage.h"
#include "command/slotpage.h"
#include "command/userpage.h"
#include "command/orderpage.h"
#include "command/simplepage.h"
#include "command/workpage.h"
#include "domain/payment_conf.h"
#include "router/router_conf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PURGE_EVERY_S = 3600 };

struct command {
    char url[ROUTER_URL_MAX];
    pthread_key_t db_key;
    struct probe *probe;
    struct eventpage *events;
    struct httpd *httpd;
    int stop_fd; /* eventfd: readable when handlers shall wait for the database no more */
};

enum { M_2XX, M_4XX, M_5XX, M_SECONDS, M_IN_FLIGHT, M_CONNECTIONS, M_COUNT };

#define REQUESTS(label)                                                                        \
    {                                                                                          \
        .name = "parkway_command_requests_total", .kind = METRIC_COUNTER,                      \
        .help = "Requests answered, by class of status.", .labels = "status=\"" label "\""     \
    }

static struct metric metrics[M_COUNT] = {
    [M_2XX] = REQUESTS("2xx"),
    [M_4XX] = REQUESTS("4xx"),
    [M_5XX] = REQUESTS("5xx"),
    [M_SECONDS] = {.name = "parkway_command_request_seconds_total",
                   .kind = METRIC_COUNTER,
                   .help = "Time spent in handlers.",
                   .scale = 1e-6},
    [M_IN_FLIGHT] = {.name = "parkway_command_requests_in_flight",
                     .kind = METRIC_GAUGE,
                     .help = "Requests being served."},
    [M_CONNECTIONS] = {.name = "parkway_command_connections",
                       .kind = METRIC_GAUGE,
                       .help = "Connections open; command.connections is the most."},
};

static void page_hello(struct request *q)
{
    buf_adds(&q->reply->body, "{\"message\":\"CQRS server is running...\"}");
}

static void page_health(struct request *q)
{
    bool up = probe_up(((struct command *)q->service)->probe);
    q->reply->status = up ? 200 : 503;
    buf_adds(&q->reply->body, up ? "{\"status\":\"UP\"}" : "{\"status\":\"DOWN\"}");
}

static void page_metrics(struct request *q)
{
    struct command *c = q->service;
    metric_set(&metrics[M_CONNECTIONS], httpd_connections(c->httpd));
    q->reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metric_write(metrics, M_COUNT, &q->reply->body);
}

static void page_alive(struct request *q)
{
    q->reply->content_type = "text/plain; charset=utf-8";
    buf_adds(&q->reply->body, "ok\n");
}

static void page_ready(struct request *q)
{
    struct err e = ERR_INIT;
    q->reply->content_type = "text/plain; charset=utf-8";
    if (db_connect(q->db, &e) == 0) {
        buf_adds(&q->reply->body, "ok\n");
    } else {
        q->reply->status = 503;
        buf_addf(&q->reply->body, "router: %s\n", e.text);
    }
}

static const struct route table[] = {
    {"GET", "/health", page_hello},
    {"GET", "/actuator/health", page_health},
    {"GET", "/metrics", page_metrics},
    {"GET", "/healthz", page_alive},
    {"GET", "/readyz", page_ready},
    {"GET", "/events", eventpage_live},
    {"GET", "/openapi.json", openapi_page},
    {"GET", "/parking_slots", slotpage_list},
    {"POST", "/parking_slots", slotpage_create},
    {"GET", "/parking_slots/*", slotpage_details},
    {"PATCH", "/parking_slots/*", slotpage_update},
    {"POST", "/customers", customerpage_create},
    {"GET", "/customers", customerpage_list},
    {"POST", "/customer", customerpage_add},
    {"GET", "/customer/*", customerpage_details},
    {"PUT", "/customer/*", customerpage_update},
    {"POST", "/users", userpage_create},
    {"GET", "/users", userpage_list},
    {"POST", "/addresses", userpage_add_address},
    {"GET", "/addresses", userpage_addresses},
    {"POST", "/restaurant", menupage_open},
    {"GET", "/restaurants", menupage_restaurants},
    {"GET", "/restaurant/*", menupage_restaurant},
    {"POST", "/menu", menupage_create},
    {"PATCH", "/menu/*", menupage_update},
    {"GET", "/menus/*", menupage_list},
    {"POST", "/shop_orders", shoppage_create},
    {"GET", "/orders", shoppage_orders},
    {"GET", "/order_items", shoppage_items},
    {"GET", "/order_details", shoppage_details},
    {"GET", "/order_details_mv", shoppage_mv},
    {"GET", "/order_details_mv/*", shoppage_mv_of},
    {"POST", "/order_updates", shoppage_update},
    {"POST", "/order", orderpage_create},
    {"GET", "/order/*", orderpage_details},
    {"DELETE", "/order/*", orderpage_cancel},
    {"POST", "/orders", orderpage_create_priced},
    {"GET", "/orders/*", orderpage_status},
    {"POST", "/command", simplepage_create},
    {ROUTES_GET_COMMAND, "/command", simplepage_create},
    {"GET", "/query/*", simplepage_query},
    {"GET", "/history/*", historypage_details},
    {"GET", "/histories", historypage_list},
    {"GET", "/histories/*", historypage_list},
    {"GET", "/ticket/*", historypage_ticket},
    {"POST", "/kitchen/ready", workpage_ready},
    {ROUTES_GET_COMMAND, "/kitchen/ready", workpage_ready},
    {"POST", "/delivery/pickedup", workpage_pick_up},
    {ROUTES_GET_COMMAND, "/delivery/pickedup", workpage_pick_up},
    {"POST", "/delivery/complete", workpage_complete},
    {ROUTES_GET_COMMAND, "/delivery/complete", workpage_complete},
    {"GET", "/sagas", sagapage_list},
    {"GET", "/sagas/*", sagapage_details},
    {"GET", "/sagas/*/log", sagapage_log},
    {"POST", "/sagas/*/pause", sagapage_pause},
    {"POST", "/sagas/*/resume", sagapage_resume},
    {"POST", "/sagas/*/retry", sagapage_retry},
};

static void close_db(void *db)
{
    db_free(db);
}

/* The calling worker's own handle. */
static struct db *own_db(void *service)
{
    struct command *c = service;
    struct db *db = pthread_getspecific(c->db_key);
    if (db == NULL) {
        db = db_new(c->url, "parkway command");
        db_stop_on(db, c->stop_fd);
        pthread_setspecific(c->db_key, db);
    }
    return db;
}

static void hurry(void *ctx)
{
    const struct command *c = ctx;
    uint64_t one = 1;
    ssize_t written = write(c->stop_fd, &one, sizeof one);
    ASSERT(written == sizeof one);
}

static void serve(void *ctx, const struct httpd_request *http, struct httpd_reply *reply)
{
    struct command *c = ctx;
    int64_t from_us = clock_mono_us();
    metric_inc(&metrics[M_IN_FLIGHT]);
    struct request q = {.http = http,
                        .reply = reply,
                        .db = own_db(c),
                        .db_of = own_db,
                        .service = c,
                        .events = c->events};
    routes_serve(table, ARRAY_LEN(table), command_conf()->http_allow_get_commands, &q);
    if (db_in_transaction(q.db)) {
        db_rollback(q.db);
    }
    metric_add(&metrics[M_IN_FLIGHT], -1);
    metric_add(&metrics[M_SECONDS], clock_mono_us() - from_us);
    metric_inc(&metrics[reply->status < 400 ? M_2XX : reply->status < 500 ? M_4XX : M_5XX]);
}

/* Until the end is asked for; now and then the old idempotency keys go. */
static void run(const struct command *c, const struct command_conf *conf)
{
    struct db *db = db_new(c->url, "parkway command purge");
    int64_t due_us = clock_mono_us();
    while (!daemon_wait_ms(1000)) {
        if (clock_mono_us() < due_us) {
            continue;
        }
        struct err e = ERR_INIT;
        if (idempotency_purge(db, conf->idempotency_keep_s, &e) != 0) {
            log_debug("could not forget old idempotency keys: %s", e.text);
        }
        due_us = clock_mono_us() + PURGE_EVERY_S * INT64_C(1000000);
    }
    db_free(db);
}

int command_main(int argc, char **argv)
{
    const struct command_conf *conf = command_conf();
    struct err e = ERR_INIT;
    if (argc > 1) {
        fprintf(stderr, "error: unexpected argument \"%s\"\n", argv[1]);
        return err_exit(ERR_USAGE);
    }
    daemon_init();
    struct command c = {.probe = probe_new()};
    c.events = eventpage_new((int)conf->event_streams);
    router_conf_url(conf->url, c.url);
    c.stop_fd = eventfd(0, EFD_CLOEXEC);
    if (c.stop_fd < 0 || pthread_key_create(&c.db_key, close_db) != 0) {
        err_set(&e, ERR_FAIL, "could not create an eventfd or a thread key");
    }
    struct httpd_options o = {.places = (const char *const *)conf->listen.items,
                              .place_count = conf->listen.count,
                              .port = (int)conf->port,
                              .threads = (int)conf->threads,
                              .connections_max = (int)conf->connections,
                              .hurry = hurry,
                              .body_max_bytes = (size_t)conf->body_max_bytes,
                              .timeout_ms = conf->timeout_ms};
    if (e.code != 0 || httpd_start(&c.httpd, &o, serve, &c, &e) != 0) {
        log_error("%s", e.text);
        eventpage_free(c.events);
        probe_free(c.probe);
        return 1;
    }
    char masked[ROUTER_URL_MAX];
    conf_mask_url(c.url, masked, sizeof masked);
    log_info("serving router=%s", masked);
    if (payment_conf()->token_secret[0] == '\0') {
        log_warn("payment.token_secret is empty hint=\"set it before real cards are taken\"");
    }
    run(&c, conf);
    httpd_stop(c.httpd);
    eventpage_free(c.events);
    close(c.stop_fd);
    pthread_key_delete(c.db_key);
    probe_free(c.probe);
    log_info("stopped");
    return 0;
}
