/* announce.h - what the consumer says on its standard output: that it runs, and, while little happens,
 * each parking slot that it replicated. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_ANNOUNCE_H
#define PARKWAY_CONSUMER_ANNOUNCE_H

#include "consumer/batch.h"

struct announce {
    struct buf text; /* of the batch being applied */
    int64_t second;  /* the one being counted */
    unsigned said;   /* lines in it */
};

void announce_running(void);
/* announce_take - remembers what to say about a small batch, before it is applied. */
void announce_take(struct announce *n, const struct batch *b);
void announce_say(struct announce *n); /* it is committed */
void announce_fini(struct announce *n);

#endif
