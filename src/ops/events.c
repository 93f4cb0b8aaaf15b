/* events.c - parkway events: reading the stream of events or the event store table, and filling queues from it again.
 *
 *   parkway events [--store] [--from=PLACE] [--key=PATTERN] [--limit=N] [--follow] [--json]
 *   parkway events --republish (--to=QUEUE | --bindings) [--store] [--from=PLACE] [--key=PATTERN] [--limit=N]
 *
 * PLACE is first (default), last (the end of the stream, for --follow), a position of the primary (events at
 * or behind it), offset:N of the stream, or a time as 2026-01-31T12:00:00Z (events of commits at or after
 * it). PATTERN is a binding key with * and #. Without --follow the command ends behind what was the last event when it
 * began.
 *
 * --store takes the events from the table public.events of the primary, which keeps them for ever (eventrows.h tells in
 * what they differ). PLACE is first, seq:N or a time then, and there is no --follow.
 *
 * --republish sends what it reads to one queue, or with --bindings to every queue of events.bindings whose key
 * fits: under the same routing key, message id and headers, persistent, mandatory and confirmed, a bounded
 * number at a time; nobody else gets it. A queue that has an event already gets it again. When it is
 * interrupted, it says from where to go on.
 *
 * Exit status: 0; 1 failure; 2 usage; 3 no such stream, queue or table; 5 broker or primary is down; 6 the broker stopped before the
 * end. */
#include "ops/ops.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/json.h"
#include "event/member.h"
#include "event/pattern.h"
#include "event/setup.h"
#include "event/tail.h"
#include "mq/publish.h"
#include "mq/topology.h"
#include "ops/eventrows.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PREFETCH = 200,
    WINDOW = 200,
    QUIET_MS = 3000,  /* where the broker does not say that nothing is there */
    STALL_MS = 30000, /* where there is something */
    CONFIRM_MS = 30000,
};

struct request {
    struct tail_place place;
    int64_t from_seq; /* 0: any; of --store alone */
    const char *key;
    int64_t limit; /* 0: none */
    bool store, follow, json, republish, bindings;
    const char *to;
};

/* A queue to be filled, and the key under which it was bound. */
struct target {
    char *queue, *key;
};

/* A message as it was, from the stream or a row: shown, or sent again. at: its offset, or its seq. */
struct message {
    uint64_t at;
    struct str time; /* cloudEvents:time, or p NULL */
    struct publish_message m;
    struct publish_header headers[PUBLISH_HEADERS_MAX];
    char names[PUBLISH_HEADERS_MAX][256];
    char key[256], id[256], type[128];
};

struct events {
    struct request q;
    struct link *out;
    char exchange[64];
    struct target *targets;
    size_t target_count;
    uint64_t tag;             /* of the last message published */
    uint64_t confirmed;       /* every one up to this is */
    uint64_t offsets[WINDOW]; /* of the unconfirmed ones, by tag; of rows: their seqs */
    uint64_t next;            /* the offset or seq to go on from */
    int64_t count;
};

/* seq:N is of the table alone. */
static bool read_place(const char *text, struct request *q)
{
    char *end;
    if (strncmp(text, "seq:", 4) != 0) {
        return tail_place_parse(text, &q->place);
    }
    q->from_seq = strtoll(text + 4, &end, 10);
    return end != text + 4 && *end == '\0' && q->from_seq >= 0;
}

/* --- a message in one form ---------------------------------------------------------------------------- */

static void text_into(char *out, size_t size, struct str text)
{
    snprintf(out, size, "%.*s", STR_ARG(text));
}

static void finish_message(struct message *out, size_t header_count, struct str body)
{
    out->m = (struct publish_message){.key = out->key,
                                      .content_type = out->type,
                                      .message_id = out->id,
                                      .headers = out->headers,
                                      .header_count = header_count,
                                      .body = body};
    out->time = STR_NULL;
    for (size_t i = 0; i < header_count; i++) {
        if (strcmp(out->headers[i].name, "cloudEvents:time") == 0) {
            out->time = out->headers[i].text;
        }
    }
}

/* Of the stream; borrows from the delivery. */
static void message_of_delivery(struct message *out, const struct link_event *d)
{
    size_t n = 0;
    size_t at = 0;
    out->at = 0;
    (void)consume_offset(d, &out->at);
    while (n < PUBLISH_HEADERS_MAX &&
           link_header_next(d, &at, out->names[n], sizeof out->names[n], &out->headers[n].text,
                            &out->headers[n].number)) {
        out->headers[n].name = out->names[n];
        n += strcmp(out->names[n], "x-stream-offset") != 0;
    }
    text_into(out->key, sizeof out->key, d->key);
    text_into(out->id, sizeof out->id, d->message_id);
    text_into(out->type, sizeof out->type, d->content_type);
    finish_message(out, n, d->body);
}

