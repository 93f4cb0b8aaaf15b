/* declaration_check.c - see declaration_check.h.
 *
 * What is looked for: replies that would be ambiguous when they come late (a success of two steps, an undone that is
 * also a success); steps that no success leads to; steps before the pivot that could not be undone, and
 * compensation promised behind it; and, by walking the steps forwards with the set of states that the subject can be
 * in, transitions that the states' own lines forbid. */
#include "saga/declaration_check.h"

#include <stdarg.h>
#include <stdio.h>

int declaration_wrong(const struct declaration_place *at, int64_t line, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(at->e, ERR_INVALID, "%s:%d: %s%s%s%s%s%s", at->path, (int)line,
                   at->saga != NULL ? "saga " : "", at->saga != NULL ? at->saga : "",
                   at->step != NULL ? ", step " : "", at->step != NULL ? at->step : "",
                   at->saga != NULL ? ": " : "", what);
}

struct check {
    struct declaration_place *at;
    const struct saga_conf_entry *text;
    const struct step_conf *steps;
    struct saga *s;
    uint32_t
        possible[SAGA_STEPS_MAX + 1]; /* the subject's states when a step begins; at the end */
};

static const char *event_type(const struct check *c, int event)
{
    return c->s->events[event].type;
}

/* ---- replies -------------------------------------------------------------------------------- */

static bool fails_with(const struct saga_step *step, int event)
{
    for (int k = 0; k < step->failure_count; k++) {
        if (step->failure[k].event == event) {
            return true;
        }
    }
    return false;
}

/* An event is a success of one step at most, once, and nothing else but that anywhere. */
static int check_success(const struct check *c, int i)
{
    const struct success_conf *text = c->steps[i].success.items;
    const struct saga_step *step = &c->s->steps[i];
    if (step->success_count == 0) {
        return declaration_wrong(c->at, c->steps[i].line, "no success, so it would never end");
    }
    for (int k = 0; k < step->success_count; k++) {
        int event = step->success[k].event;
        const char *type = event_type(c, event);
        if (event == c->s->start) {
            return declaration_wrong(c->at, text[k].line, "%s begins the saga", type);
        }
        for (int m = 0; m < k; m++) {
            if (step->success[m].event == event) {
                return declaration_wrong(c->at, text[k].line, "%s is awaited twice", type);
            }
        }
        int first = saga_success_step(c->s, event);
        if (first != i) {
            return declaration_wrong(c->at, text[k].line, "%s is awaited twice: step %s has it",
                                     type, c->s->steps[first].name);
        }
        for (int m = 0; m < c->s->step_count; m++) {
            const struct saga_step *other = &c->s->steps[m];
            if (fails_with(other, event) || saga_facts_have(&other->undone, event)) {
                return declaration_wrong(
                    c->at, text[k].line, "%s is a success here and %s of step %s", type,
                    fails_with(other, event) ? "a failure" : "undone", other->name);
            }
        }
    }
    return 0;
}

static int check_failure(const struct check *c, int i)
{
    const struct failure_conf *text = c->steps[i].failure.items;
    const struct saga_step *step = &c->s->steps[i];
    for (int k = 0; k < step->failure_count; k++) {
        int event = step->failure[k].event;
        for (int m = 0; m < k; m++) {
            if (step->failure[m].event == event) {
                return declaration_wrong(c->at, text[k].line, "%s is awaited twice",
                                         event_type(c, event));
            }
        }
        if (step->failure[k].action == SAGA_RETRY && step->timeout_ms == 0) {
            return declaration_wrong(c->at, text[k].line,
                                     "then = \"retry\" needs a command and its timeout_ms");
        }
        if (step->failure[k].action == SAGA_COMPENSATE && i > c->s->pivot) {
            return declaration_wrong(c->at, text[k].line,
                                     "then = \"compensate\" behind the pivot %s",
                                     c->s->steps[c->s->pivot].name);
        }
    }
    return 0;
}

/* ---- what it sends, and what undoes it ------------------------------------------------------- */

