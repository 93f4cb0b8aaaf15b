/* fields.h - the members of a JSON object that a client gave: those asked for, each of the kind asked for. Exact: numbers are
 * their own digits, never binary. Pure but for memory.
 *
 *   struct field f[] = {{"name", FIELD_TEXT, true}, {"price", FIELD_MONEY, true}, {"items", FIELD_ARRAY}};
 *   fields_body(&mem, body, f, 3, &e)      f[0].text is the name, f[2].text the array as it was written: fields_item
 *
 * Members that nobody asked for are ignored. */
#ifndef PARKWAY_COMMAND_FIELDS_H
#define PARKWAY_COMMAND_FIELDS_H

#include "base/arena.h"
#include "base/err.h"

enum field_kind {
    FIELD_TEXT,   /* a string: what it stands for */
    FIELD_NUMBER, /* a number, as it was written */
    FIELD_COUNT,  /* a whole number from 1 to 2147483647: its digits; or a string of them */
    FIELD_ID,     /* a whole number from 0, below 10^18: its digits; or a string of them */
    FIELD_REF, /* a string, or a number as it was written: names something that has a number and other names */
    FIELD_MONEY,  /* "21.50": a number or a string with at most two decimals, from 0 */
    FIELD_BOOL,   /* "true" or "false" */
    FIELD_OBJECT, /* as it was written, like the following */
    FIELD_ARRAY,
    FIELD_VALUE /* anything but null */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    struct str text; /* p NULL: absent; borrows the JSON text or lies in the arena */
};

/* fields_check - whether text is one JSON object in UTF-8, to be read by the others. ERR_INVALID. */
NODISCARD int fields_check(struct str text, struct err *e);
/* fields_read - fills list from an object that fields_check accepted, or a value within it. ERR_INVALID: a member is null,
 * twice there, or of another kind; or "<name> must not be null" of each required one that is absent, joined by
 * "--". The text of what list had before is dropped. */
NODISCARD int fields_read(struct arena *mem, struct str object, struct field *list,
                          size_t count, struct err *e);
/* fields_body - fields_check and fields_read of a whole body. */
NODISCARD int fields_body(struct arena *mem, struct str body, struct field *list, size_t count,
                          struct err *e);
/* fields_item - the next element of a FIELD_ARRAY's text; *at begins at 0. */
bool fields_item(struct str array, size_t *at, struct str *item);

#endif
