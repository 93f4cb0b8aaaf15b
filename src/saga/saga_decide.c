/* saga_decide.c - see saga_decide.h.
 *
 *             scheduled                 success            success of the last
 *   (none) ──▶ SCHEDULED ──▶ STARTED ──────────▶ PROCESSING ──────────▶ SUCCEEDED
 *      └──────────────────────▶ │                    │
 *                               └── failure, cancel ─┴──▶ COMPENSATING ──▶ COMPENSATED
 *   any of them but the final ones ── out of tries ──▶ FAILED ── retry, or the reply at last ──▶ back
 *
 * Forwards one step is under way: its command was sent `attempt` times, and `deadline` ends the try. Each step
 * carries a mark. Backwards the marks say what is left: the highest step that was begun or done and has an undo is
 * UNDOING; when a reply says that it is undone, so are the lower steps of its participant, and the next one is
 * looked for. A success that arrives late only marks its step again, so it is found by the same search, even when the
 * saga was COMPENSATED already: then the undo runs under that status, and the subject keeps its final state.
 *
 * Invariants: a step is UNDOING only if it is .step; a paused saga sends nothing; SUCCEEDED is never left, and the
 * subject never leaves a final state; commands of one step carry attempts 1, 2, … up to its tries.
 *
 * The subject may be cancelled by whoever owns it, by its state alone. A saga that runs forwards and finds it so is
 * cancelled first, looks at its input as a cancelled one does, and then begins to undo. */
#include "saga/saga_decide.h"

#include <stdarg.h>
#include <stdio.h>

struct work {
    const struct saga *s;
    const struct saga_input *in;
    struct saga_outcome *out;
    struct saga_state *st; /* &out->state */
    bool cancelled;        /* by the subject's state, before the input was looked at */
};

static void say(struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct work *w, const char *fmt, ...)
{
    char text[SAGA_DETAIL_MAX + 1];
    char *detail = w->out->log.detail;
    size_t at = strlen(detail);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (at > 0 && at + 2 < sizeof w->out->log.detail) {
        memcpy(detail + at, "; ", 3);
        at += 2;
    }
    instance_copy(detail + at, sizeof w->out->log.detail - at, str_of(text));
}

static const struct saga_step *step_of(const struct work *w)
{
    return &w->s->steps[w->st->step];
}

static bool final_subject(const struct work *w)
{
    return w->s->states[w->st->subject].final;
}

static bool in_states(uint32_t mask, int state)
{
    return (mask & 1u << state) != 0;
}

/* ---- what is written ------------------------------------------------------------------------ */

static void add_facts(struct work *w, const struct saga_facts *f)
{
    for (int i = 0; i < f->count; i++) {
        ASSERT(w->out->fact_count < SAGA_OUT_FACTS_MAX);
        w->out->facts[w->out->fact_count++] = &w->s->events[f->event[i]];
    }
}

static void add_command(struct work *w, enum saga_command_kind kind, const struct saga_call *o,
                        int64_t attempt, int64_t deadline_us)
{
    ASSERT(w->out->command_count < SAGA_OUT_COMMANDS_MAX);
    w->out->commands[w->out->command_count++] =
        (struct saga_command){kind, o, w->st->step, attempt, deadline_us};
    say(w, "%s to %s", o->command, o->queue);
}

static void set_subject(struct work *w, int state)
{
    if (state >= 0 && state != w->st->subject) {
        ASSERT(w->out->subject_count < SAGA_OUT_SUBJECTS_MAX);
        w->st->subject = state;
        w->out->subject[w->out->subject_count++] = state;
        say(w, "the subject is %s", w->s->states[state].name);
    }
}

static void set_error(struct work *w, const char *text)
{
    instance_copy(w->st->last_error, sizeof w->st->last_error, str_of(text));
}

/* The reply's reason, or its type. */
static void keep_error(struct work *w)
{
    struct str reason = w->in->reason.n > 0 ? w->in->reason : str_of(w->in->event);
    instance_copy(w->st->last_error, sizeof w->st->last_error, reason);
}

static void fail(struct work *w)
{
    w->st->status = SAGA_FAILED;
    w->st->deadline_us = 0;
}

/* ---- forwards ------------------------------------------------------------------------------- */

static void send_step(struct work *w)
{
    const struct saga_step *step = step_of(w);
    w->st->deadline_us = step->timeout_ms > 0 ? w->in->now_us + step->timeout_ms * 1000 : 0;
    if (step->call.command != NULL) {
        add_command(w, SAGA_COMMAND_STEP, &step->call, w->st->attempt, w->st->deadline_us);
    } else {
        say(w, "waits in %s", step->name);
    }
}

