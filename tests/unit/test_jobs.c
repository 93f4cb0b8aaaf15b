/* test_jobs.c - every job is run or withdrawn, once, and the first come is the first taken. */
#include "base/clock.h"
#include "base/jobs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { COUNT = 10000 };

struct work {
    struct job job;
    atomic_int runs;
    int order;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int sequence;

static void run(struct job *j)
{
    struct work *w = (struct work *)j;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    w->order = atomic_fetch_add(&sequence, 1);
    atomic_fetch_add(&w->runs, 1);
}

static void all_run(void **state)
{
    UNUSED(state);
    struct jobs *q = NULL;
    struct err e = ERR_INIT;
    struct work *all = calloc(COUNT, sizeof *all);
    assert_int_equal(jobs_start(&q, 4, &e), 0);
    for (int i = 0; i < COUNT; i++) {
        all[i].job.run = run;
        jobs_put(q, &all[i].job);
    }
    jobs_stop(q);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(atomic_load(&all[i].runs), 1);
    }
    free(all);
}

/* One thread, held at the gate by the first job: the rest waits in the queue. */
static void withdrawn(void **state)
{
    UNUSED(state);
    struct jobs *q = NULL;
    struct err e = ERR_INIT;
    struct work all[6] = {0};
    atomic_store(&sequence, 0);
    pthread_mutex_lock(&gate);
    assert_int_equal(jobs_start(&q, 1, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i].job = (struct job){.run = run, .may_lapse = i == 2 || i == 5};
        jobs_put(q, &all[i].job);
    }
    assert_null(jobs_withdraw(q, all[2].job.since_us)); /* none waits since before that */
    assert_ptr_equal(jobs_withdraw(q, INT64_MAX), &all[2].job);
    assert_ptr_equal(jobs_withdraw(q, INT64_MAX), &all[5].job);
    assert_null(jobs_withdraw(q, INT64_MAX));
    jobs_put(q, &all[2].job); /* the tail is where it was */
    pthread_mutex_unlock(&gate);
    jobs_stop(q);
    const int order[] = {0, 1, 4, 2, 3, 0};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(atomic_load(&all[i].runs), i != 5);
        assert_int_equal(all[i].order, order[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_run),
        cmocka_unit_test(withdrawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
