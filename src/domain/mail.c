/* mail.c - see mail.h. The text travels in base64, so lines of any length and any character arrive as they are. */
#include "domain/mail.h"

#include "base/buf.h"
#include "domain/mail_conf.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- text ----------------------------------------------------------------------------------- */

enum {
    WORD_BYTES =
        45 /* of UTF-8 in an encoded word: 60 characters of base64, below the 75 of RFC 2047 */
};

static bool plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return text.n <= 900; /* a line has 998 */
}

/* Up to n bytes that do not end inside a character. */
static size_t whole(struct str text, size_t n)
{
    if (text.n <= n) {
        return text.n;
    }
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

void mail_header(const char *name, struct str text, struct buf *out)
{
    buf_addf(out, "%s: ", name);
    if (plain(text)) {
        buf_addstr(out, text);
        return;
    }
    for (size_t at = 0; at < text.n;) {
        unsigned char word[4 * WORD_BYTES / 3 + 8];
        struct str rest = {text.p + at, text.n - at};
        size_t n = whole(rest, WORD_BYTES);
        n = n > 0 ? n : 1;
        EVP_EncodeBlock(word, (const unsigned char *)rest.p, (int)n);
        buf_addf(out, "%s=?UTF-8?B?%s?=", at > 0 ? "\r\n " : "", (const char *)word);
        at += n;
    }
}

bool mail_address(struct str text)
{
    const char *at = text.n > 0 ? memchr(text.p, '@', text.n) : NULL;
    if (at == NULL || at == text.p || at == text.p + text.n - 1 || text.n > 254) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("<>()[]\\,;:\"", text.p[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* ---- sending -------------------------------------------------------------------------------- */

static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* The text in lines of 76 characters. */
static void add_base64(struct str text, struct buf *out)
{
    enum { LINE = 57 };
    for (size_t at = 0; at < text.n; at += LINE) {
        unsigned char line[4 * LINE / 3 + 8];
        size_t n = text.n - at < LINE ? text.n - at : LINE;
        EVP_EncodeBlock(line, (const unsigned char *)text.p + at, (int)n);
        buf_addf(out, "%s\r\n", (const char *)line);
    }
}

static void write_mail(const struct mail *m, struct buf *out)
{
    char date[64];
    struct tm at;
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &at));
    mail_header("From", str_of(mail_conf()->from), out);
    buf_adds(out, "\r\n");
    mail_header("To", m->recipient, out);
    buf_adds(out, "\r\n");
    mail_header("Subject", m->subject, out);
    buf_addf(out,
             "\r\nDate: %s\r\nMessage-ID: <%.*s@parkway>\r\nMIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n",
             date, STR_ARG(m->id));
    add_base64(m->body, out);
}

static size_t hand_out(char *to, size_t size, size_t count, void *ctx)
{
    struct buf *text = ctx;
    size_t n = size * count < text->len ? size * count : text->len;
    memcpy(to, buf_str(text).p, n);
    buf_take(text, n);
    return n;
}

static int judge(CURL *c, CURLcode code, const char *said, struct err *e)
{
    long status = 0;
    if (code == CURLE_OK) {
        return 0;
    }
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    return err_set(e, status >= 500 && status < 600 ? ERR_FAIL : ERR_UNAVAILABLE,
                   "the mail was not taken: %s (SMTP status %ld)",
                   said[0] != '\0' ? said : curl_easy_strerror(code), status);
}

int mail_send(const struct mail *m, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char said[CURL_ERROR_SIZE] = "";
    char *to = def_strndup(m->recipient.p != NULL ? m->recipient.p : "", m->recipient.n);
    if (!mail_address(m->recipient) || !mail_address(str_of(mail_conf()->from))) {
        int rc = err_set(e, ERR_INVALID, "not a mail address: %s",
                         mail_address(m->recipient) ? mail_conf()->from : to);
        free(to);
        return rc;
    }
    pthread_once(&once, begin);
    CURL *c = curl_easy_init();
    struct curl_slist *rcpt = curl_slist_append(NULL, to);
    struct buf text = BUF_INIT;
    write_mail(m, &text);
    curl_easy_setopt(c, CURLOPT_URL, mail_conf()->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)mail_conf()->timeout_ms);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, mail_conf()->from);
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, hand_out);
    curl_easy_setopt(c, CURLOPT_READDATA, &text);
    if (mail_conf()->username[0] != '\0') {
        curl_easy_setopt(c, CURLOPT_USERNAME, mail_conf()->username);
        curl_easy_setopt(c, CURLOPT_PASSWORD, mail_conf()->password);
    }
    int rc = judge(c, curl_easy_perform(c), said, e);
    curl_slist_free_all(rcpt);
    buf_fini(&text);
    curl_easy_cleanup(c);
    free(to);
    return rc;
}
