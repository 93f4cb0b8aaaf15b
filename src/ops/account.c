/* account.c - see account.h. */
#include "ops/account.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CARRY_TRIES = 5 };

/* ---- roles on the replica ------------------------------------------------------------------- */

/* Executes on c what the server makes of format('…', $1, $2, $3). */
static int formatted(struct conn *c, const char *format, const char *a, const char *b,
                     struct err *e)
{
    struct rows *r;
    int rc = conn_query(c, "select format($1, $2::text, $3::text)", 3,
                        (struct str[]){str_of(format), str_of(a), str_of(b)}, &r, e);
    if (rc == 0) {
        rc = conn_exec(c, rows_text(r, 0, 0), e);
        rows_free(r);
    }
    return rc;
}

/* Makes the role and its verifier what they are on the primary; skip: it is a superuser here. */
static int carry_role(struct conn *replica, const char *role, const char *verifier, bool *skip,
                      struct err *e)
{
    struct rows *r;
    int rc = conn_query(replica,
                        "select rolsuper, rolpassword is not distinct from $2, rolcanlogin "
                        "from pg_authid where rolname = $1",
                        2, (struct str[]){str_of(role), str_of(verifier)}, &r, e);
    if (rc != 0) {
        return rc;
    }
    bool exists = rows_count(r) > 0;
    *skip = exists && rows_text(r, 0, 0)[0] == 't';
    bool same = exists && rows_text(r, 0, 1)[0] == 't' && rows_text(r, 0, 2)[0] == 't';
    rows_free(r);
    if (*skip || same) {
        return 0;
    }
    if (!exists) {
        rc = formatted(replica, "create role %I login", role, "", e);
    }
    /* a text that is a verifier already is stored as it is */
    return rc != 0 ? rc
                   : formatted(replica, "alter role %I login password %L", role, verifier, e);
}

/* Whether the role may read the source on the primary. */
static int may_read(struct conn *primary, const char *role, const char *source, bool *out,
                    struct err *e)
{
    struct rows *r;
    int rc =
        conn_query(primary,
                   "select has_table_privilege($1, c.oid, 'select') "
                   "and has_schema_privilege($1, c.relnamespace, 'usage') "
                   "and not c.relrowsecurity from pg_class c where c.oid = $2::text::regclass",
                   2, (struct str[]){str_of(role), str_of(source)}, &r, e);
    if (rc == 0) {
        *out = rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
    }
    return rc;
}

static int grant_read(struct conn *replica, const char *role, const char *target, bool read,
                      struct err *e)
{
    static const char take[] =
        "do $do$ begin if exists (select from pg_class where oid = %2$L::regclass and "
        "relowner = %1$L::regrole) then alter table %2$s owner to current_user; end if; end "
        "$do$; "
        "revoke all on %2$s from %1$I";
    int rc = formatted(replica, take, role, target, e);
    if (rc == 0 && read) {
        rc = formatted(replica, "grant select on %2$s to %1$I", role, target, e);
    }
    return rc;
}

static int schema_usage(struct conn *replica, const char *role, const char *target,
                        struct err *e)
{
    const char *dot = strchr(target, '.');
    char *schema = def_strndup(target, (size_t)(dot - target));
    int rc = formatted(replica, "grant usage on schema %2$s to %1$I", role, schema, e);
    free(schema);
    return rc;
}

/* The consumer alters what it mirrors, so it is the owner, and may make tables beside it. To say so again would
 * lock the table against a consumer that is writing it, so it is said once. */
static int own_mirror(struct conn *replica, const char *role, const char *target, struct err *e)
{
    static const char own[] =
        "do $do$ begin if exists (select from pg_class where oid = %2$L::regclass and "
        "relowner <> %1$L::regrole) then alter table %2$s owner to %1$I; end if; end $do$";
    const char *dot = strchr(target, '.');
    char *schema = def_strndup(target, (size_t)(dot - target));
    int rc = formatted(replica, own, role, target, e);
    if (rc == 0) {
        rc = formatted(replica, "grant usage, create on schema %2$s to %1$I", role, schema, e);
    }
    free(schema);
    return rc;
}

