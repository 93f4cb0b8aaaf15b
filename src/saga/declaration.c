/* declaration.c - see declaration.h. From the text of a file (declaration_conf.h) to numbers.
 *
 * One pass over each saga: states first, because steps name them, then the steps' names, because successes lead to
 * them, then all the rest. A name that is not known stops it with the line it stands on and the one that was
 * probably meant. What the numbers mean together is checked afterwards (declaration_check.c). Strings stay with the
 * text, which lives as long as the declarations; everything else is in one arena. */
#include "saga/declaration.h"

#include "base/arena.h"
#include "saga/declaration_check.h"
#include "saga/declaration_conf.h"

#include <ctype.h>
#include <stdlib.h>

struct loaded {
    struct declarations public; /* first: what the caller holds */
    struct declaration_conf text;
    struct arena arena;
};

struct loading {
    struct declaration_place at;
    struct loaded *l;
    struct saga *s;
};

/* ---- names ---------------------------------------------------------------------------------- */

/* Names travel in columns of text beside blanks and equals signs, and in saga_log. */
static int check_name(struct loading *w, int64_t line, const char *what, const char *name)
{
    size_t n = strlen(name);
    bool ok = n > 0 && n <= SAGA_NAME_MAX;
    for (size_t i = 0; ok && i < n; i++) {
        ok = isalnum((unsigned char)name[i]) || strchr("_-.", name[i]) != NULL;
    }
    return ok ? 0
              : declaration_wrong(&w->at, line,
                                  "%s \"%.80s\" is not 1 to %d letters, digits, _, - and .",
                                  what, name, SAGA_NAME_MAX);
}

static int unknown_name(struct loading *w, int64_t line, const char *what, const char *name,
                        const char *const *known, size_t n)
{
    const char *nearest = conf_nearest(known, n, name);
    return nearest != NULL
               ? declaration_wrong(&w->at, line, "unknown %s \"%s\" (did you mean \"%s\"?)",
                                   what, name, nearest)
               : declaration_wrong(&w->at, line, "unknown %s \"%s\"", what, name);
}

static int find_event(struct loading *w, int64_t line, const char *type, int *out)
{
    const struct declarations *d = &w->l->public;
    enum { SHOWN = 512 };
    const char *known[SHOWN];
    size_t n = 0;
    for (int i = 0; i < d->event_count; i++) {
        if (strcmp(d->events[i].type, type) == 0) {
            *out = i;
            return 0;
        }
        if (n < SHOWN) {
            known[n++] = d->events[i].type;
        }
    }
    return unknown_name(w, line, "event", type, known, n);
}

static int find_state(struct loading *w, int64_t line, const char *name, int *out)
{
    const char *known[SAGA_STATES_MAX];
    for (int i = 0; i < w->s->state_count; i++) {
        known[i] = w->s->states[i].name;
    }
    *out = saga_state_find(w->s, name);
    return *out >= 0 ? 0
                     : unknown_name(w, line, "state", name, known, (size_t)w->s->state_count);
}

/* A state that may be left out: -1. */
static int take_state(struct loading *w, int64_t line, const char *name, int *out)
{
    *out = -1;
    return name[0] != '\0' ? find_state(w, line, name, out) : 0;
}

static int take_states(struct loading *w, int64_t line, const struct conf_strings *names,
                       uint32_t *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        int state = 0;
        rc = find_state(w, line, names->items[i], &state);
        if (rc == 0) {
            *out |= 1u << state;
        }
    }
    return rc;
}

static int take_facts(struct loading *w, int64_t line, const char *key,
                      const struct conf_strings *types, struct saga_facts *out)
{
    if (types->count > SAGA_FACTS_MAX) {
        return declaration_wrong(&w->at, line, "%s lists more than %d events", key,
                                 SAGA_FACTS_MAX);
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < types->count; i++) {
        int event = 0;
        rc = find_event(w, line, types->items[i], &event);
        if (rc == 0 && saga_facts_have(out, event)) {
            rc = declaration_wrong(&w->at, line, "%s lists %s twice", key, types->items[i]);
        }
        out->event[out->count++] = event;
    }
    return rc;
}

static enum saga_action action_of(const char *text)
{
    return strcmp(text, "retry") == 0      ? SAGA_RETRY
           : strcmp(text, "continue") == 0 ? SAGA_CONTINUE
           : strcmp(text, "fail") == 0     ? SAGA_FAIL
                                           : SAGA_COMPENSATE;
}

