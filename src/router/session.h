/* session.h - one client: its connection, its unit of work in progress, its transaction, its
 * prepared statements, its settings, what it has seen and written.
 *
 *   STARTUP --> LOGIN --> IDLE --> ROUTING --> RUNNING --> IDLE …
 *                          ^           |          |
 *                          |           v          v
 *                          +------- (answer)    OPEN   a Flush, or a unit too long to hold:
 *                                               the unit goes on, more of it may come
 *   any --> CLOSED
 *
 * A unit is one Query, or everything up to Sync. Units are served one after the other; what the
 * client pipelines behind stays in its buffer, and when that is full the client is not read. The
 * unit's own bytes stay there too until it is over, so that it can be run again elsewhere: nothing
 * is copied. Files: login.c (STARTUP, LOGIN), unit.c (IDLE: collecting), route.c (ROUTING),
 * send.c and answer.c (RUNNING, OPEN), local.c (what the router answers itself), vars.c
 * (settings), session.c (the machine around them). Thread: the session's worker. */
#ifndef PARKWAY_ROUTER_SESSION_H
#define PARKWAY_ROUTER_SESSION_H

#include "base/trace.h"
#include "router/backend.h"
#include "router/cache.h"
#include "router/decide.h"
#include "router/fresh.h"
#include "router/pool.h"
#include "router/stmt.h"
#include "router/worker.h"

enum {
    UNIT_MAX =
        64 << 10, /* bytes of a unit that is held to be judged as a whole, and replayed */
    UNIT_PARTS_MAX = 512,
    HOLD_MAX = 8 << 10, /* bytes of a replica's answer held back */
    VARS_MAX = 64,      /* settings followed; more pin the session to the primary */
    PORTALS_MAX = 256,
};

enum session_state {
    SESSION_STARTUP,
    SESSION_LOGIN,
    SESSION_IDLE,
    SESSION_ROUTING,
    SESSION_RUNNING,
    SESSION_OPEN,
    SESSION_CLOSED,
};

/* One message of the client inside the unit; it stands at `at` in wire.in. */
struct part {
    char type;
    bool whole; /* false: too long for the buffer; the rest follows as it comes */
    size_t at, size;
    struct stmt *stmt; /* that it makes or uses; a reference, or NULL */
};

struct unit {
    struct part *parts;
    uint32_t count, cap;
    uint32_t looked; /* parts that unit_look has seen */
    uint32_t sent;   /* parts that a server has been given */
    uint32_t
        met;     /* parts whose answers the client has, by Flush: only Parse, Describe, Close */
    size_t len;  /* bytes of all parts in wire.in */
    bool closed; /* ends with Sync, Query or FunctionCall */
    bool large;  /* too long: the primary, as it comes */
    bool copying;  /* CopyInResponse has been seen: CopyData follows */
    bool failed;   /* an error was answered */
    bool executes; /* runs something (not only Parse, Describe, Close) */
    bool server;   /* some part needs a server at all */
    bool primary;  /* only the primary will do, because of `why` */
    bool mixed;    /* more than one text */
    bool user_types;
    bool unread; /* a text too long to be parsed, which may set what nobody can see */
    bool read;   /* the verdict allows a replica */
    enum reason why;
    struct judge_verdict verdict; /* of all texts */
    bool judged;
    struct classification *sole; /* of the only text; a reference, or NULL */
    uint64_t shape;
    /* routing */
    bool asked; /* the primary's position was asked for in this unit */
    bool ask_failed;
    bool waited; /* router.wait_ms is over */
    int64_t wait_deadline_us, wait_since_us;
    bool confirmed; /* settings were confirmed, or need not be */
    struct decide_output decision;
};

struct portal {
    char *name; /* "" unnamed */
    struct stmt *stmt;
};

/* A setting that the session has changed since it logged in. */
struct var {
    char *name;
    char *value; /* NULL: back at its default */
};
struct vars {
    struct var list[VARS_MAX];
    uint32_t count;
    bool stale; /* names are right, values have to be read from the primary */
};

