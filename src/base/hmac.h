/* hmac.h - a keyed hash as text: HMAC-SHA256 (RFC 2104, FIPS 180-4). Who has the hash but not the key cannot find the text by
 * trying all that there are, which a plain hash of a short text (a card's number) allows. Pure; any thread. */
#ifndef PARKWAY_BASE_HMAC_H
#define PARKWAY_BASE_HMAC_H

#include "base/def.h"

enum { HMAC_TEXT_MAX = 65 };

/* hmac_hex - 64 lower-case hex digits and a NUL into out. */
void hmac_hex(struct str key, struct str text, char out[HMAC_TEXT_MAX]);

#endif
