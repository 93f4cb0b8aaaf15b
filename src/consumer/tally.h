/* tally.h - the consumer's metrics, in one table. Any thread. */
#ifndef PARKWAY_CONSUMER_TALLY_H
#define PARKWAY_CONSUMER_TALLY_H

#include "base/metric.h"

/*    id                kind            name                                      scale  help */
#define TALLY_LIST(X)                                                                          \
    X(TALLY_APPLIED, METRIC_GAUGE, "parkway_consumer_applied_lsn_bytes", 0,                    \
      "Position that the replica has applied, as a number of bytes of WAL")                    \
    X(TALLY_LAG_BYTES, METRIC_GAUGE, "parkway_consumer_lag_bytes", 0,                          \
      "WAL between the newest frame received and the applied position")                        \
    X(TALLY_LAG_US, METRIC_GAUGE, "parkway_consumer_lag_seconds", 1e-6,                        \
      "Age of the newest applied transaction when it became visible")                          \
    X(TALLY_COMMIT_US, METRIC_GAUGE, "parkway_consumer_applied_commit_timestamp_seconds",      \
      1e-6, "When the newest applied transaction was committed on the primary, since 1970")    \
    X(TALLY_CONNECTED, METRIC_GAUGE, "parkway_consumer_broker_connected", 0,                   \
      "Whether the log is subscribed")                                                         \
    X(TALLY_REPLICA, METRIC_GAUGE, "parkway_consumer_replica_connected", 0,                    \
      "Whether the replica is connected and the cursor is ours")                               \
    X(TALLY_HALTED, METRIC_GAUGE, "parkway_consumer_halted", 0,                                \
      "Whether a refused change holds the consumer (on_poison = halt)")                        \
    X(TALLY_BLOCKED, METRIC_GAUGE, "parkway_consumer_tables_blocked", 0,                       \
      "Tables that are not followed because of a change of their shape")                       \
    X(TALLY_ALTERED, METRIC_COUNTER, "parkway_consumer_tables_altered_total", 0,               \
      "Changes of a table's shape that were carried out")                                      \
    X(TALLY_FRAMES, METRIC_COUNTER, "parkway_consumer_frames_total", 0, "Frames received")     \
    X(TALLY_TXNS, METRIC_COUNTER, "parkway_consumer_transactions_total", 0,                    \
      "Source transactions applied")                                                           \
    X(TALLY_ROWS, METRIC_COUNTER, "parkway_consumer_rows_total", 0,                            \
      "Changes applied, before netting")                                                       \
    X(TALLY_WRITTEN, METRIC_COUNTER, "parkway_consumer_rows_written_total", 0,                 \
      "Rows written to the replica, after netting")                                            \
    X(TALLY_BATCHES, METRIC_COUNTER, "parkway_consumer_batches_total", 0,                      \
      "Replica transactions committed with rows")                                              \
    X(TALLY_BATCH_ROWS, METRIC_HISTOGRAM, "parkway_consumer_batch_rows", 0,                    \
      "Changes in one replica transaction")                                                    \
    X(TALLY_COMMIT_TIME, METRIC_HISTOGRAM, "parkway_consumer_commit_seconds", 1e-6,            \
      "From the first write of a replica transaction's last piece to its commit")              \
    X(TALLY_CHUNKS, METRIC_COUNTER, "parkway_consumer_chunks_total", 0,                        \
      "Writes to the replica inside those transactions")                                       \
    X(TALLY_FALLBACKS, METRIC_COUNTER, "parkway_consumer_fallbacks_total", 0,                  \
      "Sets that were refused and applied row by row")                                         \
    X(TALLY_HEALED, METRIC_COUNTER, "parkway_consumer_healed_total", 0,                        \
      "Rows that were unexpectedly there or missing, and were put right")                      \
    X(TALLY_PARKED, METRIC_COUNTER, "parkway_consumer_parked_total", 0, "Changes parked")      \
    X(TALLY_PARKED_KEYS, METRIC_GAUGE, "parkway_consumer_parked_keys", 0,                      \
      "Keys behind which changes wait at this moment")                                         \
    X(TALLY_REPEATS, METRIC_COUNTER, "parkway_consumer_repeats_total", 0,                      \
      "Frames skipped because they were applied before")                                       \
    X(TALLY_HOLES, METRIC_COUNTER, "parkway_consumer_holes_total", 0,                          \
      "Times that frames were missing")                                                        \
    X(TALLY_DAMAGED, METRIC_COUNTER, "parkway_consumer_damaged_total", 0, "Damaged frames")    \
    X(TALLY_DISCARDED, METRIC_COUNTER, "parkway_consumer_discarded_total", 0,                  \
      "Frames discarded behind a hole")                                                        \
    X(TALLY_RESENDS, METRIC_COUNTER, "parkway_consumer_resends_total", 0, "Resends asked for") \
    X(TALLY_BREAKS, METRIC_COUNTER, "parkway_consumer_breaks_total", 0, "Breaks in the log")   \
    X(TALLY_RESYNCED, METRIC_COUNTER, "parkway_consumer_resynced_rows_total", 0,               \
      "Rows repaired by comparing with the primary")                                           \
    X(TALLY_VIEWS_REFUSED, METRIC_GAUGE, "parkway_consumer_views_refused", 0,                  \
      "Configured views that cannot be built")                                                 \
    X(TALLY_VERIFIED, METRIC_COUNTER, "parkway_consumer_verifications_total", 0,               \
      "Comparisons with the primary that came to their end")                                   \
    X(TALLY_VERIFIED_ROWS, METRIC_COUNTER, "parkway_consumer_verified_rows_total", 0,          \
      "Rows compared with the primary")                                                        \
    X(TALLY_VERIFIED_DIFFERENT, METRIC_GAUGE, "parkway_consumer_different_rows", 0,            \
      "Rows that differed in the last comparison")                                             \
    X(TALLY_VERIFIED_CLEAN_US, METRIC_GAUGE, "parkway_consumer_verified_clean_seconds", 1e-6,  \
      "When a comparison last found no difference, since 1970; 0: never")                      \
    X(TALLY_VERIFIED_CLEAN_LSN, METRIC_GAUGE, "parkway_consumer_verified_clean_lsn_bytes", 0,  \
      "Position of that comparison, as a number of bytes of WAL")                              \
    X(TALLY_REPAIRED, METRIC_COUNTER, "parkway_consumer_repaired_rows_total", 0,               \
      "Rows taken from repair messages")                                                       \
    X(TALLY_RECONNECTS, METRIC_COUNTER, "parkway_consumer_reconnects_total", 0,                \
      "Connections to broker or replica opened again")

enum tally_id {
#define X(id, kind, name, scale, help) id,
    TALLY_LIST(X)
#undef X
        TALLY_COUNT
};

extern struct metric tally_table[TALLY_COUNT];

static inline void tally_add(enum tally_id id, int64_t n)
{
    metric_add(&tally_table[id], n);
}
static inline void tally_set(enum tally_id id, int64_t v)
{
    metric_set(&tally_table[id], v);
}

#endif
