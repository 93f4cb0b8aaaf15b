/* session.h - one run of the pipeline between two failures: what its threads share.
 *
 *   main      prepares a session (registry, topology, tails of the streams), starts the threads, waits
 *             for the first failure, ends them, and begins anew after a backoff
 *   capture   owns the replication connection           capture.c ──intake──▶ emit.c
 *   emit      owns the publishing link                  emit.c
 *   applied   owns the reading link and a connection    applied.c
 *
 * Fields are immutable while threads run unless they are atomic or stand under `lock`. Everything that
 * a restart needs is on the primary and on the broker, so a session that fails is thrown away whole. */
#ifndef PARKWAY_RELAY_SESSION_H
#define PARKWAY_RELAY_SESSION_H

#include "base/metric.h"
#include "mq/link.h"
#include "pg/conn.h"
#include "pg/repl.h"
#include "relay/frontier.h"
#include "relay/intake.h"

#include <pthread.h>
#include <stdatomic.h>

/* Metrics; the table is in relay.c, in this order. */
#define SESSION_METRICS(X)                                                                     \
    X(STANDBY, "standby", METRIC_GAUGE, "1 while another relay is at work")                    \
    X(UP_PRIMARY, "primary_up", METRIC_GAUGE, "1 while the replication connection stands")     \
    X(UP_BROKER, "broker_up", METRIC_GAUGE, "1 while the broker's connections stand")          \
    X(BLOCKED, "blocked", METRIC_GAUGE, "1 while the broker blocks publishing by an alarm")    \
    X(SESSIONS, "sessions_total", METRIC_COUNTER, "pipelines started, restarts included")      \
    X(FAIL_PRIMARY, "primary_failures_total", METRIC_COUNTER, "sessions ended by the primary") \
    X(FAIL_BROKER, "broker_failures_total", METRIC_COUNTER, "sessions ended by the broker")    \
    X(LOSSES, "losses_total", METRIC_COUNTER, "new slots started because history was lost")    \
    X(RESENDS, "resends_total", METRIC_COUNTER, "resends of the log served")                   \
    X(GAPS, "events_gaps_total", METRIC_COUNTER, "times the events stream missed events")      \
    X(RECEIVED, "received_bytes_total", METRIC_COUNTER, "decoded WAL received")                \
    X(MESSAGES, "received_messages_total", METRIC_COUNTER, "pgoutput messages received")       \
    X(TRANSACTIONS, "transactions_total", METRIC_COUNTER, "transactions put into the log")     \
    X(CHANGES, "changes_total", METRIC_COUNTER, "rows, truncates and messages seen")           \
    X(FRAMES, "frames_total", METRIC_COUNTER, "frames published to the log")                   \
    X(FRAME_BYTES, "frame_bytes_total", METRIC_COUNTER, "bytes of frames published")           \
    X(PROGRESS, "progress_frames_total", METRIC_COUNTER, "progress frames among them")         \
    X(EVENTS, "events_total", METRIC_COUNTER, "event messages published")                      \
    X(EVENTS_INVALID, "events_invalid_total", METRIC_COUNTER,                                  \
      "changes that could not be events")                                                      \
    X(CONFIRMS, "confirms_total", METRIC_COUNTER, "messages confirmed")                        \
    X(NACKS, "nacks_total", METRIC_COUNTER, "messages refused by the broker")                  \
    X(RETURNS, "returns_total", METRIC_COUNTER, "messages returned as unroutable")             \
    X(DIVERTED, "events_diverted_total", METRIC_COUNTER,                                       \
      "refused events put into the stream alone")                                              \
    X(CONFIRM_US, "confirm_seconds", METRIC_HISTOGRAM, "from publishing to the confirm")       \
    X(FRAME_SIZE, "frame_size_bytes", METRIC_HISTOGRAM, "size of frames with data")            \
    X(BATCH_SIZE, "event_batch_events", METRIC_HISTOGRAM, "events that share a message")       \
    X(WINDOW, "window_messages", METRIC_GAUGE, "messages unconfirmed now")                     \
    X(WINDOW_BYTES, "window_bytes", METRIC_GAUGE, "their bytes")                               \
    X(INTAKE, "intake_bytes", METRIC_GAUGE, "bytes between capture and emit")                  \
    X(LAG, "lag_bytes", METRIC_GAUGE, "WAL between the primary's position and the log's")      \
    X(WAL_HELD, "wal_held_bytes", METRIC_GAUGE, "WAL that the slot keeps on the primary")      \
    X(WAL_BUDGET, "wal_budget_bytes", METRIC_GAUGE, "how much replicas may hold; 0: no bound") \
    X(WAL_SAFE, "wal_safe_bytes", METRIC_GAUGE,                                                \
      "WAL until the primary removes what the slot needs; -1: no bound")                       \
    X(WAL_GROWTH, "wal_growth_bytes", METRIC_GAUGE, "growth a second of what the slot keeps")  \
    X(WAL_LEFT, "wal_left_seconds", METRIC_GAUGE,                                              \
      "until budget or primary end the wait for replicas, at that growth; -1: it does not "    \
      "grow")                                                                                  \
    X(SLOT_STATE, "slot_state", METRIC_GAUGE,                                                  \
      "the slot's WAL: 0 reserved, 1 extended, 2 unreserved (near loss), 3 lost")              \
    X(AHEAD, "ahead_bytes", METRIC_GAUGE, "bytes of the log ahead of the slowest replica")     \
    X(PAUSED, "paused", METRIC_GAUGE, "1 while publishing waits for the slowest replica")      \
    X(HOLD, "release_hold", METRIC_GAUGE,                                                      \
      "what holds the release: 0 nothing, 1 log, 2 events, 3 a replica, 4 replicas unknown")   \
    X(OVER_BUDGET, "over_budget", METRIC_GAUGE, "1 while WAL is released past a replica")      \
    X(REPLICAS, "replicas", METRIC_GAUGE, "replicas registered")                               \
    X(REPLICAS_HEARD, "replicas_heard", METRIC_GAUGE,                                          \
      "replicas that reported since the start")                                                \
    X(HEARTBEATS, "heartbeats_total", METRIC_COUNTER, "transactions made to measure the way")  \
    X(REPORTS, "reports_total", METRIC_COUNTER, "reports of replicas read")                    \
    X(BINDINGS_MISSING, "bindings_missing", METRIC_GAUGE,                                      \
      "queues of events.bindings that could not be bound")                                     \
    X(CAPTURED_LSN, "captured_lsn", METRIC_GAUGE, "last position received, as a number")       \
    X(PUBLISHED_LSN, "published_lsn", METRIC_GAUGE, "last position confirmed in the log")      \
    X(RELEASED_LSN, "released_lsn", METRIC_GAUGE, "last position released on the slot")

