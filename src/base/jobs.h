/* jobs.h - a fixed number of threads that run what is put into one queue, first come first served.
 *
 * A job is embedded in what it works on; the queue owns nothing. The queue has no bound of its own: who puts
 * jobs bounds how many there can be (the HTTP server: one for each connection). Thread: any. */
#ifndef PARKWAY_BASE_JOBS_H
#define PARKWAY_BASE_JOBS_H

#include "base/err.h"

enum { JOBS_THREADS_MAX = 256 };

struct job {
    void (*run)(struct job *j); /* on one of the threads; may block; j is the caller's again */
    bool may_lapse;             /* jobs_withdraw may take it */
    /* the queue's */
    struct job *next;
    int64_t since_us;
};
struct jobs;

/* jobs_start - threads is 1 to JOBS_THREADS_MAX. ERR_FAIL: no thread could be started. */
NODISCARD int jobs_start(struct jobs **out, int threads, struct err *e);
/* jobs_put - j->run is called once, unless jobs_withdraw takes the job before. */
void jobs_put(struct jobs *q, struct job *j);
/* jobs_withdraw - the oldest job that may lapse and waits since before that time (clock_mono_us); NULL: none. */
struct job *jobs_withdraw(struct jobs *q, int64_t before_us);
/* jobs_stop - runs what is queued, ends the threads; the caller puts nothing more. NULL is fine. */
void jobs_stop(struct jobs *q);

#endif
