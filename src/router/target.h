/* target.h - the servers the router sends to: the primary (index 0) and the replicas (1…).
 *
 * Filled once at start; afterwards only the resolved address changes, by the main thread
 * (target_resolve) under a lock which connecting alone takes. Thread: any. */
#ifndef PARKWAY_ROUTER_TARGET_H
#define PARKWAY_ROUTER_TARGET_H

#include "base/err.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

enum { TARGET_PRIMARY = 0, TARGET_MAX = 9 };

enum target_kind { TARGET_IS_PRIMARY, TARGET_IS_EVENT, TARGET_IS_STANDBY };

struct target {
    uint32_t index;
    enum target_kind kind;
    char name[64];
    char host[256];
    char port[8];
    char dbname[64];
    char consumer[64];
    uint32_t weight;
    uint8_t side; /* of the catalogue: event-fed replicas count from 1; else 0 */
    /* Parkway's own login there */
    char own_user[64];
    char own_password[256];
    pthread_mutex_t lock;
    struct sockaddr_storage address;
    socklen_t address_len; /* 0: not resolved yet */
};

struct targets {
    uint32_t count;
    struct target list[TARGET_MAX];
};

/* targets_init - from the settings. ERR_INVALID names the setting. */
NODISCARD int targets_init(struct targets *t, struct err *e);
/* target_resolve - look the host up again; blocks, so never on a worker. */
void target_resolve(struct target *t);
/* target_address - a copy; 0 when the name is not known. */
socklen_t target_address(struct target *t, struct sockaddr_storage *out);
/* target_own_url - a connection string of Parkway's own login there, into out. */
void target_own_url(const struct target *t, char *out, size_t size);

#endif
