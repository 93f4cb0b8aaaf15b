/* repl.h - a logical replication connection: slot commands, the stream of changes, feedback.
 *
 * libpq behind it. One thread owns a connection for life. Reading never blocks and never waits for
 * anything but the socket; sending feedback never blocks either (34 bytes that libpq keeps when the
 * socket is full). Errors as in conn.h; ERR_SQL with its SQLSTATE when the server refused or ended
 * the stream (42704: slot or publication missing; 55006: the slot is in use).
 * Source: PostgreSQL 15, sections 55.4 and 55.5. */
#ifndef PARKWAY_PG_REPL_H
#define PARKWAY_PG_REPL_H

#include "base/buf.h"
#include "base/err.h"

struct repl;

struct repl_system {
    uint64_t system;
    uint32_t timeline;
    uint64_t flushed_lsn;
};

/* repl_open - sender_timeout_ms becomes wal_sender_timeout of this connection alone, so that a
 * half-open one frees its slot within that time. Values come as texts that say the same everywhere, whatever the
 * server's or the role's settings are. No other limit of the server's ends it: making a slot may wait
 * long, and so may an exported snapshot. */
NODISCARD int repl_open(struct repl **out, const char *url, int sender_timeout_ms,
                        struct err *e);
void repl_close(struct repl *r); /* NULL is fine */
/* repl_memory - how much of changes the server keeps in memory for this connection while it decodes,
 * before it spills them to its disk (logical_decoding_work_mem). Before repl_start. */
NODISCARD int repl_memory(struct repl *r, int64_t bytes, struct err *e);
int repl_socket(const struct repl *r);
/* repl_is_local - the connection is by a Unix-domain socket. */
bool repl_is_local(const struct repl *r);
int repl_server_pid(const struct repl *r); /* of the process that serves it */
NODISCARD int repl_identify(struct repl *r, struct repl_system *out, struct err *e);
/* repl_slot_create - a permanent logical slot with pgoutput; at becomes its consistent point.
 * Waits for the transactions that run at that moment. */
NODISCARD int repl_slot_create(struct repl *r, const char *slot, uint64_t *at, struct err *e);
/* repl_slot_export - the same, of a permanent or temporary slot (gone with the connection); snapshot
 * [REPL_SNAPSHOT_MAX] becomes the name of the snapshot that shows exactly what was committed before that
 * point. It lasts until the next command on this connection: SET TRANSACTION SNAPSHOT in another. */
enum { REPL_SNAPSHOT_MAX = 64 };
NODISCARD int repl_slot_export(struct repl *r, const char *slot, bool temporary, uint64_t *at,
                               char *snapshot, struct err *e);
NODISCARD int repl_slot_drop(struct repl *r, const char *slot, struct err *e);
/* repl_start - stream from lsn on (or from the slot's confirmed position, whichever is later):
 * protocol 1, messages on. After it only the calls below are allowed. */
NODISCARD int repl_start(struct repl *r, const char *slot, const char *publication,
                         uint64_t lsn, struct err *e);

enum repl_event_kind { REPL_NONE, REPL_DATA, REPL_KEEPALIVE };

struct repl_event {
    enum repl_event_kind kind;
    uint64_t wal_start; /* of REPL_DATA: XLogData's start */
    uint64_t wal_end;   /* everything the server decodes before this place was sent */
    int64_t sent_us;    /* since 1970, the server's clock */
    bool reply_wanted;
    struct str msg; /* of REPL_DATA: one pgoutput message */
    void *mem;      /* what msg lies in; repl_event_free, or repl_free after taking it over */
};

/* repl_next - the next message, REPL_NONE when the socket is dry. */
NODISCARD int repl_next(struct repl *r, struct repl_event *ev, struct err *e);
void repl_event_free(struct repl_event *ev);
void repl_free(void *mem); /* of an event whose mem was taken; any thread */
/* repl_feedback - standby status update. flushed is what the server may forget. */
NODISCARD int repl_feedback(struct repl *r, uint64_t written, uint64_t flushed,
                            bool reply_wanted, struct err *e);

#endif