/* Of the table: its id is the event's own, since the row does not know its position. */
static void message_of_row(struct message *out, const struct event *row, int64_t seq)
{
    out->at = (uint64_t)seq;
    text_into(out->key, sizeof out->key, str_of(row->key));
    text_into(out->id, sizeof out->id, str_of(row->message_id));
    text_into(out->type, sizeof out->type, STR("application/json"));
    for (size_t i = 0; i < row->header_count; i++) {
        out->headers[i] = (struct publish_header){.name = row->headers[i].name,
                                                  .text = event_header_text(row, i)};
        if (strcmp(row->headers[i].name, "cloudEvents:id") == 0) {
            text_into(out->id, sizeof out->id, out->headers[i].text);
        }
    }
    finish_message(out, row->header_count, buf_str(&row->body));
}

/* --- showing ----------------------------------------------------------------------------------------- */

static void add_headers(struct json *j, const struct message *m)
{
    json_key(j, "headers");
    json_object(j);
    for (size_t i = 0; i < m->m.header_count; i++) {
        json_key(j, m->headers[i].name);
        if (m->headers[i].text.p != NULL) {
            json_text(j, m->headers[i].text);
        } else {
            json_int(j, m->headers[i].number);
        }
    }
    json_object_end(j);
}

static void show(const struct events *ev, const struct message *m)
{
    struct buf out = BUF_INIT;
    if (!ev->q.json) {
        buf_addf(&out, "%" PRIu64 " %s %s %.*s\n", m->at, m->key, m->id, STR_ARG(m->time));
        buf_addstr(&out, m->m.body);
    } else {
        struct json j;
        json_init(&j, &out, JSON_COMPACT);
        json_object(&j);
        json_key_int(&j, ev->q.store ? "seq" : "offset", (int64_t)m->at);
        json_key_text(&j, "routing_key", str_of(m->key));
        json_key_text(&j, "message_id", str_of(m->id));
        json_key_text(&j, "content_type", str_of(m->type));
        add_headers(&j, m);
        json_key(&j, "data");
        if (member_check(m->m.body)) {
            json_raw(&j, m->m.body);
        } else {
            json_text(&j, m->m.body);
        }
        json_object_end(&j);
    }
    buf_u8(&out, '\n');
    fwrite(buf_data(&out), 1, out.len, stdout);
    buf_fini(&out);
}

/* --- sending again ----------------------------------------------------------------------------------- */

/* The offset from which nothing would be missing. */
static uint64_t resume_offset(const struct events *ev)
{
    return ev->confirmed < ev->tag ? ev->offsets[(ev->confirmed + 1) % WINDOW] : ev->next;
}

static int on_confirm(struct events *ev, const struct link_event *c, struct err *e)
{
    switch (c->kind) {
    case LINK_ACK: /* classic queues may confirm out of order: only the front counts */
        if (c->multiple ? c->tag > ev->confirmed : c->tag == ev->confirmed + 1) {
            ev->confirmed = c->tag;
        } else if (c->tag > ev->confirmed) {
            ev->offsets[c->tag % WINDOW] |= UINT64_C(1) << 63; /* confirmed ahead of others */
        }
        while (ev->confirmed < ev->tag &&
               (ev->offsets[(ev->confirmed + 1) % WINDOW] >> 63) != 0) {
            ev->confirmed++;
        }
        return 0;
    case LINK_NACK: return err_set(e, ERR_FULL, "a queue refuses the events");
    case LINK_RETURN:
        return err_set(e, ERR_NOT_FOUND, "a queue is not there any more (key %.*s)",
                       STR_ARG(c->key));
    default: return 0;
    }
}

/* Takes confirms until at most `open` are missing. */
static int pump(struct events *ev, uint64_t open, struct err *e)
{
    int64_t until = clock_mono_us() + CONFIRM_MS * INT64_C(1000);
    int rc = 0;
    while (rc == 0) {
        struct link_event c;
        bool enough = ev->tag - ev->confirmed <= open;
        rc = link_next(ev->out, enough ? 0 : 100, &c, e);
        if (rc == 0 && c.kind == LINK_NONE) {
            if (enough) {
                break;
            }
            if (daemon_stopping() || clock_mono_us() > until) {
                rc = err_set(e, ERR_TIMEOUT, "the broker does not confirm");
            }
        } else if (rc == 0) {
            rc = on_confirm(ev, &c, e);
        }
    }
    return rc;
}

static bool has_target(const struct events *ev, struct str key)
{
    for (size_t i = 0; i < ev->target_count; i++) {
        if (pattern_match(str_of(ev->targets[i].key), key)) {
            return true;
        }
    }
    return false;
}