struct session {
    struct wire wire;
    struct worker *worker;
    struct session *prev, *next;
    enum session_state state;
    uint32_t slot, secret;
    int64_t since_us, deadline_us;
    size_t stream_left; /* bytes of an overlong message still to come from the client, … */
    struct backend *stream_to; /* … for the server that has its beginning; NULL: for nobody */
    bool console;
    bool asked_ssl, asked_gss; /* each may be asked for once, as the server has it */
    bool cancelling; /* a connection that asked for a cancel, until it has been carried out */
    bool held;       /* the unit waits for a cancel request that is under way */
    bool ending;     /* the client has said Terminate, or is gone */
    bool skipping;   /* an error was answered inside a unit: up to Sync everything is dropped */

    /* who */
    char user[64];
    char dbname[64];
    struct buf params; /* startup parameters for the servers: name NUL value NUL … */
    struct scram *scram;
    struct scram_verifier verifier;
    uint8_t client_key[SCRAM_KEY];
    bool known_user, routed; /* routed: its database has replicas */

    struct unit unit;
    struct stmts stmts;
    struct portal *portals;
    uint32_t portal_count, portal_cap;
    bool portal_open; /* on the replica, in a transaction: a portal, a cursor or a savepoint */

    /* transaction */
    enum decide_tx tx;
    bool tx_failed; /* aborted by the router: the servers know nothing of it */
    bool
        tx_lost; /* and the client does not know either: its COMMIT must fail, not say ROLLBACK */
    char status; /* as the client was told: I, T, E */
    struct classify_modes modes;
    struct buf begin; /* the client's BEGIN */
    bool retry_primary;

    /* servers */
    struct backend *primary;
    bool primary_ready;
    uint64_t generation; /* of the primary connection */
    struct backend *replica;
    struct backend *serving; /* where the unit runs: one of the two, or NULL */
    struct pool_wait pool_wait;
    struct buf hold;
    struct buf later; /* what the primary said unasked while a row of a replica was under way */
    bool reached;     /* part of this unit's answer is out of hand */
    struct err refusal; /* why the last try to get a connection failed */

    /* state that follows the session */
    uint32_t pins;
    struct judge_scope scope;
    struct vars vars;
    bool confirming; /* a query of vars.c is under way on the primary */

    /* freshness */
    enum decide_level level;
    struct fresh_wait wait;
    bool dirty, wrote, other_epoch;
    bool shaped;             /* DDL in this transaction */
    int64_t shaped_until_us; /* until then the catalogues may not show it */
    struct position need;
    uint32_t last_replica; /* target index; 0 none */
    uint32_t last_returns; /* of that replica at that time */
    bool report, reporting;
    bool to_primary;            /* SET parkway.route = primary */
    char trace[TRACE_TEXT_MAX]; /* SET parkway.traceparent; "" none */
    bool traced;                /* this transaction has its parkway.trace */
    bool traced_query;          /* which stands in front of a simple Query */
    int64_t wait_ms;            /* SET parkway.wait_ms; -1: router.wait_ms */
    struct decide_output last;  /* of the last unit that was routed */
    bool noted;
    struct pool *pools[TARGET_MAX]; /* by target; the worker's, looked up once */
    bool cancelled;
    uint64_t units, reads;
};

/* tags of expectations; a Parse has TAG_STMT + the statement's serial */
enum {
    TAG_PART,
    TAG_BEGIN,
    TAG_VARS,
    TAG_CONFIRM,
    TAG_END,
    TAG_OWN,
    TAG_TRACE,
    TAG_STMT = BACKEND_TAG_STMT
};

/* session.c */
void session_new(struct worker *w, int fd);
/* session_close - at once; s stays readable until the loop turns. */
void session_close(struct session *s);
/* session_fatal - FATAL to the client, then close. */
void session_fatal(struct session *s, const char *sqlstate, const char *text);
/* session_step - go on with what the client has sent. */
void session_step(struct session *s);
/* session_error - the unit ends with an error of the router's: told, and skipped up to Sync. */
void session_error(struct session *s, const char *sqlstate, const char *text, const char *hint);
/* session_refuse - likewise, but the transaction stays where it is and as it is. */
void session_refuse(struct session *s, const char *sqlstate, const char *text,
                    const char *hint);
