/* rand.h - randomness from the operating system, and UUID version 4 (RFC 9562). */
#ifndef PARKWAY_BASE_RAND_H
#define PARKWAY_BASE_RAND_H

#include "base/def.h"

enum { UUID_TEXT_MAX = 37 };

void rand_bytes(void *out, size_t n); /* getrandom(2); cannot fail once the system is up */
uint64_t rand_u64(void);
void uuid_make(uint8_t out[16]);
void uuid_text(const uint8_t uuid[16], char *out); /* 36 lower-case characters and a NUL */
bool uuid_parse(struct str s, uint8_t out[16]);

#endif
