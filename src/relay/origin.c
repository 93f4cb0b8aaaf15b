/* origin.c - see origin.h. */
#include "relay/origin.h"

#include "base/rand.h"

void origin_decide(struct session *s, const struct registry *reg, const struct resume *res,
                   const struct origin_debt *debt)
{
    struct position slot = {.epoch = reg->epoch, .lsn = reg->slot_lsn};
    s->epoch = reg->epoch;
    s->slot_lsn = reg->slot_lsn;
    s->log_have = slot;
    s->events_have = slot;
    s->events_offset = res->events_offset;
    bool same = res->log_found && epoch_eq(res->log_last.epoch, reg->epoch);
    if (res->log_empty || (!res->log_found && !reg->has_incarnation)) {
        uuid_make(s->incarnation);
    } else if (res->log_found) {
        memcpy(s->incarnation, res->incarnation, sizeof s->incarnation);
    } else {
        memcpy(s->incarnation, reg->incarnation, sizeof s->incarnation);
    }
    /* A break is due when the log does not reach the slot's position. One that was written before is not due
     * again. */
    bool short_of = same && res->log_last.lsn < slot.lsn;
    s->is_break = res->log_found ? !same || short_of : reg->lost;
    s->settle = reg->lost;
    /* A replica still asks for what was released past it (the WAL budget) and is not in the log any more:
     * for those that are further, this break is a repeat. */
    bool behind = debt->resend && !s->is_break && epoch_eq(debt->resend_at.epoch, reg->epoch) &&
                  debt->resend_at.lsn < slot.lsn;
    if (s->is_break) {
        s->break_from = res->log_found ? res->log_last : slot;
    } else if (behind) {
        s->is_break = true;
        s->break_from = debt->resend_at;
        s->replayed_to = same ? res->log_last.lsn : 0;
    } else if (same && debt->resend) {
        s->replayed_to = res->log_last.lsn;
    } else if (same) {
        s->log_have = res->log_last;
    }
    /* events beyond the primary's position are of another history, which says nothing about this one */
    if (res->events_found && epoch_eq(res->events_last.epoch, reg->epoch) &&
        res->events_last.lsn <= reg->wal_lsn && position_cmp(res->events_last, slot) > 0) {
        s->events_have = res->events_last;
    }
    /* equal: the rest of one transaction, of which the stream may hold more than every queue does */
    if (debt->events_from_lsn <= s->events_have.lsn) {
        s->events_again_to_lsn = s->events_have.lsn;
        uint64_t from = debt->events_from_lsn > slot.lsn ? debt->events_from_lsn : slot.lsn;
        s->events_have = (struct position){.epoch = reg->epoch, .lsn = from};
    }
    s->start_lsn = s->log_have.lsn < s->events_have.lsn ? s->log_have.lsn : s->events_have.lsn;
    /* a broker that lost the log has lost its queues, too */
    s->commands_from_lsn = res->log_empty ? slot.lsn : reg->commands_lsn;
    if (s->commands_from_lsn < s->start_lsn) {
        s->start_lsn = s->commands_from_lsn;
    }
    atomic_store(&s->released_lsn, s->slot_lsn);
    atomic_store(&s->heard_lsn, reg->wal_lsn);
    atomic_store(&s->log_lsn, s->log_have.lsn);
}

uint64_t origin_due(const struct session *s, uint64_t from_lsn)
{
    uint64_t done = atomic_load(&s->commands_lsn);
    if (s->events_again_to_lsn == 0 || done > s->events_again_to_lsn) {
        return from_lsn;
    }
    uint64_t due = done > s->events_have.lsn ? done : s->events_have.lsn;
    return due < from_lsn ? due : from_lsn;
}
