/* orderbody.h - the JSON documents that order something, read exactly: of POST /order (also the file of `cqrs create_order`) and of
 * POST /orders. Pure but for memory. */
#ifndef PARKWAY_COMMAND_ORDERBODY_H
#define PARKWAY_COMMAND_ORDERBODY_H

#include "base/arena.h"
#include "domain/order.h"

enum { ORDERBODY_ITEMS_MAX = 1000 /* lines of an order: one statement takes them all */ };

/* orderbody_food - {"id"?,"customerId","restaurantId","payment":{number,cvc,yy,mm},"orderItems":[{menuItemId,quantity}],
 * "scheduledAt"?}. The number becomes its token and is wiped, where it stands in text and in *out; so is the CVC, whatever
 * is returned. text lies in memory that may be written. *out borrows text and mem. ERR_INVALID, whose text has nothing of the
 * card. */
NODISCARD int orderbody_food(struct arena *mem, struct str text, struct order_input *out,
                             struct err *e);
/* orderbody_priced - {"customerId","restaurantId","price","items":[{productId,quantity,price,subTotal}],"address"?}. ERR_INVALID also:
 * a subTotal is not quantity times price, or the price is not their sum. */
NODISCARD int orderbody_priced(struct arena *mem, struct str text, struct order_input *out,
                               struct err *e);

#endif
