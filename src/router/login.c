/* login.c - from the first byte to ReadyForQuery: the startup packet, SCRAM against the users file,
 * and a cancel request, which is a connection of its own.
 *
 * No server is needed to log in: the verifier proves the client, and the parameters told are those
 * the primary last reported to this worker, overlaid with what the client asks for. The primary's
 * own follow when the session's connection to it is made and they differ. */
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "router/router_conf.h"
#include "router/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- the startup packet ---- */

static bool is(struct str s, const char *name)
{
    return str_eq(s, str_of(name));
}

/* A parkway.* setting of the startup packet. False: refused, the client has been told. */
static bool take_own(struct session *s, struct str name, struct str value)
{
    const char *why = local_set(s, name, value);
    if (why != NULL) {
        session_fatal(s, "22023", why);
        return false;
    }
    return true;
}

/* The settings inside "options": -c name=value, --name=value; a backslash keeps a blank. Those of
 * the router take effect; the text goes on to the servers as it is. */
static bool take_options(struct session *s, struct str text)
{
    char word[512];
    size_t i = 0;
    bool value_next = false;
    while (i < text.n) {
        size_t n = 0;
        while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t')) {
            i++;
        }
        while (i < text.n && text.p[i] != ' ' && text.p[i] != '\t' && n + 1 < sizeof word) {
            i += text.p[i] == '\\' && i + 1 < text.n;
            word[n++] = text.p[i++];
        }
        word[n] = '\0';
        if (strcmp(word, "-c") == 0) {
            value_next = true;
            continue;
        }
        char *at = strncmp(word, "--", 2) == 0 || strncmp(word, "-c", 2) == 0 ? word + 2 : word;
        char *equals = strchr(at, '=');
        if (equals != NULL && (value_next || at != word)) {
            struct str name = {at, (size_t)(equals - at)};
            if (name.n > 8 && strncasecmp(name.p, "parkway.", 8) == 0) {
                if (!take_own(s, name, str_of(equals + 1))) {
                    return false;
                }
            } else if (name.n == 11 && strncasecmp(name.p, "search_path", 11) == 0) {
                judge_scope_path(&s->scope, str_of(equals + 1));
            } else {
                uint32_t clear = 0;
                s->pins |= classify_setting_pins(name, str_of(equals + 1), &clear);
            }
        }
        value_next = false;
        if (n == 0 && i >= text.n) {
            break;
        }
    }
    return true;
}

static void keep_param(struct session *s, struct str name, struct str value)
{
    buf_addstr(&s->params, name);
    buf_u8(&s->params, 0);
    buf_addstr(&s->params, value);
    buf_u8(&s->params, 0);
}

static bool take_param(struct session *s, struct str name, struct str value)
{
    if (is(name, "user") || is(name, "database")) {
        char *to = is(name, "user") ? s->user : s->dbname;
        if (value.n >= sizeof s->user) {
            session_fatal(s, "22023", "name is too long");
            return false;
        }
        memcpy(to, value.p, value.n);
        to[value.n] = '\0';
        return true;
    }
    if (is(name, "replication")) {
        if (is(value, "false") || is(value, "off") || is(value, "0") || is(value, "no")) {
            return true;
        }
        session_fatal(s, "0A000", "replication connections are not routed");
        return false;
    }
    if (name.n > 8 && strncasecmp(name.p, "parkway.", 8) == 0) {
        return take_own(s, name, value);
    }
    if (name.n > 5 && strncmp(name.p, "_pq_.", 5) == 0) {
        return true;
    }
    if (is(name, "options") && !take_options(s, value)) {
        return false;
    }
    if (name.n == 11 && strncasecmp(name.p, "search_path", 11) == 0) {
        judge_scope_path(&s->scope, value);
    }
    uint32_t clear = 0;
    s->pins |= classify_setting_pins(name, value, &clear);
    keep_param(s, name, value);
    return true;
}

static void ask_sasl(struct session *s)
{
    struct buf *out = &s->wire.out;
    size_t m = msg_begin(out, 'R');
    buf_u32(out, 10);
    buf_addz(out, "SCRAM-SHA-256");
    buf_u8(out, 0);
    msg_end(out, m);
    wire_touch(&s->wire);
    s->state = SESSION_LOGIN;
}

static bool is_admin(const struct session *s)
{
    const struct conf_strings *list = &router_conf()->admin_users;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], s->user) == 0) {
            return true;
        }
    }
    return false;
}

