/* listen.c - see listen.h. */
#include "router/listen.h"

#include "base/log.h"
#include "pg/msg.h"
#include "router/router_conf.h"
#include "router/worker.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_PER_TURN = 64 };

int listen_open(const char *address, int port, int *out, struct err *e)
{
    char text[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int on = 1;
    snprintf(text, sizeof text, "%d", port);
    int rc = getaddrinfo(address, text, &hints, &found);
    if (rc != 0) {
        return err_set(e, ERR_INVALID, "router.listen: %s: %s", address, gai_strerror(rc));
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        code = errno;
    }
    freeaddrinfo(found);
    if (code != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return err_set(e, ERR_UNAVAILABLE, "could not listen on %s:%d: %s", address, port,
                       strerror(code));
    }
    *out = fd;
    return 0;
}

static void refuse(int fd)
{
    struct buf out = BUF_INIT;
    msg_error(&out, 'E', "FATAL", "53300", "sorry, too many clients already", NULL,
              "router.clients_max bounds them");
    ssize_t ignored = send(fd, buf_data(&out), out.len, MSG_NOSIGNAL);
    UNUSED(ignored);
    buf_fini(&out);
    close(fd);
}

static void give(struct router *r, int fd)
{
    struct worker *best = &r->workers[0];
    uint32_t least = UINT32_MAX, all = 0;
    for (uint32_t i = 0; i < r->worker_count; i++) {
        uint32_t load = atomic_load(&r->workers[i].load);
        all += load;
        if (load < least) {
            least = load;
            best = &r->workers[i];
        }
    }
    if (all >= (uint64_t)router_conf()->clients_max) {
        refuse(fd);
    } else {
        worker_give(best, fd);
    }
}

void listen_accept(int fd, struct router *r, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0) {
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        /* cppcheck-suppress nullPointer; accept4 takes NULL when nobody wants the address */
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                log_error("could not accept a client: %s", strerror(errno));
                poll(NULL, 0, 100);
            }
            return;
        }
        give(r, client);
    }
}
