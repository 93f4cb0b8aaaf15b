/* declaration_conf.c - see declaration_conf.h. The keys of a file of sagas, each with its default and range;
 * docs/sagas.md explains them at length, and a test fails when it leaves one out. */
#include "saga/declaration_conf.h"

#define TEXT(type_, member, initial_, flags_, sentence_)                                       \
    {                                                                                          \
        .name = #member, .type = CONF_STRING, .offset = offsetof(struct type_, member),        \
        .unit = "", .initial = (initial_), .flags = (flags_), .sentence = (sentence_)          \
    }
#define TEXTS(type_, member, sentence_)                                                        \
    {                                                                                          \
        .name = #member, .type = CONF_STRINGS, .offset = offsetof(struct type_, member),       \
        .unit = "", .initial = "", .sentence = (sentence_)                                     \
    }
#define FLAG(type_, member, sentence_)                                                         \
    {                                                                                          \
        .name = #member, .type = CONF_BOOL, .offset = offsetof(struct type_, member),          \
        .unit = "", .initial = "false", .sentence = (sentence_)                                \
    }
#define NUMBER(type_, member, unit_, initial_, min_, max_, sentence_)                          \
    {                                                                                          \
        .name = #member, .type = CONF_INT, .offset = offsetof(struct type_, member),           \
        .unit = (unit_), .initial = (initial_), .min = (min_), .max = (max_),                  \
        .sentence = (sentence_)                                                                \
    }
#define GROUPS(type_, member, sub_, sub_type_, flags_, sentence_)                              \
    {                                                                                          \
        .name = #member, .type = CONF_GROUPS, .offset = offsetof(struct type_, member),        \
        .unit = "", .initial = "", .flags = (flags_), .sub = (sub_),                           \
        .sub_count = ARRAY_LEN(sub_), .sub_size = sizeof(struct sub_type_),                    \
        .sentence = (sentence_)                                                                \
    }
#define LINE(type_)                                                                            \
    {                                                                                          \
        .name = "", .type = CONF_LINE, .offset = offsetof(struct type_, line), .unit = "",     \
        .sentence = ""                                                                         \
    }

enum { A_WEEK_MS = 7 * 24 * 3600 * 1000, TRIES_MAX = 1000 };

static const struct conf_key event_keys[] = {
    TEXT(event_conf, type, "", CONF_REQUIRED, "Its type."),
    TEXT(event_conf, key, "", CONF_REQUIRED, "Its routing key."),
    LINE(event_conf),
};

static const struct conf_key success_keys[] = {
    TEXT(success_conf, event, "", CONF_REQUIRED, "The reply."),
    TEXT(success_conf, next, "", 0,
         "The step it leads to, or \"end\"; else the following one."),
    LINE(success_conf),
};

static const struct conf_key failure_keys[] = {
    TEXT(failure_conf, event, "", CONF_REQUIRED, "The reply."),
    {.name = "then",
     .type = CONF_STRING,
     .offset = offsetof(struct failure_conf, then),
     .unit = "",
     .initial = "compensate",
     .choices = "compensate|retry|continue|fail",
     .sentence = "What it leads to."},
    LINE(failure_conf),
};

static const struct conf_key undo_keys[] = {
    TEXT(call_conf, command, "", CONF_REQUIRED, "The command that undoes the step."),
    TEXT(call_conf, queue, "", CONF_REQUIRED, "Its queue."),
    TEXTS(call_conf, when, "States of the subject in which it is this one."),
    LINE(call_conf),
};

static const struct conf_key also_keys[] = {
    TEXT(call_conf, command, "", CONF_REQUIRED, "A command whose answer nobody waits for."),
    TEXT(call_conf, queue, "", CONF_REQUIRED, "Its queue."),
    LINE(call_conf),
};

static const struct conf_key state_keys[] = {
    TEXT(state_conf, state, "", CONF_REQUIRED, "A state of the subject."),
    FLAG(state_conf, final, "The subject never leaves it."),
    TEXTS(state_conf, status, "What the saga can be meanwhile; FAILED always can."),
    LINE(state_conf),
};

