/* scram.h - SCRAM-SHA-256 (RFC 5802, RFC 7677), both sides, from a stored verifier.
 *
 * The server side proves a client against PostgreSQL's verifier text
 *   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
 * and, because ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), learns the ClientKey. With
 * it the client side can log in as that user on any server that holds the same verifier: no
 * password is ever known here. A user who does not exist gets a mock verifier that is the same at
 * every try, so that the exchange does not tell who exists (RFC 5802, section 7). Channel binding is
 * not offered. Texts are bounded by SCRAM_TEXT_MAX. Keys never leave the structs as text.
 * Thread: any; no state. */
#ifndef PARKWAY_PG_SCRAM_H
#define PARKWAY_PG_SCRAM_H

#include "base/buf.h"
#include "base/err.h"

enum {
    SCRAM_KEY = 32,
    SCRAM_SALT_MAX = 64,
    SCRAM_NONCE = 24,      /* characters of base64 */
    SCRAM_NONCE_MAX = 256, /* of both sides together */
    SCRAM_TEXT_MAX = 1024,
};

struct scram_verifier {
    uint32_t iterations;
    size_t salt_len;
    uint8_t salt[SCRAM_SALT_MAX];
    uint8_t stored_key[SCRAM_KEY];
    uint8_t server_key[SCRAM_KEY];
};

/* scram_verifier_parse - PostgreSQL's text of it; false when it is not one. */
bool scram_verifier_parse(struct str text, struct scram_verifier *out);
/* scram_verifier_make - from a password (not normalised by SASLprep beyond ASCII). */
void scram_verifier_make(struct str password, const uint8_t *salt, size_t salt_len,
                         uint32_t iterations, struct scram_verifier *out,
                         uint8_t client_key[SCRAM_KEY]);
/* scram_verifier_mock - for an unknown user: salt from secret and name, keys that match nothing. */
void scram_verifier_mock(const uint8_t secret[SCRAM_KEY], struct str user,
                         struct scram_verifier *out);

/* One exchange of either side. */
struct scram {
    char nonce[SCRAM_NONCE_MAX]; /* NUL-terminated; the client's, then both */
    char first_bare[SCRAM_TEXT_MAX];
    char server_first[SCRAM_TEXT_MAX];
    char gs2;                      /* 'n' or 'y' */
    uint8_t client_key[SCRAM_KEY]; /* known after scram_server_final, given to scram_client_* */
    uint8_t server_signature[SCRAM_KEY];
};

/* scram_nonce - fresh random text of SCRAM_NONCE characters and a NUL. */
void scram_nonce(char out[SCRAM_NONCE + 1]);

/* Server. first: client-first-message in, server-first-message appended to out.
 * final: client-final-message in; 0 with server-final-message appended and client_key learnt;
 * ERR_AUTH when the proof is wrong (also for a mock); ERR_PROTOCOL for malformed texts. */
NODISCARD int scram_server_first(struct scram *s, const struct scram_verifier *v, struct str in,
                                 const char *nonce, struct buf *out, struct err *e);
NODISCARD int scram_server_final(struct scram *s, const struct scram_verifier *v, struct str in,
                                 struct buf *out, struct err *e);

/* Client. first: appends client-first-message. final: server-first-message in, client-final-message
 * appended; either with the keys (v and client_key; ERR_CONFLICT when the server's salt or
 * iterations are not the verifier's) or with a password (v NULL). check: server-final-message in;
 * ERR_AUTH when the server does not hold the verifier. */
void scram_client_first(struct scram *s, const char *nonce, struct buf *out);
NODISCARD int scram_client_final(struct scram *s, const struct scram_verifier *v,
                                 const uint8_t *client_key, struct str password, struct str in,
                                 struct buf *out, struct err *e);
NODISCARD int scram_client_check(const struct scram *s, struct str in, struct err *e);
/* scram_free - an exchange that was allocated, its keys wiped; NULL is fine. */
void scram_free(struct scram *s);

#endif
