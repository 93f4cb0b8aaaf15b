/* test_saga_model.c - random lives of sagas, seeded and bounded: a failure prints its seed.
 *
 * Two kinds. In the first, anything comes at any time, and what must hold is what a decision promises about itself. In
 * the second there is a world: workers that keep one outcome per step and obey undo for good, queues that delay, repeat,
 * swap and lose, people who pause, cancel and retry; at the end the world is asked whether everything that was done
 * is paid for or undone. */
#include "saga/saga_decide.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct declarations *files[2];
static uint64_t seed_now;

static uint64_t rnd(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return rnd(seed) % n;
}

#define HOLD(cond)                                                                             \
    do {                                                                                       \
        if (!(cond)) {                                                                         \
            fail_msg("seed %" PRIu64 ": %s", seed_now, #cond);                                 \
        }                                                                                      \
    } while (0)

static bool final_subject(const struct saga *s, const struct saga_state *st)
{
    return s->states[st->subject].final;
}

/* ---- what every decision promises ------------------------------------------------------------ */

static void check_commands(const struct saga *s, const struct saga_state *before,
                           const struct saga_outcome *o)
{
    int undos = 0;
    for (int i = 0; i < o->command_count; i++) {
        const struct saga_command *c = &o->commands[i];
        const struct saga_step *step = &s->steps[c->step];
        if (c->kind == SAGA_COMMAND_UNDO) {
            undos++;
            HOLD(c->attempt >= 1 && c->attempt <= step->undo_tries);
            HOLD(o->state.mark[c->step] == SAGA_UNDOING);
            /* the highest that is left: nothing above it waits to be undone */
            for (int k = c->step + 1; c->attempt == 1 && k < s->step_count; k++) {
                bool left = before->mark[k] == SAGA_BEGUN || before->mark[k] == SAGA_DONE;
                left = left && o->state.mark[k] != SAGA_UNDONE;
                HOLD(before->status == SAGA_FAILED || !left || s->steps[k].undo_count == 0);
            }
        } else if (c->kind == SAGA_COMMAND_STEP) {
            HOLD(c->attempt >= 1 && c->attempt <= step->tries);
            HOLD(c->step == o->state.step && o->state.mark[c->step] == SAGA_BEGUN);
        }
    }
    HOLD(undos <= 1);
}

/* Which moves of the subject were seen, of each saga of the bundled file. */
static bool moves[2][SAGA_STATES_MAX][SAGA_STATES_MAX];

static void note_moves(const struct saga *s, const struct saga_state *before,
                       const struct saga_outcome *o)
{
    int from = before->subject;
    for (int i = 0; i < o->subject_count; i++) {
        HOLD(from != o->subject[i]);
        if (s == &files[0]->sagas[0] || s == &files[0]->sagas[1]) {
            moves[s - files[0]->sagas][from][o->subject[i]] = true;
        }
        from = o->subject[i];
    }
    HOLD(from == o->state.subject);
}

static void check(const struct saga *s, const struct saga_state *before,
                  const struct saga_outcome *o)
{
    const struct saga_state *after = &o->state;
    const char *fault = after->status != SAGA_NONE ? instance_fault(s, after) : NULL;
    if (fault != NULL) {
        fail_msg("seed %" PRIu64 ": %s", seed_now, fault);
    }
    note_moves(s, before, o);
    HOLD((o->subject_count > 0) == (before->subject != after->subject));
    HOLD(!final_subject(s, before) || o->subject_count == 0);
    HOLD(before->status != SAGA_SUCCEEDED || after->status == SAGA_SUCCEEDED);
    HOLD(before->status != SAGA_COMPENSATED || after->status == SAGA_COMPENSATED ||
         after->status == SAGA_FAILED);
    HOLD(!after->paused ||
         (o->command_count == 0 && (o->verdict != SAGA_HELD || o->subject_count == 0)));
    if (after->status != SAGA_NONE && instance_fits(s, before)) {
        HOLD(instance_fits(s, after));
    }
    if (o->verdict == SAGA_NOTHING || o->verdict == SAGA_REFUSED ||
        o->verdict == SAGA_IGNORED) {
        HOLD(o->command_count == 0 && o->fact_count == 0 && o->replay_count == 0);
        HOLD(after->status == before->status && after->step == before->step &&
             after->attempt == before->attempt && after->deadline_us == before->deadline_us);
    }
    if (after->status == SAGA_COMPENSATED && !instance_undoing(after)) {
        for (int i = 0; i < s->step_count; i++) {
            HOLD(s->steps[i].undo_count == 0 || after->mark[i] == SAGA_UNTOUCHED ||
                 after->mark[i] == SAGA_UNDONE);
        }
        HOLD(final_subject(s, after));
    }
    check_commands(s, before, o);
}

/* ---- anything at any time -------------------------------------------------------------------- */

static void random_life(const struct saga *s, uint64_t seed)
{
    struct saga_state st;
    int64_t now_us = 1767268800000000;
    seed_now = seed;
    uint64_t r = seed * 0x9E3779B97F4A7C15u + 1;
    uint64_t wild = 1 + below(&r, 9); /* how often it is not what is awaited */
    instance_new(0, &st);
    for (int i = 0; i < 120; i++) {
        char id[24];
        snprintf(id, sizeof id, "id-%d", i);
        struct saga_input in = {.kind = SAGA_IN_REPLY, .id = id, .who = "operator:x"};
        const struct saga_step *step = &s->steps[st.step];
        uint64_t what = below(&r, 20);
        in.event = s->events[below(&r, (uint64_t)s->event_count)].type;
        in.repeated = below(&r, 4) == 0;
        if (st.status == SAGA_NONE) {
            in.kind = SAGA_IN_START;
            in.scheduled_us = below(&r, 4) == 0 ? now_us + 5000000 : 0;
        } else if (what < 4) {
            in.kind = SAGA_IN_TIMER;
            now_us = st.deadline_us > now_us && below(&r, 3) > 0 ? st.deadline_us : now_us;
        } else if (what == 4) {
            static const enum saga_input_kind kinds[] = {
                SAGA_IN_PAUSE, SAGA_IN_RESUME, SAGA_IN_RETRY, SAGA_IN_CANCEL, SAGA_IN_START};
            in.kind = kinds[below(&r, ARRAY_LEN(kinds))];
        } else if (what < 8) {
            in.kind = st.status == SAGA_FAILED ? SAGA_IN_RETRY : SAGA_IN_RESUME;
        } else if (below(&r, 10) >= wild) {
            in.event = s->events[instance_undoing(&st) ? step->undone.event[0]
                                                       : step->success[0].event]
                           .type;
        }
        if (below(&r, 60) == 0 && s->cancel_from >> st.subject & 1) {
            st.subject = s->cancel_state; /* by its owner */
        }
        now_us += (int64_t)below(&r, 3000000);
        in.now_us = now_us;
        struct saga_outcome o;
        saga_decide(s, &st, &in, &o);
        check(s, &st, &o);
        st = o.state;
    }
}

static void anything(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        random_life(&files[0]->sagas[seed % 2], seed);
        random_life(&files[1]->sagas[0], seed);
    }
}

