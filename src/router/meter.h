/* meter.h - the workers' counters added up, for metrics and the console. Any thread. */
#ifndef PARKWAY_ROUTER_METER_H
#define PARKWAY_ROUTER_METER_H

#include "base/opspage.h"

struct router;

struct meter_row {
    const char *name;
    const char *help;
    uint64_t value;
};
enum { METER_ROWS_MAX = 64 };

/* meter_sum - every counter over all workers; the number of rows. */
size_t meter_sum(const struct router *r, struct meter_row out[METER_ROWS_MAX]);
/* meter_ops - the operations page; r is borrowed for its life. */
struct opspage meter_ops(struct router *r);

#endif
