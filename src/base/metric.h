/* metric.h - counters, gauges and histograms in Prometheus' text form.
 *
 * Metrics are static structs with atomic values, named once; a daemon registers its table at
 * start and every thread bumps them without locks. Output: text exposition format 0.0.4. Names
 * are parkway_<daemon>_<noun>_<unit>[_total].
 *
 * A histogram's bounds double: first, 2 first, 4 first, …, and +Inf. That is coarse, but a value finds
 * its bucket by one instruction, so even a hot path can afford to be measured. */
#ifndef PARKWAY_BASE_METRIC_H
#define PARKWAY_BASE_METRIC_H

#include "base/buf.h"

#include <stdatomic.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_BUCKETS = 18 };

struct metric_histogram {
    int64_t first; /* the lowest bound; a power of two is not needed */
    _Atomic int64_t counts[METRIC_BUCKETS + 1]; /* the last one: above every bound */
    _Atomic int64_t sum;
};

struct metric {
    const char *name;
    enum metric_kind kind;
    const char *help;
    const char *labels; /* NULL, or the text between the braces: reason="poison" */
    double
        scale; /* printed value = value * scale; 0 means 1 (use 1e-6 for seconds kept in us) */
    _Atomic int64_t value;
    struct metric_histogram *histogram; /* of METRIC_HISTOGRAM; value is not used then */
};

static inline void metric_add(struct metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}
static inline void metric_inc(struct metric *m)
{
    metric_add(m, 1);
}
static inline void metric_set(struct metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}
static inline int64_t metric_get(const struct metric *m)
{
    return atomic_load_explicit(&((struct metric *)(uintptr_t)m)->value, memory_order_relaxed);
}

/* metric_observe - one more value of a histogram, in the unit that scale turns into the printed one. */
void metric_observe(struct metric *m, int64_t v);

/* metric_write - the table as text; HELP and TYPE once per name (rows of one name stand
 * together). */
void metric_write(const struct metric *table, size_t count, struct buf *out);

#endif
