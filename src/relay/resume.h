/* resume.h - where the lanes stand on the broker: the last frame of parkway.log and the last event of
 * parkway.events; and the topology that both need. Runs on main's own link before a session. */
#ifndef PARKWAY_RELAY_RESUME_H
#define PARKWAY_RELAY_RESUME_H

#include "event/position.h"
#include "mq/link.h"
#include "relay/gapless.h"

struct resume {
    bool log_empty; /* the stream holds no frame at all: it is a new one */
    bool log_found; /* a frame was read; the next two are its */
    struct position log_last;
    uint8_t incarnation[16];
    bool events_found; /* an event of the relay was read */
    struct position events_last;
    int64_t events_offset; /* of the last message there, whoever wrote it; -1: none */
    bool
        events_gap; /* the stream misses events behind events_last, which is not its end then */
    struct gapless events_end; /* of the last event read, as gapless.h needs it */
};

/* resume_declare - exchanges, streams and, before anything is published, the bindings of resume_bind. */
NODISCARD int resume_declare(struct link *l, struct err *e);
struct resume_unbound {
    int count;
    char first[384]; /* one of them, and why */
};
/* resume_bind - that binding and those of events.bindings; out tells of queues that could not be bound (a new
 * channel then; consumers of the old one are gone). */
NODISCARD int resume_bind(struct link *l, struct resume_unbound *out, struct err *e);
/* resume_read - waits until the last message was read, up to 10 s each. whole: where the events' stream was
 * last known to miss none; what lies behind is looked at, unless the numbers alone say enough. */
NODISCARD int resume_read(struct link *l, const struct gapless *whole, struct resume *out,
                          struct err *e);
/* resume_number - run, number, offset and position of an event of a relay; false: somebody else's. */
bool resume_number(const struct link_event *ev, struct gapless *out);

#endif
