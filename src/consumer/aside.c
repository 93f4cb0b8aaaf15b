/* aside.c - see aside.h. */
#include "consumer/aside.h"

#include "base/clock.h"
#include "base/daemon.h"

/* When much is refused, one wait in a while is enough to let a half-done change of the table's shape settle. */
enum { PATIENT_EVERY_US = 10000000 };

bool aside_wants(struct apply *a, const struct sink_view *v)
{
    return sink_refuses(v, NULL) || (park_any(a->park) && park_holds(a->park, v));
}

void aside_put(struct apply *a, const struct sink_view *v)
{
    struct err why = ERR_INIT;
    if (!sink_refuses(v, &why)) {
        err_sql(&why, ERR_SQL, "PKKEY", "an earlier change of the same key is parked");
    }
    park_put(a->park, v, &why);
}

bool aside_patience(struct apply *a, size_t tries)
{
    static const int64_t waits_ms[] = {50, 250};
    if (tries == 0) {
        a->patient = a->patient_us == 0 || clock_mono_us() - a->patient_us > PATIENT_EVERY_US;
        a->patient_us = a->patient ? clock_mono_us() : a->patient_us;
    }
    if (!a->patient || tries >= ARRAY_LEN(waits_ms)) {
        return false;
    }
    daemon_wait_ms(waits_ms[tries]);
    return true;
}

/* A table that did not fit when it was last looked at may fit now. */
static int look_again(struct apply *a, struct sink *s, struct err *e)
{
    size_t tries = 0;
    int rc;
    do {
        sink_forget(s);
        rc = sink_know(s, a->db, e);
    } while (rc == 0 && s->broken.code != 0 && aside_patience(a, tries++));
    return rc;
}

static int settle_change(struct apply *a, const struct batch_change *ch, struct err *e)
{
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < ch->relation->sink_count; k++) {
        struct sink *s = ch->relation->sinks[k];
        struct sink_view v;
        if (s->broken.code != 0 && !s->settled) {
            s->settled = true;
            rc = look_again(a, s, e);
        }
        if (rc == 0 && park_any(a->park) && apply_view_of(a, ch, s, &v)) {
            park_ask(a->park, &v);
        }
    }
    return rc;
}

int aside_settle(struct apply *a, struct batch *b, size_t from, size_t to, struct err *e)
{
    int rc = apply_begin(a, e);
    for (size_t i = from; rc == 0 && i < to; i++) {
        for (size_t k = 0;
             b->changes[i].kind == BATCH_ROW && k < b->changes[i].relation->sink_count; k++) {
            b->changes[i].relation->sinks[k]->settled = false;
        }
    }
    for (size_t i = from; rc == 0 && i < to; i++) {
        rc = b->changes[i].kind == BATCH_ROW ? settle_change(a, &b->changes[i], e) : 0;
    }
    return rc == 0 ? park_learn(a->park, a->db, e) : rc;
}
