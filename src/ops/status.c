/* status.c - parkway status: what is up, how far the changes have come, and how late.
 *
 *   parkway status        (exit 5 when primary, replica or broker is down)
 *
 * Everything is asked of the servers themselves, so it is true also when a daemon is dead: the slot and the
 * position on the primary, the cursor and the parked changes on the replica, the dead letters on the broker. The
 * bytes of lag are WAL: relay_lag what the slot keeps back (with relay.release = "applied" that includes what
 * a replica has yet to apply), replica_lag what the replica has yet to apply. The milliseconds are the age of the
 * last report or apply of the one that is behind, 0 when it is not. */
#include "base/buf.h"
#include "consumer/consumer_conf.h"
#include "event/setup.h"
#include "mq/link.h"
#include "ops/letters.h"
#include "ops/ops.h"
#include "pg/conn.h"
#include "relay/forecast.h"
#include "relay/relay_conf.h"

#include <inttypes.h>
#include <stdio.h>

enum { TIMEOUT_S = 3, VALUE_MAX = 160, FIELDS_MAX = 24 };

struct field {
    const char *key;
    char value[VALUE_MAX];
};

struct status {
    struct field fields[FIELDS_MAX];
    size_t count;
    bool down;         /* any of the three servers */
    char position[64]; /* the primary's, as an LSN; "" unknown */
};

static void add(struct status *s, const char *key, const char *value)
{
    ASSERT(s->count < FIELDS_MAX);
    struct field *f = &s->fields[s->count++];
    f->key = key;
    snprintf(f->value, sizeof f->value, "%s", value[0] != '\0' ? value : "unknown");
}

/* "up", or "down" with the reason on stderr. */
static void add_server(struct status *s, const char *key, int rc, const struct err *e)
{
    add(s, key, rc == 0 ? "up" : "down");
    if (rc != 0) {
        s->down = true;
        fprintf(stderr, "%s: %s\n", key, e->text);
    }
}

static int open_database(struct conn **out, const char *url, struct err *e)
{
    struct conn_options o = {.application_name = "parkway status",
                             .connect_timeout_s = TIMEOUT_S};
    return conn_open(out, url, &o, e);
}

/* The rows of one statement, or NULL (said on stderr) when it was refused: the schema may be missing. */
static struct rows *ask(struct conn *c, const char *sql, size_t count, const struct str *params)
{
    struct err e = ERR_INIT;
    struct rows *r = NULL;
    if (c != NULL && conn_query(c, sql, count, params, &r, &e) != 0) {
        fprintf(stderr, "status: %s\n", e.text);
    }
    return r;
}

/* Lines that the replica itself writes, one for each table that there is something to say of. */
static void print_lines(struct conn *replica, const char *sql)
{
    struct rows *r = ask(replica, sql, 0, NULL);
    for (size_t i = 0; r != NULL && i < rows_count(r); i++) {
        puts(rows_text(r, i, 0));
    }
    rows_free(r);
}

/* What is being copied, or was and the consumer is not past it. */
static const char copies_sql[] =
    "select format('copy: table %s (consumer %s): %s of %s pieces, %s of about %s rows; %s',"
    " relation, consumer, count(lsn), count(*), coalesce(sum(rows), 0),"
    " sum(case when lsn is null then rows_estimated else rows end),"
    " case when count(lsn) < count(*) then 'parkway bootstrap ' || consumer || ' goes on with "
    "it'"
    " else 'read when the consumer is past ' || max(lsn) end)"
    " from parkway.table_chunk group by consumer, relation order by consumer, relation";

/* Parked changes: how many, and the oldest one's cause. */
static const char parked_sql[] =
    "select distinct on (consumer, relation)"
    " format('%s of %s: %s (consumer %s), oldest since %s: %s', state, relation,"
    " count(*) over (partition by consumer, relation), consumer,"
    " to_char(parked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), error)"
    " from parkway.parked where op <> 'moved' and state <> 'skipped'"
    " order by consumer, relation, id";

/* What is not followed or not whole, with what repairs it. */
static const char tables_sql[] =
    "select format('%s: table %s (target %s, consumer %s) since %s: %s; hint: %s', state,"
    " relation, target, consumer,"
    " to_char(since at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), reason, hint)"
    " from parkway.table_state where state <> 'ok' order by consumer, relation";

static const char *text_of(const struct rows *r, size_t column)
{
    return r != NULL && rows_count(r) > 0 ? rows_text(r, 0, column) : "";
}

static void add_primary(struct status *s, struct conn *primary)
{
    struct rows *r = ask(primary,
                         "select w, coalesce(s.active::text, ''), "
                         " relay.epoch || ':' || s.confirmed_flush_lsn, "
                         " greatest(w - s.confirmed_flush_lsn, 0), "
                         " case when s.confirmed_flush_lsn >= w then 0 else "
                         "  (extract(epoch from now() - a.reply_time) * 1000)::bigint end "
                         "from (select pg_current_wal_flush_lsn() w) p "
                         "left join pg_replication_slots s on s.slot_name = $1 "
                         "left join pg_stat_replication a on a.pid = s.active_pid "
                         "left join parkway.relay relay on relay.slot = $1",
                         1, (struct str[]){str_of(setup()->capture_slot)});
    const char *active = text_of(r, 1);
    snprintf(s->position, sizeof s->position, "%s", text_of(r, 0));
    add(s, "slot",
        r == NULL           ? ""
        : active[0] == '\0' ? "missing"
        : active[0] == 't'  ? "active"
                            : "inactive");
    add(s, "captured", text_of(r, 2));
    add(s, "relay_lag_bytes", text_of(r, 3));
    add(s, "relay_lag_ms", text_of(r, 4));
    rows_free(r);
}

