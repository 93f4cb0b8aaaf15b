/* declaration.h - what a saga is: steps, the replies they wait for, what undoes them, and the subject they drive.
 *
 * A saga is configuration. declaration_load reads a file of them (conf/sagas.cfg; the keys are explained in
 * docs/sagas.md), checks everything that can be known before one runs, and gives back plain structs in which names
 * have become numbers: an event is an index into events, a step one into steps, a state of the subject one into
 * states (and a bit in a mask of states). What was loaded never changes, so that any thread may read it.
 *
 * Steps run in the order of the file, or where a success says `next`, always forwards. The pivot is the step
 * whose success decides: until then a failure undoes what was started, from the last step to the first; behind it
 * steps are only repeated, handed to an operator, or left out. Steps of one participant (a ticket that is created
 * by one step and approved by another) are undone as one. */
#ifndef PARKWAY_SAGA_DECLARATION_H
#define PARKWAY_SAGA_DECLARATION_H

#include "base/buf.h"
#include "base/err.h"

enum {
    SAGA_STEPS_MAX = 32,  /* of a saga; marks travel in one column of text */
    SAGA_STATES_MAX = 32, /* of a subject; a mask has 32 bits */
    SAGA_EVENTS_MAX =
        64, /* that one saga waits for: so many replies can be held while it is paused */
    SAGA_FACTS_MAX = 16, /* that one key lists */
    SAGA_SIDES_MAX = 8,  /* side commands of a step */
    SAGA_NAME_MAX = 63,  /* bytes of the name of a saga, step, state or event */
};

/* clang-format off */
#define SAGA_STATUS_LIST(X)                                                                    \
    X(SAGA_NONE,         "NONE")         /* no row yet */                                      \
    X(SAGA_SCHEDULED,    "SCHEDULED")    /* the first command goes out at the deadline */      \
    X(SAGA_STARTED,      "STARTED")      /* the first step is under way */                     \
    X(SAGA_PROCESSING,   "PROCESSING")   /* a later step is */                                 \
    X(SAGA_SUCCEEDED,    "SUCCEEDED")    /* final */                                           \
    X(SAGA_COMPENSATING, "COMPENSATING") /* what was started is being undone */                \
    X(SAGA_COMPENSATED,  "COMPENSATED")  /* final: all of it is undone */                      \
    X(SAGA_FAILED,       "FAILED")       /* an operator is needed; retry goes on */
/* clang-format on */

enum saga_status {
#define X(name, text) name,
    SAGA_STATUS_LIST(X)
#undef X
        SAGA_STATUS_COUNT,
};

const char *saga_status_text(enum saga_status s);
/* saga_status_parse - false: no status is called that ("NONE" is none). */
bool saga_status_parse(const char *text, enum saga_status *out);

/* What a failure reply, or the last try without one, leads to. */
enum saga_action {
    SAGA_COMPENSATE, /* undo what was started */
    SAGA_RETRY, /* of a failure reply: the next try at the deadline; the last one is exhaustion */
    SAGA_CONTINUE, /* on to the following step, with last_error */
    SAGA_FAIL,     /* status FAILED: for an operator */
};

const char *saga_action_text(enum saga_action a);

struct saga_event {
    const char *type; /* CUSTOMER_APPROVED */
    const char *key;  /* routing key: customer.approve */
};

struct saga_call {
    const char *command; /* NULL in a step that only waits */
    const char *queue;
};

struct saga_success {
    int event;
    int next; /* step; step_count: the saga has succeeded */
};

struct saga_failure {
    int event;
    enum saga_action action;
};

struct saga_undo {
    struct saga_call call;
    uint32_t when; /* states of the subject in which it is this one; 0: in all that are left */
};

struct saga_facts {
    int event[SAGA_FACTS_MAX];
    int count;
};

