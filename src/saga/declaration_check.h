/* declaration_check.h - what must be true of a saga before one runs, beyond each name being known.
 *
 * Internal to the loading of declarations: it sees a saga as numbers beside its text, whose lines it names. Pure. */
#ifndef PARKWAY_SAGA_DECLARATION_CHECK_H
#define PARKWAY_SAGA_DECLARATION_CHECK_H

#include "saga/declaration.h"
#include "saga/declaration_conf.h"

/* Where a mistake is: the file, and as far as known the saga and the step. */
struct declaration_place {
    const char *path;
    const char *saga, *step;
    struct err *e;
};

/* declaration_wrong - ERR_INVALID with "path:line: saga …, step …: " before the text. */
int declaration_wrong(const struct declaration_place *at, int64_t line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* declaration_check - steps, replies, compensations and states of s fit together; sets the pivot's number. */
NODISCARD int declaration_check(struct declaration_place *at,
                                const struct saga_conf_entry *text, struct saga *s);

#endif
