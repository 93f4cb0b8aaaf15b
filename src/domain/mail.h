/* mail.h - handing one mail to an SMTP server. Only mail.c knows libcurl.
 *
 * Plain text in UTF-8. The server may get the same mail more than once (a kill between its answer and our commit): the Message-ID
 * is the same then, by which it can be told. Thread: any. Source: RFC 5321, RFC 5322, RFC 2047. */
#ifndef PARKWAY_DOMAIN_MAIL_H
#define PARKWAY_DOMAIN_MAIL_H

#include "base/buf.h"
#include "base/err.h"

struct mail {
    struct str id;        /* becomes <id@parkway> */
    struct str recipient; /* address */
    struct str subject;   /* one line */
    struct str body;
};

/* mail_header - appends "name: text", encoded where it is not plain ASCII, without a line end. Pure. */
void mail_header(const char *name, struct str text, struct buf *out);
/* mail_address - whether text can stand as an address on the wire: local@domain, printable ASCII, no blanks or brackets. Pure. */
bool mail_address(struct str text);
/* mail_send - within mail.timeout_ms. ERR_INVALID: no address; ERR_UNAVAILABLE: nobody there, or a refusal for now; ERR_FAIL:
 * refused for good. */
NODISCARD int mail_send(const struct mail *m, struct err *e);

#endif
