/* admin.c - the console: database "parkway", for router.admin_users. Simple and extended queries whose
 * text is one of
 *
 *   SHOW STATS | REPLICAS | CLIENTS | SERVERS | POOLS | ROUTES | CONFIG
 *   RELOAD        read the users file again
 *
 * What hangs on a worker is shown of the worker that serves the console (a worker reads nobody
 * else's memory); counters are of all workers. */
#include "base/clock.h"
#include "router/meter.h"
#include "router/router_conf.h"
#include "router/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { COLUMNS_MAX = 12 };

/* A table being written: the description, then rows of texts. */
struct table {
    struct buf *out;
    const char *const *names;
    size_t columns;
    bool describe_only, rows_only;
    struct str row[COLUMNS_MAX];
    char text[COLUMNS_MAX][160];
    size_t at;
    uint64_t rows;
};

static void head(struct table *t, const char *const *names, size_t n)
{
    t->names = names;
    t->columns = n;
    if (!t->rows_only) {
        msg_text_columns(t->out, names, n);
    }
}

static void put_row(struct table *t)
{
    if (t->at == t->columns) {
        if (!t->describe_only) {
            msg_text_row(t->out, t->row, t->columns);
        }
        t->at = 0;
        t->rows++;
    }
}

static void put(struct table *t, const char *text)
{
    snprintf(t->text[t->at], sizeof t->text[t->at], "%s", text);
    t->row[t->at] = str_of(t->text[t->at]);
    t->at++;
    put_row(t);
}

static void put_n(struct table *t, uint64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    put(t, text);
}

#define HEAD(t, ...)                                                                           \
    static const char *const names[] = {__VA_ARGS__};                                          \
    head(t, names, ARRAY_LEN(names))

static void show_stats(struct session *s, struct table *t)
{
    struct meter_row rows[METER_ROWS_MAX];
    struct cache_stats cache;
    HEAD(t, "name", "value", "help");
    size_t n = meter_sum(s->worker->router, rows);
    for (size_t i = 0; i < n; i++) {
        put(t, rows[i].name);
        put_n(t, rows[i].value);
        put(t, rows[i].help);
    }
    cache_stats(s->worker->cache, &cache);
    put(t, "cache_entries");
    put_n(t, cache.entries);
    put(t, "texts and shapes that this worker remembers");
    put(t, "cache_misses");
    put_n(t, cache.misses);
    put(t, "texts that this worker had to parse");
}

static void show_replicas(struct session *s, struct table *t)
{
    struct targets *targets = &s->worker->router->targets;
    int64_t now = clock_mono_us();
    HEAD(t, "name", "kind", "host", "port", "state", "in_service", "applied", "outstanding");
    for (uint32_t i = 1; i < targets->count; i++) {
        const struct target *one = &targets->list[i];
        const struct fresh_replica *r = fresh_replica(s->worker->fresh, i);
        char where[POSITION_TEXT_MAX];
        position_text(r->applied, where);
        put(t, one->name);
        put(t, one->kind == TARGET_IS_EVENT ? "event" : "standby");
        put(t, one->host);
        put(t, one->port);
        put(t, r->state);
        put(t, r->up && r->ejected_until_us <= now ? "yes" : "no");
        put(t, r->applied.lsn != 0 ? where : "");
        put_n(t, pool_outstanding(s->worker, one));
    }
}

static const char *state_text(const struct session *s)
{
    static const char *const names[] = {"startup", "login", "idle",  "routing",
                                        "running", "open",  "closed"};
    return names[s->state];
}

static void show_clients(struct session *s, struct table *t)
{
    HEAD(t, "session", "user", "database", "state", "transaction", "units", "replica_reads",
         "connected_s", "last_route");
    for (const struct session *one = s->worker->sessions; one != NULL; one = one->next) {
        char id[32], tx[2] = {one->status, '\0'}, reason[REASON_TEXT_MAX];
        const char *why;
        snprintf(id, sizeof id, "%u.%u", one->worker->index, one->slot);
        put(t, id);
        put(t, one->user);
        put(t, one->dbname);
        put(t, state_text(one));
        put(t, tx);
        put_n(t, one->units);
        put_n(t, one->reads);
        put_n(t, (uint64_t)(clock_mono_us() - one->since_us) / 1000000);
        put(t, route_text(one, &why, reason));
    }
}

static void show_routes(struct session *s, struct table *t)
{
    HEAD(t, "session", "user", "where", "why");
    for (const struct session *one = s->worker->sessions; one != NULL; one = one->next) {
        char id[32], reason[REASON_TEXT_MAX];
        const char *why;
        const char *where = route_text(one, &why, reason);
        snprintf(id, sizeof id, "%u.%u", one->worker->index, one->slot);
        put(t, id);
        put(t, one->user);
        put(t, where);
        put(t, why);
    }
}