static int check_undo(const struct check *c, int i)
{
    const struct call_conf *text = c->steps[i].undo.items;
    const struct saga_step *step = &c->s->steps[i];
    int64_t line = c->steps[i].line;
    if (step->undo_count == 0) {
        if (step->undone.count > 0) {
            return declaration_wrong(c->at, line, "undone without undo");
        }
        if (i < c->s->pivot && step->call.command != NULL && !step->harmless) {
            return declaration_wrong(c->at, line,
                                     "no undo, and it stands before the pivot %s (harmless = "
                                     "true if there is nothing to undo)",
                                     c->s->steps[c->s->pivot].name);
        }
        return 0;
    }
    if (step->harmless) {
        return declaration_wrong(c->at, line, "harmless, but with an undo");
    }
    if (step->undone.count == 0) {
        return declaration_wrong(c->at, line, "undo without undone: no reply would end it");
    }
    for (int k = 0; k < step->undo_count; k++) {
        bool last = k == step->undo_count - 1;
        if ((step->undo[k].when == 0) != last) {
            return declaration_wrong(c->at, text[k].line,
                                     last ? "the last undo must have no when"
                                          : "only the last undo has no when");
        }
    }
    for (int m = 0; m < i; m++) {
        const struct saga_step *other = &c->s->steps[m];
        for (int k = 0; other->participant != step->participant && k < step->undone.count;
             k++) {
            if (saga_facts_have(&other->undone, step->undone.event[k])) {
                return declaration_wrong(
                    c->at, line, "undone %s is awaited twice: step %s of another participant",
                    event_type(c, step->undone.event[k]), other->name);
            }
        }
    }
    return 0;
}

static int check_step(const struct check *c, int i)
{
    struct saga_step *step = &c->s->steps[i];
    int64_t line = c->steps[i].line;
    if (step->call.command != NULL && step->timeout_ms == 0) {
        return declaration_wrong(c->at, line, "a command needs a timeout_ms above 0");
    }
    if (c->steps[i].exhausted[0] == '\0' && i > c->s->pivot) {
        step->exhausted = SAGA_FAIL;
    }
    if (step->exhausted == SAGA_COMPENSATE && i > c->s->pivot) {
        return declaration_wrong(c->at, line, "exhausted = \"compensate\" behind the pivot %s",
                                 c->s->steps[c->s->pivot].name);
    }
    int rc = check_success(c, i);
    rc = rc == 0 ? check_failure(c, i) : rc;
    return rc == 0 ? check_undo(c, i) : rc;
}

static int find_pivot(const struct check *c)
{
    struct saga *s = c->s;
    s->pivot = s->step_count - 1;
    bool found = false;
    for (int i = 0; i < s->step_count; i++) {
        if (s->steps[i].pivot && found) {
            return declaration_wrong(c->at, c->steps[i].line, "step %s is the pivot already",
                                     s->steps[s->pivot].name);
        }
        if (s->steps[i].pivot) {
            s->pivot = i;
            found = true;
        }
    }
    s->steps[s->pivot].pivot = true;
    return 0;
}

/* ---- the subject's states -------------------------------------------------------------------- */

static bool ends_with(const struct saga_step *step, enum saga_action action)
{
    bool any = step->timeout_ms > 0 && step->exhausted == action;
    for (int k = 0; k < step->failure_count; k++) {
        any = any || step->failure[k].action == action;
    }
    return any;
}

/* Each of states must allow the status. */
static int allow(const struct check *c, uint32_t states, enum saga_status status, int64_t line)
{
    for (int i = 0; i < c->s->state_count; i++) {
        if ((states & 1u << i) != 0 && (c->s->states[i].status & 1u << status) == 0) {
            return declaration_wrong(
                c->at, line, "the subject can be %s here, whose status does not list %s",
                c->s->states[i].name, saga_status_text(status));
        }
    }
    return 0;
}

static bool undoes_up_to(const struct saga *s, int i)
{
    for (int k = 0; k <= i; k++) {
        if (s->steps[k].undo_count > 0) {
            return true;
        }
    }
    return false;
}

static int walk_step(struct check *c, int i)
{
    struct saga *s = c->s;
    const struct saga_step *step = &s->steps[i];
    int64_t line = c->steps[i].line;
    uint32_t before = c->possible[i];
    if (before == 0) {
        return declaration_wrong(c->at, line, "unreachable: no success leads to it");
    }
    if (step->guard != 0 && (before & ~step->guard) != 0) {
        return declaration_wrong(c->at, line,
                                 "the subject can be in a state outside the guard when the "
                                 "step begins");
    }
    int rc = allow(c, before, i == 0 ? SAGA_STARTED : SAGA_PROCESSING, line);
    if (rc == 0 && ends_with(step, SAGA_COMPENSATE)) {
        rc = undoes_up_to(s, i) ? allow(c, before, SAGA_COMPENSATING, line) : 0;
        if (rc == 0 && s->rejected_state < 0) {
            rc = declaration_wrong(c->at, line,
                                   "a failure compensates, but the saga has no rejected_state");
        }
    }
    for (int k = 0; k < s->state_count && step->state >= 0; k++) {
        if (rc == 0 && (before & 1u << k) != 0 && s->states[k].final && k != step->state) {
            rc = declaration_wrong(c->at, line, "state = \"%s\" leaves the final state %s",
                                   s->states[step->state].name, s->states[k].name);
        }
    }
    for (int k = 0; k < step->success_count; k++) {
        c->possible[step->success[k].next] |= step->state >= 0 ? 1u << step->state : before;
    }
    if (ends_with(step, SAGA_CONTINUE)) {
        c->possible[i + 1] |= before;
    }
    return rc;
}

