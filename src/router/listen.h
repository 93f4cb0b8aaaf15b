/* listen.h - the one listening socket. Main thread. A busy port is an error; sharing the port with
 * another process (SO_REUSEPORT) would hand clients to whoever came first. */
#ifndef PARKWAY_ROUTER_LISTEN_H
#define PARKWAY_ROUTER_LISTEN_H

#include "base/err.h"

struct router;

/* listen_open - ERR_UNAVAILABLE "could not listen on …: address already in use". */
NODISCARD int listen_open(const char *address, int port, int *fd, struct err *e);
/* listen_accept - wait up to wait_ms for clients and give each to the worker with the fewest. */
void listen_accept(int fd, struct router *r, int wait_ms);

#endif
