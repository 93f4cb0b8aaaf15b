/* parking.c - see parking.h. An update is one statement: it locks the slot, compares with the locked
 * row (not with the statement's snapshot, which may be older) and changes it only when the machine
 * allows; what it returns tells the refusals apart. */
#include "domain/parking.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <stdio.h>

#define COLUMNS "uuid, name, status"

enum { REPEAT_US = 5000000 };

static const char *const words[PARKING_STATUS_COUNT] = {"available", "blocked", "reserved"};

static const bool may_change[PARKING_STATUS_COUNT][PARKING_STATUS_COUNT] = {
    /* to                    available blocked reserved */
    [PARKING_AVAILABLE] = {false, true, true},
    [PARKING_BLOCKED] = {true, false, true},
    [PARKING_RESERVED] = {true, false, false},
};

bool parking_status_parse(struct str s, enum parking_status *out)
{
    for (size_t i = 0; i < PARKING_STATUS_COUNT; i++) {
        if (str_eq(s, str_of(words[i]))) {
            *out = (enum parking_status)i;
            return true;
        }
    }
    return false;
}

const char *parking_status_text(enum parking_status s)
{
    return words[s];
}

bool parking_may_change(enum parking_status from, enum parking_status to)
{
    return may_change[from][to];
}

struct parking_slot parking_at(const struct result *rows, size_t i)
{
    return (struct parking_slot){result_get(rows, i, 0), result_get(rows, i, 1),
                                 result_get(rows, i, 2)};
}

static int check_name(struct str name, struct err *e)
{
    if (name.n == 0) {
        return err_set(e, ERR_INVALID, "name must not be empty");
    }
    if (!utf8_storable(name)) {
        return err_set(e, ERR_INVALID, "name must be UTF-8 text without NUL characters");
    }
    return 0;
}

static int check_status(struct str status, enum parking_status *out, struct err *e)
{
    if (!parking_status_parse(status, out)) {
        return err_set(e, ERR_INVALID, "status must be available, blocked or reserved");
    }
    return 0;
}

static int not_found(struct str uuid, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "parking slot not found: %.*s", STR_ARG(uuid));
}

int parking_create(struct db *db, struct str name, struct str status, char uuid[UUID_TEXT_MAX],
                   struct parking_slot *out, struct err *e)
{
    enum parking_status s = PARKING_AVAILABLE;
    int rc = check_name(name, e);
    if (rc == 0 && status.p != NULL) {
        rc = check_status(status, &s, e);
    }
    if (rc != 0) {
        return rc;
    }
    uint8_t bytes[16];
    uuid_make(bytes);
    uuid_text(bytes, uuid);
    *out = (struct parking_slot){str_of(uuid), name, str_of(words[s])};
    const struct str params[] = {out->uuid, out->name, out->status};
    bool alone = !db_in_transaction(db);
    bool repeated = false;
    struct backoff wait = {.seed = rand_u64()};
    int64_t until_us = clock_mono_us() + REPEAT_US;
    for (;;) {
        rc = db_write(db, "insert into parking_slots (" COLUMNS ") values ($1, $2, $3)",
                      ARRAY_LEN(params), params, NULL, e);
        if (rc == ERR_CONFLICT && repeated) {
            return 0; /* the first try had been committed: nobody else draws this uuid */
        }
        bool unknown = rc == ERR_CLOSED || (repeated && err_retry(rc) != RETRY_NEVER);
        if (!unknown || !alone) {
            return rc;
        }
        if (clock_mono_us() >= until_us) {
            err_add(e, "could not learn whether the parking slot was created");
            return e->code = ERR_CLOSED;
        }
        if (repeated) {
            clock_sleep_us(backoff_next_ms(&wait) * 1000);
        }
        repeated = true;
    }
}

int parking_list(struct db *db, const struct db_freshness *fresh, struct result **out,
                 struct err *e)
{
    return db_read(db, fresh, "select " COLUMNS " from parking_slots order by name, uuid", 0,
                   NULL, out, e);
}

int parking_details(struct db *db, const struct db_freshness *fresh, struct str uuid,
                    struct result **out, struct err *e)
{
    if (!utf8_storable(uuid)) {
        return err_set(e, ERR_NOT_FOUND, "parking slot not found: not a text");
    }
    int rc = db_read(db, fresh, "select " COLUMNS " from parking_slots where uuid = $1", 1,
                     &uuid, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        return not_found(uuid, e);
    }
    return rc;
}

/* The statuses that may become `to`, as an array literal. */
static void sources_of(enum parking_status to, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "{");
    for (size_t from = 0; from < PARKING_STATUS_COUNT; from++) {
        if (may_change[from][to]) {
            n += (size_t)snprintf(out + n, size - n, "%s%s", n > 1 ? "," : "", words[from]);
        }
    }
    snprintf(out + n, size - n, "}");
}

int parking_update(struct db *db, struct str uuid, struct str name, struct str status,
                   struct result **out, struct err *e)
{
    enum parking_status to = PARKING_AVAILABLE;
    if (name.p == NULL && status.p == NULL) {
        return err_set(e, ERR_INVALID, "nothing to update: give name or status");
    }
    int rc = name.p != NULL ? check_name(name, e) : 0;
    if (rc == 0 && status.p != NULL) {
        rc = check_status(status, &to, e);
    }
    if (rc != 0) {
        return rc;
    }
    if (!utf8_storable(uuid)) {
        return err_set(e, ERR_NOT_FOUND, "parking slot not found: not a text");
    }
    char sources[64];
    sources_of(to, sources, sizeof sources);
    const struct str params[] = {uuid, name, status, str_of(sources)};
    rc = db_write(
        db,
        "with old as (select " COLUMNS " from parking_slots where uuid = $1 for update),"
        " new as (update parking_slots p set name = coalesce($2::varchar, old.name),"
        "  status = coalesce($3::varchar, old.status) from old where p.uuid = old.uuid"
        "  and ($3::varchar is null or old.status = $3 or old.status = any ($4::varchar[]))"
        "  and (old.name, old.status) is distinct from"
        "   (coalesce($2::varchar, old.name), coalesce($3::varchar, old.status))"
        "  returning p.uuid, p.name, p.status)"
        " select old.uuid, coalesce(new.name, old.name), coalesce(new.status, old.status)"
        " from old left join new on true",
        ARRAY_LEN(params), params, out, e);
    if (rc != 0) {
        return rc;
    }
    if (result_count(*out) == 0) {
        rc = not_found(uuid, e);
    } else if (status.p != NULL && !str_eq(result_get(*out, 0, 2), status)) {
        rc = err_set(e, ERR_CONFLICT, "a parking slot cannot change from %s to %.*s",
                     result_text(*out, 0, 2), STR_ARG(status));
    }
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
