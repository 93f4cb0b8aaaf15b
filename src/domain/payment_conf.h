/* payment_conf.h - the configuration group "payment": what turns a card's number into its token, and which payments are
 * declined. Filled by main; read-only afterwards, from any thread. */
#ifndef PARKWAY_DOMAIN_PAYMENT_CONF_H
#define PARKWAY_DOMAIN_PAYMENT_CONF_H

#include "base/conf.h"

struct payment_conf {
    struct conf_strings decline_cards; /* numbers */
    char *max_amount;                  /* a decimal with at most two decimals */
    double reject_probability;         /* 0.0 to 1.0 */
    int64_t seed;
    char *token_secret;
};

const struct payment_conf *payment_conf(void);
extern const struct conf_group payment_conf_group;

#endif
