/* migrate.c - parkway migrate: brings both databases to what this program expects.
 *
 *   parkway migrate
 *
 * The numbered files of sql/primary and sql/replica that a side has not seen yet are applied, all of
 * a side in one transaction; parkway.migrations remembers them. Then captured tables, logins and the router's users
 * file, and the copy of the rows, whatever their number (account.h, enroll.h). Everything may be
 * run again at any time, also beside running daemons. Two migrations at once wait for each other: all of them
 * until the databases are prepared (an advisory lock of the primary), those of one replica until its rows are
 * copied.
 *
 * The files are looked for in $PARKWAY_SQL, then ../sql and ../share/parkway/sql beside the binary. */
#include "base/buf.h"
#include "event/setup.h"
#include "ops/captured.h"
#include "ops/enroll.h"
#include "ops/account.h"
#include "ops/migrate.h"
#include "ops/migrate_conf.h"
#include "ops/ops.h"
#include "router/router_conf.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOCK_KEY = 0x7061726b,       /* of the advisory lock; any number that is always the same */
    FILE_MAX_BYTES = 1024 * 1024 /* of one SQL file; ours have a few kB */
};

/* ---- finding and reading the files ---------------------------------------------------------- */

static bool is_directory(const char *path)
{
    DIR *d = opendir(path);
    if (d != NULL) {
        closedir(d);
    }
    return d != NULL;
}

/* The directory of sql/<side>, into out. */
static int find_directory(const char *side, struct buf *out, struct err *e)
{
    static const char *const places[] = {"../sql", "../share/parkway/sql"};
    const char *given = getenv("PARKWAY_SQL");
    if (given != NULL) {
        buf_addf(out, "%s/%s", given, side);
        return 0;
    }
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    for (size_t i = 0; slash != NULL && i < ARRAY_LEN(places); i++) {
        buf_reset(out);
        buf_addf(out, "%.*s/%s/%s", (int)(slash - exe), exe, places[i], side);
        if (is_directory(buf_cstr(out))) {
            return 0;
        }
    }
    return err_set(e, ERR_NOT_FOUND, "could not find the directory sql/%s (set PARKWAY_SQL)",
                   side);
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return err_set(e, ERR_NOT_FOUND, "could not open %s: %s", path, strerror(errno));
    }
    char *room = buf_reserve(out, FILE_MAX_BYTES);
    buf_commit(out, fread(room, 1, FILE_MAX_BYTES, f));
    bool ok = !ferror(f) && feof(f);
    fclose(f);
    return ok ? 0 : err_set(e, ERR_FAIL, "could not read %s whole", path);
}

/* "NN_name.sql" */
static bool is_migration(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 7 && d->d_name[0] >= '0' && d->d_name[0] <= '9' && d->d_name[1] >= '0' &&
           d->d_name[1] <= '9' && d->d_name[2] == '_' && strcmp(d->d_name + n - 4, ".sql") == 0;
}

static int select_migration(const struct dirent *d)
{
    return is_migration(d) ? 1 : 0;
}

/* ---- applying them -------------------------------------------------------------------------- */

/* The two digits in front of a file's name. */
enum { VERSIONS = 100 };

/* Files that were applied before; not all below the newest one need to be: several came at a time. */
static int applied_versions(struct conn *c, bool out[VERSIONS], struct err *e)
{
    struct rows *r = NULL;
    int rc =
        conn_query(c, "select to_regclass('parkway.migrations') is not null", 0, NULL, &r, e);
    bool exists = rc == 0 && rows_text(r, 0, 0)[0] == 't';
    rows_free(r);
    r = NULL;
    if (exists) {
        rc = conn_query(c, "select version from parkway.migrations", 0, NULL, &r, e);
    }
    for (size_t i = 0; rc == 0 && r != NULL && i < rows_count(r); i++) {
        int64_t version = rows_int(r, i, 0);
        if (version >= 0 && version < VERSIONS) {
            out[version] = true;
        }
    }
    rows_free(r);
    return rc;
}

