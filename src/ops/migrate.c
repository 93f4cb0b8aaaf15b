/* migrate.c - parkway migrate: brings both databases to what this program expects.
 *
 *   parkway migrate
 *
 * First the files of sql/primary, sql/replica and sql/consumer (schema.h), then captured tables, logins and the router's users
 * file, and the copy of the rows, whatever their number (account.h, enroll.h). Everything may be
 * run again at any time, also beside running daemons. Two migrations at once wait for each other: all of them
 * until the databases are prepared (an advisory lock of the primary), those of one replica until its rows are
 * copied. */
#include "base/buf.h"
#include "consumer/consumer_conf.h"
#include "event/setup.h"
#include "ops/captured.h"
#include "ops/enroll.h"
#include "ops/account.h"
#include "ops/migrate.h"
#include "ops/migrate_conf.h"
#include "ops/ops.h"
#include "ops/schema.h"
#include "router/router_conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LOCK_KEY = 0x7061726b /* of the advisory lock; any number that is always the same */
};

static int migrate_side(struct conn *c, const char *side, bool quiet, struct err *e)
{
    int64_t version = 0;
    int rc = schema_apply(c, side, &version, e);
    if (rc == 0 && !quiet) {
        printf("%s: schema at version %" PRId64 "\n", side, version);
        fflush(stdout);
    }
    return rc;
}

static int same_database(struct conn *primary, struct conn *replica, bool *out, struct err *e)
{
    static const char identity[] =
        "select system_identifier || '/' || current_database() || '/' || pg_is_in_recovery() "
        "from pg_control_system()";
    struct rows *a = NULL;
    struct rows *b = NULL;
    int rc = conn_query(primary, identity, 0, NULL, &a, e);
    if (rc == 0) {
        rc = conn_query(replica, identity, 0, NULL, &b, e);
    }
    *out = rc == 0 && strcmp(rows_text(a, 0, 0), rows_text(b, 0, 0)) == 0;
    rows_free(a);
    rows_free(b);
    return rc;
}

/* A consumer may keep copies on the primary, in tables that are made by hand; a table would be mirrored onto itself, or
 * a mirror into what the log is made of. */
static int check_copies(const struct captured *captured, struct err *e)
{
    const struct conf_groups *mirrors = &consumer_conf()->mirrors;
    const struct consumer_mirror *m = mirrors->items;
    bool fine = consumer_conf()->views.count == 0;
    for (size_t i = 0; fine && i < mirrors->count; i++) {
        fine = m[i].target[0] != '\0' &&
               (m[i].columns[0] != '\0' || strcmp(m[i].kind, "append") == 0);
        for (size_t k = 0; fine && k < captured->table_count; k++) {
            fine = strcmp(m[i].target, captured->tables[k].name) != 0;
        }
    }
    return fine
               ? 0
               : err_set(e, ERR_CONFLICT,
                         "primary and replica are the same database: there a consumer may have "
                         "mirrors that name their columns and a target that is not captured, "
                         "and nothing else");
}

static int lock_primary(struct conn *primary, bool lock, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "select %s(%d)", lock ? "pg_advisory_lock" : "pg_advisory_unlock", LOCK_KEY);
    int rc = conn_exec(primary, buf_cstr(&sql), e);
    buf_fini(&sql);
    return rc;
}

/* The keys by which the replica knows the primary's own messages. */
static int carry_seal(struct conn *primary, struct conn *replica, struct err *e)
{
    struct rows *r;
    int rc =
        conn_query(primary, "select inner_key, outer_key from parkway.seal", 0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    rc = conn_query(replica,
                    "insert into parkway.seal (inner_key, outer_key) values ($1::text::bytea, "
                    "$2::text::bytea) on conflict (one) do update set inner_key = "
                    "excluded.inner_key, outer_key = excluded.outer_key",
                    2, (struct str[]){rows_get(r, 0, 0), rows_get(r, 0, 1)}, NULL, e);
    rows_free(r);
    return rc;
}

/* Up to where rows are to be copied: others may migrate meanwhile. same: the consumer's targets are on the primary. */
static int prepare(struct conn *primary, struct conn *replica, bool same, bool quiet,
                   struct enrolment *en, struct captured *captured, struct err *e)
{
    int rc = lock_primary(primary, true, e);
    if (rc == 0) {
        rc = migrate_side(primary, "primary", quiet, e);
    }
    if (rc == 0 && !same) {
        rc = migrate_side(replica, "replica", quiet, e);
    }
    if (rc == 0 && !same) {
        rc = carry_seal(primary, replica, e);
    }
    if (rc == 0) {
        rc = captured_load(captured, primary, e);
    }
    if (rc == 0 && same) {
        rc = check_copies(captured, e);
    }
    if (rc == 0) {
        rc = enroll_prepare(en, captured, e);
    }
    if (rc == 0 && !same) {
        rc = account_carry(primary, replica, captured, e);
    }
    if (rc == 0) {
        rc = account_write_users(primary, router_conf_users_file(), e);
    }
    return rc == 0 ? lock_primary(primary, false, e) : rc;
}

static int migrate(struct conn *primary, struct conn *replica, const struct enroll_options *o,
                   bool quiet, struct buf *summary, struct err *e)
{
    struct captured captured = {0};
    struct enrolment *en = NULL;
    bool same = false;
    int rc = same_database(primary, replica, &same, e);
    if (rc == 0 && same && consumer_conf()->mirrors.count == 0) {
        rc = err_set(e, ERR_CONFLICT, "primary and replica are the same database");
    }
    if (rc == 0) {
        rc = enroll_open(&en, primary, replica, o, e);
    }
    if (rc == 0) {
        rc = prepare(primary, replica, same, quiet, en, &captured, e);
    }
    if (rc == 0) {
        rc = enroll_copy(en, e);
    }
    if (rc == 0 && enroll_made_again(en)) {
        rc = account_carry(primary, replica, &captured, e);
    }
    if (rc == 0) {
        enroll_summary(en, summary);
    }
    enroll_close(en);
    captured_free(&captured);
    return rc;
}

static int open_side(struct conn **out, const char *side, const char *url, struct err *e)
{
    struct conn_options o = {.application_name = "parkway migrate"};
    int rc = conn_open(out, url, &o, e);
    return rc != 0 ? err_add(e, "%s", side) : 0;
}

static const char *choose_url(const char *own, const char *common)
{
    return own[0] != '\0' ? own : common;
}

int migrate_apply(struct enroll_options *o, bool quiet, struct buf *summary, struct err *e)
{
    struct conn *primary = NULL;
    struct conn *replica = NULL;
    o->primary_url = choose_url(migrate_conf()->primary_url, setup()->primary_url);
    o->replica_url = choose_url(migrate_conf()->replica_url, setup()->replica_url);
    int rc = open_side(&primary, "primary", o->primary_url, e);
    if (rc == 0) {
        rc = open_side(&replica, "replica", o->replica_url, e);
    }
    if (rc == 0) {
        rc = migrate(primary, replica, o, quiet, summary, e);
    }
    conn_close(primary);
    conn_close(replica);
    return rc;
}

static void note(const char *text)
{
    fprintf(stderr, "migrate: %s\n", text);
}

int migrate_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct buf summary = BUF_INIT;
    struct enroll_options o = {.note = note};
    UNUSED(argv);
    int rc = argc == 1 ? migrate_apply(&o, false, &summary, &e)
                       : err_set(&e, ERR_USAGE, "usage: parkway migrate");
    buf_fini(&summary);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    }
    return rc == 0 ? 0 : err_exit(rc);
}
