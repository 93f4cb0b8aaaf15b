/* suspect.c - see suspect.h. */
#include "consumer/suspect.h"

bool suspect_same(const struct suspect_view *a, const struct suspect_view *b)
{
    return a->present == b->present && (!a->present || str_eq(a->content, b->content));
}

static bool untouched(const struct suspect_view *a, const struct suspect_view *b)
{
    return a->present == b->present && (!a->present || str_eq(a->version, b->version));
}

enum suspect_verdict suspect_decide(const struct suspect_looks *l, bool group)
{
    if (suspect_same(&l->first, &l->replica)) {
        return SUSPECT_EQUAL;
    }
    if (!untouched(&l->first, &l->second)) {
        return SUSPECT_AGAIN;
    }
    if (l->first.present && !group) {
        return SUSPECT_DIFFERENT;
    }
    if (!l->has_later) {
        return SUSPECT_LATER;
    }
    return untouched(&l->replica, &l->later) ? SUSPECT_DIFFERENT : SUSPECT_AGAIN;
}