static void begin(struct work *w, int step)
{
    w->st->step = step;
    w->st->attempt = 1;
    w->st->mark[step] = SAGA_BEGUN;
    add_facts(w, &w->s->steps[step].begin_facts);
    send_step(w);
}

static void advance(struct work *w, int next)
{
    if (next == w->s->step_count) {
        w->st->status = SAGA_SUCCEEDED;
        w->st->deadline_us = 0;
    } else {
        w->st->status = SAGA_PROCESSING;
        begin(w, next);
    }
}

static void succeed(struct work *w, int next)
{
    const struct saga_step *step = step_of(w);
    if (w->st->attempt > 1 || w->st->status == SAGA_FAILED) {
        set_error(w, ""); /* it was this step's own */
    }
    w->st->mark[w->st->step] = SAGA_DONE;
    set_subject(w, step->state);
    add_facts(w, &step->facts);
    for (int i = 0; i < step->side_count; i++) {
        add_command(w, SAGA_COMMAND_SIDE, &step->sides[i], 1, 0);
    }
    advance(w, next);
}

/* ---- backwards ------------------------------------------------------------------------------ */

/* Nothing is left of the participant, as far as it was touched up to this step. */
static void mark_undone(struct work *w, int step)
{
    for (int i = 0; i <= step; i++) {
        if (w->s->steps[i].participant == w->s->steps[step].participant &&
            w->st->mark[i] != SAGA_UNTOUCHED) {
            w->st->mark[i] = SAGA_UNDONE;
        }
    }
}

static void send_undo(struct work *w)
{
    const struct saga_step *step = step_of(w);
    const struct saga_undo *undo = step->undo;
    while (undo->when != 0 && !in_states(undo->when, w->st->subject)) {
        undo++; /* the last one has no when */
    }
    w->st->deadline_us = w->in->now_us + step->undo_timeout_ms * 1000;
    add_command(w, SAGA_COMMAND_UNDO, &undo->call, w->st->attempt, w->st->deadline_us);
}

static void finish(struct work *w)
{
    const struct saga *s = w->s;
    w->st->status = SAGA_COMPENSATED;
    w->st->deadline_us = 0;
    if (final_subject(w)) {
        return;
    }
    if (s->cancel_from != 0 && w->st->subject == s->cancel_state) {
        set_subject(w, s->cancelled_state);
        add_facts(w, &s->cancelled_facts);
    } else {
        set_subject(w, s->rejected_state);
        add_facts(w, &s->rejected_facts);
    }
}

static void undo_next(struct work *w)
{
    for (int i = w->s->step_count - 1; i >= 0; i--) {
        bool left = w->st->mark[i] == SAGA_BEGUN || w->st->mark[i] == SAGA_DONE;
        if (left && w->s->steps[i].undo_count > 0) {
            w->st->status = final_subject(w) ? SAGA_COMPENSATED : SAGA_COMPENSATING;
            w->st->step = i;
            w->st->attempt = 1;
            w->st->mark[i] = SAGA_UNDOING;
            send_undo(w);
            return;
        }
    }
    finish(w);
}

/* Backwards from here on, but nothing is sent yet. */
static void turn(struct work *w)
{
    w->st->status = SAGA_COMPENSATING;
    w->st->deadline_us = 0;
    w->st->attempt = 0;
}

static void compensate(struct work *w)
{
    turn(w);
    if (w->st->paused) {
        say(w, "the compensation waits for resume");
    } else {
        undo_next(w);
    }
}

/* Status STARTED, PROCESSING, …: the saga has begun, and nothing of it is being undone. */
static bool forwards(const struct saga_state *st)
{
    return st->status == SAGA_SCHEDULED || st->status == SAGA_STARTED ||
           st->status == SAGA_PROCESSING ||
           (st->status == SAGA_FAILED && !instance_undoing(st));
}

/* ---- replies -------------------------------------------------------------------------------- */

