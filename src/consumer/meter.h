/* meter.h - the consumer's metrics, in one table. Any thread. */
#ifndef PARKWAY_CONSUMER_METER_H
#define PARKWAY_CONSUMER_METER_H

#include "base/metric.h"

/*    id                kind            name                                      scale  help */
#define METER_LIST(X)                                                                          \
    X(METER_APPLIED, METRIC_GAUGE, "parkway_consumer_applied_lsn_bytes", 0,                    \
      "Position that the replica has applied, as a number of bytes of WAL")                    \
    X(METER_LAG_BYTES, METRIC_GAUGE, "parkway_consumer_lag_bytes", 0,                          \
      "WAL between the newest frame received and the applied position")                        \
    X(METER_LAG_US, METRIC_GAUGE, "parkway_consumer_lag_seconds", 1e-6,                        \
      "Age of the newest applied transaction when it became visible")                          \
    X(METER_CONNECTED, METRIC_GAUGE, "parkway_consumer_broker_connected", 0,                   \
      "Whether the log is subscribed")                                                         \
    X(METER_REPLICA, METRIC_GAUGE, "parkway_consumer_replica_connected", 0,                    \
      "Whether the replica is connected and the cursor is ours")                               \
    X(METER_HALTED, METRIC_GAUGE, "parkway_consumer_halted", 0,                                \
      "Whether a refused change holds the consumer (on_poison = halt)")                        \
    X(METER_FRAMES, METRIC_COUNTER, "parkway_consumer_frames_total", 0, "Frames received")     \
    X(METER_TXNS, METRIC_COUNTER, "parkway_consumer_transactions_total", 0,                    \
      "Source transactions applied")                                                           \
    X(METER_ROWS, METRIC_COUNTER, "parkway_consumer_rows_total", 0,                            \
      "Changes applied, before netting")                                                       \
    X(METER_WRITTEN, METRIC_COUNTER, "parkway_consumer_rows_written_total", 0,                 \
      "Rows written to the replica, after netting")                                            \
    X(METER_BATCHES, METRIC_COUNTER, "parkway_consumer_batches_total", 0,                      \
      "Replica transactions committed with rows")                                              \
    X(METER_CHUNKS, METRIC_COUNTER, "parkway_consumer_chunks_total", 0,                        \
      "Writes to the replica inside those transactions")                                       \
    X(METER_FALLBACKS, METRIC_COUNTER, "parkway_consumer_fallbacks_total", 0,                  \
      "Sets that were refused and applied row by row")                                         \
    X(METER_HEALED, METRIC_COUNTER, "parkway_consumer_healed_total", 0,                        \
      "Rows that were unexpectedly there or missing, and were put right")                      \
    X(METER_PARKED, METRIC_COUNTER, "parkway_consumer_parked_total", 0, "Changes parked")      \
    X(METER_REPEATS, METRIC_COUNTER, "parkway_consumer_repeats_total", 0,                      \
      "Frames skipped because they were applied before")                                       \
    X(METER_HOLES, METRIC_COUNTER, "parkway_consumer_holes_total", 0,                          \
      "Times that frames were missing")                                                        \
    X(METER_DAMAGED, METRIC_COUNTER, "parkway_consumer_damaged_total", 0, "Damaged frames")    \
    X(METER_DISCARDED, METRIC_COUNTER, "parkway_consumer_discarded_total", 0,                  \
      "Frames discarded behind a hole")                                                        \
    X(METER_RESENDS, METRIC_COUNTER, "parkway_consumer_resends_total", 0, "Resends asked for") \
    X(METER_BREAKS, METRIC_COUNTER, "parkway_consumer_breaks_total", 0, "Breaks in the log")   \
    X(METER_RESYNCED, METRIC_COUNTER, "parkway_consumer_resynced_rows_total", 0,               \
      "Rows repaired by comparing with the primary")                                           \
    X(METER_RECONNECTS, METRIC_COUNTER, "parkway_consumer_reconnects_total", 0,                \
      "Connections to broker or replica opened again")

enum meter_id {
#define X(id, kind, name, scale, help) id,
    METER_LIST(X)
#undef X
        METER_COUNT
};

extern struct metric meter_table[METER_COUNT];

static inline void meter_add(enum meter_id id, int64_t n)
{
    metric_add(&meter_table[id], n);
}
static inline void meter_set(enum meter_id id, int64_t v)
{
    metric_set(&meter_table[id], v);
}

#endif