static int send_again(struct events *ev, struct message *m, struct err *e)
{
    int rc = pump(ev, WINDOW - 1, e);
    if (rc != 0) {
        return rc;
    }
    m->m.exchange = ev->exchange;
    ev->offsets[(ev->tag + 1) % WINDOW] = m->at;
    ev->tag++;
    return publish_send(ev->out, &m->m, e);
}

static void add_target(struct events *ev, const char *queue, size_t n, const char *key)
{
    ev->targets = def_realloc(ev->targets, (ev->target_count + 1) * sizeof *ev->targets);
    ev->targets[ev->target_count++] = (struct target){def_strndup(queue, n), def_strdup(key)};
}

/* An exchange of our own leads to the queues, so that nobody else gets what they lost. */
static int open_targets(struct events *ev, struct err *e)
{
    if (ev->q.to != NULL) {
        add_target(ev, ev->q.to, strlen(ev->q.to), "#");
    }
    for (size_t i = 0; ev->q.bindings && i < setup()->events_bindings.count; i++) {
        const char *row = setup()->events_bindings.items[i];
        const char *equals = strchr(row, '=');
        if (equals != NULL) {
            add_target(ev, row, (size_t)(equals - row), equals + 1);
        }
    }
    if (ev->target_count == 0) {
        return err_set(e, ERR_INVALID, "events.bindings names no queue");
    }
    struct link_options o = {.name = "parkway events (publisher)"};
    int rc = link_open(&ev->out, setup()->broker_url, &o, e);
    snprintf(ev->exchange, sizeof ev->exchange, "parkway.republish.%d.%lld", (int)getpid(),
             (long long)clock_wall_us());
    if (rc == 0) {
        rc = topology_passage(ev->out, ev->exchange, e);
    }
    for (size_t i = 0; rc == 0 && i < ev->target_count; i++) {
        rc = topology_bind(ev->out, ev->targets[i].queue, ev->exchange, ev->targets[i].key, e);
    }
    return rc == 0 ? publish_start(ev->out, e) : rc;
}

static void close_targets(struct events *ev)
{
    struct err ignored = ERR_INIT;
    if (ev->out != NULL && link_channel_alive(ev->out)) {
        (void)!topology_passage_end(ev->out, ev->exchange, &ignored);
    }
    link_close(ev->out);
    for (size_t i = 0; i < ev->target_count; i++) {
        free(ev->targets[i].queue);
        free(ev->targets[i].key);
    }
    free(ev->targets);
}

/* --- reading ----------------------------------------------------------------------------------------- */

static int take(struct events *ev, struct message *m, struct err *e)
{
    ev->count++;
    if (ev->q.republish) {
        return send_again(ev, m, e);
    }
    show(ev, m);
    return 0;
}

static int take_delivery(struct events *ev, const struct link_event *d, bool wanted,
                         struct err *e)
{
    struct message m;
    int rc = 0;
    message_of_delivery(&m, d);
    if (wanted && (!ev->q.republish || has_target(ev, d->key))) {
        rc = take(ev, &m, e);
    }
    ev->next = m.at + 1;
    return rc;
}

/* Nothing has come for so long. Whether events are there from a time on only the broker knows, and it says nothing; to the end of the
 * stream from a place before it they are. */
static int at_rest(const struct events *ev, int64_t end, int64_t quiet_us, bool *done,
                   struct err *e)
{
    const struct consume_place *in = &ev->q.place.in;
    bool sure =
        in->from == CONSUME_FIRST || (in->from == CONSUME_OFFSET && (int64_t)in->offset <= end);
    *done = !sure && quiet_us > QUIET_MS * INT64_C(1000);
    return sure && quiet_us > STALL_MS * INT64_C(1000)
               ? err_set(e, ERR_TIMEOUT, "the broker stopped in front of event %" PRId64, end)
               : 0;
}

static int read_stream(struct events *ev, struct err *e)
{
    struct tail_options o = {
        .name = "parkway events", .place = ev->q.place, .key = ev->q.key, .prefetch = PREFETCH};
    struct tail *in = NULL;
    int64_t end = -1;
    int rc = ev->q.follow ? 0 : tail_end(o.name, &end, e);
    bool done = !ev->q.follow && end < 0;
    rc = rc == 0 ? tail_open(&in, &o, e) : rc;
    int64_t last_us = clock_mono_us();
    while (rc == 0 && !done && !daemon_stopping() &&
           (ev->q.limit == 0 || ev->count < ev->q.limit)) {
        struct link_event m;
        bool wanted;
        rc = tail_next(in, 100, &m, &wanted, e);
        if (rc == 0 && m.kind == LINK_DELIVER) {
            last_us = clock_mono_us();
            rc = take_delivery(ev, &m, wanted, e);
            done = !ev->q.follow && (int64_t)ev->next > end;
        } else if (rc == 0) {
            fflush(stdout);
            rc = ev->q.republish ? pump(ev, WINDOW, e) : 0;
            if (rc == 0 && !ev->q.follow) {
                rc = at_rest(ev, end, clock_mono_us() - last_us, &done, e);
            }
        }
    }
    tail_close(in);
    return rc;
}

