/* number.h - a parameter that is a whole number. */
#ifndef PARKWAY_CLI_NUMBER_H
#define PARKWAY_CLI_NUMBER_H

#include "base/err.h"

/* number_read - text (p NULL: initial) into *out; ERR_INVALID naming the parameter: no decimal number from min to max. */
NODISCARD int number_read(const char *name, struct str text, int64_t initial, int64_t min,
                          int64_t max, int64_t *out, struct err *e);

#endif
