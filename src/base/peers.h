/* peers.h - the open connections of a server and their clocks: which of them have to be ended.
 *
 * Thread: the server's I/O thread, but for peers_count (any). */
#ifndef PARKWAY_BASE_PEERS_H
#define PARKWAY_BASE_PEERS_H

#include "base/def.h"

#include <stdatomic.h>

struct peer {
    struct peer *next;
    struct peer **link;
    int fd;
    bool answering;   /* its request is whole */
    bool timed;       /* the clock runs, since since_us */
    int64_t since_us; /* clock_mono_us */
};
struct peers {
    struct peer *first;
    atomic_int count;
};

/* peers_add - a new connection, its clock running. fd is borrowed until peers_remove, which frees the peer. */
struct peer *peers_add(struct peers *all, int fd);
void peers_remove(struct peers *all, struct peer *p);
int peers_count(const struct peers *all);

/* peers_time - starts the clock anew. */
void peers_time(struct peer *p);
/* peers_left - has the other side closed, or gone? What it sent before may be unread. */
bool peers_left(const struct peer *p);

/* Ending is shutdown(): who reads or writes the connection sees its end and tidies up. */
void peers_end(struct peer *p);
/* peers_end_cut - ends those that are not answering, whose client closed its side, and of which nothing is
 * unread: the rest of their request will not come. */
void peers_end_cut(struct peers *all);
/* peers_expire - ends those whose clock runs for longer than limit_ms. */
void peers_expire(struct peers *all, int64_t now_us, int64_t limit_ms);
/* peers_end_all - those that are not answering, or all. */
void peers_end_all(struct peers *all, bool answering_too);

#endif
