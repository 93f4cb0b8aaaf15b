/* simplepage.h - the handlers of /command, which makes a simple order, and /query/{ref}, which shows an order's document. */
#ifndef PARKWAY_COMMAND_SIMPLEPAGE_H
#define PARKWAY_COMMAND_SIMPLEPAGE_H

#include "command/request.h"

void simplepage_create(struct request *q); /* POST and GET */
void simplepage_query(struct request *q);

#endif