/* ---- a world --------------------------------------------------------------------------------- */

/* A participant has done nothing, has an effect, has refused, or has taken its effect back, for good. */
enum effect { NOTHING, EFFECT, REFUSED, BARRED };

enum { MAIL_MAX = 64 };

struct message {
    bool to_engine;
    int event; /* to the engine */
    int id;
    struct saga_command command; /* to a worker */
};

struct world {
    const struct saga *s;
    struct saga_state st;
    uint64_t r;
    int64_t now_us;
    struct message mail[MAIL_MAX];
    int mail_count;
    enum effect effect[SAGA_STEPS_MAX]; /* by participant */
    int outcome[SAGA_STEPS_MAX]; /* event by which a worker answered the step; -1: none yet */
    bool seen[4 * SAGA_EVENTS_MAX]; /* the engine's inbox, by id */
};

/* One id for each (event, forwards or undo): the worker's stored reply. */
static void answer(struct world *w, int event, bool undo)
{
    int copies = below(&w->r, 10) == 0 ? 2 : 1;
    for (int i = 0; i < copies && w->mail_count < MAIL_MAX; i++) {
        w->mail[w->mail_count++] =
            (struct message){.to_engine = true, .event = event, .id = 2 * event + undo};
    }
}

static void work(struct world *w, const struct saga_command *c)
{
    const struct saga_step *step = &w->s->steps[c->step];
    enum effect *effect = &w->effect[step->participant];
    if (c->kind == SAGA_COMMAND_UNDO) {
        *effect = BARRED;
        answer(w, step->undone.event[0], true);
        return;
    }
    if (c->kind == SAGA_COMMAND_SIDE || w->now_us > c->deadline_us) {
        return; /* too late: dropped */
    }
    if (w->outcome[c->step] < 0 && *effect != BARRED) {
        bool fails = step->failure_count > 0 && below(&w->r, 8) == 0;
        w->outcome[c->step] = fails ? step->failure[0].event : step->success[0].event;
        *effect = fails ? REFUSED : EFFECT;
    }
    if (w->outcome[c->step] >= 0) {
        answer(w, w->outcome[c->step], false);
    }
}