struct saga_step {
    const char *name;
    int participant; /* the first step with the same participant */
    struct saga_call call;
    struct saga_success *success;
    int success_count;
    struct saga_failure *failure;
    int failure_count;
    struct saga_undo *undo;   /* the first whose `when` holds; the last one always does */
    int undo_count;           /* 0: nothing to undo */
    struct saga_facts undone; /* replies of which each says: it is undone */
    bool harmless;            /* changes nothing, so that nothing need be undone */
    bool pivot;
    int64_t timeout_ms; /* of one try; 0: waits for ever */
    int64_t tries;
    enum saga_action exhausted;
    int64_t undo_timeout_ms;
    int64_t undo_tries;
    uint32_t guard;                /* states of the subject in which a reply is taken; 0: any */
    int state;                     /* the subject's on success; -1: unchanged */
    struct saga_facts begin_facts; /* appended with the first try */
    struct saga_facts facts; /* appended on success, before the begin_facts of the next step */
    struct saga_call sides[SAGA_SIDES_MAX]; /* sent on success; nobody waits for an answer */
    int side_count;
};

struct saga_subject_state {
    const char *name;
    bool final;      /* the subject never leaves it */
    uint32_t status; /* bits 1 << enum saga_status that go with it; FAILED always does */
};

struct saga {
    const char *name;
    int start;                        /* event that begins one */
    const char *table, *key, *column; /* of the subject: its table, key column, state column */
    const char *stream;               /* its facts are in <stream>-<key> */
    const char *owner;                /* role that writes it; "": the login itself */
    const char *follow, *command_data, *fact_data;     /* SQL functions; "": none */
    struct saga_subject_state states[SAGA_STATES_MAX]; /* the first is the one it begins in */
    int state_count;
    int rejected_state; /* when all is undone after a failure; -1: no failure compensates */
    struct saga_facts rejected_facts;
    uint32_t cancel_from; /* states in which a cancel is taken; 0: never */
    int cancel_state;     /* while a cancelled one is undone; -1 with cancel_from 0 */
    struct saga_facts cancel_facts;
    int cancelled_state; /* at the end of that */
    struct saga_facts cancelled_facts;
    struct saga_step *steps;
    int step_count;
    int pivot; /* step */
    const struct saga_event *events;
    int event_count;
};

/* A worker: takes the commands of a queue, one transaction each. */
struct saga_worker {
    const char *name;
    const char *queue;
    const char *owner;    /* role that it writes as; "": the login itself */
    const char *function; /* SQL function of (command jsonb, settings jsonb) */
};

struct declarations {
    const struct saga_event *events; /* of the whole file, in its order */
    int event_count;
    const struct saga *sagas;
    int saga_count;
    const struct saga_worker *workers;
    int worker_count;
};

/* declaration_load - the file at path, checked. The result is the caller's until declaration_free.
 * Returns  0; ERR_INVALID with "file:line: saga …, step …: what is wrong"; ERR_NOT_FOUND: no such file. */
NODISCARD int declaration_load(const char *path, const struct declarations **out,
                               struct err *e);
void declaration_free(const struct declarations *d); /* NULL is allowed */

/* declaration_names - appends the sagas as an SQL array, {"food","simple"}: of others another engine takes care. */
void declaration_names(const struct declarations *d, struct buf *out);
/* declaration_event - the event of a type, or NULL. */
const struct saga_event *declaration_event(const struct declarations *d, const char *type);
/* declaration_saga - by name; declaration_started_by - by the event that begins it. NULL: none. */
const struct saga *declaration_saga(const struct declarations *d, const char *name);
const struct saga *declaration_started_by(const struct declarations *d, const char *event_type);

/* Numbers of names; -1: none. */
int saga_event_find(const struct saga *s, const char *type);
int saga_step_find(const struct saga *s, const char *name);
int saga_state_find(const struct saga *s, const char *name);
/* saga_success_step - the step that event is a success of, or -1. No event is one of two steps. */
int saga_success_step(const struct saga *s, int event);
/* saga_awaits - whether some step of s waits for the event, as success, failure or undone: the engine's queue
 * must be bound to its key. */
bool saga_awaits(const struct saga *s, int event);
bool saga_facts_have(const struct saga_facts *f, int event);

#endif
