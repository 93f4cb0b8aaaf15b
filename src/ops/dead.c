/* dead.c - parkway dead: dead letters of the worker queues, and what becomes of them.
 *
 *   parkway dead [list] [QUEUE] [--json]
 *   parkway dead show QUEUE ID [--json]
 *   parkway dead retry QUEUE [ID] | --all
 *   parkway dead drop  QUEUE [ID] | --all
 *
 * QUEUE is a worker queue (order-ticket), ID a message id; without ID it means every letter that the queue has at
 * that moment. `retry` publishes a letter to its queue again, as it was but for the broker's own headers (x-death …), waits for
 * the confirm, and only then takes it from the dead ones: a kill between the two leaves it in both, which
 * workers are made for (they answer a command that they have seen with the first answer), and none is ever lost.
 * `drop` forgets it for good. A letter that cannot be published stays, and the command ends there.
 *
 * Exit status: 0; 1 the broker did not take a letter; 2 usage; 3 no such letter; 4 another one goes through them;
 * 5 the broker is down. */
#include "base/clock.h"
#include "base/daemon.h"
#include "base/json.h"
#include "event/member.h"
#include "event/setup.h"
#include "mq/publish.h"
#include "ops/letters.h"
#include "ops/ops.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

enum { CONFIRM_MS = 30000 };

struct request {
    const char *action;
    const char *queue; /* NULL: all of them */
    const char *id;    /* NULL: all of them */
    bool all, json;
};

struct dead {
    struct request q;
    struct link *out; /* opened by the first letter that is sent */
    uint64_t tag;
    int64_t done;
};

/* ---- showing -------------------------------------------------------------------------------------- */

static struct str bare(struct str raw, struct buf *room)
{
    return raw.p != NULL && member_text(raw, room) ? buf_str(room) : raw;
}

static void add_members(struct json *j, const struct letter *l)
{
    json_key_text(j, "queue", str_of(l->queue));
    json_key_text(j, "id", l->id);
    json_key_text(j, "time", str_of(l->time));
    json_key_text(j, "reason", l->reason);
    json_key_int(j, "count", l->count);
    json_key(j, "command");
    json_raw(j, l->command.p != NULL ? l->command : STR("null"));
    json_key(j, "orderId");
    json_raw(j, l->order.p != NULL ? l->order : STR("null"));
}

static void put_line(struct buf *out)
{
    buf_u8(out, '\n');
    fwrite(buf_data(out), 1, out->len, stdout);
    buf_fini(out);
}

static int list_one(void *ctx, const struct letter *l, enum letters_verdict *verdict,
                    struct err *e)
{
    const struct dead *d = ctx;
    struct buf out = BUF_INIT;
    UNUSED(e);
    *verdict = LETTERS_KEEP;
    if (d->q.json) {
        struct json j;
        json_init(&j, &out, JSON_CLI);
        json_object(&j);
        add_members(&j, l);
        json_object_end(&j);
    } else {
        struct buf command = BUF_INIT;
        struct buf order = BUF_INIT;
        struct str c = bare(l->command, &command);
        struct str o = bare(l->order, &order);
        buf_addf(&out, "%s %.*s since=%s reason=%.*s count=%" PRId64 " command=%.*s order=%.*s",
                 l->queue, STR_ARG(l->id), l->time, STR_ARG(l->reason), l->count,
                 STR_ARG(c.p != NULL ? c : STR("-")), STR_ARG(o.p != NULL ? o : STR("-")));
        buf_fini(&order);
        buf_fini(&command);
    }
    put_line(&out);
    return 0;
}

static bool is_meant(const struct dead *d, const struct letter *l)
{
    return d->q.id == NULL || str_eq(l->id, str_of(d->q.id));
}

static void add_headers(struct json *j, const struct link_event *ev)
{
    char name[256];
    struct str text;
    int64_t number;
    json_key(j, "headers");
    json_object(j);
    for (size_t at = 0; link_header_next(ev, &at, name, sizeof name, &text, &number);) {
        json_key(j, name);
        if (text.p != NULL) {
            json_text(j, text);
        } else {
            json_int(j, number);
        }
    }
    json_object_end(j);
}

static int show_one(void *ctx, const struct letter *l, enum letters_verdict *verdict,
                    struct err *e)
{
    struct dead *d = ctx;
    struct buf out = BUF_INIT;
    UNUSED(e);
    *verdict = LETTERS_KEEP;
    if (!is_meant(d, l)) {
        return 0;
    }
    d->done++;
    if (d->q.json) {
        struct json j;
        json_init(&j, &out, JSON_CLI);
        json_object(&j);
        add_members(&j, l);
        add_headers(&j, l->event);
        json_key(&j, "body");
        if (member_check(l->event->body)) {
            json_raw(&j, l->event->body);
        } else {
            json_text(&j, l->event->body);
        }
        json_object_end(&j);
    } else {
        buf_addf(&out,
                 "queue:  %s\nid:     %.*s\ntime:   %s\nreason: %.*s\ncount:  %" PRId64
                 "\nbody:   ",
                 l->queue, STR_ARG(l->id), l->time, STR_ARG(l->reason), l->count);
        buf_addstr(&out, l->event->body);
    }
    put_line(&out);
    *verdict = LETTERS_STOP;
    return 0;
}

/* ---- acting --------------------------------------------------------------------------------------- */