static void decide(struct world *w, struct saga_input *in)
{
    struct saga_outcome o;
    in->now_us = w->now_us;
    saga_decide(w->s, &w->st, in, &o);
    check(w->s, &w->st, &o);
    w->st = o.state;
    for (int i = 0; i < o.command_count; i++) {
        HOLD(w->mail_count < MAIL_MAX);
        w->mail[w->mail_count++] = (struct message){.command = o.commands[i]};
    }
    for (int i = 0; i < o.replay_count; i++) {
        struct saga_input fed = {.kind = SAGA_IN_REPLY,
                                 .event = w->s->events[o.replay[i].event].type,
                                 .id = o.replay[i].id};
        decide(w, &fed);
    }
}

/* Replies may be lost and swapped; commands of one queue are not swapped. */
static void deliver(struct world *w, bool calm)
{
    int at = 0;
    if (!calm && w->mail[0].to_engine) {
        at = (int)below(&w->r, (uint64_t)w->mail_count);
        at = w->mail[at].to_engine ? at : 0;
    }
    struct message m = w->mail[at];
    memmove(&w->mail[at], &w->mail[at + 1], (size_t)(w->mail_count - at - 1) * sizeof m);
    w->mail_count--;
    if (!calm && below(&w->r, 12) == 0) {
        return; /* lost, or a worker that is down */
    }
    if (!m.to_engine) {
        work(w, &m.command);
        return;
    }
    char id[24];
    snprintf(id, sizeof id, "id-%d", m.id);
    struct saga_input in = {.kind = SAGA_IN_REPLY,
                            .event = w->s->events[m.event].type,
                            .id = id,
                            .repeated = w->seen[m.id]};
    w->seen[m.id] = true;
    decide(w, &in);
}

static void people(struct world *w)
{
    static const enum saga_input_kind kinds[] = {SAGA_IN_PAUSE, SAGA_IN_RESUME, SAGA_IN_RESUME,
                                                 SAGA_IN_RETRY, SAGA_IN_CANCEL};
    struct saga_input in = {.kind = kinds[below(&w->r, ARRAY_LEN(kinds))], .who = "operator:x"};
    decide(w, &in);
}

static bool at_rest(const struct world *w)
{
    return w->mail_count == 0 && (w->st.status == SAGA_SUCCEEDED ||
                                  (w->st.status == SAGA_COMPENSATED && w->st.deadline_us == 0));
}

static void one_turn(struct world *w, bool calm)
{
    const struct saga_step *step = &w->s->steps[w->st.step];
    struct saga_input in = {.kind = SAGA_IN_TIMER, .who = "operator:x", .id = "outside"};
    if (calm && (w->st.paused || w->st.status == SAGA_FAILED)) {
        in.kind = w->st.paused ? SAGA_IN_RESUME : SAGA_IN_RETRY;
        decide(w, &in);
    } else if (w->mail_count > 0 && (calm || below(&w->r, 3) > 0)) {
        deliver(w, calm);
    } else if (!calm && below(&w->r, 12) == 0) {
        people(w);
    } else if (step->call.command == NULL && w->st.status == SAGA_PROCESSING) {
        in.kind = SAGA_IN_REPLY; /* what the kitchen or a rider does */
        in.event = w->s->events[step->success[0].event].type;
        decide(w, &in);
    } else {
        bool jump = w->st.deadline_us > w->now_us && !w->st.paused;
        w->now_us = jump ? w->st.deadline_us : w->now_us;
        decide(w, &in);
    }
    w->now_us += (int64_t)below(&w->r, 2000000);
}

