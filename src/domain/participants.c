/* participants.c - see participants.h. */
#include "domain/participants.h"

void participants_settings(const char *worker, struct buf *out)
{
    UNUSED(worker);
    buf_adds(out, "{}");
}

void participants_effect(struct str asked, struct buf *out)
{
    UNUSED(asked);
    buf_adds(out, "{\"ok\":false,\"error\":\"no such effect\"}");
}
