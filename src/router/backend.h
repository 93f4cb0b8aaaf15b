/* backend.h - one connection to a server, speaking the wire protocol: connecting, logging in as a
 * user with that user's ClientKey, and knowing at every moment which replies are still to come.
 *
 * For every message sent that will be answered, the sender records an expectation; it says what the
 * answer belongs to and whether the client may see it. So the router can put statements of its own
 * (BEGIN, SET, a Parse that another server had) between a client's without mixing up replies, and
 * after an error it knows, as the server does, that everything up to the next Sync is skipped.
 *
 *   CONNECTING --> LOGIN --> READY  <--> (expectations outstanding)
 *        \-----------\---------\-----> CLOSED     lost(why), then freed by the loop
 *
 * Two kinds of users exist, hence the table of functions: a session (its statements) and own.h (the
 * router's own queries). Thread: the worker that opened it, for life. */
#ifndef PARKWAY_ROUTER_BACKEND_H
#define PARKWAY_ROUTER_BACKEND_H

#include "pg/msg.h"
#include "pg/scram.h"
#include "router/target.h"
#include "router/wire.h"

struct worker;
struct pool;
struct prepared;

enum backend_state { BACKEND_CONNECTING, BACKEND_LOGIN, BACKEND_READY, BACKEND_CLOSED };

enum expect_kind {
    EXPECT_PARSE,    /* ends with ParseComplete */
    EXPECT_BIND,     /* BindComplete */
    EXPECT_CLOSE,    /* CloseComplete */
    EXPECT_DESCRIBE, /* RowDescription or NoData */
    EXPECT_EXECUTE,  /* CommandComplete, EmptyQueryResponse, PortalSuspended */
    EXPECT_SYNC,     /* ReadyForQuery */
    EXPECT_QUERY,    /* ReadyForQuery; everything before it belongs to the query */
    EXPECT_CALL,     /* ReadyForQuery, of a function call */
    EXPECT_LOCAL, /* nothing was sent: the answer is ParseComplete when the tag is a statement's,
                        else CloseComplete */
};

struct expect {
    enum expect_kind kind;
    bool show;    /* the client sees the answer */
    uint64_t tag; /* the sender's */
};

/* Who to log in as. Copied by backend_open. */
struct backend_login {
    char user[64];
    char dbname[64];
    const char *params; /* more startup parameters: name NUL value NUL …, may be NULL */
    size_t params_len;
    bool read_only; /* guard (b): default_transaction_read_only=on, behind all else */
    bool by_key;    /* verifier and client_key; otherwise password */
    struct scram_verifier verifier;
    uint8_t client_key[SCRAM_KEY];
    const char *password;
};

struct backend;
struct backend_ops {
    void (*ready)(struct backend *b); /* logged in */
    /* bytes that the client may see; may start and end inside a message */
    void (*bytes)(struct backend *b, const char *p, size_t n);
    /* any message but DataRow and CopyData, whole. x: what it answers, already taken off when the
     * message ends it; NULL for what nobody asked for. True: taken care of; false: show it like
     * bytes if x->show. May release or close b. */
    bool (*message)(struct backend *b, const struct msg *m, const struct expect *x);
    void (*drained)(struct backend *b);
    /* the connection is gone, or never came up; b is closed already and stays readable until return */
    void (*lost)(struct backend *b, const struct err *why);
};

enum { BACKEND_TAG_STMT = 16 }; /* from here on a tag belongs to a statement */
enum { BACKEND_MESSAGE_MAX = 16 << 20 /* of a message that has to be looked at whole */ };

struct backend {
    struct wire wire;
    struct worker *worker;
    struct target *target;
    enum backend_state state;
    const struct backend_ops *ops;
    void *user;
    struct backend_login login;
    struct scram *scram; /* while logging in */
    uint32_t pid, secret;
    char tx;       /* of the last ReadyForQuery: I, T or E */
    bool mismatch; /* the server holds another verifier for this user */
    struct expect *ring;
    uint32_t ring_head, ring_len, ring_cap;
    bool open; /* parts of an extended query were sent, and no Sync behind them */
    bool
        skipping; /* after an error the server drops everything up to a Sync that is not sent yet */
    size_t stream_left; /* bytes of a row that is longer than the buffer, still to come */
    bool stream_show;
    struct err fatal;            /* the last FATAL that the server sent */
    int64_t deadline_us;         /* of the login; 0 when none */
    int64_t used_us;             /* when it was released last */
    uint32_t cancels;            /* cancel requests under way: nothing new may run here */
    struct backend *prev, *next; /* of the worker */
    /* a shared connection */
    struct pool *pool;
    struct backend *pool_next;
    bool dirty;  /* a session's settings are applied to it */
    bool called; /* a function ran that may have set what its text does not tell */
    struct prepared *prepared; /* statements it holds; NULL for none */
    uint64_t unnamed;          /* serial of the statement that its unnamed one is; 0 unknown */
};

/* backend_open - start connecting; ready or lost follows later, never before return.
 * Returns  0 and *out; ERR_UNAVAILABLE and nothing. */
NODISCARD int backend_open(struct backend **out, struct worker *w, struct target *t,
                           const struct backend_login *login, const struct backend_ops *ops,
                           void *user, struct err *e);
/* backend_close - Terminate and close; no callback follows. */
void backend_close(struct backend *b);
/* backend_expect - one more answer to come, for a message just appended to b->wire.out. */
void backend_expect(struct backend *b, enum expect_kind kind, bool show, uint64_t tag);
/* backend_query - a simple query of the router's own. */
void backend_query(struct backend *b, struct str text, bool show, uint64_t tag);
void backend_sync(struct backend *b, bool show, uint64_t tag);
/* backend_idle - nothing outstanding, outside a transaction. */
bool backend_idle(const struct backend *b);
/* backend_resume - after wire_pause: read again, beginning with what is there. */
void backend_resume(struct backend *b);
/* backend_hide - nobody wants the answers that are still to come. */
void backend_hide(struct backend *b);
/* backend_hide_unit - nor those of the unit, but for the ReadyForQuery that ends it. */
void backend_hide_unit(struct backend *b);
/* backend_drop_syncs - the server has begun COPY IN: Syncs sent before are ignored by it. */
void backend_drop_syncs(struct backend *b);
/* backend_follows - behind the answer under way, others but Syncs' are expected. */
bool backend_follows(const struct backend *b);
/* backend_settle - after the expectations of a unit were recorded: answers of EXPECT_LOCAL that have
 * their turn already. */
void backend_settle(struct backend *b);
/* backend_tick - give up a login that takes too long. */
void backend_tick(struct backend *b, int64_t now_us);

#endif
