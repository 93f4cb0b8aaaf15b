/* metric.c - see metric.h. Prometheus text exposition format 0.0.4. */
#include "base/metric.h"

void metric_write(const struct metric *table, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &table[i];
        if (i == 0 || strcmp(table[i - 1].name, m->name) != 0) {
            buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                     m->kind == METRIC_COUNTER ? "counter" : "gauge");
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
