/* hmac.c - see hmac.h. Nothing of key, text or inner hash stays behind: the library wipes its own state. */
#include "base/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { HASH_BYTES = 32 };

void hmac_hex(struct str key, struct str text, char out[HMAC_TEXT_MAX])
{
    uint8_t hash[HASH_BYTES];
    unsigned n = HASH_BYTES;
    const uint8_t *p = (const uint8_t *)(text.p != NULL ? text.p : "");
    ASSERT(HMAC(EVP_sha256(), key.p != NULL ? key.p : "", (int)key.n, p, text.n, hash, &n) !=
               NULL &&
           n == HASH_BYTES);
    for (size_t i = 0; i < HASH_BYTES; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
}
