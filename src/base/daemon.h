/* daemon.h - what every daemon does the same way: signals and the stop flag.
 *
 * SIGTERM and SIGINT ask for an orderly end, SIGHUP for a reload; SIGPIPE is ignored. The flags
 * are globals set by the handlers; loops look at them at least every 100 ms. No pid files here:
 * the supervisor (compose/stack, systemd, docker) keeps them. */
#ifndef PARKWAY_BASE_DAEMON_H
#define PARKWAY_BASE_DAEMON_H

#include "base/def.h"

void daemon_init(void);        /* installs the handlers; before any thread starts */
bool daemon_stopping(void);    /* any thread */
void daemon_stop(void);        /* as if SIGTERM came */
bool daemon_take_reload(void); /* true once per SIGHUP */
/* daemon_wait_ms - sleep that ends early when stopping; returns daemon_stopping(). */
bool daemon_wait_ms(int64_t ms);

#endif
