/* test_saga_decide.c - the decision by tables: what comes in, and all that comes out of it, line by line.
 *
 * An input is "start", "start 60" (scheduled in 60 s), "timer" (when the deadline has come), "early" (before it),
 * "wait 5" (seconds; nothing comes in), "cancel", "pause", "resume", "retry", "subject STATE" (changed by its owner), or a
 * reply: EVENT, "EVENT reason", "=EVENT" with an id seen before. The outcome reads
 *   verdict status step subject (A/B: through A) +FACT … >COMMAND#attempt … !message
 * and behind a resume one such text for each recorded reply that is fed. */
#include "saga/saga_decide.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct row {
    const char *in, *out;
};

static const struct declarations *bundled, *own;

static const int64_t noon_us = 1767268800000000;

struct play {
    const struct saga *s;
    struct saga_state st;
    int64_t now_us;
    int ids;
};

/* ---- the outcome as text -------------------------------------------------------------------- */

static void tell(const struct play *p, const struct saga_outcome *o, struct buf *out)
{
    const struct saga *s = p->s;
    buf_addf(out, "%s%s %s", out->len > 0 ? " | " : "", saga_verdict_text(o->verdict),
             saga_status_text(o->state.status));
    buf_addf(out, " %s ", s->steps[o->state.step].name);
    for (int i = 0; i + 1 < o->subject_count; i++) {
        buf_addf(out, "%s/", s->states[o->subject[i]].name);
    }
    buf_addf(out, "%s%s", s->states[o->state.subject].name, o->state.paused ? " paused" : "");
    for (int i = 0; i < o->fact_count; i++) {
        buf_addf(out, " +%s", o->facts[i]->type);
    }
    for (int i = 0; i < o->command_count; i++) {
        buf_addf(out, " >%s#%" PRId64, o->commands[i].call->command, o->commands[i].attempt);
    }
    if (o->message[0] != '\0' || o->reply_message) {
        buf_addf(out, " !%s", o->reply_message ? "reply" : o->message);
    }
}

static void assert_same(const struct saga_state *a, const struct saga_state *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->subject, b->subject);
    assert_int_equal(a->paused, b->paused);
    assert_int_equal(a->paused_at_us, b->paused_at_us);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->deadline_us, b->deadline_us);
    assert_string_equal(a->last_error, b->last_error);
    assert_memory_equal(a->mark, b->mark, sizeof a->mark);
    assert_int_equal(a->held_count, b->held_count);
    for (int i = 0; i < a->held_count; i++) {
        assert_int_equal(a->held[i].event, b->held[i].event);
        assert_string_equal(a->held[i].id, b->held[i].id);
    }
}

/* What holds for every outcome of every table here. */
static void check_outcome(const struct play *p, const struct saga_state *before,
                          const struct saga_outcome *o)
{
    const char *fault = o->verdict == SAGA_REFUSED ? NULL : instance_fault(p->s, &o->state);
    if (fault != NULL && before->status != SAGA_NONE) {
        fail_msg("%s", fault);
    }
    assert_int_equal(o->subject_count > 0, o->state.subject != before->subject);
    assert_int_equal(o->log.from_status, before->status);
    assert_int_equal(o->log.to_status, o->state.status);
    assert_true(o->log.detail[0] != '\0');
    assert_non_null(o->log.actor);
    if (o->verdict != SAGA_TAKEN && o->verdict != SAGA_HELD) {
        assert_same(before, &o->state);
        assert_int_equal(o->command_count + o->fact_count, 0);
    }
    for (int i = 0; i < o->command_count; i++) {
        const struct saga_command *c = &o->commands[i];
        int64_t deadline_us = c->kind == SAGA_COMMAND_SIDE ? 0 : o->state.deadline_us;
        assert_int_equal(c->deadline_us, deadline_us);
    }
}

/* The state goes to its columns and comes back the same. */
static void check_columns(const struct play *p)
{
    struct buf progress = BUF_INIT;
    struct buf held = BUF_INIT;
    struct saga_state again;
    struct err e = ERR_INIT;
    instance_progress(p->s, &p->st, &progress);
    instance_held(p->s, &p->st, &held);
    struct saga_row row = {.step = p->s->steps[p->st.step].name,
                           .status = saga_status_text(p->st.status),
                           .subject = p->s->states[p->st.subject].name,
                           .paused = p->st.paused,
                           .paused_at_us = p->st.paused_at_us,
                           .attempt = p->st.attempt,
                           .deadline_us = p->st.deadline_us,
                           .last_error = p->st.last_error[0] != '\0' ? p->st.last_error : NULL,
                           .progress = buf_str(&progress),
                           .held = buf_str(&held)};
    if (instance_read(p->s, &row, &again, &e) != 0) {
        fail_msg("%s", e.text);
    }
    assert_same(&again, &p->st);
    buf_fini(&progress);
    buf_fini(&held);
}

/* ---- playing -------------------------------------------------------------------------------- */

static void decide(struct play *p, const struct saga_input *in, struct buf *out)
{
    struct saga_outcome o;
    saga_decide(p->s, &p->st, in, &o);
    check_outcome(p, &p->st, &o);
    p->st = o.state;
    tell(p, &o, out);
    for (int i = 0; i < o.replay_count; i++) {
        struct saga_input fed = {.kind = SAGA_IN_REPLY,
                                 .now_us = p->now_us,
                                 .event = p->s->events[o.replay[i].event].type,
                                 .id = o.replay[i].id};
        decide(p, &fed, out);
    }
}

