/* participants.c - see participants.h. A function asks for an effect by {"effect": name, …}; there is one, "mail" (id, recipient,
 * subject, body). */
#include "domain/participants.h"

#include "base/json.h"
#include "domain/mail.h"
#include "domain/mail_conf.h"
#include "event/member.h"

void participants_settings(const char *worker, struct buf *out)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    if (strcmp(worker, "mail") == 0) {
        json_key(&j, "smtp");
        json_bool(&j, mail_conf()->url[0] != '\0');
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