/* ---- a step --------------------------------------------------------------------------------- */

static void *make(struct loading *w, size_t count, size_t size)
{
    return arena_zalloc(&w->l->arena, count * size + 1); /* never nothing */
}

static int take_replies(struct loading *w, const struct step_conf *t, int index,
                        struct saga_step *step)
{
    const struct success_conf *success = t->success.items;
    const struct failure_conf *failure = t->failure.items;
    step->success = make(w, t->success.count, sizeof *step->success);
    step->failure = make(w, t->failure.count, sizeof *step->failure);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->success.count; i++) {
        struct saga_success *to = &step->success[step->success_count++];
        const char *next = success[i].next;
        rc = find_event(w, success[i].line, success[i].event, &to->event);
        to->next = next[0] == '\0'            ? index + 1
                   : strcmp(next, "end") == 0 ? w->s->step_count
                                              : saga_step_find(w->s, next);
        if (rc == 0 && to->next < 0) {
            const char *known[SAGA_STEPS_MAX];
            for (int k = 0; k < w->s->step_count; k++) {
                known[k] = w->s->steps[k].name;
            }
            rc =
                unknown_name(w, success[i].line, "step", next, known, (size_t)w->s->step_count);
        }
        if (rc == 0 && to->next <= index) {
            rc = declaration_wrong(&w->at, success[i].line,
                                   "next = \"%s\" does not stand below this step", next);
        }
    }
    for (size_t i = 0; rc == 0 && i < t->failure.count; i++) {
        struct saga_failure *to = &step->failure[step->failure_count++];
        to->action = action_of(failure[i].then);
        rc = find_event(w, failure[i].line, failure[i].event, &to->event);
    }
    return rc;
}

static int take_calls(struct loading *w, const struct step_conf *t, struct saga_step *step)
{
    const struct call_conf *undo = t->undo.items;
    const struct call_conf *also = t->also.items;
    if ((t->command[0] == '\0') != (t->queue[0] == '\0')) {
        return declaration_wrong(&w->at, t->line, "command and queue go together");
    }
    if (t->also.count > SAGA_SIDES_MAX) {
        return declaration_wrong(&w->at, t->line, "more than %d side commands", SAGA_SIDES_MAX);
    }
    if (t->command[0] != '\0') {
        step->call = (struct saga_call){t->command, t->queue};
    }
    for (size_t i = 0; i < t->also.count; i++) {
        if (also[i].command[0] == '\0' || also[i].queue[0] == '\0') {
            return declaration_wrong(&w->at, also[i].line, "command or queue is empty");
        }
        step->sides[step->side_count++] = (struct saga_call){also[i].command, also[i].queue};
    }
    step->undo = make(w, t->undo.count, sizeof *step->undo);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->undo.count; i++) {
        struct saga_undo *to = &step->undo[step->undo_count++];
        to->call = (struct saga_call){undo[i].command, undo[i].queue};
        rc = take_states(w, undo[i].line, &undo[i].when, &to->when);
        if (rc == 0 && (undo[i].command[0] == '\0' || undo[i].queue[0] == '\0')) {
            rc = declaration_wrong(&w->at, undo[i].line, "command or queue is empty");
        }
    }
    return rc;
}

static int take_step(struct loading *w, const struct step_conf *t, int index)
{
    struct saga_step *step = &w->s->steps[index];
    const struct step_conf *all = (const struct step_conf *)t - index;
    step->participant = index;
    for (int i = index - 1; i >= 0 && t->participant[0] != '\0'; i--) {
        if (strcmp(all[i].participant, t->participant) == 0) {
            step->participant = i;
        }
    }
    step->harmless = t->harmless;
    step->pivot = t->pivot;
    step->timeout_ms = t->timeout_ms;
    step->tries = t->tries;
    step->undo_timeout_ms = t->undo_timeout_ms;
    step->undo_tries = t->undo_tries;
    step->exhausted = action_of(t->exhausted);
    int rc = take_replies(w, t, index, step);
    rc = rc == 0 ? take_calls(w, t, step) : rc;
    rc = rc == 0 ? take_facts(w, t->line, "undone", &t->undone, &step->undone) : rc;
    rc = rc == 0 ? take_states(w, t->line, &t->guard, &step->guard) : rc;
    rc = rc == 0 ? take_state(w, t->line, t->state, &step->state) : rc;
    rc = rc == 0 ? take_facts(w, t->line, "begin_facts", &t->begin_facts, &step->begin_facts)
                 : rc;
    return rc == 0 ? take_facts(w, t->line, "facts", &t->facts, &step->facts) : rc;
}

