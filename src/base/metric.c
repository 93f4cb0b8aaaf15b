/* metric.c - see metric.h. Prometheus text exposition format 0.0.4. */
#include "base/metric.h"

static const char *const kind_name[] = {"counter", "gauge", "histogram"};

void metric_observe(struct metric *m, int64_t v)
{
    struct metric_histogram *h = m->histogram;
    size_t at = 0;
    if (v > h->first) {
        uint64_t times = ((uint64_t)v - 1) / (uint64_t)h->first; /* bounds below v, minus one */
        at = 64 - (size_t)__builtin_clzll(times);
        at = at < METRIC_BUCKETS ? at : METRIC_BUCKETS;
    }
    atomic_fetch_add_explicit(&h->counts[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, v, memory_order_relaxed);
}

/* Prometheus counts each bucket with all below it. */
static void write_histogram(const struct metric *m, struct buf *out)
{
    struct metric_histogram *h = m->histogram;
    double scale = m->scale != 0 ? m->scale : 1;
    int64_t count = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        buf_addf(out, "%s_bucket{le=\"%.9g\"} %lld\n", m->name, (double)(h->first << i) * scale,
                 (long long)count);
    }
    count += atomic_load_explicit(&h->counts[METRIC_BUCKETS], memory_order_relaxed);
    double sum = (double)atomic_load_explicit(&h->sum, memory_order_relaxed) * scale;
    buf_addf(out, "%s_bucket{le=\"+Inf\"} %lld\n%s_sum %.9g\n%s_count %lld\n", m->name,
             (long long)count, m->name, sum, m->name, (long long)count);
}

void metric_write(const struct metric *table, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &table[i];
        if (i == 0 || strcmp(table[i - 1].name, m->name) != 0) {
            buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                     kind_name[m->kind]);
        }
        if (m->kind == METRIC_HISTOGRAM) {
            write_histogram(m, out);
            continue;
        }
        buf_adds(out, m->name);
        if (m->labels != NULL) {
            buf_addf(out, "{%s}", m->labels);
        }
        if (m->scale != 0) {
            buf_addf(out, " %.9g\n", (double)metric_get(m) * m->scale);
        } else {
            buf_addf(out, " %lld\n", (long long)metric_get(m));
        }
    }
}
