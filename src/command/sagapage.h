/* sagapage.h - /sagas: what runs, what happened to one, and an operator's pause, resume and retry. Handlers of routes.h. */
#ifndef PARKWAY_COMMAND_SAGAPAGE_H
#define PARKWAY_COMMAND_SAGAPAGE_H

#include "command/request.h"

void sagapage_list(struct request *q);
void sagapage_details(struct request *q);
void sagapage_log(struct request *q);
void sagapage_pause(struct request *q);
void sagapage_resume(struct request *q);
void sagapage_retry(struct request *q);

#endif
