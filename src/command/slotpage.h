/* slotpage.h - the handlers of /parking_slots. */
#ifndef PARKWAY_COMMAND_SLOTPAGE_H
#define PARKWAY_COMMAND_SLOTPAGE_H

#include "command/request.h"

void slotpage_create(struct request *q);
void slotpage_list(struct request *q);
void slotpage_details(struct request *q);
void slotpage_update(struct request *q);

#endif
