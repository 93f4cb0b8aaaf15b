/* utf8.h - is this text what PostgreSQL and JSON take for UTF-8? Pure. Source: RFC 3629. */
#ifndef PARKWAY_BASE_UTF8_H
#define PARKWAY_BASE_UTF8_H

#include "base/def.h"

/* utf8_valid - false for overlong forms, surrogates, values above U+10FFFF and cut sequences. NUL
 * is valid UTF-8; PostgreSQL's text does not take it (utf8_storable). */
bool utf8_valid(struct str s);
/* utf8_storable - valid and without NUL: can be a value of type text. */
bool utf8_storable(struct str s);

#endif
