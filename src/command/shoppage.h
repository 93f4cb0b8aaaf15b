/* shoppage.h - the paths /shop_orders, /orders (the list), /order_items, /order_details, /order_details_mv, /order_updates. */
#ifndef PARKWAY_COMMAND_SHOPPAGE_H
#define PARKWAY_COMMAND_SHOPPAGE_H

#include "command/request.h"

void shoppage_create(struct request *q);
void shoppage_update(struct request *q); /* POST /order_updates */
void shoppage_orders(struct request *q);
void shoppage_items(struct request *q);
void shoppage_details(struct request *q);
void shoppage_mv(struct request *q);
void shoppage_mv_of(struct request *q);

#endif