static void feed(struct play *p, const char *text, struct buf *out)
{
    static const struct {
        const char *name;
        enum saga_input_kind kind;
    } kinds[] = {{"start", SAGA_IN_START}, {"cancel", SAGA_IN_CANCEL},
                 {"pause", SAGA_IN_PAUSE}, {"resume", SAGA_IN_RESUME},
                 {"retry", SAGA_IN_RETRY}, {"timer", SAGA_IN_TIMER},
                 {"early", SAGA_IN_TIMER}};
    char word[64];
    char id[24];
    size_t n = strcspn(text, " ");
    const char *rest = text[n] == ' ' ? text + n + 1 : "";
    snprintf(word, sizeof word, "%.*s", (int)n, text);
    snprintf(id, sizeof id, "id-%d", p->ids++);
    struct saga_input in = {.kind = SAGA_IN_REPLY, .id = id, .who = "operator:test"};
    if (strcmp(word, "wait") == 0) {
        p->now_us += strtoll(rest, NULL, 10) * 1000000;
        return;
    }
    if (strcmp(word, "subject") == 0) {
        p->st.subject = saga_state_find(p->s, rest);
        assert_true(p->st.subject >= 0);
        return;
    }
    if (strcmp(word, "timer") == 0 && p->st.deadline_us > p->now_us) {
        p->now_us = p->st.deadline_us;
    }
    in.repeated = word[0] == '=';
    in.event = word + (in.repeated ? 1 : 0);
    in.reason = str_of(rest);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            in.kind = kinds[i].kind;
            in.scheduled_us =
                rest[0] != '\0' ? p->now_us + strtoll(rest, NULL, 10) * 1000000 : 0;
        }
    }
    in.now_us = p->now_us;
    decide(p, &in, out);
}

static void play_rows(struct play *p, const struct row *rows)
{
    for (const struct row *r = rows; r->in != NULL; r++) {
        struct buf out = BUF_INIT;
        feed(p, r->in, &out);
        if (r->out != NULL && strcmp(buf_cstr(&out), r->out) != 0) {
            fail_msg("row %d, %s: \"%s\" is not \"%s\"", (int)(r - rows), r->in, buf_cstr(&out),
                     r->out);
        }
        if (p->st.status != SAGA_NONE) {
            check_columns(p);
        }
        buf_fini(&out);
    }
}

static struct play new_play(const struct declarations *d, const char *saga)
{
    struct play p = {.s = declaration_saga(d, saga), .now_us = noon_us};
    instance_new(0, &p.st);
    return p;
}

/* The happy path of a saga as far as a table of prefixes goes. */
static const char *const food_path[] = {"start",
                                        "CUSTOMER_APPROVED",
                                        "TICKET_CREATED",
                                        "PAYMENT_APPROVED",
                                        "TICKET_APPROVED",
                                        "KITCHEN_PREPARING",
                                        "KITCHEN_READY",
                                        "DELIVERY_PICKEDUP",
                                        "DELIVERY_COMPLETED",
                                        "MAIL_COMPLETED"};

static struct play food_at(int steps)
{
    struct play p = new_play(bundled, "food");
    struct buf out = BUF_INIT;
    for (int i = 0; i < steps; i++) {
        feed(&p, food_path[i], &out);
    }
    buf_fini(&out);
    return p;
}

static void food_rows(int steps, const struct row *rows)
{
    struct play p = food_at(steps);
    play_rows(&p, rows);
}

/* ---- the way ahead -------------------------------------------------------------------------- */

