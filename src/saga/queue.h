/* queue.h - a thread that takes the messages of one worker queue, one after the other, and settles each when it is done.
 *
 *   connect the database, then the broker; declare the queue, its dead letters and bindings, and the queues sent to; consume
 *   message ── handler: 0 ──▶ acknowledged
 *           ── will never work (three tries) ──▶ rejected: it goes to the dead letters, with the reason in the log
 *           ── database gone ──▶ tried again for 10 s, then the message goes back and the thread waits for the database
 *
 * A message is acknowledged after its transaction committed, so it is done at least once; the handler knows what it has done
 * already. The queue hands its messages to one consumer at a time (single active consumer); others of the same name wait
 * and take over when it ends. Whatever waits on the database for long keeps the broker's heartbeat: nothing here blocks for
 * more than 10 s but a statement. */
#ifndef PARKWAY_SAGA_QUEUE_H
#define PARKWAY_SAGA_QUEUE_H

#include "domain/db.h"

struct metric;
struct queue;

struct queue_options {
    const char *name;       /* of the queue */
    const char *exchange;   /* topic; NULL: the queue is reached through CQRS_COMMAND */
    const struct str *keys; /* of the bindings to it; borrowed until queue_stop */
    size_t key_count;
    const char *const *
        sends_to; /* queues of commands that handle sends: they must be there; borrowed until queue_stop */
    size_t sends_to_count;
    /* handle - one message; borrowed. The error's retry class decides (err.h). */
    int (*handle)(void *ctx, struct db *db, struct str body, struct err *e);
    /* look - for what the queue did not bring; may be NULL. After each connect, when the queue is bound (fresh), and every 10 s;
     * *more, which is false before: again at once, what the queue has at hand in between. */
    int (*look)(void *ctx, struct db *db, bool fresh, bool *more, struct err *e);
    void *ctx;
    int stop_fd; /* readable when the thread shall end */
    struct metric *dead, *retries, *connected;
};

/* queue_start - ERR_FAIL: no thread. Everything else is tried again for ever, and logged once. */
NODISCARD int queue_start(struct queue **out, const struct queue_options *o, struct err *e);
void queue_stop(struct queue *q); /* waits for the thread; stop_fd is readable. NULL is fine */

#endif
