/* workpage.h - the handlers of /kitchen/ready, /delivery/pickedup and /delivery/complete, POST and GET: what cooks and riders report. */
#ifndef PARKWAY_COMMAND_WORKPAGE_H
#define PARKWAY_COMMAND_WORKPAGE_H

#include "command/request.h"

void workpage_ready(struct request *q);
void workpage_pick_up(struct request *q);
void workpage_complete(struct request *q);

#endif
