/* acceptor.h - the listening sockets of a server: several places, and a clear answer when it is full.
 *
 * A place is an IP address, with or without a port: "127.0.0.1", "127.0.0.1:8001", "::1", "[::1]:8001".
 * Thread: the server's I/O thread, but for acceptor_parse (any) and acceptor_open (before it starts). */
#ifndef PARKWAY_BASE_ACCEPTOR_H
#define PARKWAY_BASE_ACCEPTOR_H

#include "base/err.h"

#include <poll.h>
#include <sys/socket.h>

enum { ACCEPTOR_PLACES_MAX = 16 };

struct acceptor;

/* acceptor_parse - text as a place; port where it names none. Returns the size of the address, or ERR_INVALID.
 * Pure. */
NODISCARD int acceptor_parse(const char *text, int port, struct sockaddr_storage *out,
                             struct err *e);

/* acceptor_open - listen on every place. refusal, a whole answer, is what acceptor_take sends when the
 * server is full; borrowed for the acceptor's life. ERR_INVALID: no such address, no place or too many;
 * ERR_UNAVAILABLE: "could not listen on 127.0.0.1:8000: Address already in use"; nothing listens then. */
NODISCARD int acceptor_open(struct acceptor **out, const char *const *places, size_t count,
                            int port, struct str refusal, struct err *e);
void acceptor_close(struct acceptor *a); /* NULL is fine */

/* acceptor_watch - what to poll for, into fds (room for ACCEPTOR_PLACES_MAX); returns how many. */
size_t acceptor_watch(const struct acceptor *a, struct pollfd *fds);

/* acceptor_take - the next waiting connection (non-blocking, close-on-exec; the caller's), or -1 when none
 * waits. full: it gets the refusal instead, -1 as well. When the process has no descriptor left,
 * nothing is taken before the next acceptor_tidy. */
int acceptor_take(struct acceptor *a, bool full, struct sockaddr_storage *peer,
                  socklen_t *peer_size);
/* acceptor_idle - nothing is kept or paused, so that acceptor_tidy has nothing to do. */
bool acceptor_idle(const struct acceptor *a);
/* acceptor_tidy - now and then, about twice a second: ends the connections that were turned away. */
void acceptor_tidy(struct acceptor *a, int64_t now_us);

#endif