static int check_end(const struct check *c, const char *key, int state)
{
    int64_t line = c->text->line;
    if (state >= 0 && !c->s->states[state].final) {
        return declaration_wrong(c->at, line, "%s = \"%s\" is not final", key,
                                 c->s->states[state].name);
    }
    return state >= 0 ? allow(c, 1u << state, SAGA_COMPENSATED, line) : 0;
}

static int check_cancel(const struct check *c)
{
    const struct saga *s = c->s;
    int64_t line = c->text->line;
    bool any = s->cancel_from != 0 || s->cancel_state >= 0 || s->cancelled_state >= 0;
    if (!any) {
        return 0;
    }
    if (s->cancel_from == 0 || s->cancel_state < 0 || s->cancelled_state < 0) {
        return declaration_wrong(c->at, line,
                                 "cancel_from, cancel_state and cancelled_state go together");
    }
    if ((s->cancel_from & 1u << s->cancel_state) != 0 || s->states[s->cancel_state].final) {
        return declaration_wrong(c->at, line,
                                 "cancel_state is final, or stands in cancel_from, too");
    }
    for (int i = 0; i < s->state_count; i++) {
        if ((s->cancel_from & 1u << i) != 0 && s->states[i].final) {
            return declaration_wrong(c->at, line, "cancel_from lists the final state %s",
                                     s->states[i].name);
        }
    }
    return allow(c, 1u << s->cancel_state, SAGA_COMPENSATING, line);
}

static int check_states(struct check *c)
{
    struct saga *s = c->s;
    const struct state_conf *text = c->text->states.items;
    int rc = 0;
    c->possible[0] = 1;
    for (int i = 0; rc == 0 && i < s->step_count; i++) {
        c->at->step = s->steps[i].name;
        rc = walk_step(c, i);
    }
    c->at->step = NULL;
    rc = rc == 0 ? allow(c, c->possible[s->step_count], SAGA_SUCCEEDED, c->text->line) : rc;
    rc = rc == 0 ? check_end(c, "rejected_state", s->rejected_state) : rc;
    rc = rc == 0 ? check_end(c, "cancelled_state", s->cancelled_state) : rc;
    rc = rc == 0 ? check_cancel(c) : rc;
    uint32_t reached = s->rejected_state >= 0 ? 1u << s->rejected_state : 0;
    for (int i = 0; i <= s->step_count; i++) {
        reached |= c->possible[i];
    }
    if (s->cancel_from != 0 && rc == 0) {
        reached |= 1u << s->cancel_state | 1u << s->cancelled_state;
    }
    for (int i = 0; rc == 0 && i < s->state_count; i++) {
        if ((reached & 1u << i) == 0) {
            rc = declaration_wrong(c->at, text[i].line, "nothing leads to the state %s",
                                   s->states[i].name);
        }
    }
    return rc;
}

int declaration_check(struct declaration_place *at, const struct saga_conf_entry *text,
                      struct saga *s)
{
    struct check c = {.at = at, .text = text, .steps = text->steps.items, .s = s};
    int rc = find_pivot(&c);
    for (int i = 0; rc == 0 && i < s->step_count; i++) {
        at->step = s->steps[i].name;
        rc = check_step(&c, i);
    }
    at->step = NULL;
    int awaited = 0;
    for (int i = 0; i < s->event_count; i++) {
        awaited += saga_awaits(s, i) ? 1 : 0;
    }
    if (rc == 0 && awaited > SAGA_EVENTS_MAX) {
        rc = declaration_wrong(at, text->line, "it waits for more than %d events",
                               SAGA_EVENTS_MAX);
    }
    return rc == 0 ? check_states(&c) : rc;
}
