/* payment_conf.c - see payment_conf.h. */
#include "domain/payment_conf.h"

static struct payment_conf values;

const struct payment_conf *payment_conf(void)
{
    return &values;
}

#define AT(member) offsetof(struct payment_conf, member)

static const struct conf_key keys[] = {
    {.name = "decline_cards",
     .type = CONF_STRINGS,
     .offset = AT(decline_cards),
     .unit = "",
     .initial = "0000000000",
     .sentence = "Numbers of cards that are declined."},
    {.name = "max_amount",
     .type = CONF_STRING,
     .offset = AT(max_amount),
     .unit = "",
     .initial = "1000000.00",
     .sentence = "A larger payment is declined."},
    {.name = "reject_probability",
     .type = CONF_REAL,
     .offset = AT(reject_probability),
     .unit = "",
     .initial = "0.0",
     .sentence = "How likely any other payment is declined, 0.0 to 1.0, for trials."},
    {.name = "seed",
     .type = CONF_INT,
     .offset = AT(seed),
     .unit = "",
     .initial = "0",
     .min = 0,
     .max = INT64_MAX,
     .sentence = "Which payments those are: another number, other orders."},
    {.name = "token_secret",
     .type = CONF_STRING,
     .offset = AT(token_secret),
     .unit = "",
     .initial = "",
     .flags = CONF_SECRET,
     .sentence = "Key of the hash that stands for a card's number (HMAC-SHA256), the same in "
                 "all processes. "
                 "Set it before real cards are taken: without a key the numbers could be found "
                 "from their hashes."},
};

const struct conf_group payment_conf_group = {"payment", "Payments.", keys, ARRAY_LEN(keys),
                                              &values};
