/* registry.c - see registry.h. */
#include "relay/registry.h"

#include "base/log.h"
#include "base/rand.h"
#include "event/setup.h"

#include <inttypes.h>
#include <stdio.h>

/* The row of parkway.relay; absent: *found false. */
struct row {
    bool found;
    bool marked; /* a break is due */
    struct epoch epoch;
    bool has_incarnation;
    uint8_t incarnation[16];
    uint64_t commands_lsn;
    struct gapless events;
};

static int read_row(struct conn *c, struct row *out, struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    struct rows *rows;
    int rc = conn_query(c,
                        "SELECT epoch, coalesce(start_lsn, '0/0')::text, incarnation,"
                        " coalesce(commands_lsn, '0/0')::text,"
                        " events_run, events_seq, events_offset, events_at"
                        " FROM parkway.relay WHERE slot = $1",
                        1, &slot, &rows, e);
    /* no such schema, table or column */
    if (rc == ERR_SQL &&
        (strcmp(e->sqlstate, "42P01") == 0 || strcmp(e->sqlstate, "3F000") == 0 ||
         strcmp(e->sqlstate, "42703") == 0)) {
        return err_set(e, ERR_NOT_FOUND,
                       "schema parkway on the primary is missing or older than this program "
                       "hint=\"run parkway migrate\"");
    }
    if (rc != 0) {
        return rc;
    }
    *out = (struct row){.found = rows_count(rows) > 0};
    if (out->found) {
        uint64_t start = 0;
        epoch_parse(rows_get(rows, 0, 0), &out->epoch);
        lsn_parse(rows_get(rows, 0, 1), &start);
        out->marked = start == 0;
        out->has_incarnation = rows_get(rows, 0, 2).p != NULL &&
                               uuid_parse(rows_get(rows, 0, 2), out->incarnation);
        lsn_parse(rows_get(rows, 0, 3), &out->commands_lsn);
        struct position at;
        if (rows_get(rows, 0, 4).p != NULL && position_parse(rows_get(rows, 0, 7), &at)) {
            gapless_set(&out->events, rows_get(rows, 0, 4), (uint64_t)rows_int(rows, 0, 5),
                        rows_int(rows, 0, 6), at);
        }
    }
    rows_free(rows);
    return 0;
}

static int exists(struct conn *c, const char *sql, const char *name, bool *out, struct err *e)
{
    struct str param = str_of(name);
    struct rows *rows;
    int rc = conn_query(c, sql, 1, &param, &rows, e);
    if (rc == 0) {
        *out = rows_count(rows) > 0;
        rows_free(rows);
    }
    return rc;
}

/* CREATE PUBLICATION, with names quoted by the server. Needs the tables' owner. */
static int make_publication(struct conn *c, struct err *e)
{
    struct buf list = BUF_INIT;
    buf_u8(&list, '{');
    for (size_t i = 0; i < setup()->capture_tables.count; i++) {
        buf_adds(&list, i > 0 ? ",\"" : "\"");
        for (const char *t = setup()->capture_tables.items[i]; *t != '\0'; t++) {
            if (*t == '"' || *t == '\\') {
                buf_u8(&list, '\\');
            }
            buf_u8(&list, (uint8_t)*t);
        }
        buf_u8(&list, '"');
    }
    buf_u8(&list, '}');
    struct str params[] = {str_of(setup()->capture_publication), buf_str(&list)};
    struct rows *rows;
    int rc = conn_query(c,
                        "SELECT format('CREATE PUBLICATION %I FOR TABLE %s WITH "
                        "(publish_via_partition_root = true)', $1::text,"
                        " string_agg(parkway.publish_as($1, m), ', '))"
                        " FROM parkway.matching($2::text[]) AS m",
                        2, params, &rows, e);
    if (rc == 0) {
        rc = conn_exec(c, rows_text(rows, 0, 0), e);
        rows_free(rows);
    }
    buf_fini(&list);
    if (rc != 0) {
        return err_add(e, "could not create publication %s (hint: run parkway migrate)",
                       setup()->capture_publication);
    }
    log_info("publication created name=%s", setup()->capture_publication);
    return 0;
}

static int mark_lost(struct conn *c, struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    return conn_query(c, "UPDATE parkway.relay SET start_lsn = '0/0' WHERE slot = $1", 1, &slot,
                      NULL, e);
}

static int slot_state(struct conn *c, bool *found, bool *usable, uint64_t *confirmed,
                      struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    struct rows *rows;
    int rc = conn_query(c,
                        "SELECT confirmed_flush_lsn::text, wal_status FROM pg_replication_slots"
                        " WHERE slot_name = $1",
                        1, &slot, &rows, e);
    if (rc != 0) {
        return rc;
    }
    *found = rows_count(rows) > 0;
    *usable = *found && lsn_parse(rows_get(rows, 0, 0), confirmed) &&
              strcmp(rows_text(rows, 0, 1), "lost") != 0;
    rows_free(rows);
    return 0;
}