static bool is_brokers(const char *header)
{
    static const char *const prefixes[] = {"x-death", "x-first-death-", "x-last-death-",
                                           "x-delivery-count"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (strncmp(header, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int open_out(struct dead *d, struct err *e)
{
    struct link_options o = {.name = "parkway dead (publisher)"};
    if (d->out != NULL) {
        return 0;
    }
    int rc = link_open(&d->out, setup()->broker_url, &o, e);
    return rc == 0 ? publish_start(d->out, e) : rc;
}

static int wait_confirm(struct dead *d, const char *queue, struct err *e)
{
    int64_t until = clock_mono_us() + CONFIRM_MS * INT64_C(1000);
    struct link_event c = {.kind = LINK_NONE};
    int rc = 0;
    while (rc == 0 && !(c.kind == LINK_ACK && c.tag >= d->tag)) {
        rc = link_next(d->out, 100, &c, e);
        if (rc == 0 && c.kind == LINK_RETURN) {
            rc = err_set(e, ERR_NOT_FOUND, "there is no queue %s", queue);
        } else if (rc == 0 && c.kind == LINK_NACK) {
            rc = err_set(e, ERR_FULL, "the queue %s refuses the message", queue);
        } else if (rc == 0 && c.kind == LINK_NONE && clock_mono_us() > until) {
            rc = err_set(e, ERR_TIMEOUT, "the broker does not confirm");
        }
    }
    return rc;
}

static int send(struct dead *d, const struct letter *l, struct err *e)
{
    const struct link_event *ev = l->event;
    struct publish_header headers[PUBLISH_HEADERS_MAX];
    char names[PUBLISH_HEADERS_MAX][256];
    size_t n = 0;
    for (size_t at = 0;
         n < PUBLISH_HEADERS_MAX && link_header_next(ev, &at, names[n], sizeof names[n],
                                                     &headers[n].text, &headers[n].number);) {
        headers[n].name = names[n];
        n += !is_brokers(names[n]);
    }
    char type[256];
    char id[256];
    char content_type[256];
    snprintf(type, sizeof type, "%.*s", STR_ARG(ev->type));
    snprintf(id, sizeof id, "%.*s", STR_ARG(ev->message_id));
    snprintf(content_type, sizeof content_type, "%.*s",
             STR_ARG(ev->content_type.p != NULL ? ev->content_type : STR("application/json")));
    struct publish_message m = {.exchange = "",
                                .key = l->queue,
                                .content_type = content_type,
                                .type = ev->type.p != NULL ? type : NULL,
                                .message_id = ev->message_id.p != NULL ? id : NULL,
                                .headers = headers,
                                .header_count = n,
                                .body = ev->body};
    int rc = open_out(d, e);
    if (rc == 0) {
        d->tag++;
        rc = publish_send(d->out, &m, e);
    }
    return rc == 0 ? wait_confirm(d, l->queue, e) : rc;
}

static int act_on(void *ctx, const struct letter *l, enum letters_verdict *verdict,
                  struct err *e)
{
    struct dead *d = ctx;
    if (!is_meant(d, l)) {
        return 0;
    }
    int rc = strcmp(d->q.action, "retry") == 0 ? send(d, l, e) : 0;
    if (rc == 0) {
        *verdict = LETTERS_SETTLE;
        d->done++;
    }
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------------- */

static int run(struct dead *d, struct err *e)
{
    struct letters_queues queues = {0};
    bool list = strcmp(d->q.action, "list") == 0;
    bool show = strcmp(d->q.action, "show") == 0;
    int rc = 0;
    if (d->q.queue != NULL) {
        queues.names[queues.count++] = d->q.queue;
    } else {
        rc = letters_queues_load(&queues, e);
    }
    for (size_t i = 0; rc == 0 && i < queues.count; i++) {
        int64_t seen = 0;
        rc = letters_visit(queues.names[i],
                           list   ? list_one
                           : show ? show_one
                                  : act_on,
                           d, &seen, e);
        rc = rc != 0 ? err_add(e, "%s", queues.names[i]) : 0;
    }
    letters_queues_free(&queues);
    if (rc == 0 && d->q.id != NULL && d->done == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "no such dead letter");
    }
    if (!list && !show && (rc == 0 || d->done > 0)) {
        printf("%s: %" PRId64 "\n", strcmp(d->q.action, "retry") == 0 ? "retried" : "dropped",
               d->done);
    }
    return rc;
}

static bool read_request(int argc, char **argv, struct request *q)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    int o;
    optind = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'a': q->all = true; break;
        case 'j': q->json = true; break;
        default: return false;
        }
    }
    int at = optind;
    q->action = at < argc ? argv[at++] : "list";
    q->queue = at < argc ? argv[at++] : NULL;
    q->id = at < argc ? argv[at++] : NULL;
    if (at < argc) {
        return false;
    }
    if (strcmp(q->action, "list") == 0) {
        return q->id == NULL && !q->all;
    }
    if (strcmp(q->action, "show") == 0) {
        return q->id != NULL && !q->all;
    }
    bool known = strcmp(q->action, "retry") == 0 || strcmp(q->action, "drop") == 0;
    return known && !q->json && (q->queue != NULL) != q->all;
}

int dead_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct dead d = {0};
    if (!read_request(argc, argv, &d.q)) {
        fprintf(stderr, "usage: parkway dead [list] [QUEUE] [--json]\n"
                        "       parkway dead show QUEUE ID [--json]\n"
                        "       parkway dead retry|drop QUEUE [ID] | --all\n");
        return err_exit(ERR_USAGE);
    }
    daemon_init();
    int rc = run(&d, &e);
    link_close(d.out);
    if (rc != 0) {
        fflush(stdout);
        fprintf(stderr, "error: %s\n", e.text);
    }
    return rc == 0 ? 0 : err_exit(rc);
}