static void show_servers(struct session *s, struct table *t)
{
    static const char *const states[] = {"connecting", "login", "ready", "closed"};
    HEAD(t, "server", "user", "state", "transaction", "pid", "use");
    for (const struct backend *b = s->worker->backends; b != NULL; b = b->next) {
        char tx[2] = {b->tx, '\0'};
        put(t, b->target->name);
        put(t, b->login.user);
        put(t, states[b->state]);
        put(t, tx);
        put_n(t, b->pid);
        put(t, b->pool != NULL ? "shared" : b->login.by_key ? "session" : "own");
    }
}

static void show_pools(struct session *s, struct table *t)
{
    struct pool_counts c;
    HEAD(t, "replica", "user", "idle", "used", "opening", "waiting");
    for (struct pool *p = pool_next(s->worker, NULL, &c); p != NULL;
         p = pool_next(s->worker, p, &c)) {
        put(t, c.target->name);
        put(t, c.user);
        put_n(t, c.idle);
        put_n(t, c.used);
        put_n(t, c.opening);
        put_n(t, c.waiting);
    }
}

static void show_config(struct session *s, struct table *t)
{
    const struct conf_group *g = &router_conf_group;
    UNUSED(s);
    HEAD(t, "key", "value", "unit", "default", "description");
    for (size_t i = 0; i < g->count; i++) {
        const struct conf_key *k = &g->keys[i];
        const char *at = (const char *)g->target + k->offset;
        char value[160] = "";
        if (k->type == CONF_INT) {
            snprintf(value, sizeof value, "%lld",
                     (long long)*(const int64_t *)(const void *)at);
        } else if (k->type == CONF_STRING) {
            snprintf(value, sizeof value, "%s", *(char *const *)(const void *)at);
        } else {
            snprintf(value, sizeof value, "%zu entries",
                     ((const struct conf_strings *)(const void *)at)->count);
        }
        put(t, k->name);
        put(t, value);
        put(t, k->unit);
        put(t, k->initial != NULL ? k->initial : "");
        put(t, k->sentence);
    }
}

static const struct {
    const char *name;
    void (*show)(struct session *s, struct table *t);
} tables[] = {
    {"stats", show_stats},     {"replicas", show_replicas}, {"clients", show_clients},
    {"servers", show_servers}, {"pools", show_pools},       {"routes", show_routes},
    {"config", show_config},
};

/* The words of a command, lower case, one blank between, without the semicolon. */
static void squeeze(struct str text, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < size; i++) {
        char c = text.p[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';';
        if (!blank) {
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        } else if (n > 0 && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
    }
    n -= n > 0 && out[n - 1] == ' ';
    out[n] = '\0';
}

static struct str text_of(struct session *s, const struct part *p)
{
    struct str text = STR("");
    if (p->type == 'Q') {
        msg_read_query(unit_msg(s, p).body, &text);
    } else if (p->stmt != NULL && p->stmt->prep != NULL) {
        text = prep_text(p->stmt->prep);
    }
    return text;
}

/* False: no such command. */
static bool run(struct session *s, const char *command, bool describe, bool execute,
                bool simple)
{
    struct table t = {.out = &s->wire.out, .describe_only = !execute, .rows_only = !describe};
    struct err e = ERR_INIT;
    char tag[32] = "SHOW";
    if (strcmp(command, "reload") == 0) {
        if (execute && users_load(s->worker->router->users, &e) != 0) {
            return false;
        }
        snprintf(tag, sizeof tag, "RELOAD");
        if (describe && !simple) {
            msg_empty(t.out, 'n');
        }
    } else {
        size_t i = 0;
        while (i < ARRAY_LEN(tables) && (strncmp(command, "show ", 5) != 0 ||
                                         strcmp(command + 5, tables[i].name) != 0)) {
            i++;
        }
        if (i == ARRAY_LEN(tables)) {
            return false;
        }
        tables[i].show(s, &t);
    }
    if (execute) {
        msg_complete(t.out, str_of(tag));
    }
    return true;
}

void admin_unit(struct session *s)
{
    for (uint32_t i = 0; i < s->unit.count; i++) {
        const struct part *p = &s->unit.parts[i];
        struct str text = text_of(s, p);
        struct buf *out = &s->wire.out;
        char command[64];
        bool ok = true;
        squeeze(text, command, sizeof command);
        switch (p->type) {
        case 'Q':
            if (command[0] == '\0') {
                msg_empty(out, 'I');
            } else {
                ok = run(s, command, true, true, true);
            }
            break;
        case 'P':
            p->stmt->confirmed = true;
            msg_empty(out, '1');
            break;
        case 'B': msg_empty(out, '2'); break;
        case 'C': msg_empty(out, '3'); break;
        case 'D': ok = run(s, command, true, false, false); break;
        case 'E': ok = run(s, command, false, true, false); break;
        default: break;
        }
        if (!ok) {
            session_error(s, "42601", "unknown command",
                          "SHOW STATS|REPLICAS|CLIENTS|SERVERS|POOLS|ROUTES|CONFIG, RELOAD");
            return;
        }
    }
    if (s->unit.closed) {
        msg_ready(&s->wire.out, 'I');
    }
    wire_touch(&s->wire);
    session_end_unit(s);
}