static int take_steps(struct loading *w, const struct saga_conf_entry *t)
{
    const struct step_conf *text = t->steps.items;
    struct saga *s = w->s;
    if (t->steps.count == 0 || t->steps.count > SAGA_STEPS_MAX) {
        return declaration_wrong(&w->at, t->line, "a saga has 1 to %d steps", SAGA_STEPS_MAX);
    }
    s->steps = make(w, t->steps.count, sizeof *s->steps);
    for (size_t i = 0; i < t->steps.count; i++) {
        int rc = check_name(w, text[i].line, "name", text[i].name);
        if (rc != 0) {
            return rc;
        }
        if (saga_step_find(s, text[i].name) >= 0 || strcmp(text[i].name, "end") == 0) {
            return declaration_wrong(&w->at, text[i].line, "there is another step \"%s\"",
                                     text[i].name);
        }
        s->steps[s->step_count++].name = text[i].name;
    }
    int rc = 0;
    for (int i = 0; rc == 0 && i < s->step_count; i++) {
        w->at.step = text[i].name;
        rc = take_step(w, &text[i], i);
    }
    w->at.step = NULL;
    return rc;
}

/* ---- a saga --------------------------------------------------------------------------------- */

/* What stands in SQL as it is: lower-case words, with a schema before it or not. */
static int check_sql_name(struct loading *w, int64_t line, const char *what, const char *name)
{
    size_t dots = 0;
    bool start = true;
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || *c == '_';
        if (*c == '.' ? start || ++dots > 1 : !letter && (start || *c < '0' || *c > '9')) {
            return declaration_wrong(&w->at, line,
                                     "%s \"%s\" is no SQL name of lower-case letters, digits "
                                     "and _, with or without a schema",
                                     what, name);
        }
        start = *c == '.';
    }
    if (start || strlen(name) > SAGA_NAME_MAX) {
        return declaration_wrong(&w->at, line, "%s is empty, or too long", what);
    }
    return 0;
}

static int take_subject(struct loading *w, const struct saga_conf_entry *t)
{
    const struct state_conf *text = t->states.items;
    struct saga *s = w->s;
    s->table = t->table;
    s->key = t->key;
    s->column = t->column;
    s->stream = t->stream[0] != '\0' ? t->stream : t->table;
    s->owner = t->owner;
    s->follow = t->follow;
    s->command_data = t->command_data;
    s->fact_data = t->fact_data;
    const struct {
        const char *what, *name;
        bool needed;
    } names[] = {{"table", t->table, true},         {"key", t->key, true},
                 {"column", t->column, true},       {"owner", t->owner, false},
                 {"follow", t->follow, false},      {"command_data", t->command_data, false},
                 {"fact_data", t->fact_data, false}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int rc = names[i].needed || names[i].name[0] != '\0'
                     ? check_sql_name(w, t->line, names[i].what, names[i].name)
                     : 0;
        if (rc != 0) {
            return rc;
        }
    }
    int rc = check_name(w, t->line, "stream", s->stream);
    if (rc != 0) {
        return rc;
    }
    if (t->states.count == 0 || t->states.count > SAGA_STATES_MAX) {
        return declaration_wrong(&w->at, t->line, "a subject has 1 to %d states",
                                 SAGA_STATES_MAX);
    }
    for (size_t i = 0; i < t->states.count; i++) {
        struct saga_subject_state *state = &s->states[i];
        rc = check_name(w, text[i].line, "state", text[i].state);
        if (rc != 0) {
            return rc;
        }
        if (saga_state_find(s, text[i].state) >= 0) {
            return declaration_wrong(&w->at, text[i].line, "there is another state \"%s\"",
                                     text[i].state);
        }
        *state = (struct saga_subject_state){text[i].state, text[i].final, 0};
        s->state_count++;
        for (size_t k = 0; k < text[i].status.count; k++) {
            enum saga_status status;
            if (!saga_status_parse(text[i].status.items[k], &status)) {
                return declaration_wrong(&w->at, text[i].line, "unknown status \"%s\"",
                                         text[i].status.items[k]);
            }
            state->status |= 1u << status;
        }
    }
    return 0;
}