static const struct conf_key step_keys[] = {
    TEXT(step_conf, name, "", CONF_REQUIRED, "Name of the step."),
    TEXT(step_conf, participant, "", 0, "Steps with the same one are undone as one."),
    TEXT(step_conf, command, "", 0, "The command; without one the step waits for an event."),
    TEXT(step_conf, queue, "", 0, "The command's queue."),
    GROUPS(step_conf, success, success_keys, success_conf, CONF_REQUIRED,
           "Replies that end the step well."),
    GROUPS(step_conf, failure, failure_keys, failure_conf, 0, "Replies that do not."),
    GROUPS(step_conf, undo, undo_keys, call_conf, 0, "The compensation: the first that fits."),
    TEXTS(step_conf, undone, "Replies of which each says that the step is undone."),
    FLAG(step_conf, harmless, "The step changes nothing: no compensation is needed."),
    FLAG(step_conf, pivot, "Its success decides: no compensation after a failure behind it."),
    NUMBER(step_conf, timeout_ms, "ms", "0", 0, A_WEEK_MS,
           "How long a try waits; 0: for ever."),
    NUMBER(step_conf, tries, "", "3", 1, TRIES_MAX, "How often the command is sent."),
    {.name = "exhausted",
     .type = CONF_STRING,
     .offset = offsetof(struct step_conf, exhausted),
     .unit = "",
     .initial = "",
     .choices = "|compensate|continue|fail",
     .sentence = "What the last try leads to; compensate up to the pivot, fail behind it."},
    NUMBER(step_conf, undo_timeout_ms, "ms", "10000", 1, A_WEEK_MS,
           "How long a try of the compensation waits."),
    NUMBER(step_conf, undo_tries, "", "10", 1, TRIES_MAX,
           "How often the compensation is sent before the saga is FAILED."),
    TEXTS(step_conf, guard, "States of the subject in which the step's replies are taken."),
    TEXT(step_conf, state, "", 0, "The subject's state from the success on."),
    TEXTS(step_conf, begin_facts, "Facts appended when the step begins."),
    TEXTS(step_conf, facts, "Facts appended on success."),
    GROUPS(step_conf, also, also_keys, call_conf, 0, "Side commands on success."),
    LINE(step_conf),
};

static const struct conf_key saga_keys[] = {
    TEXT(saga_conf_entry, name, "", CONF_REQUIRED, "Name of the saga."),
    TEXT(saga_conf_entry, start, "", CONF_REQUIRED, "The event that begins one."),
    TEXT(saga_conf_entry, table, "", CONF_REQUIRED, "The subject's table."),
    TEXT(saga_conf_entry, key, "", CONF_REQUIRED, "Its key column."),
    TEXT(saga_conf_entry, column, "state", 0, "Its state column."),
    TEXT(saga_conf_entry, stream, "", 0,
         "Its facts are in the streams <stream>-<key>; else the table's name."),
    TEXT(saga_conf_entry, owner, "", 0, "The role that writes it; else the engine's login."),
    TEXT(saga_conf_entry, follow, "", 0, "SQL function that writes it; else its state is set."),
    TEXT(saga_conf_entry, command_data, "", 0,
         "SQL function of what a command carries; else the data of the event that began it."),
    TEXT(saga_conf_entry, fact_data, "", 0,
         "SQL function of what a fact says; else key and state."),
    GROUPS(saga_conf_entry, states, state_keys, state_conf, CONF_REQUIRED,
           "The subject's states; it begins in the first."),
    TEXT(saga_conf_entry, rejected_state, "", 0, "When all is undone after a failure."),
    TEXTS(saga_conf_entry, rejected_facts, "Facts appended then."),
    TEXTS(saga_conf_entry, cancel_from, "States in which a cancel is taken."),
    TEXT(saga_conf_entry, cancel_state, "", 0, "While a cancelled one is undone."),
    TEXTS(saga_conf_entry, cancel_facts, "Facts appended by the cancel."),
    TEXT(saga_conf_entry, cancelled_state, "", 0, "When all is undone after a cancel."),
    TEXTS(saga_conf_entry, cancelled_facts, "Facts appended then."),
    GROUPS(saga_conf_entry, steps, step_keys, step_conf, CONF_REQUIRED, "The steps, in order."),
    LINE(saga_conf_entry),
};

static const struct conf_key worker_keys[] = {
    TEXT(worker_conf, name, "", CONF_REQUIRED, "Its name."),
    TEXT(worker_conf, queue, "", CONF_REQUIRED, "Where its commands come from."),
    TEXT(worker_conf, owner, "", 0, "The role that it writes as; else the login itself."),
    TEXT(worker_conf, function, "", CONF_REQUIRED,
         "SQL function of a command and of settings that returns the reply."),
    LINE(worker_conf),
};

const struct conf_key declaration_keys[] = {
    GROUPS(declaration_conf, events, event_keys, event_conf, 0,
           "Every event that a saga begins with, waits for or appends."),
    GROUPS(declaration_conf, sagas, saga_keys, saga_conf_entry, 0, "The sagas."),
    GROUPS(declaration_conf, workers, worker_keys, worker_conf, 0, "The workers."),
};
const size_t declaration_key_count = ARRAY_LEN(declaration_keys);
