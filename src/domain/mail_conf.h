/* mail_conf.h - the configuration group "mail". Filled by main; read-only afterwards, from any thread. (Apart from mail.h, so that
 * programs that send none do not bring libcurl.) */
#ifndef PARKWAY_DOMAIN_MAIL_CONF_H
#define PARKWAY_DOMAIN_MAIL_CONF_H

#include "base/conf.h"

struct mail_conf {
    char *
        url; /* smtp://host:port or smtps://host:port; "": mails are kept in the table mails only */
    char *from;     /* address */
    char *username; /* "": no login */
    char *password;
    int64_t timeout_ms;
};

const struct mail_conf *mail_conf(void);
extern const struct conf_group mail_conf_group;

#endif
