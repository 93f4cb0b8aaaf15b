/* probe.h - are primary, replica and broker there? For /actuator/health. Thread: any; one asks at a
 * time, and an answer serves everybody for PROBE_KEEP_MS. */
#ifndef PARKWAY_COMMAND_PROBE_H
#define PARKWAY_COMMAND_PROBE_H

#include "base/def.h"

struct probe;

struct probe *probe_new(void);
void probe_free(struct probe *p);
/* probe_up - whether all three answered; logs each change. */
bool probe_up(struct probe *p);

#endif
