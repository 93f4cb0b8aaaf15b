/* orderpage.h - the handlers of /order and /orders/{ref}, and of POST /orders. */
#ifndef PARKWAY_COMMAND_ORDERPAGE_H
#define PARKWAY_COMMAND_ORDERPAGE_H

#include "command/request.h"

void orderpage_create(struct request *q);        /* POST /order */
void orderpage_details(struct request *q);       /* GET /order/{ref} */
void orderpage_cancel(struct request *q);        /* DELETE /order/{ref} */
void orderpage_create_priced(struct request *q); /* POST /orders */
void orderpage_status(struct request *q);        /* GET /orders/{ref} */

#endif
