/* uri.c - see uri.h. Source: PostgreSQL 15 documentation, 34.1.1 "Connection Strings". */
#include "pg/uri.h"

#include <stdio.h>
#include <stdlib.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* s without its percent escapes, into out. False: too long, a broken escape, or an escaped NUL. */
static bool unescape(struct str s, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= size) {
            return false;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* One parameter whose value is plain text already. */
static int take(struct uri *u, struct str name, const char *value, struct err *e)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } texts[] = {
        {"host", u->host, sizeof u->host},
        {"hostaddr", u->host, sizeof u->host},
        {"port", u->port, sizeof u->port},
        {"user", u->user, sizeof u->user},
        {"password", u->password, sizeof u->password},
        {"dbname", u->dbname, sizeof u->dbname},
        {"application_name", u->application_name, sizeof u->application_name},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (str_eq(name, str_of(texts[i].name))) {
            if (strlen(value) >= texts[i].size) {
                return err_set(e, ERR_INVALID, "%s is too long", texts[i].name);
            }
            memcpy(texts[i].to, value, strlen(value) + 1);
            return 0;
        }
    }
    if (str_eq(name, STR("connect_timeout"))) {
        u->connect_timeout_s = atoi(value);
        return 0;
    }
    if (str_eq(name, STR("sslmode")) || str_eq(name, STR("gssencmode"))) {
        bool plain = strcmp(value, "disable") == 0 || strcmp(value, "allow") == 0 ||
                     strcmp(value, "prefer") == 0;
        return plain ? 0
                     : err_set(e, ERR_INVALID, "%.*s=%s: encryption is not supported",
                               STR_ARG(name), value);
    }
    return err_set(e, ERR_INVALID, "unknown parameter \"%.*s\"", STR_ARG(name));
}

static int take_escaped(struct uri *u, const char *name, struct str value, struct err *e)
{
    char plain[256];
    if (value.n == 0) {
        return 0;
    }
    if (!unescape(value, plain, sizeof plain)) {
        return err_set(e, ERR_INVALID, "%s is too long or has a broken escape", name);
    }
    return take(u, str_of(name), plain, e);
}

/* s up to the first of the characters in ends; s goes on behind it, or is empty. */
static struct str until(struct str *s, const char *ends)
{
    size_t n = 0;
    while (n < s->n && strchr(ends, s->p[n]) == NULL) {
        n++;
    }
    struct str head = {s->p, n};
    size_t skip = n < s->n ? n + 1 : n;
    *s = (struct str){s->p + skip, s->n - skip};
    return head;
}

static int parse_authority(struct uri *u, struct str authority, struct err *e)
{
    int rc = 0;
    const char *at = memrchr(authority.p, '@', authority.n);
    if (at != NULL) {
        struct str login = {authority.p, (size_t)(at - authority.p)};
        authority = (struct str){at + 1, authority.n - login.n - 1};
        struct str user = until(&login, ":");
        rc = take_escaped(u, "user", user, e);
        if (rc == 0) {
            rc = take_escaped(u, "password", login, e);
        }
    }
    struct str host;
    if (authority.n > 0 && authority.p[0] == '[') {
        until(&authority, "[");
        host = until(&authority, "]");
        until(&authority, ":");
    } else {
        host = until(&authority, ":");
    }
    if (rc == 0) {
        rc = take_escaped(u, "host", host, e);
    }
    return rc != 0 ? rc : take_escaped(u, "port", authority, e);
}

static int parse_uri(struct uri *u, struct str rest, struct err *e)
{
    struct str path = rest;
    struct str authority = until(&path, "/?");
    bool has_path = authority.n < rest.n && rest.p[authority.n] == '/';
    struct str query = path;
    struct str dbname = has_path ? until(&query, "?") : STR("");
    int rc = parse_authority(u, authority, e);
    if (rc == 0) {
        rc = take_escaped(u, "dbname", dbname, e);
    }
    while (rc == 0 && query.n > 0) {
        struct str value = until(&query, "&");
        char name[32];
        if (!unescape(until(&value, "="), name, sizeof name)) {
            return err_set(e, ERR_INVALID, "a parameter's name is too long");
        }
        rc = take_escaped(u, name, value, e);
    }
    return rc;
}

/* A value of the keyword form: bare or in quotes, a backslash before what is meant literally. */
static bool keyword_value(struct str *s, char *out, size_t size)
{
    bool quotes = s->n > 0 && s->p[0] == '\'';
    size_t i = quotes;
    size_t n = 0;
    for (; i < s->n && (quotes ? s->p[i] != '\'' : strchr(" \t\r\n", s->p[i]) == NULL); i++) {
        if (s->p[i] == '\\' && i + 1 < s->n) {
            i++;
        }
        if (n + 1 >= size) {
            return false;
        }
        out[n++] = s->p[i];
    }
    out[n] = '\0';
    if (quotes && i == s->n) {
        return false;
    }
    i += quotes;
    *s = (struct str){s->p + i, s->n - i};
    return true;
}

static int parse_keywords(struct uri *u, struct str s, struct err *e)
{
    for (;;) {
        while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL) {
            s = (struct str){s.p + 1, s.n - 1};
        }
        if (s.n == 0) {
            return 0;
        }
        if (memchr(s.p, '=', s.n) == NULL) {
            return err_set(e, ERR_INVALID, "neither a postgresql:// URI nor name=value pairs");
        }
        struct str name = until(&s, "=");
        while (name.n > 0 && name.p[name.n - 1] == ' ') {
            name.n--;
        }
        while (s.n > 0 && s.p[0] == ' ') {
            s = (struct str){s.p + 1, s.n - 1};
        }
        char value[256];
        if (!keyword_value(&s, value, sizeof value)) {
            return err_set(e, ERR_INVALID, "the value of %.*s is too long or not closed",
                           STR_ARG(name));
        }
        int rc = take(u, name, value, e);
        if (rc != 0) {
            return rc;
        }
    }
}

static int check(struct uri *u, struct err *e)
{
    if (u->user[0] == '\0') {
        return err_set(e, ERR_INVALID, "no user is named");
    }
    if (strchr(u->host, ',') != NULL || u->host[0] == '/') {
        return err_set(e, ERR_INVALID, "\"%s\" is not one host", u->host);
    }
    size_t digits = strspn(u->port, "0123456789");
    if (u->port[digits] != '\0' || atoi(u->port) < 1 || atoi(u->port) > 65535) {
        return err_set(e, ERR_INVALID, "\"%s\" is not a port", u->port);
    }
    if (u->dbname[0] == '\0') {
        memcpy(u->dbname, u->user, sizeof u->dbname);
    }
    return 0;
}

int uri_parse(const char *text, struct uri *out, struct err *e)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    *out = (struct uri){.host = "127.0.0.1", .port = "5432"};
    int rc = -1;
    for (size_t i = 0; i < ARRAY_LEN(schemes) && rc == -1; i++) {
        size_t n = strlen(schemes[i]);
        if (strncmp(text, schemes[i], n) == 0) {
            rc = parse_uri(out, str_of(text + n), e);
        }
    }
    if (rc == -1) {
        rc = parse_keywords(out, str_of(text), e);
    }
    if (rc == 0) {
        rc = check(out, e);
    }
    if (rc != 0) {
        err_add(e, "not a usable connection string");
    }
    return rc;
}