enum session_metric {
#define X(name, text, kind, help) SESSION_##name,
    SESSION_METRICS(X)
#undef X
        SESSION_METRIC_COUNT
};

/* Why a session ended. */
enum session_end {
    SESSION_RUNNING,
    SESSION_STOPPED,     /* asked to */
    SESSION_END_PRIMARY, /* the replication connection or a connection was lost */
    SESSION_END_BROKER,  /* a link was lost, or a message refused or returned */
    SESSION_END_LOSS,    /* the publication is gone: history cannot be decoded */
    SESSION_END_GAP,     /* parkway.events misses events: send them again */
    SESSION_END_RESEND,  /* a replica asked for the log again */
};

enum { SESSION_REPLICAS_MAX = 64, SESSION_NAME_MAX = 64 };

struct session_replica {
    char name[SESSION_NAME_MAX];
    bool registered;
    bool reported;
    struct epoch epoch;
    uint64_t lsn;
    uint64_t written_lsn; /* in parkway.replicas */
};

struct session {
    struct metric *metrics; /* SESSION_METRIC_COUNT rows */

    /* where it starts */
    struct epoch epoch;
    uint8_t incarnation[16];
    char run[40];                /* uuid text of this session, in every event's header */
    uint64_t slot_lsn;           /* the slot's confirmed position at the start */
    struct position log_have;    /* the log holds everything up to here */
    struct position events_have; /* parkway.events likewise */
    uint64_t
        events_again_to_lsn; /* events behind events_have up to here are sent again; 0: none are */
    bool is_break; /* history is lost: begin with a break frame from break_from to log_have */
    struct position break_from;
    bool settle;           /* the row on the primary says that a break is due: correct it */
    uint64_t start_lsn;    /* where the stream begins: both lanes hold everything before it */
    int64_t events_offset; /* of the last message in parkway.events; -1: none */
    uint64_t replayed_to;  /* the log's end before a resend; 0: none */
    uint64_t commands_from_lsn; /* commands before it are done */

