/* participants.h - what the workers of the bundled domain need from outside of the database: settings of the configuration, and
 * effects such as a mail that is sent. Thread: any. */
#ifndef PARKWAY_DOMAIN_PARTICIPANTS_H
#define PARKWAY_DOMAIN_PARTICIPANTS_H

#include "base/buf.h"

/* participants_settings - appends the settings of a worker as a JSON object; {} for one that has none. */
void participants_settings(const char *worker, struct buf *out);
/* participants_effect - does what a worker's function has asked for ({"effect": name, …}) and appends what came of it:
 * {"ok": true}, or {"ok": false, "error": text}. Takes at most mail.timeout_ms. */
void participants_effect(struct str asked, struct buf *out);

#endif