/* The last try is over; by a reply if one said so, else by its deadline. */
static enum saga_verdict exhaust(struct work *w, bool by_reply)
{
    const struct saga_step *step = step_of(w);
    if (by_reply) {
        keep_error(w);
        w->out->reply_message = step->exhausted == SAGA_COMPENSATE;
    } else {
        snprintf(w->out->message, sizeof w->out->message, "timeout: %s", step->name);
        set_error(w, w->out->message);
    }
    say(w, "%s is out of tries: %s", step->name, saga_action_text(step->exhausted));
    switch (step->exhausted) {
    case SAGA_CONTINUE: advance(w, w->st->step + 1); break;
    case SAGA_FAIL: fail(w); break;
    case SAGA_COMPENSATE:
    case SAGA_RETRY:
    default: compensate(w); break;
    }
    return SAGA_TAKEN;
}

static enum saga_verdict take_failure(struct work *w, enum saga_action action)
{
    const struct saga_step *step = step_of(w);
    switch (action) {
    case SAGA_RETRY:
        if (w->st->status == SAGA_FAILED) {
            say(w, "an operator's retry is needed");
            return SAGA_IGNORED;
        }
        if (w->st->attempt >= step->tries) {
            return exhaust(w, true);
        }
        say(w, "next try at the deadline");
        keep_error(w);
        return SAGA_TAKEN;
    case SAGA_CONTINUE:
        keep_error(w);
        advance(w, w->st->step + 1);
        return SAGA_TAKEN;
    case SAGA_FAIL:
        keep_error(w);
        fail(w);
        return SAGA_TAKEN;
    case SAGA_COMPENSATE:
    default:
        keep_error(w);
        w->out->reply_message = true;
        mark_undone(w, w->st->step);
        compensate(w);
        return SAGA_TAKEN;
    }
}

static enum saga_verdict not_awaited(struct work *w)
{
    say(w, "%s is not awaited in %s%s", w->in->event, step_of(w)->name,
        w->in->repeated ? " (repeated)" : "");
    return SAGA_IGNORED;
}

static enum saga_verdict reply_forwards(struct work *w, int event)
{
    const struct saga_step *step = step_of(w);
    int success = -1;
    int failure = -1;
    for (int i = 0; i < step->success_count; i++) {
        success = step->success[i].event == event ? i : success;
    }
    for (int i = 0; i < step->failure_count; i++) {
        failure = step->failure[i].event == event ? i : failure;
    }
    if (w->st->status == SAGA_SCHEDULED || (success < 0 && failure < 0)) {
        return not_awaited(w);
    }
    if (step->guard != 0 && !in_states(step->guard, w->st->subject)) {
        say(w, "the guard of %s does not hold: the subject is %s", step->name,
            w->s->states[w->st->subject].name);
        return SAGA_IGNORED;
    }
    say(w, "%s", w->in->event);
    if (success < 0) {
        return take_failure(w, step->failure[failure].action);
    }
    succeed(w, step->success[success].next);
    return SAGA_TAKEN;
}

/* A success that comes when its step is, or was, undone. */
static enum saga_verdict reply_late(struct work *w, int step)
{
    const char *name = w->s->steps[step].name;
    enum saga_mark was = w->st->mark[step];
    if (was == SAGA_UNDOING || was == SAGA_DONE || (was == SAGA_UNDONE && w->in->repeated)) {
        say(w, "%s: the compensation of %s is %s", w->in->event, name,
            was == SAGA_UNDONE ? "done"
            : was == SAGA_DONE ? "still to come"
                               : "under way");
        return SAGA_IGNORED;
    }
    bool busy = instance_undoing(w->st);
    w->st->mark[step] = SAGA_DONE;
    say(w, "late %s: %s is to be undone", w->in->event, name);
    if (!busy) {
        undo_next(w);
    }
    return SAGA_TAKEN;
}

static enum saga_verdict reply_backwards(struct work *w, int event)
{
    const struct saga_step *step = step_of(w);
    if (instance_undoing(w->st) && saga_facts_have(&step->undone, event)) {
        say(w, "%s: %s is undone", w->in->event, step->name);
        if (w->st->status == SAGA_FAILED) {
            set_error(w, "");
        }
        mark_undone(w, w->st->step);
        undo_next(w);
        return SAGA_TAKEN;
    }
    int late = saga_success_step(w->s, event);
    if (late >= 0 && w->s->steps[late].undo_count > 0) {
        return reply_late(w, late);
    }
    return not_awaited(w);
}

