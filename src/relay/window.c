/* window.c - see window.h. */
#include "relay/window.h"

#include <stdlib.h>

struct window {
    struct window_entry *ring;
    size_t cap;
    uint64_t first; /* oldest tag that may be outstanding */
    uint64_t next;  /* tag of the next message */
    size_t count[WINDOW_LANES];
    size_t again[WINDOW_LANES];        /* of them, out of order */
    uint64_t newest_lsn[WINDOW_LANES]; /* the highest safe_lsn pushed */
    size_t bytes;
};

struct window *window_new(size_t capacity)
{
    struct window *w = def_zalloc(1, sizeof *w);
    w->cap = capacity;
    w->ring = def_zalloc(capacity, sizeof *w->ring);
    w->first = 1;
    w->next = 1;
    return w;
}

void window_free(struct window *w)
{
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < w->cap; i++) {
        if (w->ring[i].used) {
            event_free(w->ring[i].event);
        }
    }
    free(w->ring);
    free(w);
}

bool window_has_room(const struct window *w)
{
    return w->next - w->first < w->cap;
}

uint64_t window_push(struct window *w, const struct window_entry *entry)
{
    ASSERT(window_has_room(w));
    struct window_entry *slot = &w->ring[w->next % w->cap];
    *slot = *entry;
    slot->used = true;
    slot->again = entry->safe_lsn < w->newest_lsn[entry->lane];
    w->again[entry->lane] += slot->again;
    if (!slot->again) {
        w->newest_lsn[entry->lane] = entry->safe_lsn;
    }
    w->count[entry->lane]++;
    w->bytes += entry->bytes;
    return w->next++;
}

bool window_take(struct window *w, uint64_t tag, struct window_entry *out)
{
    if (tag < w->first || tag >= w->next || !w->ring[tag % w->cap].used) {
        return false;
    }
    struct window_entry *slot = &w->ring[tag % w->cap];
    *out = *slot;
    *slot = (struct window_entry){.used = false};
    w->count[out->lane]--;
    w->again[out->lane] -= out->again;
    w->bytes -= out->bytes;
    while (w->first < w->next && !w->ring[w->first % w->cap].used) {
        w->first++;
    }
    return true;
}

uint64_t window_first(const struct window *w)
{
    return w->first < w->next ? w->first : 0;
}

int64_t window_sent_us(const struct window *w)
{
    return w->first < w->next ? w->ring[w->first % w->cap].sent_us : 0;
}

struct window_entry *window_find_event(struct window *w, struct str message_id)
{
    for (uint64_t tag = w->first; tag < w->next; tag++) {
        struct window_entry *entry = &w->ring[tag % w->cap];
        if (entry->used && entry->event != NULL &&
            str_eq(str_of(entry->event->message_id), message_id)) {
            return entry;
        }
    }
    return NULL;
}

uint64_t window_first_seq(const struct window *w)
{
    if (w->count[WINDOW_EVENTS] == 0) {
        return UINT64_MAX;
    }
    for (uint64_t tag = w->first; tag < w->next; tag++) {
        const struct window_entry *entry = &w->ring[tag % w->cap];
        if (entry->used && entry->seq > 0) {
            return entry->seq;
        }
    }
    return UINT64_MAX;
}

size_t window_count(const struct window *w, enum window_lane lane)
{
    return w->count[lane];
}

size_t window_bytes(const struct window *w)
{
    return w->bytes;
}

uint64_t window_safe_lsn(const struct window *w, enum window_lane lane)
{
    if (w->count[lane] == 0) {
        return UINT64_MAX;
    }
    uint64_t lsn = UINT64_MAX;
    for (uint64_t tag = w->first; tag < w->next; tag++) {
        const struct window_entry *entry = &w->ring[tag % w->cap];
        if (entry->used && entry->lane == lane) {
            lsn = entry->safe_lsn < lsn ? entry->safe_lsn : lsn;
            if (w->again[lane] == 0) {
                break; /* in order: the oldest is the lowest */
            }
        }
    }
    return lsn;
}

/* --- marks ------------------------------------------------------------------------------------- */

void window_mark(struct window_marks *m, uint64_t seq, uint64_t safe_lsn)
{
    m->last_seq = seq;
    if (m->count > 0) {
        size_t last = (m->first + m->count - 1) % WINDOW_MARKS;
        /* an event sent again is older than those before it: they answer for it too, so that the
         * first mark is always the lowest */
        for (size_t i = m->count; i > 0; i--) {
            size_t at = (m->first + i - 1) % WINDOW_MARKS;
            if (m->mark[at].safe_lsn <= safe_lsn) {
                break;
            }
            m->mark[at].safe_lsn = safe_lsn;
        }
        if (m->mark[last].safe_lsn == safe_lsn || m->count == WINDOW_MARKS) {
            return;
        }
    }
    size_t at = (m->first + m->count++) % WINDOW_MARKS;
    m->mark[at].seq = seq;
    m->mark[at].safe_lsn = safe_lsn;
}

uint64_t window_marks_safe_lsn(struct window_marks *m, uint64_t verified)
{
    if (verified >= m->last_seq) {
        m->count = 0;
        return UINT64_MAX;
    }
    while (m->count > 1 && m->mark[(m->first + 1) % WINDOW_MARKS].seq <= verified + 1) {
        m->first = (m->first + 1) % WINDOW_MARKS;
        m->count--;
    }
    return m->count > 0 ? m->mark[m->first].safe_lsn : UINT64_MAX;
}
