/* ident.c - see ident.h. */
#include "pg/ident.h"

void ident_quote(struct buf *out, const char *name)
{
    buf_u8(out, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            buf_u8(out, '"');
        }
        buf_u8(out, (uint8_t)*name);
    }
    buf_u8(out, '"');
}
