/* ident.c - see ident.h. */
#include "pg/ident.h"

static void enclose(struct buf *out, const char *text, char quote)
{
    buf_u8(out, (uint8_t)quote);
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            buf_u8(out, (uint8_t)quote);
        }
        buf_u8(out, (uint8_t)*text);
    }
    buf_u8(out, (uint8_t)quote);
}

void ident_quote(struct buf *out, const char *name)
{
    enclose(out, name, '"');
}

void ident_literal(struct buf *out, const char *text)
{
    enclose(out, text, '\'');
}
