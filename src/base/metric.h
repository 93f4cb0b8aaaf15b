/* metric.h - counters and gauges in Prometheus' text form.
 *
 * Metrics are static structs with atomic values, named once; a daemon registers its table at
 * start and every thread bumps them without locks. Output: text exposition format 0.0.4. Names
 * are parkway_<daemon>_<noun>_<unit>[_total]. */
#ifndef PARKWAY_BASE_METRIC_H
#define PARKWAY_BASE_METRIC_H

#include "base/buf.h"

#include <stdatomic.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name;
    enum metric_kind kind;
    const char *help;
    const char *labels; /* NULL, or the text between the braces: reason="poison" */
    double
        scale; /* printed value = value * scale; 0 means 1 (use 1e-6 for seconds kept in us) */
    _Atomic int64_t value;
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

/* metric_write - the table as text; HELP and TYPE once per name (rows of one name stand
 * together). */
void metric_write(const struct metric *table, size_t count, struct buf *out);

#endif