static int grant_mirrors(struct conn *primary, struct conn *replica, const char *role,
                         const struct captured *captured, struct err *e)
{
    bool own = strcmp(role, "parkway") == 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < captured->mirror_count; i++) {
        const struct captured_mirror *m = &captured->mirrors[i];
        bool read = true;
        rc = own ? own_mirror(replica, role, m->target, e)
                 : may_read(primary, role, m->table->source, &read, e);
        if (rc == 0 && !own) {
            rc = grant_read(replica, role, m->target, read, e);
        }
        if (rc == 0 && read) {
            rc = schema_usage(replica, role, m->target, e);
        }
    }
    return rc;
}

static int carry_all(struct conn *primary, struct conn *replica,
                     const struct captured *captured, const struct rows *roles, struct err *e)
{
    int rc = conn_exec(replica, "begin", e);
    for (size_t i = 0; rc == 0 && i < rows_count(roles); i++) {
        const char *role = rows_text(roles, i, 0);
        bool skip = false;
        rc = carry_role(replica, role, rows_text(roles, i, 1), &skip, e);
        if (rc == 0 && !skip) {
            rc = grant_mirrors(primary, replica, role, captured, e);
        }
        if (rc != 0) {
            rc = err_add(e, "could not carry login \"%s\" to the replica", role);
        }
    }
    return rc == 0 ? conn_exec(replica, "commit", e) : rc;
}

int account_carry(struct conn *primary, struct conn *replica, const struct captured *captured,
                  struct err *e)
{
    struct rows *r;
    int rc = conn_query(primary,
                        "select rolname, rolpassword from pg_authid where rolcanlogin and not "
                        "rolsuper and rolpassword like 'SCRAM-SHA-256$%' order by rolname",
                        0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    rc = carry_all(primary, replica, captured, r, e);
    for (int i = 1; conn_lock_busy(rc, e) && i < CARRY_TRIES; i++) {
        /* a change of owner and a consumer that writes met: the next one finds less to do */
        rc = conn_exec(replica, "rollback", e);
        rc = rc == 0 ? carry_all(primary, replica, captured, r, e) : rc;
    }
    rows_free(r);
    return rc;
}

/* ---- the router's file ---------------------------------------------------------------------- */

static void add_quoted(struct buf *out, struct str s)
{
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            buf_u8(out, '"');
        }
        buf_u8(out, (uint8_t)s.p[i]);
    }
    buf_u8(out, '"');
}

/* A file that root writes belongs to whom its directory belongs to: the daemons' user. */
static int write_whole(const char *path, struct str text, struct err *e)
{
    struct buf name = BUF_INIT;
    buf_addf(&name, "%s.new", path);
    const char *fresh = buf_cstr(&name);
    char *copy = def_strdup(path);
    struct stat dir;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (ok && geteuid() == 0 && stat(dirname(copy), &dir) == 0) {
        ok = fchown(fd, dir.st_uid, dir.st_gid) == 0;
    }
    ok = ok && rename(fresh, path) == 0;
    int code = ok ? 0 : err_set(e, ERR_FAIL, "could not write %s: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    buf_fini(&name);
    return code;
}

int account_write_users(struct conn *primary, const char *path, struct err *e)
{
    struct rows *r;
    int rc = conn_query(primary,
                        "select rolname, rolpassword from pg_authid where rolcanlogin and "
                        "rolname <> 'parkway' and rolpassword like 'SCRAM-SHA-256$%' "
                        "order by rolname",
                        0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < rows_count(r); i++) {
        add_quoted(&text, rows_get(r, i, 0));
        buf_u8(&text, ' ');
        add_quoted(&text, rows_get(r, i, 1));
        buf_u8(&text, '\n');
    }
    rows_free(r);
    rc = write_whole(path, buf_str(&text), e);
    buf_fini(&text);
    return rc;
}
