/* httpd_reply.c - see httpd.h: filling in an answer. Pure but for the reply. Nothing that a client or the database
 * said can leave its place: no control character gets into a header, and an error's text is UTF-8 inside a
 * JSON string whatever it quotes. */
#include "base/httpd.h"

#include "base/json.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void httpd_reply_header(struct httpd_reply *r, const char *name, const char *fmt, ...)
{
    ASSERT(r->header_count < ARRAY_LEN(r->headers));
    struct httpd_header_line *h = &r->headers[r->header_count++];
    snprintf(h->name, sizeof h->name, "%s", name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(h->value, sizeof h->value, fmt, ap);
    va_end(ap);
    for (char *c = h->value; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            *c = ' '; /* no header splitting, whatever the value came from */
        }
    }
}

void httpd_reply_error(struct httpd_reply *r, int status, const char *text)
{
    struct buf clean = BUF_INIT;
    buf_adds(&clean, text);
    if (!utf8_valid(buf_str(&clean))) {
        for (size_t i = 0; i < clean.len; i++) {
            char *c = buf_data(&clean) + i;
            *c = (unsigned char)*c < 0x80 ? *c : '?';
        }
    }
    r->status = status;
    r->content_type = NULL;
    buf_reset(&r->body);
    struct json j;
    json_init(&j, &r->body, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "code", str_of(httpd_reason(status)));
    json_key_text(&j, "message", buf_str(&clean));
    json_object_end(&j);
    buf_fini(&clean);
}
