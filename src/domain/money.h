/* money.h - amounts, exact: a decimal text with at most two decimals is a whole number of cents, and back. Pure. */
#ifndef PARKWAY_DOMAIN_MONEY_H
#define PARKWAY_DOMAIN_MONEY_H

#include "base/def.h"

enum { MONEY_TEXT_MAX = 24 };

#define MONEY_MOST INT64_C(999999999999) /* cents: numeric(12,2) */

/* money_parse - "21.5" is 2150. false: no decimal number, a sign, an exponent, more than two decimals, or more than MONEY_MOST. */
bool money_parse(struct str text, int64_t *cents);
/* money_text - "21.50"; cents from 0. */
void money_text(int64_t cents, char out[MONEY_TEXT_MAX]);
/* money_add - *sum += quantity * price, all from 0; false, and *sum as it was: the sum is more than MONEY_MOST. */
bool money_add(int64_t *sum, int64_t quantity, int64_t price);

#endif
