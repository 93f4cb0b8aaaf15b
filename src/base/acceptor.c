/* acceptor.c - see acceptor.h.
 *
 * A server that just stops accepting when it is full leaves its clients in the kernel's queue, without a
 * word; so what comes too much is accepted, told so, and closed. Closing a socket with unread bytes resets the
 * connection, which may take the answer away from the client before it is read: therefore the sending half
 * is shut first, and the socket is kept for REFUSED_US, and what arrives is dropped, before it is closed. At most
 * REFUSED_MAX are kept, the oldest goes first: a flood costs no memory.
 *
 * Without a free descriptor accept() fails and the listening socket stays readable: watching it would be
 * a busy loop, so the acceptor pauses until the next acceptor_tidy. */
#include "base/acceptor.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    REFUSED_MAX = 64,
    REFUSED_US = 1000000,
    SAY_EVERY_US = 10000000,
    LISTEN_BACKLOG = 512,
    PLACE_TEXT_MAX = 64,
    DRAIN_ROUNDS = 16, /* of 4 KiB each, of one socket at a time */
};

struct refused {
    int fd; /* -1: free */
    int64_t since_us;
};

struct acceptor {
    int fds[ACCEPTOR_PLACES_MAX];
    size_t count;
    struct str refusal;
    bool paused;
    size_t unsaid; /* turned away since the log said so */
    int64_t say_us;
    struct refused refused[REFUSED_MAX];
    size_t oldest; /* the slot that is used next, and was longest ago */
};

/* ---- places ---- */

static bool parse_port(const char *text, int *out)
{
    size_t digits = strspn(text, "0123456789");
    *out = digits >= 1 && digits <= 5 && text[digits] == '\0' ? atoi(text) : 0;
    return *out >= 1 && *out <= 65535;
}

int acceptor_parse(const char *text, int port, struct sockaddr_storage *out, struct err *e)
{
    char host[PLACE_TEXT_MAX];
    const char *colon = strchr(text, ':');
    const char *end = text + strlen(text);
    const char *port_text = NULL;
    const char *start = text;
    if (text[0] == '[') {
        start = text + 1;
        end = strchr(text, ']');
        if (end != NULL && end[1] == ':') {
            port_text = end + 2;
        } else if (end != NULL && end[1] != '\0') {
            end = NULL;
        }
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        end = colon;
        port_text = colon + 1;
    }
    memset(out, 0, sizeof *out);
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    size_t n = end != NULL ? (size_t)(end - start) : sizeof host;
    if (n < sizeof host && (port_text == NULL || parse_port(port_text, &port))) {
        memcpy(host, start, n);
        host[n] = '\0';
        if (text[0] != '[' && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons((uint16_t)port);
            return (int)sizeof *v4;
        }
        if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons((uint16_t)port);
            return (int)sizeof *v6;
        }
    }
    return err_set(e, ERR_INVALID,
                   "could not listen on \"%s\": not an IP address, with or without a port",
                   text);
}

static void write_place(const struct sockaddr_storage *at, char out[PLACE_TEXT_MAX])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;
    char host[INET6_ADDRSTRLEN];
    if (at->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, PLACE_TEXT_MAX, "[%s]:%d", host, ntohs(v6->sin6_port));
    } else {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, PLACE_TEXT_MAX, "%s:%d", host, ntohs(v4->sin_port));
    }
}

static int listen_on(const char *place, int port, struct err *e)
{
    struct sockaddr_storage at;
    int size = acceptor_parse(place, port, &at, e);
    if (size < 0) {
        return size;
    }
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set(e, ERR_UNAVAILABLE, "could not create a socket: %s", strerror(errno));
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at.ss_family == AF_INET6) { /* "0.0.0.0" and "::" are two places */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    char text[PLACE_TEXT_MAX];
    write_place(&at, text);
    if (bind(fd, (struct sockaddr *)&at, (socklen_t)size) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        int why = errno;
        close(fd);
        return err_set(e, ERR_UNAVAILABLE, "could not listen on %s: %s", text, strerror(why));
    }
    log_info("listening http=%s", text);
    return fd;
}

int acceptor_open(struct acceptor **out, const char *const *places, size_t count, int port,
                  struct str refusal, struct err *e)
{
    *out = NULL;
    if (count == 0 || count > ACCEPTOR_PLACES_MAX) {
        return err_set(e, ERR_INVALID,
                       "could not listen: %zu addresses, but 1 to %d are possible", count,
                       ACCEPTOR_PLACES_MAX);
    }
    struct acceptor *a = def_zalloc(1, sizeof *a);
    a->refusal = refusal;
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        a->refused[i].fd = -1;
    }
    for (size_t i = 0; i < count; i++) {
        int fd = listen_on(places[i], port, e);
        if (fd < 0) {
            acceptor_close(a);
            return fd;
        }
        a->fds[a->count++] = fd;
    }
    *out = a;
    return 0;
}

/* ---- connections ---- */

static void end_refused(struct refused *r)
{
    char dropped[4096];
    for (int i = 0; i < DRAIN_ROUNDS; i++) {
        if (recv(r->fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    close(r->fd);
    r->fd = -1;
}

void acceptor_close(struct acceptor *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        close(a->fds[i]);
    }
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        if (a->refused[i].fd >= 0) {
            end_refused(&a->refused[i]);
        }
    }
    free(a);
}

size_t acceptor_watch(const struct acceptor *a, struct pollfd *fds)
{
    for (size_t i = 0; i < a->count; i++) {
        fds[i] = (struct pollfd){.fd = a->paused ? -1 : a->fds[i], .events = POLLIN};
    }
    return a->count;
}

static void refuse(struct acceptor *a, int fd)
{
    ssize_t sent = send(fd, a->refusal.p, a->refusal.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    UNUSED(sent); /* a client that is gone already misses nothing */
    shutdown(fd, SHUT_WR);
    struct refused *r = &a->refused[a->oldest];
    a->oldest = (a->oldest + 1) % REFUSED_MAX;
    if (r->fd >= 0) {
        end_refused(r);
    }
    a->unsaid++;
    *r = (struct refused){.fd = fd, .since_us = clock_mono_us()};
}

int acceptor_take(struct acceptor *a, bool full, struct sockaddr_storage *peer,
                  socklen_t *peer_size)
{
    for (size_t i = 0; i < a->count && !a->paused; i++) {
        *peer_size = sizeof *peer;
        int fd = accept4(a->fds[i], (struct sockaddr *)peer, peer_size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && !full) {
            return fd;
        }
        if (fd >= 0) {
            refuse(a, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("http: could not accept a connection: %s", strerror(errno));
            a->paused = true;
        }
    }
    return -1;
}

bool acceptor_idle(const struct acceptor *a)
{
    bool idle = !a->paused && a->unsaid == 0;
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        idle = idle && a->refused[i].fd < 0;
    }
    return idle;
}

void acceptor_tidy(struct acceptor *a, int64_t now_us)
{
    a->paused = false;
    if (a->unsaid > 0 && now_us >= a->say_us) {
        log_warn("http: too many connections, turned away=%zu", a->unsaid);
        a->unsaid = 0;
        a->say_us = now_us + SAY_EVERY_US;
    }
    for (size_t i = 0; i < REFUSED_MAX; i++) {
        struct refused *r = &a->refused[i];
        if (r->fd >= 0 && now_us - r->since_us > REFUSED_US) {
            end_refused(r);
        }
    }
}
