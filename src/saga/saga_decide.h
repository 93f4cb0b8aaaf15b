/* saga_decide.h - what happens to a saga next: a state and one input give a new state and what must be written.
 *
 * Pure: no clock, no memory, no I/O. The engine locks the rows of saga and subject, reads the state (instance.h),
 * calls saga_decide, and writes all of the outcome in the same transaction: state, subject, facts, commands, log. So
 * it makes no difference which engine decides, or how often one was killed before. A deadline in the state is the
 * only timer there is: an engine looks for `deadline_at <= now and not paused`, whatever the status (an undo that a
 * late reply has asked for runs under status COMPENSATED), and gives SAGA_IN_TIMER.
 *
 * Repeated replies. A worker answers a repeated command with the stored reply under its first id, so an engine must
 * not drop a reply because its inbox has the id: it says so in `repeated`, and what is awaited is taken all the same.
 *
 * Replies while paused are recorded in the state. The outcome of a resume lists them: the engine then feeds each one
 * to saga_decide, in that order, each on the state that the one before has left, in the same transaction. */
#ifndef PARKWAY_SAGA_SAGA_DECIDE_H
#define PARKWAY_SAGA_SAGA_DECIDE_H

#include "saga/instance.h"

enum saga_input_kind {
    SAGA_IN_START,  /* on a state from instance_new */
    SAGA_IN_REPLY,  /* event, id */
    SAGA_IN_TIMER,  /* also of a schedule that is due */
    SAGA_IN_CANCEL, /* who */
    SAGA_IN_PAUSE,  /* who */
    SAGA_IN_RESUME, /* who */
    SAGA_IN_RETRY,  /* who */
};

struct saga_input {
    enum saga_input_kind kind;
    int64_t now_us;       /* wall time, since 1970 UTC */
    const char *event;    /* of a reply: its type */
    const char *id;       /* of a reply, or of the event that starts: the log's actor */
    const char *who;      /* of what people ask for, as the log's actor: "operator:anna" */
    bool repeated;        /* of a reply: the inbox has seen the id before */
    struct str reason;    /* of a failure reply, one line for last_error; NULL: its type */
    int64_t scheduled_us; /* of a start: the first command not before; 0: at once */
};

enum saga_verdict {
    SAGA_TAKEN,   /* write everything */
    SAGA_HELD,    /* paused: write the state, which holds the reply now, and the log */
    SAGA_IGNORED, /* a reply that nobody awaits: write the log only */
    SAGA_NOTHING, /* it is so already, or no timer is due: write nothing, answer with success */
    SAGA_REFUSED, /* a conflict with the state, log.detail says which: write nothing */
};

enum {
    SAGA_OUT_SUBJECTS_MAX = 2, /* a cancel when nothing has begun ends at once */
    SAGA_OUT_FACTS_MAX = 4 * SAGA_FACTS_MAX,
    SAGA_OUT_COMMANDS_MAX = SAGA_SIDES_MAX + 4,
    SAGA_DETAIL_MAX = 511,
    SAGA_MESSAGE_MAX = SAGA_NAME_MAX + 9,
};

enum saga_command_kind { SAGA_COMMAND_STEP, SAGA_COMMAND_UNDO, SAGA_COMMAND_SIDE };

struct saga_command {
    enum saga_command_kind kind;
    const struct saga_call *call;
    int step;
    int64_t attempt;     /* from 1 */
    int64_t deadline_us; /* after which a worker drops it; 0: never */
};

/* A line of saga_log. Steps are numbers; -1: before the first. */
struct saga_entry {
    const char *actor; /* borrowed from the input, or "timer" */
    int from_step, to_step;
    enum saga_status from_status, to_status;
    char detail[SAGA_DETAIL_MAX + 1];
};

struct saga_outcome {
    enum saga_verdict verdict;
    struct saga_state state; /* the new one; with IGNORED, NOTHING, REFUSED the old one */
    int subject[SAGA_OUT_SUBJECTS_MAX]; /* the states that the subject goes through, one by one;
                                           the last is state.subject. None: it stays */
    int subject_count;
    const struct saga_event *facts[SAGA_OUT_FACTS_MAX]; /* in this order, before the commands */
    int fact_count;
    struct saga_command commands[SAGA_OUT_COMMANDS_MAX];
    int command_count;
    char message[SAGA_MESSAGE_MAX + 1]; /* for its failure messages: "timeout: STEP", or "" */
    bool reply_message;                 /* the reply's own reasons belong to them */
    struct saga_held replay[SAGA_EVENTS_MAX]; /* of a resume: the replies to be fed now */
    int replay_count;
    struct saga_entry log;
};

/* saga_decide - the outcome of `in` on `before`. before and out->state may be the same memory. Strings of the outcome
 * belong to the declaration or to the input. There is no input that it does not answer. Thread: any. */
void saga_decide(const struct saga *s, const struct saga_state *before,
                 const struct saga_input *in, struct saga_outcome *out);

const char *saga_verdict_text(enum saga_verdict v);

#endif
