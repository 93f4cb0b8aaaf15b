/* historypage.h - the handlers of /history/{ref}, /histories and /ticket/{ticketId}: read models of food orders. */
#ifndef PARKWAY_COMMAND_HISTORYPAGE_H
#define PARKWAY_COMMAND_HISTORYPAGE_H

#include "command/request.h"

void historypage_details(struct request *q);
void historypage_list(struct request *q); /* /histories and /histories/{state} */
void historypage_ticket(struct request *q);

#endif