/* What the slot holds, for whom, and how long that can go on. */
static void add_held(struct status *s, struct conn *primary)
{
    struct rows *r = ask(
        primary,
        "select coalesce(s.wal_status, ''), coalesce(s.safe_wal_size, -1),"
        " greatest(pg_current_wal_lsn() - s.confirmed_flush_lsn, 0)::bigint,"
        " coalesce(relay.wal_growth, 0),"
        " (select string_agg(name || '=' || coalesce((case when applied_epoch = relay.epoch"
        "   then greatest(pg_current_wal_lsn() - applied_lsn, 0) end)::text, 'unknown'), ' '"
        "   order by applied_lsn nulls first) from parkway.replicas) "
        "from parkway.relay relay "
        "left join pg_replication_slots s on s.slot_name = relay.slot where relay.slot = $1",
        1, (struct str[]){str_of(setup()->capture_slot)});
    bool known = r != NULL && rows_count(r) > 0;
    struct forecast_bounds bounds = {
        .held_bytes = known ? (uint64_t)rows_int(r, 0, 2) : 0,
        .budget_bytes = (uint64_t)relay_conf()->wal_budget_bytes,
        .safe_bytes = known ? rows_int(r, 0, 1) : -1,
    };
    uint64_t limit = forecast_limit(&bounds);
    int64_t left_s = known ? forecast_left_s(rows_int(r, 0, 3), bounds.held_bytes, limit) : -1;
    char text[32];
    add(s, "slot_wal", text_of(r, 0));
    snprintf(text, sizeof text, "%" PRIu64, limit);
    add(s, "slot_limit_bytes", limit == UINT64_MAX ? "none" : text);
    snprintf(text, sizeof text, "%" PRId64, left_s);
    add(s, "slot_left_s", !known ? "" : left_s < 0 ? "not growing" : text);
    add(s, "behind_bytes", text_of(r, 4));
    rows_free(r);
}

static void add_replica(struct status *s, struct conn *replica)
{
    struct str position = s->position[0] != '\0' ? str_of(s->position) : STR_NULL;
    struct rows *r = ask(replica,
                         "select epoch || ':' || lsn, greatest($2::text::pg_lsn - lsn, 0), "
                         " case when lsn >= $2::text::pg_lsn then 0 else "
                         "  (extract(epoch from now() - applied_at) * 1000)::bigint end, state "
                         "from parkway.cursor where consumer = $1",
                         2, (struct str[]){str_of(consumer_conf()->name), position});
    add(s, "applied", text_of(r, 0));
    add(s, "replica_lag_bytes", text_of(r, 1));
    add(s, "replica_lag_ms", text_of(r, 2));
    add(s, "replica_state", text_of(r, 3));
    rows_free(r);
    r = ask(replica,
            "select count(*) from parkway.parked where consumer = $1 and state = 'parked'", 1,
            (struct str[]){str_of(consumer_conf()->name)});
    add(s, "parked", text_of(r, 0));
    rows_free(r);
}

/* Of all worker queues. */
static void add_dead_letters(struct status *s, struct link *broker)
{
    char text[24] = "";
    struct letters_queues queues = {0};
    struct err e = ERR_INIT;
    int64_t all = 0;
    int rc = broker != NULL ? letters_queues_load(&queues, &e) : ERR_UNAVAILABLE;
    for (size_t i = 0; rc == 0 && i < queues.count; i++) {
        int64_t count = 0;
        rc = letters_count(broker, queues.names[i], &count, &e);
        all += count;
    }
    if (rc == 0) {
        snprintf(text, sizeof text, "%" PRId64, all);
    } else if (broker != NULL) {
        fprintf(stderr, "status: %s\n", e.text);
    }
    letters_queues_free(&queues);
    add(s, "dead_letters", text);
}

static void print_detail(const struct status *s)
{
    size_t width = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t n = strlen(s->fields[i].key) + 1;
        width = n > width ? n : width;
    }
    for (size_t i = 0; i < s->count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s:", s->fields[i].key);
        printf("%-*s %s\n", (int)width, key, s->fields[i].value);
    }
}

int status_main(int argc, char **argv)
{
    UNUSED(argv);
    if (argc != 1) {
        fprintf(stderr, "error: usage: parkway status\n");
        return err_exit(ERR_USAGE);
    }
    struct status s = {0};
    struct conn *primary = NULL;
    struct conn *replica = NULL;
    struct link *broker = NULL;
    struct err e = ERR_INIT;
    struct link_options o = {.name = "parkway status", .connect_timeout_ms = TIMEOUT_S * 1000};
    int rc = open_database(&primary, setup()->primary_url, &e);
    add_server(&s, "primary", rc, &e);
    rc = open_database(&replica, setup()->replica_url, &e);
    add_server(&s, "replica", rc, &e);
    rc = link_open(&broker, setup()->broker_url, &o, &e);
    add_server(&s, "broker", rc, &e);
    add_primary(&s, primary);
    add_held(&s, primary);
    add_replica(&s, replica);
    add_dead_letters(&s, broker);
    print_detail(&s);
    print_lines(replica, copies_sql);
    print_lines(replica, parked_sql);
    print_lines(replica, tables_sql);
    link_close(broker);
    conn_close(replica);
    conn_close(primary);
    return s.down ? err_exit(ERR_UNAVAILABLE) : 0;
}
