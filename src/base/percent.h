/* percent.h - percent-encoding of paths (RFC 3986, 2.1). Pure; any thread. */
#ifndef PARKWAY_BASE_PERCENT_H
#define PARKWAY_BASE_PERCENT_H

#include "base/buf.h"

/* percent_decode - appends the meaning of text; a broken escape stays as it is. */
void percent_decode(struct str text, struct buf *out);

#endif