static enum saga_verdict hold(struct work *w, int event)
{
    struct saga_state *st = w->st;
    for (int i = 0; i < st->held_count; i++) {
        if (st->held[i].event == event) {
            say(w, "paused: %s is recorded already", w->in->event);
            return SAGA_IGNORED;
        }
    }
    ASSERT(st->held_count <
           SAGA_EVENTS_MAX); /* so many at most are awaited, each is held once */
    struct saga_held *h = &st->held[st->held_count++];
    h->event = event;
    instance_copy(h->id, sizeof h->id, str_of(w->in->id));
    say(w, "paused: %s is recorded", w->in->event);
    return SAGA_HELD;
}

static enum saga_verdict reply(struct work *w)
{
    const char *id = w->in->id;
    int event = w->in->event != NULL ? saga_event_find(w->s, w->in->event) : -1;
    if (id == NULL || id[0] == '\0' || strlen(id) > SAGA_ID_MAX || strchr(id, ' ') != NULL) {
        say(w, "a reply needs an id of at most %d characters without blanks", SAGA_ID_MAX);
        return SAGA_REFUSED;
    }
    if (event < 0 || !saga_awaits(w->s, event)) {
        say(w, "%.*s is no reply of this saga", SAGA_NAME_MAX,
            w->in->event != NULL ? w->in->event : "");
        return SAGA_IGNORED;
    }
    if (w->st->status == SAGA_NONE) {
        say(w, "%s, but the saga has not begun", w->in->event);
        return SAGA_IGNORED;
    }
    if (w->st->paused) {
        return hold(w, event);
    }
    if (w->st->status == SAGA_SUCCEEDED) {
        return not_awaited(w);
    }
    return forwards(w->st) ? reply_forwards(w, event) : reply_backwards(w, event);
}

/* ---- time and people ------------------------------------------------------------------------ */

static enum saga_verdict start(struct work *w)
{
    const struct saga *s = w->s;
    struct saga_state *st = w->st;
    if (st->status != SAGA_NONE) {
        say(w, "it has begun already");
        return SAGA_NOTHING;
    }
    if (s->cancel_from != 0 && st->subject == s->cancel_state) {
        say(w, "cancelled before it began");
        compensate(w);
        return SAGA_TAKEN;
    }
    if (st->subject != 0) {
        say(w, "the subject is %s", s->states[st->subject].name);
        return SAGA_REFUSED;
    }
    if (w->in->scheduled_us > w->in->now_us) {
        st->status = SAGA_SCHEDULED;
        st->deadline_us = w->in->scheduled_us;
        say(w, "scheduled");
    } else {
        st->status = SAGA_STARTED;
        begin(w, 0);
    }
    return SAGA_TAKEN;
}

static enum saga_verdict timer_backwards(struct work *w)
{
    const struct saga_step *step = step_of(w);
    if (w->st->attempt < step->undo_tries) {
        w->st->attempt++;
        send_undo(w);
        return SAGA_TAKEN;
    }
    snprintf(w->st->last_error, sizeof w->st->last_error, "timeout: undo of %s", step->name);
    say(w, "the undo of %s is out of tries", step->name);
    fail(w);
    return SAGA_TAKEN;
}

static enum saga_verdict timer(struct work *w)
{
    struct saga_state *st = w->st;
    if (st->paused || st->deadline_us == 0 || w->in->now_us < st->deadline_us) {
        say(w, "no timer is due");
        return SAGA_NOTHING;
    }
    if (st->status == SAGA_SCHEDULED) {
        st->status = SAGA_STARTED;
        begin(w, 0);
        return SAGA_TAKEN;
    }
    if (instance_undoing(st)) {
        return timer_backwards(w);
    }
    if (st->attempt >= step_of(w)->tries) {
        return exhaust(w, false);
    }
    st->attempt++;
    send_step(w);
    return SAGA_TAKEN;
}

static enum saga_verdict cancel(struct work *w)
{
    const struct saga *s = w->s;
    struct saga_state *st = w->st;
    const char *subject = s->states[st->subject].name;
    if (s->cancel_from != 0 &&
        (st->subject == s->cancel_state || st->subject == s->cancelled_state)) {
        say(w, "it is %s already", subject);
        return SAGA_NOTHING;
    }
    if (!in_states(s->cancel_from, st->subject) || st->status == SAGA_NONE ||
        st->status == SAGA_SUCCEEDED || st->status == SAGA_COMPENSATED) {
        say(w, "cannot be cancelled: the subject is %s", subject);
        return SAGA_REFUSED;
    }
    set_subject(w, s->cancel_state);
    add_facts(w, &s->cancel_facts);
    if (st->status == SAGA_FAILED && instance_undoing(st)) {
        st->mark[st->step] = SAGA_DONE; /* tried anew */
        compensate(w);
    } else if (forwards(st)) {
        compensate(w);
    }
    return SAGA_TAKEN;
}

