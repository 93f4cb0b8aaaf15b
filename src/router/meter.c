/* meter.c - see meter.h. */
#include "router/meter.h"

#include "router/catalog.h"
#include "router/worker.h"

#include <stdio.h>

size_t meter_sum(const struct router *r, struct meter_row out[METER_ROWS_MAX])
{
    size_t n = 0;
#define X(id, text)                                                                            \
    out[n].name = #id;                                                                         \
    out[n].help = text;                                                                        \
    out[n].value = 0;                                                                          \
    for (uint32_t i = 0; i < r->worker_count; i++) {                                           \
        out[n].value += atomic_load_explicit(&r->workers[i].meter.id, memory_order_relaxed);   \
    }                                                                                          \
    n++;
    METER_LIST(X)
#undef X
    ASSERT(n <= METER_ROWS_MAX);
    return n;
}

static void write_all(void *ctx, struct buf *out)
{
    struct router *r = ctx;
    struct meter_row rows[METER_ROWS_MAX];
    size_t n = meter_sum(r, rows);
    uint32_t clients = 0;
    for (size_t i = 0; i < n; i++) {
        buf_addf(out,
                 "# HELP parkway_router_%s %s\n# TYPE parkway_router_%s counter\n"
                 "parkway_router_%s %llu\n",
                 rows[i].name, rows[i].help, rows[i].name, rows[i].name,
                 (unsigned long long)rows[i].value);
    }
    for (uint32_t i = 0; i < r->worker_count; i++) {
        clients += atomic_load(&r->workers[i].load);
    }
    buf_addf(out,
             "# HELP parkway_router_clients connections of clients now\n"
             "# TYPE parkway_router_clients gauge\nparkway_router_clients %u\n",
             clients);
}

static bool is_ready(void *ctx, char *reason, size_t size)
{
    struct router *r = ctx;
    if (catalog_slot_version(r->catalog) == 0) {
        snprintf(reason, size, "the catalogues have not been read yet");
        return false;
    }
    return true;
}

struct opspage meter_ops(struct router *r)
{
    return (struct opspage){.more = write_all, .ready = is_ready, .ctx = r};
}
