/* card.c - see card.h. */
#include "domain/card.h"

#include <stdio.h>

enum { NUMBER_LEAST = 8, NUMBER_MOST = 19, KEPT = 4, CVC_LEAST = 3, CVC_MOST = 4, USUAL = 16 };

static bool quoted(struct str raw)
{
    return raw.n >= 2 && raw.p[0] == '"';
}

static struct str inside(struct str raw)
{
    return quoted(raw) ? (struct str){raw.p + 1, raw.n - 2} : raw;
}

/* The digits of a JSON string or number. p NULL: it is something else, or has another length. */
static struct str digits(struct str raw, size_t least, size_t most)
{
    struct str inner = raw.p != NULL ? inside(raw) : STR_NULL;
    if (inner.p == NULL || inner.n < least || inner.n > most) {
        return STR_NULL;
    }
    for (size_t i = 0; i < inner.n; i++) {
        if (inner.p[i] < '0' || inner.p[i] > '9') {
            return STR_NULL;
        }
    }
    return inner;
}

/* All but the last `kept` bytes; a number stays one, so that the text around it can still be read. */
static void wipe(struct str raw, size_t kept)
{
    struct str inner = inside(raw);
    char *p = (char *)(uintptr_t)inner.p; /* memory that may be written, as the header says */
    for (size_t i = 0; i + kept < inner.n; i++) {
        p[i] = quoted(raw) ? '*' : '1';
    }
}

static bool expiry(struct card *c, struct str yy, struct str mm)
{
    struct str y = digits(yy, 2, 2);
    struct str m = digits(mm, 2, 2);
    if (y.p == NULL || m.p == NULL) {
        return false;
    }
    int month = (m.p[0] - '0') * 10 + (m.p[1] - '0');
    snprintf(c->yy, sizeof c->yy, "%.2s", y.p);
    snprintf(c->mm, sizeof c->mm, "%.2s", m.p);
    snprintf(c->expiry, sizeof c->expiry, "%s/%s", c->mm, c->yy);
    return month >= 1 && month <= 12;
}

static void number_in(struct card *c, struct str n)
{
    memcpy(c->number, n.p, n.n);
    memset(c->masked, '*', n.n - KEPT);
    memcpy(c->masked + n.n - KEPT, n.p + n.n - KEPT, KEPT);
    memcpy(c->last4, n.p + n.n - KEPT, KEPT);
}

int card_take(struct card *c, struct str number, struct str yy, struct str mm, struct str cvc,
              struct err *e)
{
    *c = (struct card){.number = ""};
    struct str n = digits(number, NUMBER_LEAST, NUMBER_MOST);
    bool cvc_ok = cvc.p == NULL || digits(cvc, CVC_LEAST, CVC_MOST).p != NULL;
    if (n.p != NULL) {
        number_in(c, n);
    }
    if (number.p != NULL) {
        wipe(number, n.p != NULL ? KEPT : 0);
    }
    if (cvc.p != NULL) {
        wipe(cvc, 0);
    }
    int rc = n.p == NULL          ? err_set(e, ERR_INVALID, "number must be %d to %d digits",
                                            NUMBER_LEAST, NUMBER_MOST)
             : !expiry(c, yy, mm) ? err_set(e, ERR_INVALID, "yy and mm must be two digits each")
             : !cvc_ok
                 ? err_set(e, ERR_INVALID, "cvc must be %d or %d digits", CVC_LEAST, CVC_MOST)
                 : 0;
    if (rc != 0) {
        card_forget(c);
    }
    return rc;
}

void card_forget(struct card *c)
{
    explicit_bzero(c->number, sizeof c->number);
}

void card_mask(struct str last4, char out[CARD_NUMBER_MAX])
{
    memset(out, '*', USUAL - KEPT);
    snprintf(out + USUAL - KEPT, CARD_NUMBER_MAX - (USUAL - KEPT), "%.*s", STR_ARG(last4));
}