static int take_ends(struct loading *w, const struct saga_conf_entry *t)
{
    struct saga *s = w->s;
    int rc = take_state(w, t->line, t->rejected_state, &s->rejected_state);
    rc = rc == 0 ? take_state(w, t->line, t->cancel_state, &s->cancel_state) : rc;
    rc = rc == 0 ? take_state(w, t->line, t->cancelled_state, &s->cancelled_state) : rc;
    rc = rc == 0 ? take_states(w, t->line, &t->cancel_from, &s->cancel_from) : rc;
    rc = rc == 0
             ? take_facts(w, t->line, "rejected_facts", &t->rejected_facts, &s->rejected_facts)
             : rc;
    rc = rc == 0 ? take_facts(w, t->line, "cancel_facts", &t->cancel_facts, &s->cancel_facts)
                 : rc;
    return rc == 0 ? take_facts(w, t->line, "cancelled_facts", &t->cancelled_facts,
                                &s->cancelled_facts)
                   : rc;
}

static int take_saga(struct loading *w, const struct saga_conf_entry *t)
{
    const struct declarations *d = &w->l->public;
    w->at.saga = NULL;
    int rc = check_name(w, t->line, "name", t->name);
    if (rc != 0) {
        return rc;
    }
    if (declaration_saga(d, t->name) != NULL) {
        return declaration_wrong(&w->at, t->line, "there is another saga \"%s\"", t->name);
    }
    w->at.saga = t->name;
    w->s->events = d->events;
    w->s->event_count = d->event_count;
    rc = find_event(w, t->line, t->start, &w->s->start);
    const struct saga *other = rc == 0 ? declaration_started_by(d, t->start) : NULL;
    if (other != NULL) {
        return declaration_wrong(&w->at, t->line, "%s begins saga %s already", t->start,
                                 other->name);
    }
    w->s->name = t->name;
    rc = rc == 0 ? take_subject(w, t) : rc;
    rc = rc == 0 ? take_ends(w, t) : rc;
    rc = rc == 0 ? take_steps(w, t) : rc;
    return rc == 0 ? declaration_check(&w->at, t, w->s) : rc;
}

static int take_events(struct loading *w)
{
    const struct event_conf *text = w->l->text.events.items;
    size_t n = w->l->text.events.count;
    struct declarations *d = &w->l->public;
    struct saga_event *events = make(w, n, sizeof *events);
    d->events = events;
    for (size_t i = 0; i < n; i++) {
        int rc = check_name(w, text[i].line, "type", text[i].type);
        rc = rc == 0 ? check_name(w, text[i].line, "key", text[i].key) : rc;
        if (rc != 0) {
            return rc;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(text[k].type, text[i].type) == 0) {
                return declaration_wrong(&w->at, text[i].line, "there is another event \"%s\"",
                                         text[i].type);
            }
        }
        events[i] = (struct saga_event){text[i].type, text[i].key};
        d->event_count++;
    }
    return 0;
}

/* ---- workers --------------------------------------------------------------------------------- */

static int take_workers(struct loading *w)
{
    const struct worker_conf *text = w->l->text.workers.items;
    size_t n = w->l->text.workers.count;
    struct saga_worker *workers = make(w, n, sizeof *workers);
    w->l->public.workers = workers;
    w->at.saga = NULL;
    for (size_t i = 0; i < n; i++) {
        int rc = check_name(w, text[i].line, "name", text[i].name);
        rc = rc == 0 ? check_name(w, text[i].line, "queue", text[i].queue) : rc;
        rc = rc == 0 ? check_sql_name(w, text[i].line, "function", text[i].function) : rc;
        if (rc == 0 && text[i].owner[0] != '\0') {
            rc = check_sql_name(w, text[i].line, "owner", text[i].owner);
        }
        for (size_t k = 0; rc == 0 && k < i; k++) {
            if (strcmp(text[k].name, text[i].name) == 0 ||
                strcmp(text[k].queue, text[i].queue) == 0) {
                rc = declaration_wrong(&w->at, text[i].line,
                                       "there is another worker \"%s\" of queue %s",
                                       text[k].name, text[k].queue);
            }
        }
        if (rc != 0) {
            return rc;
        }
        workers[i] =
            (struct saga_worker){text[i].name, text[i].queue, text[i].owner, text[i].function};
        w->l->public.worker_count++;
    }
    return 0;
}

/* ---- public --------------------------------------------------------------------------------- */

