/* scram.c - see scram.h. The message grammar is RFC 5802, section 7; PostgreSQL sends an empty user
 * name ("n=,r=…") because the startup packet has it already, and so do we. Comparisons of secrets
 * take the same time whatever differs. */
#include "pg/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

static void hmac(const uint8_t *key, size_t key_len, const void *p, size_t n,
                 uint8_t out[SCRAM_KEY])
{
    unsigned len = SCRAM_KEY;
    ASSERT(HMAC(EVP_sha256(), key, (int)key_len, p, n, out, &len) != NULL && len == SCRAM_KEY);
}

static void sha256(const uint8_t *p, size_t n, uint8_t out[SCRAM_KEY])
{
    unsigned len = SCRAM_KEY;
    ASSERT(EVP_Digest(p, n, out, &len, EVP_sha256(), NULL) == 1 && len == SCRAM_KEY);
}

/* Base64 of n bytes into out (NUL-terminated; 4 * ceil(n/3) + 1 characters). */
static void base64(const uint8_t *p, size_t n, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

/* Strict base64: padded, no blanks. The decoded length, or -1. */
static int unbase64(struct str s, uint8_t *out, size_t max)
{
    uint8_t tmp[256];
    if (s.n == 0 || s.n % 4 != 0 || s.n / 4 * 3 > sizeof tmp) {
        return -1;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool pad = c == '=' && i + 2 >= s.n;
        if (!pad && memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                           c, 64) == NULL) {
            return -1;
        }
    }
    if (s.p[s.n - 2] == '=' && s.p[s.n - 1] != '=') {
        return -1;
    }
    int n = EVP_DecodeBlock(tmp, (const unsigned char *)s.p, (int)s.n);
    if (n < 0) {
        return -1;
    }
    n -= (s.p[s.n - 1] == '=') + (s.p[s.n - 2] == '=');
    if ((size_t)n > max) {
        return -1;
    }
    memcpy(out, tmp, (size_t)n);
    return n;
}

/* The part of *s up to sep (or its end when last); *s moves behind it. */
static bool split(struct str *s, char sep, bool last, struct str *out)
{
    const char *at = s->n > 0 ? memchr(s->p, sep, s->n) : NULL;
    if (at == NULL) {
        if (!last) {
            return false;
        }
        *out = *s;
        *s = (struct str){s->p + s->n, 0};
        return true;
    }
    *out = (struct str){s->p, (size_t)(at - s->p)};
    s->p = at + 1;
    s->n -= out->n + 1;
    return true;
}

/* The next attribute "k=value" of a SCRAM message. */
static bool attribute(struct str *s, char k, struct str *value)
{
    struct str part;
    if (!split(s, ',', true, &part) || part.n < 2 || part.p[0] != k || part.p[1] != '=') {
        return false;
    }
    *value = (struct str){part.p + 2, part.n - 2};
    return true;
}

static bool parse_count(struct str s, uint32_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 9) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v > 0;
}

bool scram_verifier_parse(struct str text, struct scram_verifier *out)
{
    struct str scheme, iterations, salt, stored;
    struct scram_verifier v = {0};
    if (!split(&text, '$', false, &scheme) || !str_eq(scheme, STR("SCRAM-SHA-256")) ||
        !split(&text, ':', false, &iterations) || !split(&text, '$', false, &salt) ||
        !split(&text, ':', false, &stored) || !parse_count(iterations, &v.iterations)) {
        return false;
    }
    int n = unbase64(salt, v.salt, sizeof v.salt);
    if (n <= 0 || unbase64(stored, v.stored_key, SCRAM_KEY) != SCRAM_KEY ||
        unbase64(text, v.server_key, SCRAM_KEY) != SCRAM_KEY) {
        return false;
    }
    v.salt_len = (size_t)n;
    *out = v;
    return true;
}

/* SaltedPassword and what follows from it: ClientKey and ServerKey. */
static void derive(struct str password, const uint8_t *salt, size_t salt_len,
                   uint32_t iterations, uint8_t client_key[SCRAM_KEY],
                   uint8_t server_key[SCRAM_KEY])
{
    uint8_t salted[SCRAM_KEY];
    ASSERT(PKCS5_PBKDF2_HMAC(password.p, (int)password.n, salt, (int)salt_len, (int)iterations,
                             EVP_sha256(), SCRAM_KEY, salted) == 1);
    hmac(salted, SCRAM_KEY, "Client Key", 10, client_key);
    hmac(salted, SCRAM_KEY, "Server Key", 10, server_key);
    OPENSSL_cleanse(salted, sizeof salted);
}

