/* present.h - results as text: the detail format (one field a line, aligned) and the list format
 * (one JSON object a line). */
#ifndef PARKWAY_CLI_PRESENT_H
#define PARKWAY_CLI_PRESENT_H

#include "base/buf.h"

struct present_field {
    const char *key;
    struct str value;
    bool number; /* value is one in decimal: no quotes in JSON */
};

/* present_detail - "key:" padded to the longest key and one more, a blank, the value; newlines in values become
 * blanks. */
void present_detail(struct buf *out, const struct present_field *fields, size_t count);
/* present_line - the fields as one JSON object with ", " and ": ", and a newline. */
void present_line(struct buf *out, const struct present_field *fields, size_t count);

#endif