int declaration_load(const char *path, const struct declarations **out, struct err *e)
{
    struct loaded *l = def_zalloc(1, sizeof *l);
    struct loading w = {.at = {.path = path, .e = e}, .l = l};
    int rc = conf_read(path, declaration_keys, declaration_key_count, &l->text, e);
    rc = rc == 0 ? take_events(&w) : rc;
    size_t n = l->text.sagas.count;
    const struct saga_conf_entry *text = l->text.sagas.items;
    struct saga *sagas = make(&w, n, sizeof *sagas);
    l->public.sagas = sagas;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        w.s = &sagas[i];
        rc = take_saga(&w, &text[i]);
        l->public.saga_count++;
    }
    rc = rc == 0 ? take_workers(&w) : rc;
    if (rc != 0) {
        declaration_free(&l->public);
        return rc;
    }
    *out = &l->public;
    return 0;
}

void declaration_free(const struct declarations *d)
{
    if (d == NULL) {
        return;
    }
    struct loaded *l = (struct loaded *)(uintptr_t)d;
    struct conf_group all = {
        .keys = declaration_keys, .count = declaration_key_count, .target = &l->text};
    conf_free(&all, 1);
    arena_fini(&l->arena);
    free(l);
}

void declaration_names(const struct declarations *d, struct buf *out)
{
    buf_adds(out, "{");
    for (int i = 0; i < d->saga_count; i++) {
        buf_addf(out, "%s\"%s\"", i > 0 ? "," : "", d->sagas[i].name);
    }
    buf_adds(out, "}");
}

const struct saga_event *declaration_event(const struct declarations *d, const char *type)
{
    for (int i = 0; i < d->event_count; i++) {
        if (strcmp(d->events[i].type, type) == 0) {
            return &d->events[i];
        }
    }
    return NULL;
}

const struct saga *declaration_saga(const struct declarations *d, const char *name)
{
    for (int i = 0; i < d->saga_count; i++) {
        if (strcmp(d->sagas[i].name, name) == 0) {
            return &d->sagas[i];
        }
    }
    return NULL;
}

const struct saga *declaration_started_by(const struct declarations *d, const char *event_type)
{
    for (int i = 0; i < d->saga_count; i++) {
        if (strcmp(d->events[d->sagas[i].start].type, event_type) == 0) {
            return &d->sagas[i];
        }
    }
    return NULL;
}

int saga_event_find(const struct saga *s, const char *type)
{
    for (int i = 0; i < s->event_count; i++) {
        if (strcmp(s->events[i].type, type) == 0) {
            return i;
        }
    }
    return -1;
}

int saga_step_find(const struct saga *s, const char *name)
{
    for (int i = 0; i < s->step_count; i++) {
        if (strcmp(s->steps[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int saga_state_find(const struct saga *s, const char *name)
{
    for (int i = 0; i < s->state_count; i++) {
        if (strcmp(s->states[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int saga_success_step(const struct saga *s, int event)
{
    for (int i = 0; i < s->step_count; i++) {
        for (int k = 0; k < s->steps[i].success_count; k++) {
            if (s->steps[i].success[k].event == event) {
                return i;
            }
        }
    }
    return -1;
}

bool saga_facts_have(const struct saga_facts *f, int event)
{
    for (int i = 0; i < f->count; i++) {
        if (f->event[i] == event) {
            return true;
        }
    }
    return false;
}

bool saga_awaits(const struct saga *s, int event)
{
    for (int i = 0; i < s->step_count; i++) {
        for (int k = 0; k < s->steps[i].failure_count; k++) {
            if (s->steps[i].failure[k].event == event) {
                return true;
            }
        }
        if (saga_facts_have(&s->steps[i].undone, event)) {
            return true;
        }
    }
    return saga_success_step(s, event) >= 0;
}

static const char *const status_texts[] = {
#define X(name, text) text,
    SAGA_STATUS_LIST(X)
#undef X
};

const char *saga_status_text(enum saga_status s)
{
    return status_texts[s];
}

bool saga_status_parse(const char *text, enum saga_status *out)
{
    for (size_t i = SAGA_NONE + 1; i < ARRAY_LEN(status_texts); i++) {
        if (strcmp(status_texts[i], text) == 0) {
            *out = (enum saga_status)i;
            return true;
        }
    }
    return false;
}

const char *saga_action_text(enum saga_action a)
{
    static const char *const texts[] = {"compensate", "retry", "continue", "fail"};
    return texts[a];
}
