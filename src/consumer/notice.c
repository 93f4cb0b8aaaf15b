/* notice.c - see notice.h. */
#include "consumer/notice.h"

#include "consumer/alter.h"
#include "consumer/apply.h"
#include "consumer/repair.h"
#include "consumer/traced.h"

typedef int (*notice_act)(struct apply *a, struct batch *b, const struct batch_change *ch,
                          struct str content, struct err *e);

/* One row a prefix; content is the message's, borrowed. The end is a row without a prefix. */
static const struct notice {
    const char *prefix;
    notice_act act;
} notices[] = {
    {"parkway.trace", traced_note},
    {"parkway.shape", alter_notice},
    {"parkway.repair", repair_apply},
    {NULL, NULL},
};

static const struct notice *find(struct str prefix)
{
    for (const struct notice *n = notices; n->prefix != NULL; n++) {
        if (str_eq(str_of(n->prefix), prefix)) {
            return n;
        }
    }
    return NULL;
}

bool notice_wants(struct str prefix)
{
    return find(prefix) != NULL;
}

int notice_apply(struct apply *a, struct batch *b, const struct batch_change *ch, struct err *e)
{
    struct pgoutput_msg m;
    int rc = pgoutput_parse(ch->msg, &m, e);
    ASSERT(rc == 0); /* the batch parsed it before */
    const struct notice *n = find(m.u.message.prefix);
    ASSERT(n != NULL);
    return n->act(a, b, ch, m.u.message.content, e);
}