static int read_table(struct events *ev, struct err *e)
{
    struct eventrows *table = NULL;
    struct event *row = NULL;
    int64_t seq = 0;
    int rc = eventrows_open(&table, ev->q.from_seq, ev->q.place.from_s, e);
    while (rc == 0 && !daemon_stopping() && (ev->q.limit == 0 || ev->count < ev->q.limit)) {
        struct message m;
        rc = eventrows_next(table, &row, &seq, e);
        if (rc != 0 || row == NULL) {
            break;
        }
        struct str key = str_of(row->key);
        bool fits = ev->q.key == NULL || pattern_match(str_of(ev->q.key), key);
        if (fits && (!ev->q.republish || has_target(ev, key))) {
            message_of_row(&m, row, seq);
            rc = take(ev, &m, e);
        } else if (ev->q.republish) {
            rc = pump(ev, WINDOW, e); /* heartbeats */
        }
        ev->next = (uint64_t)seq + 1;
    }
    eventrows_close(table);
    return rc;
}

/* --- arguments --------------------------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(
        stderr,
        "usage: parkway events [--store] [--from=PLACE] [--key=PATTERN] [--limit=N] "
        "[--follow]\n"
        "                      [--json]\n"
        "       parkway events --republish (--to=QUEUE|--bindings) [--store] [--from=PLACE]\n"
        "                      [--key=PATTERN] [--limit=N]\n"
        "PLACE: first, last, a position, offset:N, or a time as 2026-01-31T12:00:00Z;\n"
        "       with --store: first, seq:N, or a time\n");
    return err_exit(ERR_USAGE);
}

static bool read_options(int argc, char **argv, struct request *q)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},  {"key", required_argument, NULL, 'k'},
        {"limit", required_argument, NULL, 'l'}, {"follow", no_argument, NULL, 'F'},
        {"json", no_argument, NULL, 'j'},        {"republish", no_argument, NULL, 'r'},
        {"to", required_argument, NULL, 't'},    {"bindings", no_argument, NULL, 'b'},
        {"store", no_argument, NULL, 's'},       {NULL, 0, NULL, 0},
    };
    bool ok = true;
    int o;
    q->place.in.from = CONSUME_FIRST;
    optind = 1;
    while (ok && (o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        char *end = NULL;
        switch (o) {
        case 'f': ok = read_place(optarg, q); break;
        case 'k': q->key = optarg; break;
        case 'l':
            q->limit = strtoll(optarg, &end, 10);
            ok = q->limit > 0 && *end == '\0';
            break;
        case 'F': q->follow = true; break;
        case 'j': q->json = true; break;
        case 'r': q->republish = true; break;
        case 't': q->to = optarg; break;
        case 'b': q->bindings = true; break;
        case 's': q->store = true; break;
        default: ok = false;
        }
    }
    bool somewhere = (q->to != NULL) != q->bindings;
    bool timed = q->place.from_s != 0;
    bool place = q->store ? !q->follow && q->place.from.lsn == 0 &&
                                (timed || q->place.in.from == CONSUME_FIRST)
                          : q->from_seq == 0;
    return ok && optind == argc && place &&
           (q->republish ? somewhere && !q->follow && !q->json : q->to == NULL && !q->bindings);
}

int events_main(int argc, char **argv)
{
    struct events ev = {0};
    struct err e = ERR_INIT;
    if (!read_options(argc, argv, &ev.q)) {
        return usage();
    }
    daemon_init();
    ev.next = ev.q.store ? (uint64_t)ev.q.from_seq : ev.q.place.in.offset;
    int rc = ev.q.republish ? open_targets(&ev, &e) : 0;
    if (rc == 0) {
        rc = ev.q.store ? read_table(&ev, &e) : read_stream(&ev, &e);
    }
    if (rc == 0 && ev.q.republish) {
        rc = pump(&ev, 0, &e);
    }
    fflush(stdout);
    if (ev.q.republish) {
        printf("sent again: %" PRId64 "\n", ev.count);
    }
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    }
    if (ev.q.republish && (rc != 0 || daemon_stopping())) {
        fprintf(stderr, "hint: go on with --from=%s:%" PRIu64 "\n",
                ev.q.store ? "seq" : "offset", resume_offset(&ev));
    }
    close_targets(&ev);
    return rc == 0 ? 0 : err_exit(rc);
}
