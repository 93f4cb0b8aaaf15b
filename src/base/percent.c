/* percent.c - see percent.h. The result may hold any byte, NUL too: the library's own decoding works in C strings,
 * in which "/a%00b" would be "/a". Nothing is refused: a path that means nothing is found nowhere. */
#include "base/percent.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void percent_decode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        int high = text.p[i] == '%' && i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
        if (low >= 0) {
            buf_u8(out, (uint8_t)(high * 16 + low));
            i += 2;
        } else {
            buf_u8(out, (uint8_t)text.p[i]);
        }
    }
}