static void food_happy(void **state)
{
    UNUSED(state);
    static const struct row rows[] = {
        {"start", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#1"},
        {"CUSTOMER_APPROVED", "taken PROCESSING CREATE_TICKET PENDING >CREATE_TICKET#1"},
        {"TICKET_CREATED", "taken PROCESSING AUTHORIZE_PAYMENT PENDING >AUTHORIZE_PAYMENT#1"},
        {"PAYMENT_APPROVED", "taken PROCESSING APPROVE_TICKET PENDING >APPROVE_TICKET#1"},
        {"TICKET_APPROVED",
         "taken PROCESSING PREPARE_FOOD ACCEPTED +ORDER_APPROVED >PREPARE_FOOD#1"},
        {"KITCHEN_PREPARING", "taken PROCESSING KITCHEN_READY PREPARING >UPDATE_TICKET#1"},
        {"timer", "nothing PROCESSING KITCHEN_READY PREPARING"},
        {"KITCHEN_READY", "taken PROCESSING DELIVERY_PICKEDUP READY >UPDATE_TICKET#1"},
        {"DELIVERY_PICKEDUP", "taken PROCESSING DELIVERY_COMPLETED PICKEDUP >UPDATE_TICKET#1"},
        {"DELIVERY_COMPLETED",
         "taken PROCESSING SEND_MAIL COMPLETED +MAIL_REQUESTED >UPDATE_TICKET#1 >SEND_MAIL#1"},
        {"MAIL_COMPLETED", "taken SUCCEEDED SEND_MAIL COMPLETED"},
        {"MAIL_COMPLETED", "ignored SUCCEEDED SEND_MAIL COMPLETED"},
        {"PAYMENT_APPROVED", "ignored SUCCEEDED SEND_MAIL COMPLETED"},
        {"timer", "nothing SUCCEEDED SEND_MAIL COMPLETED"},
        {"cancel", "refused SUCCEEDED SEND_MAIL COMPLETED"},
        {"pause", "refused SUCCEEDED SEND_MAIL COMPLETED"},
        {"resume", "refused SUCCEEDED SEND_MAIL COMPLETED"},
        {"retry", "refused SUCCEEDED SEND_MAIL COMPLETED"},
        {"start", "nothing SUCCEEDED SEND_MAIL COMPLETED"},
        {NULL, NULL}};
    struct play p = new_play(bundled, "food");
    play_rows(&p, rows);
}

static void simple_happy(void **state)
{
    UNUSED(state);
    static const struct row rows[] = {
        {"start", "taken STARTED PROCESS_ORDER PENDING >PROCESS_ORDER#1"},
        {"ORDER_COMPLETED",
         "taken PROCESSING PROCESS_PAYMENT ACCEPTED +PAYMENT_REQUESTED >PROCESS_PAYMENT#1"},
        {"PAYMENT_COMPLETED", "taken PROCESSING SEND_MAIL PAID +MAIL_REQUESTED >SEND_MAIL#1"},
        {"cancel", "refused PROCESSING SEND_MAIL PAID"},
        {"MAIL_COMPLETED", "taken SUCCEEDED SEND_MAIL COMPLETED"},
        {NULL, NULL}};
    struct play p = new_play(bundled, "simple");
    play_rows(&p, rows);
}

static void simple_failures(void **state)
{
    UNUSED(state);
    static const struct row first[] = {
        {"start", NULL},
        {"timer", "taken STARTED PROCESS_ORDER PENDING >PROCESS_ORDER#2"},
        {"timer", "taken STARTED PROCESS_ORDER PENDING >PROCESS_ORDER#3"},
        {"timer",
         "taken COMPENSATED PROCESS_ORDER REJECTED +ORDER_REJECTED !timeout: PROCESS_ORDER"},
        {"ORDER_COMPLETED", "ignored COMPENSATED PROCESS_ORDER REJECTED"},
        {NULL, NULL}};
    static const struct row payment[] = {
        {"start", NULL},
        {"ORDER_COMPLETED", NULL},
        {"PAYMENT_REJECTED amount exceeds limit",
         "taken COMPENSATED PROCESS_PAYMENT REJECTED +ORDER_REJECTED !reply"},
        {NULL, NULL}};
    static const struct row mail[] = {
        {"start", NULL},
        {"ORDER_COMPLETED", NULL},
        {"PAYMENT_COMPLETED", NULL},
        {"MAIL_FAILED no such mailbox", "taken PROCESSING SEND_MAIL PAID"},
        {"timer", "taken PROCESSING SEND_MAIL PAID >SEND_MAIL#2"},
        {"timer", "taken PROCESSING SEND_MAIL PAID >SEND_MAIL#3"},
        {"MAIL_FAILED no such mailbox",
         "taken COMPENSATING PROCESS_PAYMENT PAID >REFUND_PAYMENT#1 !reply"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED PROCESS_PAYMENT REJECTED +ORDER_REJECTED"},
        {NULL, NULL}};
    const struct row *const tables[] = {first, payment, mail};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct play p = new_play(bundled, "simple");
        play_rows(&p, tables[i]);
    }
}

static void own_saga(void **state)
{
    UNUSED(state);
    static const struct row sold[] = {
        {"start", "taken STARTED HOLD_SEAT OPEN >HOLD_SEAT#1"},
        {"SEAT_HELD", "taken PROCESSING TAKE_FARE OPEN >TAKE_FARE#1"},
        {"FARE_PAID", "taken SUCCEEDED TAKE_FARE SOLD +BOOKING_SOLD"},
        {NULL, NULL}};
    static const struct row voided[] = {
        {"start", NULL},
        {"SEAT_HELD", NULL},
        {"FARE_REFUSED", "taken COMPENSATING HOLD_SEAT OPEN >RELEASE_SEAT#1 !reply"},
        {"SEAT_RELEASED", "taken COMPENSATED HOLD_SEAT VOIDED +BOOKING_VOIDED"},
        {NULL, NULL}};
    static const struct row refused[] = {
        {"start", NULL},
        {"SEAT_TAKEN", "taken COMPENSATED HOLD_SEAT VOIDED +BOOKING_VOIDED !reply"},
        {NULL, NULL}};
    const struct row *const tables[] = {sold, voided, refused};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct play p = new_play(own, "reservation");
        play_rows(&p, tables[i]);
    }
}

/* ---- failures and timeouts of the food saga -------------------------------------------------- */

