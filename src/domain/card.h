/* card.h - a payment card as a client gives it, and what may be kept of it: the last four digits and the expiry. Pure.
 *
 * The number is masked where it stands, and the CVC wiped, in the moment they have been checked: who needs the number
 * (to make a token of it) gets it in a struct that it wipes. */
#ifndef PARKWAY_DOMAIN_CARD_H
#define PARKWAY_DOMAIN_CARD_H

#include "base/err.h"

enum { CARD_NUMBER_MAX = 20, CARD_EXPIRY_MAX = 6 };

struct card {
    char number[CARD_NUMBER_MAX]; /* digits; card_forget's to wipe */
    char masked[CARD_NUMBER_MAX]; /* ******6789, as long as the number */
    char last4[5];
    char yy[3], mm[3];
    char expiry[CARD_EXPIRY_MAX]; /* MM/YY */
};

/* card_take - number, yy, mm and cvc (p NULL: not given) as the JSON values that a client wrote: digits in quotes, or numbers. In
 * the texts of number and cvc every digit that must not be kept becomes '*' (of a number without quotes '1'), whatever is
 * returned; so they lie in memory that may be written. ERR_INVALID, whose text has nothing of the card. */
NODISCARD int card_take(struct card *c, struct str number, struct str yy, struct str mm,
                        struct str cvc, struct err *e);
/* card_forget - wipes the number. */
void card_forget(struct card *c);
/* card_mask - a number of which only the last four digits are known: sixteen digits long. */
void card_mask(struct str last4, char out[CARD_NUMBER_MAX]);

#endif
