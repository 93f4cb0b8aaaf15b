/* decide.h - where a unit of work goes: verdict × transaction × pins × freshness × health ->
 * target and reason. Pure: no clock, no memory, no I/O; the router fills the input, obeys the
 * output and keeps the reason for SHOW parkway.route.
 *
 * A unit is one simple Query (all its statements) or everything from one Sync to the next. */
#ifndef PARKWAY_ROUTER_DECIDE_H
#define PARKWAY_ROUTER_DECIDE_H

#include "router/judge.h"

enum decide_target {
    DECIDE_PRIMARY,
    DECIDE_REPLICA, /* .replica says which */
    DECIDE_ROUTER,  /* the router answers: BEGIN (deferred), the end of what was never sent */
    DECIDE_MOVE,    /* the transaction goes from the replica to the primary, the unit with it */
    DECIDE_REFUSE,  /* 40001 "could not serialize access …"; next try: retry_primary */
    DECIDE_ASK,     /* ask the primary for its position, then decide again */
    DECIDE_WAIT,  /* wait for a replica, at most what is left of router.wait_ms, decide again */
    DECIDE_ERROR, /* no server may take it: no_replica = "error", or no primary for a write */
};

enum decide_level { DECIDE_EVENTUAL, DECIDE_SESSION, DECIDE_STRONG };

/* The transaction block of the session before the unit. */
enum decide_tx {
    DECIDE_TX_NONE,
    DECIDE_TX_DEFERRED, /* BEGIN answered, nothing sent yet; modes in tx_modes */
    DECIDE_TX_PRIMARY,
    DECIDE_TX_REPLICA, /* on .tx_replica */
};

struct decide_replica {
    bool up;      /* healthy, state running */
    bool login;   /* this user can log in there */
    bool refused; /* it refused this shape before (remembered verdict) */
    bool fresh;   /* has applied the position this session needs (also its last replica's) */
    bool current; /* the session read here last */
    uint8_t side; /* of the catalogue; 0: a physical standby */
    uint32_t outstanding;
    uint32_t weight; /* 0: never chosen */
};

struct decide_input {
    const struct classification *text; /* of the unit when it is one text, else NULL */
    const struct judge_verdict *verdict;
    uint32_t pins;
    bool user_parameters; /* a declared parameter type has OID >= 16384 */
    bool shaped;          /* this session's DDL may not be in the catalogues yet */
    bool session_primary; /* the session asked for the primary (parkway.route setting) */
    /* transaction */
    enum decide_tx tx;
    struct classify_modes tx_modes;
    uint32_t tx_replica;    /* index */
    bool tx_read_committed; /* of a transaction on a replica */
    bool tx_holds;  /* portals or savepoints that a move would lose, or rows the client has seen
                                under a snapshot it may rely on */
    bool tx_failed; /* aborted: only its end is accepted */
    bool end_first; /* the unit's first statement is COMMIT or ROLLBACK */
    bool retry_primary; /* the last transaction was refused with 40001 */
    /* freshness */
    enum decide_level level;
    bool dirty;          /* served by the primary since the last known position */
    bool position_known; /* what the session needs is known; false with dirty: ask */
    bool other_epoch;    /* the token is of an older epoch */
    bool wait_over;      /* router.wait_ms has passed, or is 0 */
    /* health */
    bool primary_up;
    bool no_replica_error; /* router.no_replica = "error" */
    const struct decide_replica *replicas;
    uint32_t replica_count;
};

struct decide_output {
    enum decide_target target;
    uint32_t replica;
    enum reason why;
    char detail[REASON_DETAIL_MAX];
};

void decide(const struct decide_input *in, struct decide_output *out);
const char *decide_target_text(enum decide_target t);

#endif