static bool running(const struct saga_state *st)
{
    return st->status == SAGA_SCHEDULED || st->status == SAGA_STARTED ||
           st->status == SAGA_PROCESSING || st->status == SAGA_COMPENSATING;
}

static enum saga_verdict pause_saga(struct work *w)
{
    if (!running(w->st)) {
        say(w, "the saga is %s", saga_status_text(w->st->status));
        return SAGA_REFUSED;
    }
    if (w->st->paused) {
        say(w, "it is paused already");
        return SAGA_NOTHING;
    }
    w->st->paused = true;
    w->st->paused_at_us = w->in->now_us;
    say(w, "paused");
    return SAGA_TAKEN;
}

static enum saga_verdict resume(struct work *w)
{
    struct saga_state *st = w->st;
    if (!running(st)) {
        say(w, "the saga is %s", saga_status_text(st->status));
        return SAGA_REFUSED;
    }
    if (!st->paused) {
        say(w, "it is not paused");
        return SAGA_NOTHING;
    }
    int64_t frozen_us = w->in->now_us - st->paused_at_us;
    if (st->deadline_us != 0 && st->status != SAGA_SCHEDULED && frozen_us > 0) {
        st->deadline_us += frozen_us;
    }
    st->paused = false;
    st->paused_at_us = 0;
    memcpy(w->out->replay, st->held, sizeof st->held);
    w->out->replay_count = st->held_count;
    memset(st->held, 0, sizeof st->held);
    st->held_count = 0;
    say(w, "resumed");
    if (st->status == SAGA_COMPENSATING && !instance_undoing(st)) {
        undo_next(w);
    }
    return SAGA_TAKEN;
}

static enum saga_verdict retry(struct work *w)
{
    struct saga_state *st = w->st;
    if (st->status != SAGA_FAILED) {
        say(w, "the saga is %s", saga_status_text(st->status));
        return SAGA_REFUSED;
    }
    say(w, "retry");
    st->attempt = 1;
    if (instance_undoing(st)) {
        st->status = final_subject(w) ? SAGA_COMPENSATED : SAGA_COMPENSATING;
        send_undo(w);
    } else {
        st->status = st->step == 0 ? SAGA_STARTED : SAGA_PROCESSING;
        send_step(w);
    }
    return SAGA_TAKEN;
}

static enum saga_verdict dispatch(struct work *w)
{
    switch (w->in->kind) {
    case SAGA_IN_START: return start(w);
    case SAGA_IN_REPLY: return reply(w);
    case SAGA_IN_TIMER: return timer(w);
    case SAGA_IN_CANCEL: return cancel(w);
    case SAGA_IN_PAUSE: return pause_saga(w);
    case SAGA_IN_RESUME: return resume(w);
    case SAGA_IN_RETRY:
    default: return retry(w);
    }
}

void saga_decide(const struct saga *s, const struct saga_state *before,
                 const struct saga_input *in, struct saga_outcome *out)
{
    struct saga_state old = *before;
    memset(out, 0, sizeof *out);
    out->state = old;
    struct work w = {.s = s, .in = in, .out = out, .st = &out->state};
    bool event = in->kind == SAGA_IN_REPLY || in->kind == SAGA_IN_START;
    const char *actor = event ? in->id : in->who;
    out->log.actor = in->kind == SAGA_IN_TIMER ? "timer" : actor != NULL ? actor : "";
    if (s->cancel_from != 0 && old.subject == s->cancel_state && forwards(&old)) {
        w.cancelled = true;
        say(&w, "the subject is %s", s->states[old.subject].name);
        turn(&w);
    }
    out->verdict = dispatch(&w);
    if (w.cancelled) {
        out->verdict = out->verdict == SAGA_HELD ? SAGA_HELD : SAGA_TAKEN;
        if (out->state.status == SAGA_COMPENSATING && !instance_undoing(&out->state) &&
            !out->state.paused) {
            undo_next(&w);
        }
    }
    out->log.from_step = old.status == SAGA_NONE ? -1 : old.step;
    out->log.from_status = old.status;
    out->log.to_step = out->state.step;
    out->log.to_status = out->state.status;
}

const char *saga_verdict_text(enum saga_verdict v)
{
    static const char *const texts[] = {"taken", "held", "ignored", "nothing", "refused"};
    return texts[v];
}
