/* instance.c - see instance.h. The columns' text is parsed as strictly as it is written: a row that this program or
 * this declaration cannot have written is an error, never a guess. */
#include "saga/instance.h"

#include <stdio.h>

static const char *const mark_texts[] = {"untouched", "begun", "done", "undoing", "undone"};

void instance_new(int subject, struct saga_state *out)
{
    *out = (struct saga_state){.status = SAGA_NONE, .subject = subject};
}

void instance_copy(char *out, size_t size, struct str text)
{
    size_t n = text.n < size ? text.n : size - 1;
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80) {
        n--;
    }
    if (n > 0) {
        memcpy(out, text.p, n);
    }
    out[n] = '\0';
}

/* ---- pairs "name=value" between single blanks ------------------------------------------------- */

struct pair {
    char name[SAGA_NAME_MAX + 1];
    char value[SAGA_ID_MAX + 1];
};

/* 1: a pair; 0: the end; ERR_INVALID: malformed. */
static int next_pair(struct str *text, struct pair *out)
{
    if (text->n == 0) {
        return 0;
    }
    const char *space = memchr(text->p, ' ', text->n);
    size_t n = space != NULL ? (size_t)(space - text->p) : text->n;
    const char *equals = memchr(text->p, '=', n);
    size_t name = equals != NULL ? (size_t)(equals - text->p) : 0;
    size_t value = n - name - 1;
    if (name == 0 || name > SAGA_NAME_MAX || n == name + 1 || value > SAGA_ID_MAX) {
        return ERR_INVALID;
    }
    instance_copy(out->name, sizeof out->name, (struct str){text->p, name});
    instance_copy(out->value, sizeof out->value, (struct str){equals + 1, value});
    size_t skip = n + (space != NULL ? 1 : 0);
    text->p += skip;
    text->n -= skip;
    return 1;
}

static int read_progress(const struct saga *s, struct str text, struct saga_state *st,
                         struct err *e)
{
    struct pair pair;
    int rc;
    while ((rc = next_pair(&text, &pair)) == 1) {
        int step = saga_step_find(s, pair.name);
        size_t mark = 0;
        while (mark < ARRAY_LEN(mark_texts) && strcmp(mark_texts[mark], pair.value) != 0) {
            mark++;
        }
        if (step < 0 || mark == ARRAY_LEN(mark_texts)) {
            return err_set(e, ERR_INVALID, "saga %s has no step %s or no mark %s", s->name,
                           pair.name, pair.value);
        }
        st->mark[step] = (enum saga_mark)mark;
    }
    return rc == 0 ? 0 : err_set(e, rc, "malformed progress of saga %s", s->name);
}

static int read_held(const struct saga *s, struct str text, struct saga_state *st,
                     struct err *e)
{
    struct pair pair;
    int rc;
    while ((rc = next_pair(&text, &pair)) == 1) {
        int event = saga_event_find(s, pair.name);
        if (event < 0 || !saga_awaits(s, event) || st->held_count == SAGA_EVENTS_MAX) {
            return err_set(e, ERR_INVALID, "saga %s does not wait for %s, which it holds",
                           s->name, pair.name);
        }
        struct saga_held *h = &st->held[st->held_count++];
        h->event = event;
        instance_copy(h->id, sizeof h->id, str_of(pair.value));
    }
    return rc == 0 ? 0 : err_set(e, rc, "malformed held replies of saga %s", s->name);
}

int instance_read(const struct saga *s, const struct saga_row *row, struct saga_state *out,
                  struct err *e)
{
    instance_new(saga_state_find(s, row->subject), out);
    if (out->subject < 0) {
        return err_set(e, ERR_INVALID, "saga %s has no state %s of its subject", s->name,
                       row->subject);
    }
    out->step = saga_step_find(s, row->step);
    if (out->step < 0) {
        return err_set(e, ERR_INVALID, "saga %s has no step %s", s->name, row->step);
    }
    if (!saga_status_parse(row->status, &out->status)) {
        return err_set(e, ERR_INVALID, "unknown status %s", row->status);
    }
    out->paused = row->paused;
    out->paused_at_us = row->paused_at_us;
    out->attempt = row->attempt;
    out->deadline_us = row->deadline_us;
    instance_copy(out->last_error, sizeof out->last_error, str_of(row->last_error));
    int rc = read_progress(s, row->progress, out, e);
    rc = rc == 0 ? read_held(s, row->held, out, e) : rc;
    const char *fault = rc == 0 ? instance_fault(s, out) : NULL;
    return fault == NULL ? rc : err_set(e, ERR_INVALID, "saga %s: %s", s->name, fault);
}

static void put_pair(struct buf *out, size_t start, const char *name, const char *value)
{
    buf_addf(out, "%s%s=%s", out->len > start ? " " : "", name, value);
}

void instance_progress(const struct saga *s, const struct saga_state *st, struct buf *out)
{
    size_t start = out->len;
    for (int i = 0; i < s->step_count; i++) {
        if (st->mark[i] != SAGA_UNTOUCHED) {
            put_pair(out, start, s->steps[i].name, mark_texts[st->mark[i]]);
        }
    }
}

void instance_held(const struct saga *s, const struct saga_state *st, struct buf *out)
{
    size_t start = out->len;
    for (int i = 0; i < st->held_count; i++) {
        put_pair(out, start, s->events[st->held[i].event].type, st->held[i].id);
    }
}

const char *instance_fault(const struct saga *s, const struct saga_state *st)
{
    bool undoing = instance_undoing(st);
    bool backwards = st->status == SAGA_COMPENSATING || st->status == SAGA_COMPENSATED;
    bool halted = st->status == SAGA_FAILED || st->status == SAGA_SUCCEEDED;
    for (int i = 0; i < s->step_count; i++) {
        if (st->mark[i] == SAGA_UNDOING && i != st->step) {
            return "a step is being undone at which the saga is not";
        }
    }
    if (st->attempt < 0 || st->deadline_us < 0 || st->paused != (st->paused_at_us > 0)) {
        return "attempt, deadline or pause is out of range";
    }
    if (undoing && !backwards && st->status != SAGA_FAILED) {
        return "a step is being undone of a saga that runs forwards";
    }
    if (st->deadline_us != 0 && (halted || (backwards && !undoing))) {
        return "a deadline, but nothing is under way";
    }
    if (backwards && undoing && st->deadline_us == 0) {
        return "a step is being undone without a deadline";
    }
    if (st->status == SAGA_COMPENSATING && !undoing && !st->paused) {
        return "nothing is being undone";
    }
    if (st->paused && (halted || st->status == SAGA_COMPENSATED)) {
        return "it is paused, but nothing is under way";
    }
    return st->held_count > 0 && !st->paused ? "it holds replies, but is not paused" : NULL;
}

bool instance_fits(const struct saga *s, const struct saga_state *st)
{
    enum saga_status status = st->status == SAGA_SCHEDULED ? SAGA_STARTED : st->status;
    return status == SAGA_FAILED || (s->states[st->subject].status & 1u << status) != 0;
}

bool instance_undoing(const struct saga_state *st)
{
    return st->mark[st->step] == SAGA_UNDOING;
}
