/* letters.h - the dead letters of the worker queues: which queues there are, how many letters each has, and going through
 * those of one.
 *
 * A worker queue's dead letters wait in <queue>.dead (mq/topology.h). Whoever goes through them holds them
 * unsettled meanwhile, so one process at a time does, by an exclusive queue <queue>.dead.turn; what was not settled is
 * the queue's again when the link ends, by whatever. Thread: the caller's. */
#ifndef PARKWAY_OPS_LETTERS_H
#define PARKWAY_OPS_LETTERS_H

#include "mq/link.h"

enum { LETTERS_QUEUES_MAX = 64 };

struct declarations;

struct letters_queues {
    const char *names[LETTERS_QUEUES_MAX];
    size_t count;
    const struct declarations *declarations; /* whose the names are */
};

/* letters_queues_load - the queues of the declared workers, and the engine's own. ERR_NOT_FOUND, ERR_INVALID: the
 * sagas' file. */
NODISCARD int letters_queues_load(struct letters_queues *out, struct err *e);
void letters_queues_free(struct letters_queues *q);

/* letters_count - of one worker queue; 0 also when there is no such queue. */
NODISCARD int letters_count(struct link *l, const char *queue, int64_t *count, struct err *e);

/* One letter; texts are borrowed until visit returns. */
struct letter {
    const char *queue;
    const struct link_event *event; /* the delivery, for publishing it again */
    struct str id;                  /* message id; "-": it has none */
    char time[32];                  /* of its death; "" unknown */
    struct str reason;
    int64_t count;      /* deaths for that reason */
    struct str command; /* member "command" of its body, a raw JSON text; p NULL: none */
    struct str order;   /* member "orderId" */
};

enum letters_verdict {
    LETTERS_KEEP,   /* it stays */
    LETTERS_SETTLE, /* it goes */
    LETTERS_STOP,   /* it stays, and no further one is wanted */
};

/* letters_visit - every letter that queue has at the beginning, the oldest first; visit says what becomes of each in
 * *verdict, or returns an error, which ends it. A letter is taken from its queue when visit has returned. *seen: how
 * many there were. Returns 0 also when the worker queue has none; ERR_CONFLICT: somebody else goes through
 * them. */
NODISCARD int letters_visit(const char *queue,
                            int (*visit)(void *ctx, const struct letter *l,
                                         enum letters_verdict *verdict, struct err *e),
                            void *ctx, int64_t *seen, struct err *e);

#endif
