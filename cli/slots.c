/* slots.c - see slots.h. Creation shows the row as the replica has it, which is the proof that the
 * event went all the way; the router tells which server a read was served by. */
#include "cli/slots.h"

#include "base/clock.h"
#include "cli/present.h"
#include "domain/parking.h"

#include <inttypes.h>
#include <stdio.h>

/* The read is asked again at this pace when no replica served it: the router waits for one itself, unless
 * there is none. */
enum { RETRY_US = 10000 };

static void show(struct cli *cli, struct parking_slot s)
{
    const struct present_field fields[] = {
        {"uuid", s.uuid, false}, {"name", s.name, false}, {"status", s.status, false}};
    if (cli->json) {
        present_line(&cli->out, fields, ARRAY_LEN(fields));
    } else {
        present_detail(&cli->out, fields, ARRAY_LEN(fields));
    }
}

/* The replica's row, or NULL when it is not there in time, for whatever reason. A server that is no router
 * has no replica to wait for. */
static struct result *read_back(struct cli *cli, struct str uuid)
{
    int64_t until_us = clock_mono_us() + cli->read_your_writes_ms * 1000;
    for (;;) {
        int64_t left_us = until_us - clock_mono_us();
        struct db_freshness fresh = DB_FRESHNESS_INIT;
        fresh.wait_ms = left_us > 0 ? left_us / 1000 : 0;
        struct result *rows = NULL;
        struct err e = ERR_INIT;
        int rc = parking_details(cli->db, &fresh, uuid, &rows, &e);
        if (rc == 0 && db_route(cli->db) != DB_ROUTE_PRIMARY) {
            return rows;
        }
        if (rc == 0) {
            result_free(rows);
        }
        left_us = until_us - clock_mono_us();
        if (left_us <= 0) {
            return NULL;
        }
        clock_sleep_us(left_us < RETRY_US ? left_us : RETRY_US);
    }
}

int slots_create(struct cli *cli, const struct argline_values *v, struct err *e)
{
    char uuid[UUID_TEXT_MAX];
    char event[POSITION_TEXT_MAX];
    struct parking_slot s;
    int rc = parking_create(cli->db, v->of[0], v->of[1], uuid, &s, e);
    if (rc != 0) {
        return rc;
    }
    db_position(cli->db, event);
    struct result *rows = read_back(cli, s.uuid);
    if (rows != NULL) {
        show(cli, parking_at(rows, 0));
        result_free(rows);
        return 0;
    }
    fprintf(stderr,
            "warning: replica has not applied event %s after %" PRId64
            " ms; showing the committed write\n",
            event[0] != '\0' ? event : uuid, cli->read_your_writes_ms);
    show(cli, s);
    return 0;
}

int slots_list(struct cli *cli, const struct argline_values *v, struct err *e)
{
    UNUSED(v);
    struct result *rows = NULL;
    int rc = parking_list(cli->db, NULL, &rows, e);
    if (rc != 0) {
        return rc;
    }
    bool json = cli->json;
    cli->json = true;
    for (size_t i = 0; i < result_count(rows); i++) {
        show(cli, parking_at(rows, i));
    }
    cli->json = json;
    result_free(rows);
    return 0;
}

int slots_details(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = parking_details(cli->db, NULL, v->of[0], &rows, e);
    if (rc == 0) {
        show(cli, parking_at(rows, 0));
        result_free(rows);
    }
    return rc;
}

int slots_update(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = parking_update(cli->db, v->of[0], v->of[1], v->of[2], &rows, e);
    if (rc == 0) {
        show(cli, parking_at(rows, 0));
        result_free(rows);
    }
    return rc;
}
