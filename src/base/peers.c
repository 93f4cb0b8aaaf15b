/* peers.c - see peers.h. A list in no order; a server has some hundred connections and looks through them twice a
 * second. Nothing is closed here: the descriptor belongs to whoever serves the connection, and closing it behind that
 * one's back would hand its number to the next connection. */
#include "base/peers.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct peer *peers_add(struct peers *all, int fd)
{
    struct peer *p = def_zalloc(1, sizeof *p);
    p->fd = fd;
    peers_time(p);
    p->next = all->first;
    p->link = &all->first;
    if (p->next != NULL) {
        p->next->link = &p->next;
    }
    all->first = p;
    atomic_fetch_add(&all->count, 1);
    return p;
}

void peers_remove(struct peers *all, struct peer *p)
{
    *p->link = p->next;
    if (p->next != NULL) {
        p->next->link = p->link;
    }
    atomic_fetch_sub(&all->count, 1);
    free(p);
}

int peers_count(const struct peers *all)
{
    return atomic_load(&all->count);
}

void peers_time(struct peer *p)
{
    p->timed = true;
    p->since_us = clock_mono_us();
}

bool peers_left(const struct peer *p)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLRDHUP};
    return poll(&fd, 1, 0) > 0 && fd.revents != 0;
}

void peers_end(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
}

void peers_end_cut(struct peers *all)
{
    for (struct peer *p = all->first; p != NULL; p = p->next) {
        int unread = 0;
        if (!p->answering && peers_left(p) && ioctl(p->fd, FIONREAD, &unread) == 0 &&
            unread == 0) {
            peers_end(p);
        }
    }
}

void peers_expire(struct peers *all, int64_t now_us, int64_t limit_ms)
{
    for (struct peer *p = all->first; p != NULL; p = p->next) {
        if (p->timed && now_us - p->since_us > limit_ms * 1000) {
            peers_end(p);
        }
    }
}

void peers_end_all(struct peers *all, bool answering_too)
{
    for (struct peer *p = all->first; p != NULL; p = p->next) {
        if (answering_too || !p->answering) {
            peers_end(p);
        }
    }
}