static void begin(struct session *s, struct str body, uint32_t version)
{
    struct rd r = rd_of(body), first = r;
    struct str name, value;
    while (msg_startup_param(&first, &name, &value)) {
        if (is(name, "user") && !take_param(s, name, value)) {
            return;
        }
    }
    judge_scope_init(&s->scope, s->user);
    while (msg_startup_param(&r, &name, &value)) {
        if (!take_param(s, name, value)) {
            return;
        }
    }
    if (r.bad || s->user[0] == '\0') {
        session_fatal(s, r.bad ? "08P01" : "28000",
                      r.bad ? "invalid startup packet layout"
                            : "no PostgreSQL user name specified in startup packet");
        return;
    }
    if (s->dbname[0] == '\0') {
        memcpy(s->dbname, s->user, sizeof s->dbname);
    }
    s->console = strcmp(s->dbname, "parkway") == 0;
    s->routed = strcmp(s->dbname, s->worker->router->targets.list[0].dbname) == 0;
    s->known_user = users_find(s->worker->router->users, str_of(s->user), &s->verifier);
    if (version != MSG_PROTOCOL_3) {
        size_t m = msg_begin(&s->wire.out, 'v');
        buf_u32(&s->wire.out, MSG_PROTOCOL_3);
        buf_u32(&s->wire.out, 0);
        msg_end(&s->wire.out, m);
    }
    ask_sasl(s);
}

/* A cancel request: for the worker that the first number names. It is never answered but by closing
 * the connection, when it has been carried out. */
static void pass_cancel(struct session *s, struct str body)
{
    struct rd r = rd_of(body);
    uint32_t pid = rd_u32(&r);
    uint32_t secret = rd_u32(&r);
    struct router *router = s->worker->router;
    uint32_t index = pid >> 20;
    s->slot = worker_slot_take(s->worker, s);
    if (r.bad || index >= router->worker_count || s->slot == UINT32_MAX) {
        session_close(s);
        return;
    }
    rand_bytes(&s->secret, sizeof s->secret);
    s->cancelling = true;
    worker_cancel(&router->workers[index], (pid & (WORKER_SLOTS_MAX - 1)) - 1, secret,
                  &(struct cancel_from){s->worker, s->slot, s->secret});
}

static bool feed_startup(struct session *s)
{
    uint32_t code;
    size_t size;
    struct str body;
    if (s->cancelling) {
        buf_reset(&s->wire.in);
        return false;
    }
    enum msg_step step = msg_startup(buf_str(&s->wire.in), &code, &size, &body);
    if (step == MSG_NEED) {
        return false;
    }
    if (step == MSG_BAD) {
        session_close(s); /* not PostgreSQL's protocol: no answer, as the server does */
        return false;
    }
    bool *asked = code == MSG_CODE_SSL   ? &s->asked_ssl
                  : code == MSG_CODE_GSS ? &s->asked_gss
                                         : NULL;
    if (asked != NULL && !*asked) {
        *asked = true;
        buf_u8(&s->wire.out, 'N');
        wire_touch(&s->wire);
    } else if (code == MSG_CODE_CANCEL) {
        pass_cancel(s, body);
        return false;
    } else if (code >> 16 != 3) {
        session_fatal(s, "0A000", "unsupported frontend protocol: the router supports 3.0");
        return false;
    } else {
        begin(s, body, code);
    }
    if (s->state == SESSION_CLOSED) {
        return false;
    }
    buf_take(&s->wire.in, size);
    return true;
}

/* ---- SCRAM ---- */

static void refuse(struct session *s)
{
    char text[128];
    snprintf(text, sizeof text, "password authentication failed for user \"%s\"", s->user);
    meter_add(&s->worker->meter.login_failures_total, 1);
    log_info("login failed user=\"%s\" session=%u.%u", s->user, s->worker->index, s->slot);
    session_fatal(s, "28P01", text);
}

static void sasl_reply(struct session *s, uint32_t code, struct str text)
{
    struct buf *out = &s->wire.out;
    size_t m = msg_begin(out, 'R');
    buf_u32(out, code);
    buf_addstr(out, text);
    msg_end(out, m);
    wire_touch(&s->wire);
}

static void first_message(struct session *s, struct str body, struct err *e)
{
    struct rd r = rd_of(body);
    struct str mechanism = rd_cstr(&r);
    uint32_t n = rd_u32(&r);
    struct str data = rd_bytes(&r, n);
    struct buf reply = BUF_INIT;
    char nonce[SCRAM_NONCE + 1];
    scram_nonce(nonce);
    s->scram = def_zalloc(1, sizeof *s->scram);
    if (r.bad || !is(mechanism, "SCRAM-SHA-256") || data.p == NULL) {
        session_fatal(s, "08P01", "client selected an invalid SASL authentication mechanism");
    } else if (scram_server_first(s->scram, &s->verifier, data, nonce, &reply, e) != 0) {
        session_fatal(s, "08P01", e->text);
    } else {
        sasl_reply(s, 11, buf_str(&reply));
    }
    buf_fini(&reply);
}

