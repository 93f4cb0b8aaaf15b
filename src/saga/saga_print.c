/* saga_print.c - the declarations for people; see saga.h. */
#include "saga/saga.h"

#include <inttypes.h>

static void print_states(const struct saga *s, uint32_t mask, struct buf *out)
{
    const char *comma = "";
    for (int i = 0; i < s->state_count; i++) {
        if ((mask & 1u << i) != 0) {
            buf_addf(out, "%s%s", comma, s->states[i].name);
            comma = ", ";
        }
    }
}

static void print_facts(const struct saga *s, const struct saga_facts *f, const char *before,
                        struct buf *out)
{
    for (int i = 0; i < f->count; i++) {
        buf_addf(out, "%s%s", i == 0 ? before : ", ", s->events[f->event[i]].type);
    }
}

static void print_replies(const struct saga *s, int at, struct buf *out)
{
    const struct saga_step *step = &s->steps[at];
    for (int i = 0; i < step->success_count; i++) {
        int next = step->success[i].next;
        buf_addf(out, "%s%s", i == 0 ? "; on " : ", ", s->events[step->success[i].event].type);
        if (next == s->step_count) {
            buf_adds(out, " (end)");
        } else if (next != at + 1) {
            buf_addf(out, " (on to %s)", s->steps[next].name);
        }
    }
    if (step->state >= 0) {
        buf_addf(out, " the subject is %s", s->states[step->state].name);
    }
    print_facts(s, &step->facts, ", fact ", out);
    for (int i = 0; i < step->side_count; i++) {
        buf_addf(out, ", also %s to %s", step->sides[i].command, step->sides[i].queue);
    }
    for (int i = 0; i < step->failure_count; i++) {
        buf_addf(out, "; on %s: %s", s->events[step->failure[i].event].type,
                 saga_action_text(step->failure[i].action));
    }
    if (step->guard != 0) {
        buf_adds(out, "; only while ");
        print_states(s, step->guard, out);
    }
}

static void print_undo(const struct saga *s, const struct saga_step *step, struct buf *out)
{
    for (int i = 0; i < step->undo_count; i++) {
        buf_addf(out, "%s%s to %s", i == 0 ? "; undo " : ", else ", step->undo[i].call.command,
                 step->undo[i].call.queue);
        if (step->undo[i].when != 0) {
            buf_adds(out, " while ");
            print_states(s, step->undo[i].when, out);
        }
    }
    if (step->undo_count > 0) {
        buf_addf(out, ", %" PRId64 " ms x %" PRId64, step->undo_timeout_ms, step->undo_tries);
        print_facts(s, &step->undone, ", until ", out);
        if (&s->steps[step->participant] != step) {
            buf_addf(out, ", which undoes %s, too", s->steps[step->participant].name);
        }
    }
}

static void print_step(const struct saga *s, int at, struct buf *out)
{
    const struct saga_step *step = &s->steps[at];
    buf_addf(out, "  %d %s%s: ", at + 1, step->name, step->pivot ? " (pivot)" : "");
    if (step->call.command != NULL) {
        buf_addf(out, "%s to %s", step->call.command, step->call.queue);
    } else {
        buf_adds(out, "waits");
    }
    if (step->timeout_ms > 0) {
        buf_addf(out, ", %" PRId64 " ms x %" PRId64 ", then %s", step->timeout_ms, step->tries,
                 saga_action_text(step->exhausted));
    }
    print_facts(s, &step->begin_facts, ", fact ", out);
    print_replies(s, at, out);
    print_undo(s, step, out);
    buf_adds(out, "\n");
}

static void print_saga(const struct saga *s, struct buf *out)
{
    buf_addf(out, "saga %s: begins with %s, drives %s.%s by %s from %s", s->name,
             s->events[s->start].type, s->table, s->column, s->key, s->states[0].name);
    if (s->rejected_state >= 0) {
        buf_addf(out, "; failed and undone: %s", s->states[s->rejected_state].name);
        print_facts(s, &s->rejected_facts, ", fact ", out);
    }
    if (s->cancel_from != 0) {
        buf_adds(out, "; cancel while ");
        print_states(s, s->cancel_from, out);
        buf_addf(out, ": %s", s->states[s->cancel_state].name);
        print_facts(s, &s->cancel_facts, ", fact ", out);
        buf_addf(out, ", then %s", s->states[s->cancelled_state].name);
        print_facts(s, &s->cancelled_facts, ", fact ", out);
    }
    buf_adds(out, "\n");
    for (int i = 0; i < s->step_count; i++) {
        print_step(s, i, out);
    }
}

void saga_print(const struct declarations *d, struct buf *out)
{
    for (int i = 0; i < d->saga_count; i++) {
        print_saga(&d->sagas[i], out);
    }
    for (int i = 0; i < d->worker_count; i++) {
        const struct saga_worker *w = &d->workers[i];
        buf_addf(out, "worker %s: takes from %s, calls %s%s%s\n", w->name, w->queue,
                 w->function, w->owner[0] != '\0' ? " as " : "", w->owner);
    }
}
