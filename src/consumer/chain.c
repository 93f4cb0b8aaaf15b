/* chain.c - see chain.h. */
#include "consumer/chain.h"

static struct chain_choice choice(enum chain_verdict v, const char *reason)
{
    return (struct chain_choice){.verdict = v, .reason = reason};
}

static struct chain_choice other_epoch(struct position at, const struct frame_head *h)
{
    switch (epoch_cmp(h->epoch, at.epoch)) {
    case -1: return choice(CHAIN_REPEAT, "frame of an earlier timeline");
    case 1:
        return choice(CHAIN_BREAK, h->kind == FRAME_BREAK
                                       ? "break into a new timeline"
                                       : "new timeline without a break frame");
    default: return choice(CHAIN_BREAK, "frame of another database system");
    }
}

struct chain_choice chain_decide(struct position at, const uint8_t *incarnation, int decoded,
                                 const struct frame_head *h)
{
    if (decoded == ERR_PROTOCOL) {
        return choice(CHAIN_UNKNOWN, "frame of an unknown log version");
    }
    if (decoded != 0) {
        return choice(CHAIN_DAMAGE, "damaged frame");
    }
    bool any_epoch = at.epoch.timeline == 0;
    if (!any_epoch && !epoch_eq(h->epoch, at.epoch)) {
        return other_epoch(at, h);
    }
    if (position_cmp(h->last, at) <= 0) {
        return choice(CHAIN_REPEAT, "frame applied before");
    }
    if (h->kind == FRAME_BREAK) {
        return choice(CHAIN_BREAK, "break in the log");
    }
    if (position_cmp(h->prev, at) > 0) {
        return choice(CHAIN_HOLE, "frames are missing");
    }
    struct chain_choice c = choice(CHAIN_ACCEPT, "next");
    c.new_stream =
        incarnation == NULL || memcmp(incarnation, h->incarnation, sizeof h->incarnation) != 0;
    return c;
}

enum chain_remedy chain_remedy(struct chain_hole *hole, bool from_first, int64_t now_us)
{
    if (!from_first) {
        return CHAIN_REREAD;
    }
    int64_t wait_ms = 0;
    if (hole->resends > 0) {
        unsigned doublings = hole->resends - 1 < 10 ? hole->resends - 1 : 10;
        wait_ms = (int64_t)CHAIN_RESEND_FIRST_MS << doublings;
        wait_ms = wait_ms > CHAIN_RESEND_MAX_MS ? CHAIN_RESEND_MAX_MS : wait_ms;
    }
    if (hole->resends > 0 && now_us - hole->asked_us < wait_ms * 1000) {
        return CHAIN_WAIT;
    }
    hole->resends++;
    hole->asked_us = now_us;
    return CHAIN_RESEND;
}
