/* traced.c - see traced.h. */
#include "consumer/traced.h"

#include "base/log.h"
#include "consumer/apply.h"

int traced_note(struct apply *a, struct batch *b, const struct batch_change *ch,
                struct str content, struct err *e)
{
    UNUSED(b);
    UNUSED(e);
    struct traced *t = &a->traced;
    if (t->count < TRACED_MAX && trace_parse(content, t->list[t->count].trace)) {
        t->list[t->count++].commit_lsn = ch->commit_lsn;
    }
    return 0;
}

void traced_say(struct apply *a)
{
    struct traced *t = &a->traced;
    for (size_t i = 0; i < t->count; i++) {
        char at[POSITION_TEXT_MAX];
        lsn_text(t->list[i].commit_lsn, at);
        enum log_level level = trace_sampled(t->list[i].trace) ? LOG_INFO : LOG_DEBUG;
        if (log_enabled(level)) {
            log_line(level, "transaction applied consumer=%s commit_lsn=%s traceparent=%s",
                     a->cursor->name, at, t->list[i].trace);
        }
    }
    t->count = 0;
}
