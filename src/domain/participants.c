/* participants.c - see participants.h. A function asks for an effect by {"effect": name, …}; there is one, "mail" (id, recipient,
 * subject, body). */
#include "domain/participants.h"

#include "base/hmac.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/mail.h"
#include "domain/mail_conf.h"
#include "domain/money.h"
#include "domain/payment_conf.h"
#include "event/member.h"

#include <stdio.h>

/* The rules by which a payment is declined. Cards are told by their tokens: no number leaves this process. */
static void write_payment(struct json *j)
{
    const struct payment_conf *c = payment_conf();
    int64_t most = 0;
    char text[MONEY_TEXT_MAX];
    json_key(j, "declined");
    json_array(j);
    for (size_t i = 0; i < c->decline_cards.count; i++) {
        char token[HMAC_TEXT_MAX];
        hmac_hex(str_of(c->token_secret), str_of(c->decline_cards.items[i]), token);
        json_text(j, str_of(token));
    }
    json_array_end(j);
    if (!money_parse(str_of(c->max_amount), &most)) {
        log_warn("payment.max_amount is no amount, every payment is declined");
    }
    money_text(most, text);
    json_key_text(j, "maxAmount", str_of(text));
    snprintf(text, sizeof text, "%.6f", c->reject_probability);
    json_key_text(j, "rejectProbability", str_of(text));
    json_key_int(j, "seed", c->seed);
}

void participants_settings(const char *worker, struct buf *out)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    if (strcmp(worker, "mail") == 0) {
        json_key(&j, "smtp");
        json_bool(&j, mail_conf()->url[0] != '\0');
    } else if (strcmp(worker, "payment") == 0) {
        write_payment(&j);
    }
    json_object_end(&j);
}

static struct str text_of(struct str object, const char *name, struct buf *out)
{
    struct str raw = member_find(object, name);
    return raw.p != NULL && member_text(raw, out) ? buf_str(out) : STR("");
}

static int send_mail(struct str asked, struct err *e)
{
    struct buf texts[4] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    const struct mail m = {.id = text_of(asked, "id", &texts[0]),
                           .recipient = text_of(asked, "recipient", &texts[1]),
                           .subject = text_of(asked, "subject", &texts[2]),
                           .body = text_of(asked, "body", &texts[3])};
    int rc = mail_send(&m, e);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf_fini(&texts[i]);
    }
    return rc;
}

void participants_effect(struct str asked, struct buf *out)
{
    struct err e = ERR_INIT;
    struct json j;
    int rc = str_eq(member_find(asked, "effect"), STR("\"mail\""))
                 ? send_mail(asked, &e)
                 : err_set(&e, ERR_INVALID, "no such effect");
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key(&j, "ok");
    json_bool(&j, rc == 0);
    if (rc != 0) {
        json_key_text(&j, "error", str_of(e.text));
    }
    json_object_end(&j);
}
