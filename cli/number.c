/* number.c - see number.h. */
#include "cli/number.h"

#include <inttypes.h>

enum { DIGITS_MAX = 18 };

int number_read(const char *name, struct str text, int64_t initial, int64_t min, int64_t max,
                int64_t *out, struct err *e)
{
    int64_t v = 0;
    bool ok = text.n > 0 && text.n <= DIGITS_MAX;
    for (size_t i = 0; ok && i < text.n; i++) {
        ok = text.p[i] >= '0' && text.p[i] <= '9';
        v = v * 10 + (text.p[i] - '0');
    }
    *out = text.p == NULL ? initial : v;
    if (text.p != NULL && (!ok || v < min || v > max)) {
        return err_set(e, ERR_INVALID, "%s must be a number from %" PRId64 " to %" PRId64, name,
                       min, max);
    }
    return 0;
}
