/* jobs.c - see jobs.h. One lock, one condition, one list. States of a job: nobody's, queued (in the
 * list, under the lock), running (out of the list; the queue does not know it any more). A job ends up
 * either run or withdrawn, never both, because both take it out of the list under the lock. Threads leave
 * only when the end was asked for and the list is empty. */
#include "base/jobs.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct job *head;
    struct job **tail;
    bool ending;
    int count;
    pthread_t threads[JOBS_THREADS_MAX];
};

static void *work(void *arg)
{
    struct jobs *q = arg;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (q->head == NULL && !q->ending) {
            pthread_cond_wait(&q->ready, &q->lock);
        }
        struct job *j = q->head;
        if (j == NULL) {
            break;
        }
        q->head = j->next;
        if (q->head == NULL) {
            q->tail = &q->head;
        }
        pthread_mutex_unlock(&q->lock);
        j->run(j);
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

int jobs_start(struct jobs **out, int threads, struct err *e)
{
    ASSERT(threads >= 1 && threads <= JOBS_THREADS_MAX);
    struct jobs *q = def_zalloc(1, sizeof *q);
    q->tail = &q->head;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->ready, NULL);
    while (q->count < threads) {
        if (pthread_create(&q->threads[q->count], NULL, work, q) != 0) {
            jobs_stop(q);
            *out = NULL;
            return err_set(e, ERR_FAIL, "could not start a thread");
        }
        q->count++;
    }
    *out = q;
    return 0;
}

void jobs_put(struct jobs *q, struct job *j)
{
    j->next = NULL;
    j->since_us = clock_mono_us();
    pthread_mutex_lock(&q->lock);
    *q->tail = j;
    q->tail = &j->next;
    pthread_cond_signal(&q->ready);
    pthread_mutex_unlock(&q->lock);
}

struct job *jobs_withdraw(struct jobs *q, int64_t before_us)
{
    pthread_mutex_lock(&q->lock);
    struct job **link = &q->head;
    while (*link != NULL && !((*link)->may_lapse && (*link)->since_us < before_us)) {
        link = &(*link)->next;
    }
    struct job *j = *link;
    if (j != NULL) {
        *link = j->next;
        if (*link == NULL) {
            q->tail = link;
        }
    }
    pthread_mutex_unlock(&q->lock);
    return j;
}

void jobs_stop(struct jobs *q)
{
    if (q == NULL) {
        return;
    }
    pthread_mutex_lock(&q->lock);
    q->ending = true;
    pthread_cond_broadcast(&q->ready);
    pthread_mutex_unlock(&q->lock);
    for (int i = 0; i < q->count; i++) {
        pthread_join(q->threads[i], NULL);
    }
    pthread_cond_destroy(&q->ready);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
