/* declaration_conf.h - the text of a file of sagas as it stands there: names, not numbers yet.
 *
 * Between base/conf.h, which reads it by the tables here, and declaration.c, which turns names into numbers.
 * Every part that can be wrong knows its line. Owner: declaration.c; released by conf_free. */
#ifndef PARKWAY_SAGA_DECLARATION_CONF_H
#define PARKWAY_SAGA_DECLARATION_CONF_H

#include "base/conf.h"

struct event_conf {
    char *type, *key;
    int64_t line;
};

struct success_conf {
    char *event, *next;
    int64_t line;
};

struct failure_conf {
    char *event, *then;
    int64_t line;
};

struct call_conf { /* of undo and of also; `when` only of undo */
    char *command, *queue;
    struct conf_strings when;
    int64_t line;
};

struct state_conf {
    char *state;
    bool final;
    struct conf_strings status;
    int64_t line;
};

struct step_conf {
    char *name, *participant, *command, *queue;
    struct conf_groups success; /* success_conf */
    struct conf_groups failure; /* failure_conf */
    struct conf_groups undo;    /* call_conf */
    struct conf_strings undone;
    bool harmless, pivot;
    int64_t timeout_ms, tries, undo_timeout_ms, undo_tries;
    char *exhausted;
    struct conf_strings guard;
    char *state;
    struct conf_strings begin_facts, facts;
    struct conf_groups also; /* call_conf */
    int64_t line;
};

struct saga_conf_entry {
    char *name, *start, *table, *key, *column;
    char *stream, *owner, *follow, *command_data, *fact_data;
    struct conf_groups states; /* state_conf */
    char *rejected_state;
    struct conf_strings rejected_facts;
    struct conf_strings cancel_from;
    char *cancel_state;
    struct conf_strings cancel_facts;
    char *cancelled_state;
    struct conf_strings cancelled_facts;
    struct conf_groups steps; /* step_conf */
    int64_t line;
};

struct worker_conf {
    char *name, *queue, *owner, *function;
    int64_t line;
};

struct declaration_conf {
    struct conf_groups events;  /* event_conf */
    struct conf_groups sagas;   /* saga_conf_entry */
    struct conf_groups workers; /* worker_conf */
};

extern const struct conf_key declaration_keys[];
extern const size_t declaration_key_count;

#endif
