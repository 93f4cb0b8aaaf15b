/* window.h - what was published and is not confirmed yet, and what that means for the release.
 *
 * Delivery tags are dense, so the window is a ring indexed by tag. For each lane it knows the LSN that is
 * safe to restart from: that of the oldest message not done with. A refused event leaves the ring for
 * the list of retry.h and still counts. Pure bookkeeping; owned by the emitting thread. */
#ifndef PARKWAY_RELAY_WINDOW_H
#define PARKWAY_RELAY_WINDOW_H

#include "event/event.h"

enum window_lane { WINDOW_LOG, WINDOW_EVENTS, WINDOW_LANES };

/* One message. An event keeps its content until it is confirmed, to be sent again when refused. */
struct window_entry {
    bool used;
    enum window_lane lane;
    uint64_t safe_lsn;
    size_t bytes;
    int64_t sent_us;
    struct position last; /* of a frame: its last place */
    bool is_break;        /* of a frame */
    struct event *event;  /* of the events lane; owned */
    uint64_t seq;         /* of an event */
    bool returned;        /* came back as unroutable; its confirm follows */
    bool again;           /* sent again: older than those before it. Set by window_push */
};

struct window;

struct window *window_new(size_t capacity);
void window_free(struct window *w);

/* window_push - the next tag's message. There must be room. Returns the tag. */
uint64_t window_push(struct window *w, const struct window_entry *entry);
/* window_take - the confirmed (or refused) entry of a tag; false when it is not outstanding. The
 * caller owns entry.event. */
bool window_take(struct window *w, uint64_t tag, struct window_entry *out);
/* window_first - the oldest outstanding tag; 0: none. */
uint64_t window_first(const struct window *w);
/* window_sent_us - when the oldest outstanding message was sent; 0: there is none. */
int64_t window_sent_us(const struct window *w);
/* window_find_event - the outstanding event with that message id; NULL. */
struct window_entry *window_find_event(struct window *w, struct str message_id);
/* window_first_seq - of the oldest outstanding event that has one; UINT64_MAX: none. */
uint64_t window_first_seq(const struct window *w);
size_t window_count(const struct window *w, enum window_lane lane);
size_t window_bytes(const struct window *w);
bool window_has_room(const struct window *w); /* by count of tags in flight */
/* window_safe_lsn - the lowest of the lane's outstanding messages (one that was sent again stands behind younger
 * ones); UINT64_MAX: none. */
uint64_t window_safe_lsn(const struct window *w, enum window_lane lane);

/* Events confirmed but not yet seen in the stream: from which sequence number on which LSN is safe.
 * Merges marks when full, which only makes the answer lower. */
enum { WINDOW_MARKS = 4096 };
struct window_marks {
    struct {
        uint64_t seq;
        uint64_t safe_lsn;
    } mark[WINDOW_MARKS];
    size_t first, count;
    uint64_t last_seq;
};
void window_mark(struct window_marks *m, uint64_t seq, uint64_t safe_lsn);
/* window_marks_safe_lsn - when events up to verified were seen; UINT64_MAX: nothing is open. */
uint64_t window_marks_safe_lsn(struct window_marks *m, uint64_t verified);

#endif