static int apply_file(struct conn *c, const char *directory, const char *name, struct err *e)
{
    struct buf path = BUF_INIT;
    struct buf sql = BUF_INIT;
    buf_addf(&path, "%s/%s", directory, name);
    int rc = read_file(buf_cstr(&path), &sql, e);
    if (rc == 0) {
        rc = conn_exec(c, buf_cstr(&sql), e);
    }
    buf_fini(&sql);
    buf_fini(&path);
    return rc != 0 ? err_add(e, "%s", name) : 0;
}

static int remember(struct conn *c, const char *name, struct err *e)
{
    return conn_query(c, "insert into parkway.migrations (version, name) values ($1::int, $2)",
                      2, (struct str[]){{name, 2}, str_of(name)}, NULL, e);
}

/* Applies the files that were not; *version becomes the last one's. The table that remembers comes with one of
 * the first files, so all are remembered behind the last. */
static int apply_files(struct conn *c, const char *directory, const bool applied[VERSIONS],
                       int64_t *version, struct err *e)
{
    struct dirent **files = NULL;
    int count = scandir(directory, &files, select_migration, alphasort);
    if (count < 0) {
        return err_set(e, ERR_NOT_FOUND, "could not read %s: %s", directory, strerror(errno));
    }
    int rc = conn_exec(c, "begin", e);
    for (int i = 0; rc == 0 && i < count; i++) {
        if (!applied[strtoll(files[i]->d_name, NULL, 10)]) {
            rc = apply_file(c, directory, files[i]->d_name, e);
        }
    }
    for (int i = 0; rc == 0 && i < count; i++) {
        *version = strtoll(files[i]->d_name, NULL, 10);
        if (!applied[*version]) {
            rc = remember(c, files[i]->d_name, e);
        }
    }
    if (rc == 0) {
        rc = conn_exec(c, "commit", e);
    }
    for (int i = 0; i < count; i++) {
        free(files[i]);
    }
    free(files);
    return rc;
}

static int migrate_side(struct conn *c, const char *side, bool quiet, struct err *e)
{
    struct buf directory = BUF_INIT;
    int64_t version = 0;
    bool applied[VERSIONS] = {false};
    int rc = find_directory(side, &directory, e);
    if (rc == 0) {
        rc = applied_versions(c, applied, e);
    }
    if (rc == 0) {
        rc = apply_files(c, buf_cstr(&directory), applied, &version, e);
    }
    buf_fini(&directory);
    if (rc != 0) {
        return err_add(e, "%s", side);
    }
    if (!quiet) {
        printf("%s: schema at version %" PRId64 "\n", side, version);
        fflush(stdout);
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* One database in both roles would be mirrored onto itself. */
static int refuse_same_database(struct conn *primary, struct conn *replica, struct err *e)
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
    if (rc == 0 && strcmp(rows_text(a, 0, 0), rows_text(b, 0, 0)) == 0) {
        rc = err_set(e, ERR_CONFLICT, "primary and replica are the same database");
    }
    rows_free(a);
    rows_free(b);
    return rc;
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

/* Up to where rows are to be copied: others may migrate meanwhile. */
static int prepare(struct conn *primary, struct conn *replica, bool quiet, struct enrolment *en,
                   struct captured *captured, struct err *e)
{
    int rc = lock_primary(primary, true, e);
    if (rc == 0) {
        rc = migrate_side(primary, "primary", quiet, e);
    }
    if (rc == 0) {
        rc = migrate_side(replica, "replica", quiet, e);
    }
    if (rc == 0) {
        rc = carry_seal(primary, replica, e);
    }
    if (rc == 0) {
        rc = captured_load(captured, primary, e);
    }
    if (rc == 0) {
        rc = enroll_prepare(en, captured, e);
    }
    if (rc == 0) {
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
    int rc = refuse_same_database(primary, replica, e);
    if (rc == 0) {
        rc = enroll_open(&en, primary, replica, o, e);
    }
    if (rc == 0) {
        rc = prepare(primary, replica, quiet, en, &captured, e);
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