static void final_message(struct session *s, struct str body, struct err *e)
{
    struct buf reply = BUF_INIT;
    int rc = scram_server_final(s->scram, &s->verifier, body, &reply, e);
    if (rc == ERR_PROTOCOL) {
        session_fatal(s, "08P01", e->text);
    } else if (rc != 0 || !s->known_user) {
        refuse(s);
    } else {
        memcpy(s->client_key, s->scram->client_key, SCRAM_KEY);
        scram_free(s->scram);
        s->scram = NULL;
        sasl_reply(s, 12, buf_str(&reply));
        sasl_reply(s, 0, STR(""));
        login_welcome(s);
    }
    buf_fini(&reply);
}

/* ---- the welcome ---- */

/* What the client asked for in its startup packet, of a parameter that is reported; or NULL. */
static struct str asked_param(const struct session *s, const char *name)
{
    struct rd r = rd_of(buf_str(&s->params));
    while (rd_left(&r) > 0) {
        struct str n = rd_cstr(&r);
        struct str v = rd_cstr(&r);
        if (n.n == strlen(name) && strncasecmp(n.p, name, n.n) == 0) {
            return v;
        }
    }
    return STR_NULL;
}

static void tell_params(struct session *s)
{
    static const struct {
        const char *name;
        const char *initial; /* told while no server was ever reached */
    } told[] = {
        {"application_name", ""},      {"client_encoding", "UTF8"},
        {"DateStyle", "ISO, MDY"},     {"default_transaction_read_only", "off"},
        {"in_hot_standby", "off"},     {"integer_datetimes", "on"},
        {"IntervalStyle", "postgres"}, {"is_superuser", "off"},
        {"server_encoding", "UTF8"},   {"server_version", "15.0"},
        {"session_authorization", ""}, {"standard_conforming_strings", "on"},
        {"TimeZone", "Etc/UTC"},
    };
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        const char *name = told[i].name;
        struct str value = asked_param(s, name);
        if (strcmp(name, "session_authorization") == 0) {
            value = str_of(s->user);
        } else if (strcmp(name, "client_encoding") == 0 && value.p != NULL &&
                   (strncasecmp(value.p, "utf", 3) == 0 ||
                    strcasecmp(value.p, "unicode") == 0)) {
            value = STR("UTF8");
        } else if (value.p == NULL && strcmp(name, "application_name") == 0) {
            value = STR("");
        } else if (value.p == NULL && strcmp(name, "is_superuser") != 0 &&
                   strcmp(name, "in_hot_standby") != 0 &&
                   strcmp(name, "default_transaction_read_only") != 0) {
            value = fresh_param(s->worker->fresh, name);
        }
        if (value.p == NULL) {
            value = str_of(told[i].initial);
        }
        msg_param(&s->wire.out, str_of(name), value);
    }
}

void login_welcome(struct session *s)
{
    if (s->console && !is_admin(s)) {
        session_fatal(s, "42501",
                      "the database \"parkway\" is the router's console, for "
                      "router.admin_users only");
        return;
    }
    s->slot = worker_slot_take(s->worker, s);
    if (s->slot == UINT32_MAX) {
        session_fatal(s, "53300", "sorry, too many clients already");
        return;
    }
    rand_bytes(&s->secret, sizeof s->secret);
    tell_params(s);
    msg_key(&s->wire.out, s->worker->index << 20 | (s->slot + 1), s->secret);
    msg_ready(&s->wire.out, 'I');
    wire_touch(&s->wire);
    s->deadline_us = 0;
    s->status = 'I';
    s->state = SESSION_IDLE;
    meter_add(&s->worker->meter.logins_total, 1);
}

struct backend_login login_for(const struct session *s, const struct target *t)
{
    struct backend_login l = {.params = buf_data(&s->params),
                              .params_len = s->params.len,
                              .read_only = t->index != TARGET_PRIMARY,
                              .by_key = true,
                              .verifier = s->verifier};
    memcpy(l.client_key, s->client_key, SCRAM_KEY);
    memcpy(l.user, s->user, sizeof l.user);
    memcpy(l.dbname, t->index == TARGET_PRIMARY ? s->dbname : t->dbname, sizeof l.dbname);
    return l;
}

bool login_feed(struct session *s)
{
    struct msg m;
    struct err e = ERR_INIT;
    if (s->state == SESSION_STARTUP) {
        return feed_startup(s);
    }
    enum msg_step step = msg_next(buf_str(&s->wire.in), &m);
    if (step == MSG_BAD || (step == MSG_DONE && m.type != 'p') ||
        (step == MSG_NEED && s->wire.in.len > SCRAM_TEXT_MAX * 4)) {
        session_fatal(s, "08P01", "expected a SASL response");
        return false;
    }
    if (step == MSG_NEED) {
        return false;
    }
    if (s->scram == NULL) {
        first_message(s, m.body, &e);
    } else {
        final_message(s, m.body, &e);
    }
    if (s->state == SESSION_CLOSED) {
        return false;
    }
    buf_take(&s->wire.in, m.size);
    return true;
}