static void food_rejections(void **state)
{
    UNUSED(state);
    static const struct row customer[] = {
        {"CUSTOMER_REJECTED customer not found: 9",
         "taken COMPENSATED VERIFY_CUSTOMER REJECTED +ORDER_REJECTED !reply"},
        {NULL, NULL}};
    static const struct row ticket[] = {
        {"TICKET_REJECTED order has no items",
         "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED !reply"},
        {NULL, NULL}};
    static const struct row payment[] = {
        {"PAYMENT_REJECTED card declined",
         "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1 !reply"},
        {"timer", "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#2"},
        {"TICKET_REJECTED", "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED"},
        {"TICKET_REJECTED", "ignored COMPENSATED CREATE_TICKET REJECTED"},
        {NULL, NULL}};
    /* the ticket has rejected itself: only the payment is left */
    static const struct row approval[] = {
        {"TICKET_REJECTED",
         "taken COMPENSATING AUTHORIZE_PAYMENT PENDING >REFUND_PAYMENT#1 !reply"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT REJECTED +ORDER_REJECTED"},
        {NULL, NULL}};
    food_rows(1, customer);
    food_rows(2, ticket);
    food_rows(3, payment);
    food_rows(4, approval);
}

static void food_timeouts(void **state)
{
    UNUSED(state);
    static const struct row customer[] = {
        {"early", "nothing STARTED VERIFY_CUSTOMER PENDING"},
        {"timer", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#2"},
        {"early", "nothing STARTED VERIFY_CUSTOMER PENDING"},
        {"timer", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#3"},
        {"timer", "taken COMPENSATED VERIFY_CUSTOMER REJECTED +ORDER_REJECTED !timeout: "
                  "VERIFY_CUSTOMER"},
        {"timer", "nothing COMPENSATED VERIFY_CUSTOMER REJECTED"},
        {NULL, NULL}};
    static const struct row ticket[] = {
        {"timer", NULL},
        {"timer", "taken PROCESSING CREATE_TICKET PENDING >CREATE_TICKET#3"},
        {"timer",
         "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1 !timeout: CREATE_TICKET"},
        {"TICKET_CREATED",
         "ignored COMPENSATING CREATE_TICKET PENDING"}, /* its undo is under way */
        {"TICKET_REJECTED", "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED"},
        {"TICKET_CREATED", "taken COMPENSATED CREATE_TICKET REJECTED >CANCEL_TICKET#1"},
        {"TICKET_CANCELLED", "taken COMPENSATED CREATE_TICKET REJECTED"},
        {NULL, NULL}};
    static const struct row payment[] = {
        {"timer", NULL},
        {"timer", NULL},
        {"timer", "taken COMPENSATING AUTHORIZE_PAYMENT PENDING >REFUND_PAYMENT#1 !timeout: "
                  "AUTHORIZE_PAYMENT"},
        {"PAYMENT_REFUNDED", "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1"},
        {"TICKET_REJECTED", "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED"},
        {NULL, NULL}};
    static const struct row approval[] = {
        {"timer", NULL},
        {"timer", NULL},
        {"timer",
         "taken COMPENSATING APPROVE_TICKET PENDING >CANCEL_TICKET#1 !timeout: APPROVE_TICKET"},
        {"TICKET_CANCELLED", "taken COMPENSATING AUTHORIZE_PAYMENT PENDING >REFUND_PAYMENT#1"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT REJECTED +ORDER_REJECTED"},
        {NULL, NULL}};
    food_rows(1, customer);
    food_rows(2, ticket);
    food_rows(3, payment);
    food_rows(4, approval);
}

static void food_behind_pivot(void **state)
{
    UNUSED(state);
    static const struct row kitchen[] = {
        {"timer", "taken PROCESSING PREPARE_FOOD ACCEPTED >PREPARE_FOOD#2"},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", "taken PROCESSING PREPARE_FOOD ACCEPTED >PREPARE_FOOD#10"},
        {"timer", "taken FAILED PREPARE_FOOD ACCEPTED !timeout: PREPARE_FOOD"},
        {"timer", "nothing FAILED PREPARE_FOOD ACCEPTED"},
        {"pause", "refused FAILED PREPARE_FOOD ACCEPTED"},
        {"TICKET_CREATED", "ignored FAILED PREPARE_FOOD ACCEPTED"},
        {"retry", "taken PROCESSING PREPARE_FOOD ACCEPTED >PREPARE_FOOD#1"},
        {"=KITCHEN_PREPARING", "taken PROCESSING KITCHEN_READY PREPARING >UPDATE_TICKET#1"},
        {NULL, NULL}};
    static const struct row mail[] = {
        {"MAIL_FAILED mailbox full", "taken PROCESSING SEND_MAIL COMPLETED"},
        {"timer", "taken PROCESSING SEND_MAIL COMPLETED >SEND_MAIL#2"},
        {"timer", NULL},
        {"timer", NULL},
        {"timer", "taken PROCESSING SEND_MAIL COMPLETED >SEND_MAIL#5"},
        {"MAIL_FAILED mailbox full", "taken SUCCEEDED SEND_MAIL COMPLETED"},
        {NULL, NULL}};
    food_rows(5, kitchen);
    struct play p = food_at(9);
    play_rows(&p, mail);
    assert_string_equal(p.st.last_error, "mailbox full");
    p = food_at(9);
    for (int i = 0; i < 5; i++) {
        play_rows(&p, (struct row[]){{"timer", NULL}, {NULL, NULL}});
    }
    assert_int_equal(p.st.status, SAGA_SUCCEEDED);
    assert_string_equal(p.st.last_error, "timeout: SEND_MAIL");
    /* an error that a later try has mended is gone */
    p = food_at(9);
    play_rows(&p, (struct row[]){{"MAIL_FAILED mailbox full", NULL},
                                 {"timer", NULL},
                                 {"MAIL_COMPLETED", "taken SUCCEEDED SEND_MAIL COMPLETED"},
                                 {NULL, NULL}});
    assert_string_equal(p.st.last_error, "");
}

/* A saga that FAILED goes on by the reply that it waited for, also without an operator. */
static void failed_goes_on(void **state)
{
    UNUSED(state);
    struct play p = food_at(5);
    for (int i = 0; i < 10; i++) {
        play_rows(&p, (struct row[]){{"timer", NULL}, {NULL, NULL}});
    }
    assert_int_equal(p.st.status, SAGA_FAILED);
    struct play cancelled = p;
    static const struct row late[] = {
        {"KITCHEN_PREPARING", "taken PROCESSING KITCHEN_READY PREPARING >UPDATE_TICKET#1"},
        {NULL, NULL}};
    static const struct row cancel[] = {
        {"cancel",
         "taken COMPENSATING PREPARE_FOOD CANCELLING +ORDER_CANCELLING >CANCEL_COOK#1"},
        {NULL, NULL}};
    play_rows(&p, late);
    assert_string_equal(p.st.last_error, "");
    play_rows(&cancelled, cancel);
}

static void undo_exhausted(void **state)
{
    UNUSED(state);
    struct play p = food_at(3);
    play_rows(&p, (struct row[]){{"PAYMENT_REJECTED", NULL}, {NULL, NULL}});
    for (int i = 2; i <= 10; i++) {
        play_rows(&p, (struct row[]){{"timer", NULL}, {NULL, NULL}});
        assert_int_equal(p.st.attempt, i);
    }
    static const struct row rows[] = {
        {"timer", "taken FAILED CREATE_TICKET PENDING"},
        {"timer", "nothing FAILED CREATE_TICKET PENDING"},
        {"retry", "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1"},
        {"TICKET_REJECTED", "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED"},
        {"retry", "refused COMPENSATED CREATE_TICKET REJECTED"},
        {NULL, NULL}};
    struct play failed = p;
    play_rows(&failed, rows);
    /* the reply at last, without a retry; and a cancel, which tries anew */
    failed = p;
    play_rows(&failed,
              (struct row[]){{"timer", NULL},
                             {"TICKET_REJECTED",
                              "taken COMPENSATED CREATE_TICKET REJECTED +ORDER_REJECTED"},
                             {NULL, NULL}});
    play_rows(
        &p,
        (struct row[]){
            {"timer", "taken FAILED CREATE_TICKET PENDING"},
            {"cancel", "taken COMPENSATING CREATE_TICKET CANCELLING +ORDER_CANCELLING "
                       ">CANCEL_TICKET#1"},
            {"TICKET_CANCELLED", "taken COMPENSATED CREATE_TICKET CANCELLED +ORDER_CANCELLED"},
            {NULL, NULL}});
}

/* ---- cancel --------------------------------------------------------------------------------- */

static void cancels(void **state)
{
    UNUSED(state);
    static const struct row scheduled[] = {
        {"start 60", "taken SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"cancel", "taken COMPENSATED VERIFY_CUSTOMER CANCELLING/CANCELLED +ORDER_CANCELLING "
                   "+ORDER_CANCELLED"},
        {"timer", "nothing COMPENSATED VERIFY_CUSTOMER CANCELLED"},
        {NULL, NULL}};
    static const struct row customer[] = {
        {"cancel", "taken COMPENSATED VERIFY_CUSTOMER CANCELLING/CANCELLED +ORDER_CANCELLING "
                   "+ORDER_CANCELLED"},
        {"cancel", "nothing COMPENSATED VERIFY_CUSTOMER CANCELLED"},
        {"CUSTOMER_APPROVED", "ignored COMPENSATED VERIFY_CUSTOMER CANCELLED"},
        {NULL, NULL}};
    static const struct row ticket[] = {
        {"cancel",
         "taken COMPENSATING CREATE_TICKET CANCELLING +ORDER_CANCELLING >CANCEL_TICKET#1"},
        {"cancel", "nothing COMPENSATING CREATE_TICKET CANCELLING"},
        {"TICKET_CANCELLED", "taken COMPENSATED CREATE_TICKET CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    static const struct row payment[] = {
        {"cancel",
         "taken COMPENSATING AUTHORIZE_PAYMENT CANCELLING +ORDER_CANCELLING >REFUND_PAYMENT#1"},
        {"PAYMENT_APPROVED", "ignored COMPENSATING AUTHORIZE_PAYMENT CANCELLING"},
        {"PAYMENT_REFUNDED", "taken COMPENSATING CREATE_TICKET CANCELLING >CANCEL_TICKET#1"},
        {"PAYMENT_APPROVED", "taken COMPENSATING CREATE_TICKET CANCELLING"},
        {"TICKET_CANCELLED",
         "taken COMPENSATING AUTHORIZE_PAYMENT CANCELLING >REFUND_PAYMENT#1"},
        {"=PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    static const struct row approval[] = {
        {"cancel",
         "taken COMPENSATING APPROVE_TICKET CANCELLING +ORDER_CANCELLING >CANCEL_TICKET#1"},
        {"TICKET_APPROVED", "ignored COMPENSATING APPROVE_TICKET CANCELLING"},
        {"TICKET_CANCELLED",
         "taken COMPENSATING AUTHORIZE_PAYMENT CANCELLING >REFUND_PAYMENT#1"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    static const struct row accepted[] = {
        {"cancel",
         "taken COMPENSATING PREPARE_FOOD CANCELLING +ORDER_CANCELLING >CANCEL_COOK#1"},
        {"KITCHEN_PREPARING", "ignored COMPENSATING PREPARE_FOOD CANCELLING"},
        {"KITCHEN_CANCELLED", "taken COMPENSATING APPROVE_TICKET CANCELLING >CANCEL_TICKET#1"},
        {"KITCHEN_PREPARING", "taken COMPENSATING APPROVE_TICKET CANCELLING"},
        {"TICKET_CANCELLED", "taken COMPENSATING PREPARE_FOOD CANCELLING >CANCEL_COOK#1"},
        {"KITCHEN_CANCELLED",
         "taken COMPENSATING AUTHORIZE_PAYMENT CANCELLING >REFUND_PAYMENT#1"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT CANCELLED +ORDER_CANCELLED"},
        {"PAYMENT_APPROVED", "taken COMPENSATED AUTHORIZE_PAYMENT CANCELLED >REFUND_PAYMENT#1"},
        {"PAYMENT_REFUNDED", "taken COMPENSATED AUTHORIZE_PAYMENT CANCELLED"},
        {"=PAYMENT_APPROVED", "ignored COMPENSATED AUTHORIZE_PAYMENT CANCELLED"},
        {NULL, NULL}};
    /* while it is being rejected: it ends cancelled */
    static const struct row rejecting[] = {
        {"PAYMENT_REJECTED",
         "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1 !reply"},
        {"cancel", "taken COMPENSATING CREATE_TICKET CANCELLING +ORDER_CANCELLING"},
        {"timer", "taken COMPENSATING CREATE_TICKET CANCELLING >CANCEL_TICKET#2"},
        {"TICKET_REJECTED", "taken COMPENSATED CREATE_TICKET CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    struct play p = new_play(bundled, "food");
    play_rows(&p, scheduled);
    food_rows(1, customer);
    food_rows(2, ticket);
    food_rows(3, payment);
    food_rows(4, approval);
    food_rows(5, accepted);
    food_rows(3, rejecting);
    for (int i = 6; i <= 10; i++) { /* from PREPARING on it is too late */
        p = food_at(i);
        struct saga_outcome o;
        struct saga_input in = {.kind = SAGA_IN_CANCEL, .who = "customer"};
        saga_decide(p.s, &p.st, &in, &o);
        assert_int_equal(o.verdict, SAGA_REFUSED);
    }
}

/* The owner of the subject has cancelled it in its own transaction. */
static void cancelled_outside(void **state)
{
    UNUSED(state);
    static const struct row reply[] = {
        {"subject CANCELLING", NULL},
        {"KITCHEN_PREPARING", "taken COMPENSATING PREPARE_FOOD CANCELLING >CANCEL_COOK#1"},
        {"KITCHEN_CANCELLED", "taken COMPENSATING APPROVE_TICKET CANCELLING >CANCEL_TICKET#1"},
        {NULL, NULL}};
    static const struct row asked[] = {
        {"subject CANCELLING", NULL},
        {"cancel", "taken COMPENSATING AUTHORIZE_PAYMENT CANCELLING >REFUND_PAYMENT#1"},
        {NULL, NULL}};
    static const struct row begun[] = {
        {"subject CANCELLING", NULL},
        {"start", "taken COMPENSATED VERIFY_CUSTOMER CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    static const struct row other[] = {
        {"subject READY", NULL},
        {"start", "refused NONE VERIFY_CUSTOMER READY"},
        {"CUSTOMER_APPROVED", "ignored NONE VERIFY_CUSTOMER READY"},
        {NULL, NULL}};
    /* a state that nobody may set: the guard lets nothing pass */
    static const struct row guard[] = {
        {"subject READY", NULL},
        {"PAYMENT_APPROVED", "ignored PROCESSING AUTHORIZE_PAYMENT READY"},
        {NULL, NULL}};
    food_rows(5, reply);
    food_rows(3, asked);
    food_rows(0, begun);
    food_rows(0, other);
    food_rows(3, guard);
}

/* ---- pause, schedule ------------------------------------------------------------------------ */

static void pauses(void **state)
{
    UNUSED(state);
    static const struct row rows[] = {
        {"wait 4", NULL},
        {"pause", "taken PROCESSING CREATE_TICKET PENDING paused"},
        {"pause", "nothing PROCESSING CREATE_TICKET PENDING paused"},
        {"wait 3600", NULL},
        {"timer", "nothing PROCESSING CREATE_TICKET PENDING paused"},
        {"resume", "taken PROCESSING CREATE_TICKET PENDING"},
        {"resume", "nothing PROCESSING CREATE_TICKET PENDING"},
        {"early", "nothing PROCESSING CREATE_TICKET PENDING"},
        {"wait 5", NULL},
        {"early", "nothing PROCESSING CREATE_TICKET PENDING"}, /* 9 of its 10 s are over */
        {"wait 1", NULL},
        {"early", "taken PROCESSING CREATE_TICKET PENDING >CREATE_TICKET#2"},
        {"pause", NULL},
        {"PAYMENT_APPROVED", "held PROCESSING CREATE_TICKET PENDING paused"},
        {"TICKET_CREATED", "held PROCESSING CREATE_TICKET PENDING paused"},
        {"TICKET_CREATED", "ignored PROCESSING CREATE_TICKET PENDING paused"},
        {"retry", "refused PROCESSING CREATE_TICKET PENDING paused"},
        {"resume", "taken PROCESSING CREATE_TICKET PENDING | "
                   "ignored PROCESSING CREATE_TICKET PENDING | "
                   "taken PROCESSING AUTHORIZE_PAYMENT PENDING >AUTHORIZE_PAYMENT#1"},
        {"resume", "nothing PROCESSING AUTHORIZE_PAYMENT PENDING"},
        {NULL, NULL}};
    /* a cancel while paused shows at once, its commands wait */
    static const struct row cancel[] = {
        {"pause", NULL},
        {"cancel", "taken COMPENSATING PREPARE_FOOD CANCELLING paused +ORDER_CANCELLING"},
        {"KITCHEN_PREPARING", "held COMPENSATING PREPARE_FOOD CANCELLING paused"},
        {"timer", "nothing COMPENSATING PREPARE_FOOD CANCELLING paused"},
        {"resume", "taken COMPENSATING PREPARE_FOOD CANCELLING >CANCEL_COOK#1 | "
                   "ignored COMPENSATING PREPARE_FOOD CANCELLING"},
        {"pause", "taken COMPENSATING PREPARE_FOOD CANCELLING paused"},
        {"KITCHEN_CANCELLED", "held COMPENSATING PREPARE_FOOD CANCELLING paused"},
        {"resume", "taken COMPENSATING PREPARE_FOOD CANCELLING | "
                   "taken COMPENSATING APPROVE_TICKET CANCELLING >CANCEL_TICKET#1"},
        {NULL, NULL}};
    static const struct row nothing_begun[] = {
        {"start 60", "taken SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"pause", "taken SCHEDULED VERIFY_CUSTOMER PENDING paused"},
        {"cancel", "taken COMPENSATING VERIFY_CUSTOMER CANCELLING paused +ORDER_CANCELLING"},
        {"resume", "taken COMPENSATED VERIFY_CUSTOMER CANCELLED +ORDER_CANCELLED"},
        {NULL, NULL}};
    food_rows(2, rows);
    food_rows(5, cancel);
    food_rows(0, nothing_begun);
}

static void schedules(void **state)
{
    UNUSED(state);
    static const struct row due[] = {
        {"start 60", "taken SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"start 60", "nothing SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"wait 59", NULL},
        {"early", "nothing SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"CUSTOMER_APPROVED", "ignored SCHEDULED VERIFY_CUSTOMER PENDING"},
        {"wait 1", NULL},
        {"early", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#1"},
        {NULL, NULL}};
    /* a schedule is a time of day: a pause does not move it */
    static const struct row paused[] = {
        {"start 60", NULL},
        {"pause", NULL},
        {"wait 30", NULL},
        {"resume", NULL},
        {"wait 30", NULL},
        {"early", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#1"},
        {NULL, NULL}};
    static const struct row past[] = {
        {"start -5", "taken STARTED VERIFY_CUSTOMER PENDING >VERIFY_CUSTOMER#1"}, {NULL, NULL}};
    food_rows(0, due);
    food_rows(0, paused);
    food_rows(0, past);
}

/* ---- replies that nobody awaits -------------------------------------------------------------- */

/* At every step every reply but the step's own is ignored, and what came before may come again. */
static void unawaited(void **state)
{
    UNUSED(state);
    for (int at = 1; at <= 10; at++) {
        struct play p = food_at(at);
        const struct saga_step *step = &p.s->steps[p.st.step];
        for (int event = 0; event < p.s->event_count; event++) {
            bool own_reply = step->success[0].event == event ||
                             (step->failure_count > 0 && step->failure[0].event == event);
            struct saga_outcome o;
            struct saga_input in = {.kind = SAGA_IN_REPLY,
                                    .now_us = p.now_us,
                                    .event = p.s->events[event].type,
                                    .id = "x"};
            saga_decide(p.s, &p.st, &in, &o);
            bool taken = own_reply && p.st.status != SAGA_SUCCEEDED;
            assert_int_equal(o.verdict, taken ? SAGA_TAKEN : SAGA_IGNORED);
            check_outcome(&p, &p.st, &o);
        }
    }
}

/* After the rejection each success that has an undo is undone, whether its step ever began or not. */
static void late_successes(void **state)
{
    UNUSED(state);
    static const char *const late[][3] = {
        {"CUSTOMER_APPROVED", NULL, NULL},
        {"TICKET_CREATED", "CANCEL_TICKET", "TICKET_CANCELLED"},
        {"PAYMENT_APPROVED", "REFUND_PAYMENT", "PAYMENT_REFUNDED"},
        {"TICKET_APPROVED", "CANCEL_TICKET", "TICKET_CANCELLED"},
        {"KITCHEN_PREPARING", "CANCEL_COOK", "KITCHEN_CANCELLED"},
        {"KITCHEN_READY", NULL, NULL},
        {"MAIL_COMPLETED", NULL, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        struct play p = food_at(1);
        struct buf out = BUF_INIT;
        feed(&p, "CUSTOMER_REJECTED", &out);
        buf_reset(&out);
        feed(&p, late[i][0], &out);
        assert_int_equal(p.st.status, SAGA_COMPENSATED);
        assert_int_equal(strstr(buf_cstr(&out), ">") != NULL, late[i][1] != NULL);
        if (late[i][1] != NULL) {
            assert_non_null(strstr(buf_cstr(&out), late[i][1]));
            feed(&p, "timer", &out);
            assert_int_equal(p.st.attempt, 2);
            feed(&p, late[i][2], &out);
            assert_int_equal(p.st.deadline_us, 0);
        }
        assert_int_equal(p.st.subject, saga_state_find(p.s, "REJECTED"));
        buf_fini(&out);
    }
    /* one of a later step of the participant that is being undone: the answer was not about it */
    food_rows(
        3,
        (struct row[]){
            {"PAYMENT_REJECTED",
             "taken COMPENSATING CREATE_TICKET PENDING >REJECT_TICKET#1 !reply"},
            {"TICKET_APPROVED", "taken COMPENSATING CREATE_TICKET PENDING"},
            {"TICKET_REJECTED", "taken COMPENSATING APPROVE_TICKET PENDING >CANCEL_TICKET#1"},
            {"TICKET_CANCELLED", "taken COMPENSATED APPROVE_TICKET REJECTED +ORDER_REJECTED"},
            {NULL, NULL}});
    /* an undo of that kind can run out of tries, too: visible, and retried */
    struct play p = food_at(1);
    play_rows(&p, (struct row[]){
                      {"CUSTOMER_REJECTED", NULL}, {"PAYMENT_APPROVED", NULL}, {NULL, NULL}});
    for (int i = 0; i < 10; i++) {
        play_rows(&p, (struct row[]){{"timer", NULL}, {NULL, NULL}});
    }
    play_rows(
        &p,
        (struct row[]){
            {"early", "nothing FAILED AUTHORIZE_PAYMENT REJECTED"},
            {"cancel", "refused FAILED AUTHORIZE_PAYMENT REJECTED"},
            {"TICKET_CREATED", "taken FAILED AUTHORIZE_PAYMENT REJECTED"},
            {"retry", "taken COMPENSATED AUTHORIZE_PAYMENT REJECTED >REFUND_PAYMENT#1"},
            {"PAYMENT_REFUNDED", "taken COMPENSATED CREATE_TICKET REJECTED >CANCEL_TICKET#1"},
            {"TICKET_CANCELLED", "taken COMPENSATED CREATE_TICKET REJECTED"},
            {NULL, NULL}});
}

static void malformed(void **state)
{
    UNUSED(state);
    static const struct saga_input inputs[] = {
        {.kind = SAGA_IN_REPLY, .event = "CUSTOMER_APPROVED"},
        {.kind = SAGA_IN_REPLY, .event = "CUSTOMER_APPROVED", .id = ""},
        {.kind = SAGA_IN_REPLY, .event = "CUSTOMER_APPROVED", .id = "a b"},
        {.kind = SAGA_IN_REPLY,
         .event = "CUSTOMER_APPROVED",
         .id = "0123456789012345678901234567890123456789012345678901234567890123"},
        {.kind = SAGA_IN_REPLY, .event = NULL, .id = "x"},
        {.kind = SAGA_IN_REPLY, .event = "NO_SUCH_EVENT", .id = "x"},
        {.kind = SAGA_IN_REPLY, .event = "ORDER_APPROVED", .id = "x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        struct play p = food_at(1);
        struct saga_outcome o;
        saga_decide(p.s, &p.st, &inputs[i], &o);
        assert_int_equal(o.verdict, i < 4 ? SAGA_REFUSED : SAGA_IGNORED);
        assert_same(&o.state, &p.st);
    }
}

static int load(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    return declaration_load("conf/sagas.cfg", &bundled, &e) != 0 ||
           declaration_load("tests/data/reservation.cfg", &own, &e) != 0;
}

static int unload(void **state)
{
    UNUSED(state);
    declaration_free(bundled);
    declaration_free(own);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(food_happy),        cmocka_unit_test(simple_happy),
        cmocka_unit_test(simple_failures),   cmocka_unit_test(own_saga),
        cmocka_unit_test(food_rejections),   cmocka_unit_test(food_timeouts),
        cmocka_unit_test(food_behind_pivot), cmocka_unit_test(failed_goes_on),
        cmocka_unit_test(undo_exhausted),    cmocka_unit_test(cancels),
        cmocka_unit_test(cancelled_outside), cmocka_unit_test(pauses),
        cmocka_unit_test(schedules),         cmocka_unit_test(unawaited),
        cmocka_unit_test(late_successes),    cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