static int make_slot(struct registry *out, struct repl *r, bool drop, struct err *e)
{
    const char *slot = setup()->capture_slot;
    int rc = drop ? repl_slot_drop(r, slot, e) : 0;
    if (rc == 0) {
        log_info(
            "creating the slot, which waits for the transactions that are open now slot=%s",
            slot);
        rc = repl_slot_create(r, slot, &out->slot_lsn, e);
    }
    if (rc == 0) {
        char at[POSITION_TEXT_MAX];
        lsn_text(out->slot_lsn, at);
        log_info("slot created slot=%s lsn=%s", slot, at);
    }
    return rc;
}

int registry_open(struct registry *out, struct conn *c, struct repl *r, bool replace,
                  struct err *e)
{
    *out = (struct registry){0};
    struct repl_system sys;
    struct row row = {.found = false};
    bool publication = false;
    bool found = false;
    bool usable = false;
    int rc = repl_identify(r, &sys, e);
    if (rc == 0) {
        rc = read_row(c, &row, e);
    }
    if (rc == 0) {
        rc = exists(c, "SELECT 1 FROM pg_publication WHERE pubname = $1",
                    setup()->capture_publication, &publication, e);
    }
    if (rc == 0) {
        rc = slot_state(c, &found, &usable, &out->slot_lsn, e);
    }
    if (rc != 0) {
        return rc;
    }
    out->epoch = (struct epoch){sys.system, sys.timeline};
    out->wal_lsn = sys.flushed_lsn;
    out->events = row.events;
    const char *missing = replace ? "its history cannot be decoded"
                          : !publication && (row.found || found) ? "the publication is missing"
                          : row.found && !found                  ? "the slot is missing"
                          : found && !usable                     ? "the slot is lost"
                          : row.found && !epoch_eq(row.epoch, out->epoch)
                              ? "the primary is another"
                              : NULL;
    out->lost = missing != NULL || (row.found && row.marked);
    out->lost_now = missing != NULL;
    snprintf(out->why, sizeof out->why, "%s", missing != NULL ? missing : "");
    if (missing != NULL && row.found) {
        rc = mark_lost(c, e);
    }
    if (rc == 0 && !publication) {
        rc = make_publication(c, e);
    }
    if (rc == 0 && (!found || missing != NULL)) {
        rc = make_slot(out, r, found, e);
    }
    out->commands_lsn =
        missing == NULL && row.commands_lsn > out->slot_lsn ? row.commands_lsn : out->slot_lsn;
    if (rc == 0 && !row.found) {
        uint8_t fresh[16];
        uuid_make(fresh);
        rc = registry_settle(c, out->epoch, out->lost ? 0 : out->slot_lsn, fresh, e);
        memcpy(out->incarnation, fresh, sizeof fresh);
    } else if (row.has_incarnation) {
        out->has_incarnation = true;
        memcpy(out->incarnation, row.incarnation, sizeof row.incarnation);
    }
    return rc;
}

int registry_settle(struct conn *c, struct epoch epoch, uint64_t start_lsn,
                    const uint8_t incarnation[16], struct err *e)
{
    char epoch_out[POSITION_TEXT_MAX];
    char lsn_out[POSITION_TEXT_MAX];
    char uuid_out[UUID_TEXT_MAX];
    epoch_text(epoch, epoch_out);
    lsn_text(start_lsn, lsn_out);
    uuid_text(incarnation, uuid_out);
    struct str params[] = {str_of(setup()->capture_slot), str_of(setup()->capture_publication),
                           str_of(epoch_out), str_of(lsn_out), str_of(uuid_out)};
    return conn_query(
        c,
        "INSERT INTO parkway.relay (slot, publication, epoch, start_lsn, incarnation)"
        " VALUES ($1, $2, $3, $4::pg_lsn, $5::uuid)"
        " ON CONFLICT (slot) DO UPDATE SET publication = excluded.publication,"
        " epoch = excluded.epoch, start_lsn = excluded.start_lsn,"
        " incarnation = excluded.incarnation, commands_lsn = NULL",
        ARRAY_LEN(params), params, NULL, e);
}

int registry_incarnation(struct conn *c, const uint8_t incarnation[16], struct err *e)
{
    char uuid_out[UUID_TEXT_MAX];
    uuid_text(incarnation, uuid_out);
    struct str params[] = {str_of(setup()->capture_slot), str_of(uuid_out)};
    return conn_query(c,
                      "UPDATE parkway.relay SET incarnation = $2::uuid"
                      " WHERE slot = $1 AND incarnation IS DISTINCT FROM $2::uuid",
                      ARRAY_LEN(params), params, NULL, e);
}