static void world_life(const struct saga *s, uint64_t seed)
{
    struct world w = {.s = s, .now_us = 1767268800000000};
    seed_now = seed;
    w.r = seed * 0x9E3779B97F4A7C15u + 1;
    instance_new(0, &w.st);
    for (int i = 0; i < SAGA_STEPS_MAX; i++) {
        w.outcome[i] = -1;
    }
    struct saga_input start = {.kind = SAGA_IN_START, .id = "start"};
    decide(&w, &start);
    uint64_t stormy = below(&w.r, 120);
    int turns = 0;
    while (!at_rest(&w) && turns < 2000) {
        one_turn(&w, (uint64_t)turns++ >= stormy);
    }
    HOLD(at_rest(&w));
    HOLD(final_subject(s, &w.st));
    for (int i = 0; i < s->step_count; i++) {
        bool effect = s->steps[i].undo_count > 0 && w.effect[s->steps[i].participant] == EFFECT;
        HOLD(w.st.status == SAGA_SUCCEEDED || !effect);
        /* and the other way round: what succeeded has not lost what it was made of */
        HOLD(w.st.status == SAGA_COMPENSATED || w.effect[s->steps[i].participant] != BARRED);
    }
}

static void a_world(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        world_life(&files[0]->sagas[seed % 2], seed);
        world_life(&files[1]->sagas[0], seed);
    }
}

/* ---- undone in reverse ------------------------------------------------------------------------ */

/* With nothing late, the undos are exactly those of the started participants, backwards. */
static void reverse(void **state)
{
    UNUSED(state);
    const struct saga *s = &files[0]->sagas[0];
    for (int at = 0; at <= 4; at++) {
        struct world w = {.s = s, .now_us = 1767268800000000, .r = 7};
        struct saga_input in = {.kind = SAGA_IN_START, .id = "start"};
        instance_new(0, &w.st);
        decide(&w, &in);
        for (int i = 0; i < at; i++) {
            in = (struct saga_input){.kind = SAGA_IN_REPLY,
                                     .id = "x",
                                     .event = s->events[s->steps[i].success[0].event].type};
            decide(&w, &in);
        }
        w.mail_count = 0;
        in = (struct saga_input){.kind = SAGA_IN_CANCEL, .who = "customer"};
        decide(&w, &in);
        int undone = s->step_count;
        bool participants[SAGA_STEPS_MAX] = {false};
        while (w.mail_count > 0) {
            const struct saga_command c = w.mail[--w.mail_count].command;
            HOLD(c.kind == SAGA_COMMAND_UNDO && c.step < undone && c.step <= at);
            HOLD(!participants[s->steps[c.step].participant]);
            undone = c.step;
            participants[s->steps[c.step].participant] = true;
            in = (struct saga_input){.kind = SAGA_IN_REPLY,
                                     .id = "x",
                                     .event = s->events[s->steps[c.step].undone.event[0]].type};
            decide(&w, &in);
        }
        for (int i = 0; i <= at; i++) {
            HOLD(s->steps[i].undo_count == 0 || participants[s->steps[i].participant]);
        }
        HOLD(w.st.status == SAGA_COMPENSATED);
    }
}

/* The database has the orders' state machines as rows, and refuses every other move: no saga makes one. */
static void allowed_moves(void **state)
{
    UNUSED(state);
    FILE *f = fopen("sql/primary/20_owners.sql", "r");
    assert_non_null(f);
    char *text = def_zalloc(1, 65536);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    int seen = 0;
    for (int i = 0; i < 2; i++) {
        const struct saga *s = &files[0]->sagas[i];
        for (int k = 0; k < s->state_count * SAGA_STATES_MAX; k++) {
            int from = k / SAGA_STATES_MAX;
            int to = k % SAGA_STATES_MAX;
            char row[160];
            char end[80];
            if (!moves[i][from][to]) {
                continue;
            }
            seen++;
            snprintf(row, sizeof row, "('order_%s', '%s', '", s->name, s->states[from].name);
            snprintf(end, sizeof end, "', '%s')", s->states[to].name);
            const char *at = strstr(text, row);
            while (at != NULL && strstr(at, end) > strchr(at, ')')) {
                at = strstr(at + 1, row);
            }
            if (at == NULL) {
                fail_msg("%s: %s to %s is no row of state_transitions", s->name,
                         s->states[from].name, s->states[to].name);
            }
        }
    }
    assert_int_equal(seen, 15); /* all there are, so none was left unproven */
    free(text);
}

static int load(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    return declaration_load("conf/sagas.cfg", &files[0], &e) != 0 ||
           declaration_load("tests/data/reservation.cfg", &files[1], &e) != 0;
}

static int unload(void **state)
{
    UNUSED(state);
    declaration_free(files[0]);
    declaration_free(files[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything),
        cmocka_unit_test(a_world),
        cmocka_unit_test(reverse),
        cmocka_unit_test(allowed_moves),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
