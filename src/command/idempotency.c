/* idempotency.c - see idempotency.h. The key's row is inserted first: a unique key makes a concurrent
 * second request wait until the first has committed or given up.
 *
 * The body itself stays here, because it may hold a card's number: the database gets its keyed hash, from which nobody
 * finds the body by trying all numbers. */
#include "command/idempotency.h"

#include "base/hmac.h"
#include "domain/payment_conf.h"

#include <stdio.h>

enum { KEY_MAX = 255 };

static const char *key_of(const struct request *q)
{
    return httpd_header(q->http, "Idempotency-Key");
}

static bool key_valid(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++) {
        if (key[i] < ' ' || key[i] > '~') {
            return false;
        }
    }
    return n > 0 && n <= KEY_MAX;
}

/* 1: the key is ours now, in an open transaction. 0: it was taken; *out is its row. */
static int claim(struct request *q, const char *key, struct result **out, struct err *e)
{
    char hash[HMAC_TEXT_MAX];
    hmac_hex(str_of(payment_conf()->token_secret), q->http->body, hash);
    const struct str params[] = {str_of(key), str_of(q->http->method), q->http->path,
                                 str_of(hash)};
    int rc = db_begin(q->db, e);
    if (rc != 0) {
        return rc;
    }
    rc =
        db_write(q->db,
                 "insert into idempotency_keys (key, method, path, body_hash, status, response)"
                 " values ($1, $2, $3, decode($4, 'hex'), 0, '')"
                 " on conflict (key) do nothing",
                 ARRAY_LEN(params), params, out, e);
    if (rc != 0) {
        return rc;
    }
    bool ours = result_affected(*out) == 1;
    result_free(*out);
    *out = NULL;
    if (ours) {
        return 1;
    }
    rc = db_write(q->db,
                  "select method = $2 and path = $3"
                  " and body_hash = decode($4, 'hex'), status, response"
                  " from idempotency_keys where key = $1",
                  ARRAY_LEN(params), params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        rc = err_set(e, ERR_UNAVAILABLE, "the idempotency key is being forgotten; try again");
    }
    return rc;
}

enum idempotency idempotency_begin(struct request *q)
{
    const char *key = key_of(q);
    if (key == NULL) {
        return IDEMPOTENCY_FRESH;
    }
    if (!key_valid(key)) {
        request_refuse(q, 400, "Idempotency-Key must be 1 to %d visible ASCII characters",
                       KEY_MAX);
        return IDEMPOTENCY_ANSWERED;
    }
    struct result *stored = NULL;
    struct err e = ERR_INIT;
    int rc = claim(q, key, &stored, &e);
    if (rc == 1) {
        return IDEMPOTENCY_FRESH;
    }
    if (rc != 0) {
        request_fail(q, &e);
    } else if (strcmp(result_text(stored, 0, 0), "t") != 0) {
        request_refuse(q, 422, "Idempotency-Key was used for another request");
    } else {
        q->reply->status = (int)result_int(stored, 0, 1);
        buf_addstr(&q->reply->body, result_get(stored, 0, 2));
        httpd_reply_header(q->reply, "Idempotent-Replayed", "true");
    }
    if (stored != NULL) {
        result_free(stored);
    }
    db_rollback(q->db);
    return IDEMPOTENCY_ANSWERED;
}

int idempotency_end(struct request *q, int rc, struct err *e)
{
    const char *key = key_of(q);
    if (key == NULL) {
        return rc;
    }
    if (rc == 0) {
        char status[12];
        snprintf(status, sizeof status, "%d", q->reply->status);
        const struct str params[] = {str_of(key), str_of(status), buf_str(&q->reply->body)};
        rc = db_write(q->db,
                      "update idempotency_keys set status = $2, response = $3 where key = $1",
                      ARRAY_LEN(params), params, NULL, e);
    }
    if (rc == 0) {
        rc = db_commit(q->db, e);
    }
    db_rollback(q->db);
    return rc;
}

int idempotency_purge(struct db *db, int64_t keep_s, struct err *e)
{
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)keep_s);
    const struct str param = str_of(seconds);
    return db_write(db,
                    "delete from idempotency_keys"
                    " where created_at < now() - make_interval(secs => $1::double precision)",
                    1, &param, NULL, e);
}
