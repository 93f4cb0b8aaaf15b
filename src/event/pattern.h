/* pattern.h - the binding keys of a topic exchange: words between dots, * for one word, # for any number. Pure.
 * Source: AMQP 0-9-1 specification, section 3.1.3.3, "The Topic Exchange Type". */
#ifndef PARKWAY_EVENT_PATTERN_H
#define PARKWAY_EVENT_PATTERN_H

#include "base/def.h"

bool pattern_match(struct str pattern, struct str key);

#endif