/* session_move - to another state; a move that the drawing lacks is a bug. */
void session_move(struct session *s, enum session_state to);
/* session_end_unit - the unit is over and its ReadyForQuery is out: forget it, go on. */
void session_end_unit(struct session *s);
void session_tick(struct session *s, int64_t now_us);
void session_cancel(struct session *s, const struct cancel_from *from);
void session_drop_portals(struct session *s);
/* session_release - the replica's connection back to its pool. */
void session_release(struct session *s);
/* session_fail_tx - the transaction is lost: everything but its end is refused from now on. */
void session_fail_tx(struct session *s);
/* session_shake - the client's input may be read again. */
void session_shake(struct session *s);

/* login.c: feeds on wire.in; true when it has made a step */
bool login_feed(struct session *s);
void login_welcome(struct session *s);
struct backend_login login_for(const struct session *s, const struct target *t);

/* unit.c */
/* unit_collect - take the next messages in; true when the unit is to be routed. */
bool unit_collect(struct session *s);
/* unit_look - statements, portals and verdict of the parts that are new. */
void unit_look(struct session *s);
void unit_reset(struct session *s);
struct msg unit_msg(const struct session *s, const struct part *p);
/* unit_sole_text - the only text of the unit; borrowed until the client's buffer changes. */
struct str unit_sole_text(const struct session *s);
/* unit_sole - the unit's only statement, if it executes exactly one; else NULL. */
const struct classify_stmt *unit_sole(const struct session *s);

/* route.c */
void route_start(struct session *s); /* a unit (or its next piece) is at hand */
void route_step(struct session *s);  /* something it waited for has come */
/* route_text - where the last unit went, and why (into out when it has to be made). */
const char *route_text(const struct session *s, const char **why, char out[REASON_TEXT_MAX]);
/* route_replay - the replica's answer will not do: the primary. */
void route_replay(struct session *s);

/* send.c: the unit's parts that are not yet sent, to s->serving */
void send_unit(struct session *s);
/* send_stream - pass on what has come of an overlong message, or of CopyData. */
void send_stream(struct session *s);
void send_copy(struct session *s);

/* answer.c */
extern const struct backend_ops answer_ops;
void answer_release_hold(struct session *s);
/* answer_out - where the next bytes for the client go. */
struct buf *answer_out(struct session *s);

/* local.c */
/* local_answer - answer the unit without a server, if it is one of those. True: done. */
bool local_answer(struct session *s);
/* local_parts - the replies to all parts of the unit, with one command tag; status after it. */
void local_parts(struct session *s, const char *tag, char status);
void local_position(struct session *s); /* the answer to SHOW parkway.position is known */
/* local_set - a parkway.* setting, at login or by SET. NULL, or the error's text. */
const char *local_set(struct session *s, struct str name, struct str value);

/* tracing.c */
/* tracing_write - puts the traceparent of the unit, if it has one, in front of what is about to be sent to the primary. */
void tracing_write(struct session *s);
/* tracing_failed - the server refused that; the client has the error. */
void tracing_failed(struct session *s);

/* vars.c */
void vars_note(struct session *s, const struct classification *c); /* executed on the primary */
void vars_put(struct session *s, struct str name, struct str value);
void vars_clear(struct session *s);
/* vars_confirm - ask the primary for the values; the answer goes to vars_row. */
void vars_confirm(struct session *s);
void vars_row(struct session *s, struct str row);
/* vars_apply - put them in force on a shared connection, before the unit. */
void vars_apply(struct session *s, struct backend *b);
/* vars_restore - all of them, on a new primary connection. */
void vars_restore(struct session *s, struct backend *b);

/* admin.c */
/* admin_unit - the console's answer to the unit. */
void admin_unit(struct session *s);

/* cancel.c */
/* cancel_send - have the server stop what b runs; then, or when it cannot be done, cancel_done. */
void cancel_send(struct backend *b, const struct cancel_from *from);
/* cancel_done - the client's request has been carried out: its connection may be closed. */
void cancel_done(struct worker *w, const struct cancel_from *from);

#endif