int registry_events(struct conn *c, const struct gapless *g, struct err *e)
{
    char seq[24];
    char offset[24];
    char at[POSITION_TEXT_MAX];
    snprintf(seq, sizeof seq, "%" PRIu64, g->seq);
    snprintf(offset, sizeof offset, "%" PRId64, g->offset);
    position_text(g->at, at);
    struct str params[] = {str_of(setup()->capture_slot), str_of(g->run), str_of(seq),
                           str_of(offset), str_of(at)};
    return conn_query(c,
                      "UPDATE parkway.relay SET events_run = $2, events_seq = $3::bigint,"
                      " events_offset = $4::bigint, events_at = $5 WHERE slot = $1",
                      ARRAY_LEN(params), params, NULL, e);
}

int registry_skip(struct conn *c, uint64_t lsn, uint64_t *at, struct err *e)
{
    char lsn_in[POSITION_TEXT_MAX];
    lsn_text(lsn, lsn_in);
    struct str params[] = {str_of(setup()->capture_slot), str_of(lsn_in)};
    struct rows *rows;
    bool idle = false;
    int rc = exists(c, "SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND NOT active",
                    setup()->capture_slot, &idle, e);
    if (rc == 0 && !idle) {
        rc = err_set(e, ERR_CONFLICT, "slot %s is missing, or being read: stop the relay",
                     setup()->capture_slot);
    }
    if (rc == 0) {
        rc = mark_lost(c, e);
    }
    if (rc == 0) {
        rc = conn_query(c,
                        "SELECT end_lsn::text FROM pg_replication_slot_advance($1, $2::pg_lsn)",
                        ARRAY_LEN(params), params, &rows, e);
    }
    if (rc == 0) {
        if (rows_count(rows) != 1 || !lsn_parse(rows_get(rows, 0, 0), at)) {
            rc = err_set(e, ERR_PROTOCOL, "could not read the slot's new position");
        }
        rows_free(rows);
    }
    return rc;
}

int registry_replicas(struct conn *c, struct rows **out, struct err *e)
{
    return conn_query(c, "SELECT name FROM parkway.replicas ORDER BY name", 0, NULL, out, e);
}

int registry_report(struct conn *c, const char *name, struct epoch epoch, uint64_t lsn,
                    struct err *e)
{
    char epoch_out[POSITION_TEXT_MAX];
    char lsn_out[POSITION_TEXT_MAX];
    epoch_text(epoch, epoch_out);
    lsn_text(lsn, lsn_out);
    struct str params[] = {str_of(name), str_of(epoch_out), str_of(lsn_out)};
    return conn_query(
        c,
        "UPDATE parkway.replicas SET applied_epoch = $2, applied_lsn = $3::pg_lsn,"
        " reported_at = now() WHERE name = $1",
        ARRAY_LEN(params), params, NULL, e);
}

static enum registry_wal wal_of(const char *status)
{
    static const char *const names[] = {"reserved", "extended", "unreserved", "lost"};
    enum registry_wal wal = REGISTRY_RESERVED;
    while (wal < REGISTRY_LOST && strcmp(status, names[wal]) != 0) {
        wal++;
    }
    return wal;
}

int registry_slot(struct conn *c, struct registry_slot *out, struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    struct rows *rows;
    int rc = conn_query(c,
                        "SELECT wal_status, coalesce(safe_wal_size, -1),"
                        " greatest(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::bigint,"
                        " pg_current_wal_lsn()::text"
                        " FROM pg_replication_slots WHERE slot_name = $1",
                        1, &slot, &rows, e);
    if (rc != 0) {
        return rc;
    }
    if (rows_count(rows) == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "the slot is missing");
    } else {
        *out = (struct registry_slot){.wal = wal_of(rows_text(rows, 0, 0)),
                                      .safe_bytes = rows_int(rows, 0, 1),
                                      .held_bytes = (uint64_t)rows_int(rows, 0, 2)};
        if (!lsn_parse(rows_get(rows, 0, 3), &out->wal_lsn)) {
            rc = err_set(e, ERR_PROTOCOL, "could not read the primary's position");
        }
    }
    rows_free(rows);
    return rc;
}

int registry_remember(struct conn *c, uint64_t commands_lsn, int64_t wal_growth, struct err *e)
{
    char lsn_out[POSITION_TEXT_MAX];
    char growth_out[24];
    lsn_text(commands_lsn, lsn_out);
    snprintf(growth_out, sizeof growth_out, "%lld", (long long)wal_growth);
    struct str params[] = {str_of(setup()->capture_slot), str_of(lsn_out), str_of(growth_out)};
    return conn_query(
        c,
        "UPDATE parkway.relay SET commands_lsn = $2::pg_lsn, wal_growth = $3::bigint"
        " WHERE slot = $1",
        ARRAY_LEN(params), params, NULL, e);
}

int registry_beat(struct conn *c, struct err *e)
{
    return conn_exec(c,
                     "SELECT pg_logical_emit_message(true, 'parkway.heartbeat',"
                     " json_build_object('at', clock_timestamp())::text)",
                     e);
}
