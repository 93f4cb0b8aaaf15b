/* schema.c - what the numbered files of sql/<side> and sql/consumer say becomes so.
 *
 * sql/consumer holds the books of consumers, which stand wherever a consumer's targets may be: on both sides. Its numbers are
 * those of neither side, and the files of both directories are one series.
 *
 * Every file may be applied to what an earlier text of it left, and says how things shall be, not how they change.
 * parkway.migrations remembers the number and the digest of each. If one is new, or its text is another than the one
 * that was applied, all of the side are applied, in order of their numbers and in one transaction: one may take what a
 * later one gives. So a function stands in one place, and an older installation gets its new text.
 * The transaction waits for nobody for long and is begun again some times: daemons run beside it.
 *
 * The files are looked for in $PARKWAY_SQL, then ../sql and ../share/parkway/sql beside the binary. */
#include "ops/schema.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 1024 * 1024, /* of one SQL file; ours have a few kB */
    FILES_MAX = 100,              /* the two digits in front of a name */
    TRIES = 10                    /* of one second each, for the locks */
};

struct sql_file {
    char *name;
    struct buf text;
};

struct sql_files {
    struct sql_file at[FILES_MAX];
    size_t count;
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
static int is_migration(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 7 && d->d_name[0] >= '0' && d->d_name[0] <= '9' && d->d_name[1] >= '0' &&
           d->d_name[1] <= '9' && d->d_name[2] == '_' && strcmp(d->d_name + n - 4, ".sql") == 0;
}

static int version_of(const struct sql_file *f)
{
    return (int)strtol(f->name, NULL, 10);
}

static int read_files(const char *directory, struct sql_files *out, struct err *e)
{
    struct dirent **found = NULL;
    struct buf path = BUF_INIT;
    int count = scandir(directory, &found, is_migration, alphasort);
    int rc = count >= 0 ? 0
                        : err_set(e, ERR_NOT_FOUND, "could not read %s: %s", directory,
                                  strerror(errno));
    for (int i = 0; i < count; i++) {
        if (rc == 0 && out->count == FILES_MAX) {
            rc = err_set(e, ERR_FAIL, "too many files in %s", directory);
        }
        if (rc == 0) {
            struct sql_file *f = &out->at[out->count++];
            *f = (struct sql_file){.name = def_strdup(found[i]->d_name), .text = BUF_INIT};
            buf_reset(&path);
            buf_addf(&path, "%s/%s", directory, f->name);
            rc = read_file(buf_cstr(&path), &f->text, e);
        }
        free(found[i]);
    }
    free(found);
    buf_fini(&path);
    return rc;
}

static void free_files(struct sql_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->at[i].name);
        buf_fini(&files->at[i].text);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct sql_file *x = a;
    const struct sql_file *y = b;
    return strcmp(x->name, y->name);
}

/* The side's own files and those of both sides. */
static int read_side(const char *side, struct sql_files *out, struct err *e)
{
    const char *const folders[] = {side, "consumer"};
    struct buf directory = BUF_INIT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(folders); i++) {
        buf_reset(&directory);
        rc = find_directory(folders[i], &directory, e);
        rc = rc == 0 ? read_files(buf_cstr(&directory), out, e) : rc;
    }
    buf_fini(&directory);
    qsort(out->at, out->count, sizeof out->at[0], by_number);
    return rc;
}

/* ---- applying them -------------------------------------------------------------------------- */

/* Whether each file has been applied as it is. */
static int up_to_date(struct conn *c, const struct sql_files *files, bool *out, struct err *e)
{
    struct rows *r = NULL;
    int rc =
        conn_query(c, "select to_regclass('parkway.migrations') is not null", 0, NULL, &r, e);
    *out = rc == 0 && rows_text(r, 0, 0)[0] == 't';
    rows_free(r);
    for (size_t i = 0; rc == 0 && *out && i < files->count; i++) {
        const struct sql_file *f = &files->at[i];
        r = NULL;
        /* the table is older than its column digest */
        rc = conn_query(
            c,
            "select exists (select from parkway.migrations m where m.name = $1 and "
            "to_jsonb(m)->>'digest' = encode(sha256(convert_to($2, 'UTF8')), 'hex'))",
            2, (struct str[]){str_of(f->name), buf_str(&f->text)}, &r, e);
        *out = rc == 0 && rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
    }
    return rc;
}

static int remember(struct conn *c, const struct sql_file *f, struct err *e)
{
    struct buf version = BUF_INIT;
    buf_addf(&version, "%d", version_of(f));
    int rc = conn_query(
        c,
        "insert into parkway.migrations (version, name, digest) "
        "values ($1::int, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex')) on conflict "
        "(version) "
        "do update set name = excluded.name, digest = excluded.digest, applied_at = now()",
        3, (struct str[]){buf_str(&version), str_of(f->name), buf_str(&f->text)}, NULL, e);
    buf_fini(&version);
    return rc;
}

/* In a transaction that the caller rolls back on failure. The table that remembers comes with one of the files, so all are
 * remembered behind the last. */
static int apply_all(struct conn *c, struct sql_files *files, struct err *e)
{
    int rc = conn_exec(c, "begin; set local lock_timeout = '1s'", e);
    for (size_t i = 0; rc == 0 && i < files->count; i++) {
        rc = conn_exec(c, buf_cstr(&files->at[i].text), e);
        if (rc != 0) {
            return err_add(e, "%s", files->at[i].name);
        }
    }
    for (size_t i = 0; rc == 0 && i < files->count; i++) {
        rc = remember(c, &files->at[i], e);
    }
    return rc == 0 ? conn_exec(c, "commit", e) : rc;
}

static int apply_files(struct conn *c, struct sql_files *files, struct err *e)
{
    int rc = apply_all(c, files, e);
    for (int i = 1; conn_lock_busy(rc, e) && i < TRIES; i++) {
        rc = conn_exec(c, "rollback", e);
        rc = rc == 0 ? apply_all(c, files, e) : rc;
    }
    return rc;
}

int schema_apply(struct conn *c, const char *side, int64_t *version, struct err *e)
{
    struct sql_files *files = def_zalloc(1, sizeof *files);
    bool done = false;
    int rc = read_side(side, files, e);
    if (rc == 0) {
        rc = up_to_date(c, files, &done, e);
    }
    if (rc == 0 && !done) {
        rc = apply_files(c, files, e);
    }
    if (rc == 0) {
        *version = files->count > 0 ? version_of(&files->at[files->count - 1]) : 0;
    }
    free_files(files);
    free(files);
    return rc != 0 ? err_add(e, "%s", side) : 0;
}