    struct repl *repl; /* capture's */
    struct conn *conn; /* applied's */
    struct link
        *publisher; /* emit's; opened by main, because it is the lock on the log (claim.h) */
    unsigned broker_turn; /* which broker of the list answered */
    struct intake *intake;

    atomic_bool stop;
    atomic_int end; /* enum session_end, the first one wins */
    pthread_mutex_t lock;
    struct err end_err; /* under lock */
    int wake_fd;        /* of main: a thread has failed */

    _Atomic(struct link *) publish_link; /* for interruption */
    _Atomic(struct link *) read_link;

    _Atomic uint64_t heard_lsn;     /* capture: the server's position, as far as it was read */
    _Atomic uint64_t asked_lsn;     /* applied: and as it was asked for, reading or not */
    _Atomic uint64_t released_lsn;  /* emit: what the slot may forget */
    _Atomic uint64_t log_lsn;       /* emit: confirmed prefix of the log */
    _Atomic uint64_t data_lsn;      /* emit: last place of rows in the log */
    _Atomic uint64_t confirmed_seq; /* emit: events 1..n are confirmed */
    _Atomic uint64_t refused_count; /* emit: of them, refused by some queue */
    _Atomic uint64_t verified_seq;  /* applied: and seen in the stream */
    _Atomic uint64_t commands_lsn;  /* emit: every command before it is confirmed */
    _Atomic uint64_t commands;      /* emit: how many were published */
    /* for health.h */
    _Atomic int64_t heard_us; /* capture: the primary's last word */
    _Atomic int64_t turn_us;  /* applied: when it was last free */
    _Atomic int64_t
        unconfirmed_us;       /* emit: when the oldest unconfirmed message was sent; 0: none */
    _Atomic int64_t moved_us; /* emit: when the last transaction went into the log */
    atomic_bool break_confirmed;
    atomic_bool emit_done; /* the publishing link is closed, or about to be */

    struct session_replica replicas[SESSION_REPLICAS_MAX]; /* under lock */
    size_t replica_count;
    bool replicas_known;
    atomic_uint replicas_version; /* bumped at each change */

    /* emit's last words, for the next session: events from here on may not have reached every queue
     * (UINT64_MAX: all have), and from here on were not seen in parkway.events yet */
    uint64_t unconfirmed_lsn;
    uint64_t unverified_lsn;
    /* applied's: a replica that asked for a resend stands here; 0: none did */
    struct position resend_at;
};

/* session_fail - a thread's way out: keeps the first reason and asks all to stop. */
void session_fail(struct session *s, enum session_end end, const struct err *e);
static inline bool session_stopping(const struct session *s)
{
    return atomic_load_explicit(&s->stop, memory_order_relaxed);
}
static inline struct metric *session_metric(struct session *s, enum session_metric m)
{
    return &s->metrics[m];
}

/* Threads; arg is the session. */
void *capture_main(void *arg);
void *emit_main(void *arg);
void *applied_main(void *arg);

#endif
