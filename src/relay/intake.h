/* intake.h - the bounded way from the capturing thread to the emitting one.
 *
 * Chunks of stream messages in order. The producer asks for room and never waits; the consumer waits
 * on intake_fd. Bound: INTAKE_MAX_BYTES, beyond which there is no room until the consumer has taken
 * something; one message that is larger alone is let in when the intake is empty. */
#ifndef PARKWAY_RELAY_INTAKE_H
#define PARKWAY_RELAY_INTAKE_H

#include "base/buf.h"

enum { INTAKE_MAX_BYTES = 4 << 20, INTAKE_CHUNK_BYTES = 256 << 10 };

struct intake;

/* One record: a pgoutput message, or a place up to which the server has nothing more. */
struct intake_record {
    bool is_progress;
    uint64_t wal; /* XLogData's start, or the place */
    struct str msg;
};

struct intake_chunk {
    struct intake_chunk *next;
    struct buf bytes; /* small records, packed */
    size_t read_at;   /* consumer's mark in bytes */
    void *large; /* one large record's memory, after the packed ones; freed by free_large */
    uint64_t large_wal;
    struct str large_msg;
    bool large_read;
};

/* free_large - releases the memory of large records (repl_free). */
struct intake *intake_new(void (*free_large)(void *mem));
void intake_free(struct intake *in); /* both threads have ended */

/* Producer. */
bool intake_has_room(const struct intake *in);
int intake_room_fd(const struct intake *in); /* readable after the consumer has made room */
void intake_clear_room(struct intake *in);
void intake_add(struct intake *in, uint64_t wal, struct str msg); /* copies */
/* intake_add_large - takes mem over; msg lies in it. */
void intake_add_large(struct intake *in, uint64_t wal, struct str msg, void *mem);
void intake_add_progress(struct intake *in, uint64_t wal);
void intake_flush(struct intake *in); /* hands over what was added */

/* Consumer. */
int intake_fd(const struct intake *in);
struct intake_chunk *intake_take(struct intake *in); /* NULL: nothing there; clears the fd */
bool intake_next(struct intake_chunk *c, struct intake_record *out);
void intake_done(struct intake *in, struct intake_chunk *c);
size_t intake_bytes(const struct intake *in); /* any thread: bytes waiting */

#endif
