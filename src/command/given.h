/* given.h - the objects by which clients describe customers, restaurants and menu items: the bodies of POST /customer, /customers,
 * /restaurant and /menu, read into what the domain takes. Texts borrow the JSON or lie in the arena. Pure but for memory.
 *
 * object is one that fields_check accepted. All return 0 or ERR_INVALID. */
#ifndef PARKWAY_COMMAND_GIVEN_H
#define PARKWAY_COMMAND_GIVEN_H

#include "command/fields.h"
#include "domain/card.h"
#include "domain/customer.h"
#include "domain/menu.h"
#include "domain/restaurant.h"

struct given_customer {
    struct customer_input in;
    struct card card; /* without its number */
    bool has_card;
};

/* given_customer - {"customerId"?,"firstname","lastname","fullname"?,"address":{lat,long},"card":{number,yy,mm,cvc?}} and
 * username, email, phone; of_new: what must be there is, and a number may be chosen. The card is masked in the JSON
 * itself, which lies in memory that may be written. out is the caller's until the end: in borrows it. */
NODISCARD int given_customer(struct arena *mem, struct str object, bool of_new,
                             struct given_customer *out, struct err *e);
/* given_account - {"customerId":uuid,"username","firstName","lastName","email"?,"phone"?} */
NODISCARD int given_account(struct arena *mem, struct str object, struct customer_input *out,
                            struct err *e);
/* given_restaurant - {"restaurantId"?,"name","address":{lat,long},"active"?} */
NODISCARD int given_restaurant(struct arena *mem, struct str object,
                               struct restaurant_input *out, struct err *e);
/* given_menu - {"menuItemId"?,"restaurantId","name","description"?,"price","rating"?,"available"?}; of_new: what must be
 * there is. */
NODISCARD int given_menu(struct arena *mem, struct str object, bool of_new,
                         struct menu_input *out, struct err *e);

#endif
