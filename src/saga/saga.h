/* saga.h - `parkway saga`. */
#ifndef PARKWAY_SAGA_SAGA_H
#define PARKWAY_SAGA_SAGA_H

#include "base/buf.h"
#include "saga/declaration.h"

int saga_main(int argc, char **argv);

/* saga_print - the declarations for people: a line or two a saga, a line a step. Appends to out. */
void saga_print(const struct declarations *d, struct buf *out);

#endif
