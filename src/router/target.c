/* target.c - see target.h. */
#include "router/target.h"

#include "event/setup.h"
#include "pg/dsn.h"
#include "router/router_conf.h"

#include <netdb.h>
#include <stdio.h>

static struct target *add(struct targets *t, enum target_kind kind, const char *name)
{
    struct target *one = &t->list[t->count];
    *one = (struct target){.index = t->count, .kind = kind, .weight = 1};
    snprintf(one->name, sizeof one->name, "%s", name);
    pthread_mutex_init(&one->lock, NULL);
    t->count++;
    return one;
}

static void place(struct target *t, const char *host, const char *port, const char *dbname)
{
    snprintf(t->host, sizeof t->host, "%s", host);
    snprintf(t->port, sizeof t->port, "%s", port);
    snprintf(t->dbname, sizeof t->dbname, "%s", dbname);
}

static void own(struct target *t, const struct dsn *d)
{
    snprintf(t->own_user, sizeof t->own_user, "%s", d->user);
    snprintf(t->own_password, sizeof t->own_password, "%s", d->password);
}

static int add_replicas(struct targets *t, const struct dsn *login, struct err *e)
{
    const struct router_conf *c = router_conf();
    const struct router_replica *list = c->replicas.items;
    uint8_t side = 0;
    if (c->replicas.count >= TARGET_MAX) {
        return err_set(e, ERR_INVALID, "router.replicas: at most %d", TARGET_MAX - 1);
    }
    for (size_t i = 0; i < c->replicas.count; i++) {
        const struct router_replica *r = &list[i];
        bool event = strcmp(r->kind, "event") == 0;
        struct target *one = add(t, event ? TARGET_IS_EVENT : TARGET_IS_STANDBY, r->name);
        char port[8];
        snprintf(port, sizeof port, "%d", (int)r->port);
        place(one, r->host, port, r->dbname[0] != '\0' ? r->dbname : t->list[0].dbname);
        snprintf(one->consumer, sizeof one->consumer, "%s", r->consumer);
        one->weight = (uint32_t)r->weight;
        one->side = event ? ++side : 0;
        own(one, login);
    }
    if (c->replicas.count == 0) {
        struct target *one = add(t, TARGET_IS_EVENT, "replica");
        place(one, login->host, login->port, login->dbname);
        snprintf(one->consumer, sizeof one->consumer, "replica");
        one->side = 1;
        own(one, login);
    }
    return 0;
}

int targets_init(struct targets *t, struct err *e)
{
    struct dsn primary, replica, where;
    memset(t, 0, sizeof *t);
    if (dsn_parse(setup()->primary_url, &primary, e) != 0) {
        return err_add(e, "primary.url");
    }
    if (dsn_parse(setup()->replica_url, &replica, e) != 0) {
        return err_add(e, "replica.url");
    }
    where = primary;
    if (router_conf()->primary[0] != '\0') {
        if (dsn_parse(router_conf()->primary, &where, e) != 0) {
            return err_add(e, "router.primary");
        }
        if (where.dbname[0] == '\0') {
            memcpy(where.dbname, primary.dbname, sizeof where.dbname);
        }
    }
    if (where.several) {
        return err_set(
            e, ERR_INVALID,
            "clients are sent to one primary: router.primary must name the address that "
            "moves with it, when primary.url names several hosts");
    }
    struct target *p = add(t, TARGET_IS_PRIMARY, "primary");
    place(p, where.host, where.port, where.dbname);
    own(p, &primary);
    int rc = add_replicas(t, &replica, e);
    for (uint32_t i = 0; rc == 0 && i < t->count; i++) {
        target_resolve(&t->list[i]);
    }
    return rc;
}

void target_resolve(struct target *t)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(t->host, t->port, &hints, &found) != 0) {
        return;
    }
    pthread_mutex_lock(&t->lock);
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->address_len = found->ai_addrlen;
    pthread_mutex_unlock(&t->lock);
    freeaddrinfo(found);
}

socklen_t target_address(struct target *t, struct sockaddr_storage *out)
{
    pthread_mutex_lock(&t->lock);
    socklen_t len = t->address_len;
    *out = t->address;
    pthread_mutex_unlock(&t->lock);
    return len;
}

/* A value of a keyword string, quoted. */
static void add_value(char *out, size_t size, const char *key, const char *value)
{
    size_t at = strlen(out);
    int n = snprintf(out + at, size - at, "%s%s='", at > 0 ? " " : "", key);
    at += n > 0 ? (size_t)n : 0;
    for (; *value != '\0' && at + 4 < size; value++) {
        if (*value == '\'' || *value == '\\') {
            out[at++] = '\\';
        }
        out[at++] = *value;
    }
    snprintf(out + at, size - at, "'");
}

void target_own_url(const struct target *t, char *out, size_t size)
{
    out[0] = '\0';
    add_value(out, size, "host", t->host);
    add_value(out, size, "port", t->port);
    add_value(out, size, "dbname", t->dbname);
    add_value(out, size, "user", t->own_user);
    if (t->own_password[0] != '\0') {
        add_value(out, size, "password", t->own_password);
    }
}
