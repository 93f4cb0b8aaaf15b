/* mail_conf.c - see mail_conf.h. */
#include "domain/mail_conf.h"

static struct mail_conf values;

const struct mail_conf *mail_conf(void)
{
    return &values;
}

#define AT(member) offsetof(struct mail_conf, member)

static const struct conf_key keys[] = {
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(url),
     .unit = "",
     .initial = "",
     .sentence =
         "The SMTP server, smtp://host:port or smtps://host:port; empty: mails are kept "
         "in the table mails only."},
    {.name = "from",
     .type = CONF_STRING,
     .offset = AT(from),
     .unit = "",
     .initial = "orders@localhost",
     .sentence = "The sender's address."},
    {.name = "username",
     .type = CONF_STRING,
     .offset = AT(username),
     .unit = "",
     .initial = "",
     .sentence = "Login at the SMTP server; empty: none."},
    {.name = "password",
     .type = CONF_STRING,
     .offset = AT(password),
     .unit = "",
     .initial = "",
     .sentence = "Its password."},
    {.name = "timeout_ms",
     .type = CONF_INT,
     .offset = AT(timeout_ms),
     .unit = "ms",
     .initial = "5000",
     .min = 100,
     .max = 60000,
     .sentence = "How long handing over one mail may take."},
};

const struct conf_group mail_conf_group = {"mail", "Mails of orders.", keys, ARRAY_LEN(keys),
                                           &values};