void scram_verifier_make(struct str password, const uint8_t *salt, size_t salt_len,
                         uint32_t iterations, struct scram_verifier *out,
                         uint8_t client_key[SCRAM_KEY])
{
    ASSERT(salt_len <= SCRAM_SALT_MAX);
    *out = (struct scram_verifier){.iterations = iterations, .salt_len = salt_len};
    memcpy(out->salt, salt, salt_len);
    derive(password, salt, salt_len, iterations, client_key, out->server_key);
    sha256(client_key, SCRAM_KEY, out->stored_key);
}

void scram_verifier_mock(const uint8_t secret[SCRAM_KEY], struct str user,
                         struct scram_verifier *out)
{
    uint8_t h[SCRAM_KEY];
    *out = (struct scram_verifier){.iterations = 4096, .salt_len = 16};
    hmac(secret, SCRAM_KEY, user.p, user.n, h);
    memcpy(out->salt, h, 16);
    hmac(secret, SCRAM_KEY, h, SCRAM_KEY, out->stored_key);
    hmac(secret, SCRAM_KEY, out->stored_key, SCRAM_KEY, out->server_key);
}

void scram_nonce(char out[SCRAM_NONCE + 1])
{
    uint8_t raw[SCRAM_NONCE / 4 * 3];
    ASSERT(RAND_bytes(raw, sizeof raw) == 1);
    base64(raw, sizeof raw, out);
}

static int malformed(struct err *e, const char *what)
{
    return err_sql(e, ERR_PROTOCOL, "08P01", "malformed SCRAM message: %s", what);
}

static bool keep(char *out, size_t size, struct str s)
{
    if (s.n >= size || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)) {
        return false;
    }
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

/* AuthMessage = client-first-message-bare + "," + server-first-message + "," +
 * client-final-message-without-proof */
static void auth_message(const struct scram *s, struct str without_proof, struct buf *out)
{
    buf_adds(out, s->first_bare);
    buf_adds(out, ",");
    buf_adds(out, s->server_first);
    buf_adds(out, ",");
    buf_addstr(out, without_proof);
}

int scram_server_first(struct scram *s, const struct scram_verifier *v, struct str in,
                       const char *nonce, struct buf *out, struct err *e)
{
    struct str gs2, authzid, user, client_nonce;
    *s = (struct scram){0};
    if (!split(&in, ',', false, &gs2) || gs2.n != 1 || (gs2.p[0] != 'n' && gs2.p[0] != 'y')) {
        return malformed(e, "channel binding is not offered");
    }
    s->gs2 = gs2.p[0];
    if (!split(&in, ',', false, &authzid) || authzid.n != 0) {
        return malformed(e, "an authorization identity is not supported");
    }
    if (!keep(s->first_bare, sizeof s->first_bare, in) || !attribute(&in, 'n', &user) ||
        !attribute(&in, 'r', &client_nonce) || client_nonce.n == 0 || client_nonce.n > 128) {
        return malformed(e, "client-first-message");
    }
    char salt[SCRAM_SALT_MAX * 2];
    base64(v->salt, v->salt_len, salt);
    snprintf(s->nonce, sizeof s->nonce, "%.*s%s", STR_ARG(client_nonce), nonce);
    snprintf(s->server_first, sizeof s->server_first, "r=%s,s=%s,i=%u", s->nonce, salt,
             v->iterations);
    buf_adds(out, s->server_first);
    return 0;
}

int scram_server_final(struct scram *s, const struct scram_verifier *v, struct str in,
                       struct buf *out, struct err *e)
{
    struct str whole = in;
    struct str binding, nonce, proof_text;
    if (!attribute(&in, 'c', &binding) || !attribute(&in, 'r', &nonce)) {
        return malformed(e, "client-final-message");
    }
    /* "n,," and "y,," in base64 */
    if (!str_eq(binding, s->gs2 == 'n' ? STR("biws") : STR("eSws"))) {
        return malformed(e, "channel binding differs from the first message");
    }
    if (!str_eq(nonce, str_of(s->nonce))) {
        return malformed(e, "nonce");
    }
    /* extensions may stand before the proof, which is last */
    uint8_t proof[SCRAM_KEY];
    struct str last = in;
    for (const char *at = NULL;
         (at = last.n > 0 ? memchr(last.p, ',', last.n) : NULL) != NULL;) {
        last.n -= (size_t)(at + 1 - last.p);
        last.p = at + 1;
    }
    struct str tail = last;
    if (!attribute(&tail, 'p', &proof_text) ||
        unbase64(proof_text, proof, SCRAM_KEY) != SCRAM_KEY) {
        return malformed(e, "proof");
    }
    struct str without_proof = {whole.p, (size_t)(last.p - whole.p) - 1};
    struct buf auth = BUF_INIT;
    auth_message(s, without_proof, &auth);
    uint8_t signature[SCRAM_KEY], stored[SCRAM_KEY];
    hmac(v->stored_key, SCRAM_KEY, buf_data(&auth), auth.len, signature);
    for (size_t i = 0; i < SCRAM_KEY; i++) {
        s->client_key[i] = proof[i] ^ signature[i];
    }
    sha256(s->client_key, SCRAM_KEY, stored);
    hmac(v->server_key, SCRAM_KEY, buf_data(&auth), auth.len, s->server_signature);
    buf_fini(&auth);
    if (CRYPTO_memcmp(stored, v->stored_key, SCRAM_KEY) != 0) {
        OPENSSL_cleanse(s->client_key, SCRAM_KEY);
        return err_sql(e, ERR_AUTH, "28P01", "the proof does not match the verifier");
    }
    char text[SCRAM_KEY * 2];
    base64(s->server_signature, SCRAM_KEY, text);
    buf_addf(out, "v=%s", text);
    return 0;
}

void scram_client_first(struct scram *s, const char *nonce, struct buf *out)
{
    *s = (struct scram){.gs2 = 'n'};
    snprintf(s->nonce, sizeof s->nonce, "%s", nonce);
    snprintf(s->first_bare, sizeof s->first_bare, "n=,r=%s", nonce);
    buf_addf(out, "n,,%s", s->first_bare);
}

int scram_client_final(struct scram *s, const struct scram_verifier *v,
                       const uint8_t *client_key, struct str password, struct str in,
                       struct buf *out, struct err *e)
{
    struct str nonce, salt_text, count;
    if (!keep(s->server_first, sizeof s->server_first, in) || !attribute(&in, 'r', &nonce) ||
        !attribute(&in, 's', &salt_text) || !attribute(&in, 'i', &count)) {
        return malformed(e, "server-first-message");
    }
    size_t mine = strlen(s->nonce);
    if (nonce.n <= mine || memcmp(nonce.p, s->nonce, mine) != 0 ||
        !keep(s->nonce, sizeof s->nonce, nonce)) {
        return malformed(e, "nonce");
    }
    uint8_t salt[SCRAM_SALT_MAX], server_key[SCRAM_KEY], stored[SCRAM_KEY];
    uint32_t iterations;
    int salt_len = unbase64(salt_text, salt, sizeof salt);
    if (salt_len <= 0 || !parse_count(count, &iterations) || iterations > 10000000) {
        return malformed(e, "salt or iterations");
    }
    if (v != NULL) {
        if (iterations != v->iterations || (size_t)salt_len != v->salt_len ||
            memcmp(salt, v->salt, v->salt_len) != 0) {
            return err_set(e, ERR_CONFLICT, "the server holds another verifier for this user");
        }
        memcpy(s->client_key, client_key, SCRAM_KEY);
        memcpy(server_key, v->server_key, SCRAM_KEY);
    } else {
        derive(password, salt, (size_t)salt_len, iterations, s->client_key, server_key);
    }
    sha256(s->client_key, SCRAM_KEY, stored);
    char bare[SCRAM_TEXT_MAX];
    snprintf(bare, sizeof bare, "c=biws,r=%s", s->nonce);
    struct buf auth = BUF_INIT;
    auth_message(s, str_of(bare), &auth);
    uint8_t proof[SCRAM_KEY];
    hmac(stored, SCRAM_KEY, buf_data(&auth), auth.len, proof);
    for (size_t i = 0; i < SCRAM_KEY; i++) {
        proof[i] ^= s->client_key[i];
    }
    hmac(server_key, SCRAM_KEY, buf_data(&auth), auth.len, s->server_signature);
    buf_fini(&auth);
    char text[SCRAM_KEY * 2];
    base64(proof, SCRAM_KEY, text);
    buf_addf(out, "%s,p=%s", bare, text);
    return 0;
}

int scram_client_check(const struct scram *s, struct str in, struct err *e)
{
    struct str value;
    uint8_t signature[SCRAM_KEY];
    if (!attribute(&in, 'v', &value) || unbase64(value, signature, SCRAM_KEY) != SCRAM_KEY) {
        return malformed(e, "server-final-message");
    }
    if (CRYPTO_memcmp(signature, s->server_signature, SCRAM_KEY) != 0) {
        return err_set(e, ERR_AUTH, "the server does not hold this user's verifier");
    }
    return 0;
}

void scram_free(struct scram *s)
{
    if (s != NULL) {
        OPENSSL_cleanse(s, sizeof *s);
        free(s);
    }
}
