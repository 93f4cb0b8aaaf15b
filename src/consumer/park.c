/* park.c - see park.h. */
#include "consumer/park.h"

#include "base/json.h"
#include "base/log.h"
#include "consumer/tally.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 64, SHOWN_MAX = 64 * 1024 /* of one value, for people */ };

struct park_key {
    struct park_key *next;
    bool held;    /* a parked change stands before */
    bool skipped; /* a skipped one, which no later change has overtaken */
    uint32_t hash;
    size_t n;
    char text[]; /* "schema.name" NUL key */
};

/* The LSN inside the text of a position. */
#define LSN_OF_ROW "substring(position from ':([0-9A-F]+/[0-9A-F]+)')::pg_lsn"

/* What the rows of parkway.parked are made of. */
#define ROW_COLUMNS                                                                            \
    "position text, relation text, key text, op text, change jsonb, message text, shape int,"  \
    " commit_us bigint, error text, sqlstate text"

/* --- the set ------------------------------------------------------------------------------------- */

static uint32_t hash_of(struct str text)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < text.n; i++) {
        h = (h ^ (uint8_t)text.p[i]) * 16777619u;
    }
    return h;
}

static struct park_key *find(const struct park *p, struct str text)
{
    uint32_t hash = hash_of(text);
    struct park_key *k = p->bucket_count > 0 ? p->buckets[hash % p->bucket_count] : NULL;
    while (k != NULL && (k->hash != hash || !str_eq((struct str){k->text, k->n}, text))) {
        k = k->next;
    }
    return k;
}

static void grow(struct park *p)
{
    size_t count = p->bucket_count > 0 ? p->bucket_count * 2 : BUCKETS_MIN;
    struct park_key **buckets = def_zalloc(count, sizeof(void *));
    for (size_t i = 0; i < p->bucket_count; i++) {
        while (p->buckets[i] != NULL) {
            struct park_key *k = p->buckets[i];
            p->buckets[i] = k->next;
            k->next = buckets[k->hash % count];
            buckets[k->hash % count] = k;
        }
    }
    free(p->buckets);
    p->buckets = buckets;
    p->bucket_count = count;
}

static struct park_key *enter(struct park *p, struct str text)
{
    struct park_key *k = find(p, text);
    if (k != NULL) {
        return k;
    }
    if (p->count >= p->bucket_count) {
        grow(p);
    }
    k = def_zalloc(1, sizeof *k + text.n);
    k->hash = hash_of(text);
    k->n = text.n;
    memcpy(k->text, text.p, text.n);
    k->next = p->buckets[k->hash % p->bucket_count];
    p->buckets[k->hash % p->bucket_count] = k;
    p->count++;
    return k;
}

/* Takes out the keys that nothing is known of any more, and those whose text begins with prefix. */
static void sweep(struct park *p, struct str prefix)
{
    for (size_t i = 0; i < p->bucket_count; i++) {
        for (struct park_key **at = &p->buckets[i]; *at != NULL;) {
            struct park_key *k = *at;
            bool named =
                prefix.n > 0 && k->n >= prefix.n && memcmp(k->text, prefix.p, prefix.n) == 0;
            if (named || (!k->held && !k->skipped)) {
                *at = k->next;
                p->count--;
                free(k);
            } else {
                at = &k->next;
            }
        }
    }
}

static void set_text(struct buf *out, struct str relation, struct str key)
{
    buf_addstr(out, relation);
    buf_u8(out, 0);
    buf_addstr(out, key);
}

static struct park_key *enter_key(struct park *p, struct str relation, struct str key)
{
    struct buf text = BUF_INIT;
    set_text(&text, relation, key);
    struct park_key *k = enter(p, buf_str(&text));
    buf_fini(&text);
    return k;
}

static void key_text(struct buf *out, const struct sink *s, const struct str *row)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; i < s->plan.key_count; i++) {
        json_text(&j, row[s->key[i]]);
    }
    json_array_end(&j);
}

static void relation_text(struct buf *out, const struct sink *s)
{
    buf_addf(out, "%s.%s", s->schema, s->name);
}

/* The entries that a change's rows meet: its old and new key, and the whole table. */
static size_t entries_of(const struct park *p, const struct sink_view *ch,
                         struct park_key *out[4])
{
    const struct str *rows[2] = {ch->old, ch->neu};
    size_t count = 0;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(rows) && p->count > 0; i++) {
        if (rows[i] == NULL) {
            continue;
        }
        buf_reset(&text);
        relation_text(&text, ch->sink);
        buf_u8(&text, 0);
        size_t stem = text.len;
        key_text(&text, ch->sink, rows[i]);
        struct park_key *k = find(p, buf_str(&text));
        if (k != NULL) {
            out[count++] = k;
        }
        buf_truncate(&text, stem);
        buf_adds(&text, "[]");
        k = find(p, buf_str(&text));
        if (k != NULL) {
            out[count++] = k;
        }
    }
    buf_fini(&text);
    return count;
}

void park_reset(struct park *p)
{
    for (size_t i = 0; i < p->bucket_count; i++) {
        while (p->buckets[i] != NULL) {
            struct park_key *k = p->buckets[i];
            p->buckets[i] = k->next;
            free(k);
        }
    }
    free(p->buckets);
    p->buckets = NULL;
    p->bucket_count = p->count = 0;
    buf_reset(&p->asked);
    park_drop(p);
}

void park_fini(struct park *p)
{
    park_reset(p);
    buf_fini(&p->asked);
    buf_fini(&p->rows);
    buf_fini(&p->overtaken);
    buf_fini(&p->halted);
    free(p->shapes);
    p->shapes = NULL;
}

/* Rows of relation, key, whether it is held, whether a change of it is set aside. */
static void note_keys(struct park *p, const struct rows *r)
{
    for (size_t i = 0; i < rows_count(r); i++) {
        struct park_key *k = enter_key(p, rows_get(r, i, 0), rows_get(r, i, 1));
        k->held = rows_text(r, i, 2)[0] == 't';
        k->skipped = rows_text(r, i, 3)[0] == 't';
    }
}

int park_load(struct park *p, struct conn *c, const char *consumer, struct err *e)
{
    park_reset(p);
    p->consumer = consumer;
    struct str params[1] = {str_of(consumer)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "SELECT relation, key, bool_or(state <> 'skipped'),"
                        " bool_or(state = 'skipped') FROM parkway.parked"
                        " WHERE consumer = $1 AND (state IN ('parked', 'retry')"
                        "  OR state = 'skipped' AND NOT overtaken) GROUP BY 1, 2",
                        1, params, &r, e);
    if (rc == 0) {
        note_keys(p, r);
    }
    rows_free(r);
    r = NULL;
    if (rc == 0) {
        p->halted_lsn = 0;
        rc = conn_query(c,
                        "SELECT max(" LSN_OF_ROW ") FROM parkway.parked WHERE consumer = $1"
                        " AND state IN ('halted', 'skip')",
                        1, params, &r, e);
        if (rc == 0) {
            (void)!lsn_parse(rows_get(r, 0, 0), &p->halted_lsn);
        }
        rows_free(r);
    }
    return rc;
}

bool park_holds(struct park *p, const struct sink_view *ch)
{
    struct park_key *found[4];
    size_t n = entries_of(p, ch, found);
    for (size_t i = 0; i < n; i++) {
        if (found[i]->held) {
            return true;
        }
    }
    return false;
}

/* {"relation":…,"key":…} of an entry, as an element. */
static void key_element(struct buf *out, const struct park_key *k)
{
    size_t stem = strlen(k->text);
    struct json j;
    if (out->len > 0) {
        buf_u8(out, ',');
    }
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "relation", (struct str){k->text, stem});
    json_key_text(&j, "key", (struct str){k->text + stem + 1, k->n - stem - 1});
    json_object_end(&j);
}

void park_pass(struct park *p, const struct sink_view *ch)
{
    struct park_key *found[4];
    size_t n = park_any(p) ? entries_of(p, ch, found) : 0;
    for (size_t i = 0; i < n; i++) {
        if (found[i]->skipped) {
            key_element(&p->overtaken, found[i]);
        }
    }
}

void park_ask(struct park *p, const struct sink_view *ch)
{
    struct park_key *found[4];
    size_t n = entries_of(p, ch, found);
    for (size_t i = 0; i < n; i++) {
        key_element(&p->asked, found[i]);
    }
}

/* "[elements]" */
static struct buf array_of(const struct buf *elements)
{
    struct buf b = BUF_INIT;
    buf_u8(&b, '[');
    buf_addstr(&b, buf_str(elements));
    buf_u8(&b, ']');
    return b;
}

int park_learn(struct park *p, struct conn *c, struct err *e)
{
    /* an operator's command takes the table whole: what is read here stays true until the commit */
    int rc = conn_exec(c, "LOCK TABLE parkway.parked IN ROW EXCLUSIVE MODE", e);
    if (rc != 0 || p->asked.len == 0) {
        return rc;
    }
    struct buf asked = array_of(&p->asked);
    struct str params[2] = {str_of(p->consumer), buf_str(&asked)};
    struct rows *r = NULL;
    rc = conn_query(c,
                    "SELECT q.relation, q.key,"
                    " coalesce(bool_or(p.state IN ('parked', 'retry')), false),"
                    " coalesce(bool_or(p.state = 'skipped' AND NOT p.overtaken), false)"
                    " FROM (SELECT DISTINCT relation, key FROM json_to_recordset($2::json)"
                    "   AS q(relation text, key text)) AS q"
                    " LEFT JOIN parkway.parked AS p ON p.consumer = $1"
                    "  AND p.relation = q.relation AND p.key = q.key GROUP BY 1, 2",
                    2, params, &r, e);
    if (rc == 0) {
        note_keys(p, r);
    }
    rows_free(r);
    buf_fini(&asked);
    buf_shrink(&p->asked, (size_t)1 << 20);
    sweep(p, STR_NULL);
    return rc;
}

/* --- storing --------------------------------------------------------------------------------------- */

/* For people; the change as it came stands beside it. */
static void row_json(struct json *j, const char *name, const struct sink *s,
                     const struct str *row, bool key_only)
{
    if (row == NULL) {
        return;
    }
    json_key(j, name);
    json_object(j);
    bool broken = s->broken.code != 0;
    size_t count = broken ? s->relation->column_count : s->plan.column_count;
    for (size_t i = 0; i < count; i++) {
        bool wanted = !key_only || broken;
        for (size_t k = 0; k < s->plan.key_count && !wanted; k++) {
            wanted = s->key[k] == i;
        }
        if (wanted && !plan_is_unchanged(row[i]) && row[i].n <= SHOWN_MAX) {
            json_key(j, broken ? s->relation->columns[i].name : s->columns[i].target);
            json_text(j, row[i]);
        }
    }
    json_object_end(j);
}

static void hex_json(struct json *j, const char *name, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    struct buf hex = BUF_INIT;
    char *out = buf_reserve(&hex, bytes.n * 2);
    for (size_t i = 0; i < bytes.n; i++) {
        out[2 * i] = digits[(uint8_t)bytes.p[i] >> 4];
        out[2 * i + 1] = digits[(uint8_t)bytes.p[i] & 15];
    }
    buf_commit(&hex, bytes.n * 2);
    json_key_text(j, name, buf_str(&hex));
    buf_fini(&hex);
}

/* One row of the table; shape: the number of its relation's version, -1: the second row of a key change. */
static void row_element(struct buf *out, const struct sink_view *ch, const struct str *row,
                        int shape, const struct err *why)
{
    static const char *const ops[] = {"insert", "update", "delete"};
    const struct sink *s = ch->sink;
    char position[POSITION_TEXT_MAX];
    struct buf text = BUF_INIT;
    struct json j;
    position_text(ch->at, position);
    if (out->len > 0) {
        buf_u8(out, ',');
    }
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "position", str_of(position));
    relation_text(&text, s);
    json_key_text(&j, "relation", buf_str(&text));
    buf_reset(&text);
    key_text(&text, s, row);
    json_key_text(&j, "key", buf_str(&text));
    buf_fini(&text);
    json_key_text(&j, "op", str_of(shape >= 0 ? ops[ch->op] : "moved"));
    if (shape >= 0) {
        json_key(&j, "change");
        json_object(&j);
        row_json(&j, "old", s, ch->old, s->plan.mode == PLAN_BY_KEY);
        row_json(&j, "new", s, ch->neu, false);
        json_object_end(&j);
        json_key_int(&j, "shape", shape);
        json_key_int(&j, "commit_us", ch->commit_us);
        if (ch->msg.n <= PARK_MESSAGE_MAX) {
            hex_json(&j, "message", ch->msg);
        }
    }
    json_key_text(&j, "error", str_of(why->text));
    json_key_text(&j, "sqlstate", str_of(why->sqlstate));
    json_object_end(&j);
}

/* The rows of a change: a key change waits under both keys, the second row without the change. */
static void change_rows(const struct sink_view *ch, const struct str *rows[2])
{
    const struct plan_table *t = &ch->sink->plan;
    rows[0] = ch->neu != NULL ? ch->neu : ch->old;
    rows[1] = ch->neu != NULL && ch->old != NULL && !plan_same_key(t, ch->old, ch->neu)
                  ? ch->old
                  : NULL;
}

void park_cause(const struct err *why, char *out, size_t size)
{
    static const char *const values[] = {": Key (", ": Failing row contains"};
    snprintf(out, size, "%s",
             memcmp(why->sqlstate, "22", 2) == 0 ? "a value does not fit" : why->text);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char *at = strstr(out, values[i]);
        if (at != NULL) {
            *at = '\0';
        }
    }
}

static void said_end(struct park *p)
{
    if (p->said.count > 0) {
        log_warn("change parked relation=%s count=%zu position=%s sqlstate=%s reason=\"%s\"",
                 p->said.relation, p->said.count, p->said.position, p->said.sqlstate,
                 p->said.text);
    }
    p->said.count = 0;
}

static void say(struct park *p, const struct sink_view *ch, const struct err *why)
{
    char relation[sizeof p->said.relation];
    snprintf(relation, sizeof relation, "%s.%s", ch->sink->schema, ch->sink->name);
    if (strcmp(relation, p->said.relation) != 0 ||
        strcmp(why->sqlstate, p->said.sqlstate) != 0) {
        said_end(p);
    }
    if (p->said.count++ == 0) {
        memcpy(p->said.relation, relation, sizeof relation);
        memcpy(p->said.sqlstate, why->sqlstate, sizeof p->said.sqlstate);
        position_text(ch->at, p->said.position);
        park_cause(why, p->said.text, sizeof p->said.text);
    }
}

static int shape_of(struct park *p, const struct relation *r)
{
    for (size_t i = p->shape_count; i > 0; i--) {
        if (p->shapes[i - 1] == r) {
            return (int)i - 1;
        }
    }
    p->shapes = def_realloc(p->shapes, (p->shape_count + 1) * sizeof(void *));
    p->shapes[p->shape_count++] = r;
    return (int)p->shape_count - 1;
}

void park_put(struct park *p, const struct sink_view *ch, const struct err *why)
{
    const struct str *rows[2];
    change_rows(ch, rows);
    int shape = shape_of(p, ch->sink->relation);
    struct buf relation = BUF_INIT;
    relation_text(&relation, ch->sink);
    for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i] != NULL; i++) {
        struct buf key = BUF_INIT;
        key_text(&key, ch->sink, rows[i]);
        enter_key(p, buf_str(&relation), buf_str(&key))->held = true;
        buf_fini(&key);
        row_element(&p->rows, ch, rows[i], i == 0 ? shape : -1, why);
    }
    buf_fini(&relation);
    p->row_count++;
    say(p, ch, why);
}

/* Stores the table versions; *digests becomes a JSON array of their names, by number. */
static int store_shapes(struct conn *c, const struct relation *const *shapes, size_t count,
                        struct buf *digests, struct err *e)
{
    struct json j;
    int rc = 0;
    json_init(&j, digests, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct buf hex = BUF_INIT;
        struct json text;
        json_init(&text, &hex, JSON_COMPACT);
        json_object(&text);
        hex_json(&text, "m", buf_str(&shapes[i]->msg));
        json_object_end(&text);
        struct str params[1] = {buf_str(&hex)};
        struct rows *r = NULL;
        rc = conn_query(c,
                        "WITH m AS (SELECT decode($1::json->>'m', 'hex') AS message),"
                        " new AS (INSERT INTO parkway.parked_shape (digest, message)"
                        "  SELECT md5(message), message FROM m ON CONFLICT DO NOTHING)"
                        " SELECT md5(message) FROM m",
                        1, params, &r, e);
        if (rc == 0) {
            json_text(&j, rows_get(r, 0, 0));
        }
        rows_free(r);
        buf_fini(&hex);
    }
    json_array_end(&j);
    return rc;
}

static int store_rows(struct park *p, struct conn *c, struct err *e)
{
    struct buf digests = BUF_INIT;
    int rc = store_shapes(c, p->shapes, p->shape_count, &digests, e);
    if (rc == 0) {
        struct buf rows = array_of(&p->rows);
        struct str params[3] = {str_of(p->consumer), buf_str(&rows), buf_str(&digests)};
        rc = conn_query(
            c,
            "INSERT INTO parkway.parked (consumer, position, relation, key, op, change,"
            " message, shape, commit_us, error, sqlstate, parked_at, state)"
            " SELECT $1, position, relation, key, op, change, decode(message, 'hex'),"
            "  $3::json->>shape, coalesce(commit_us, 0), error, sqlstate, clock_timestamp(),"
            "  'parked' FROM json_to_recordset($2::json) AS r(" ROW_COLUMNS ")",
            ARRAY_LEN(params), params, NULL, e);
        buf_fini(&rows);
    }
    buf_fini(&digests);
    return rc;
}

static int store_overtaken(struct park *p, struct conn *c, struct err *e)
{
    struct buf keys = array_of(&p->overtaken);
    struct str params[2] = {str_of(p->consumer), buf_str(&keys)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "UPDATE parkway.parked AS p SET overtaken = true"
                        " FROM (SELECT DISTINCT relation, key FROM json_to_recordset($2::json)"
                        "   AS q(relation text, key text)) AS q"
                        " WHERE p.consumer = $1 AND p.relation = q.relation AND p.key = q.key"
                        "  AND p.state = 'skipped' RETURNING p.relation, p.key",
                        2, params, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        enter_key(p, rows_get(r, i, 0), rows_get(r, i, 1))->skipped = false;
    }
    rows_free(r);
    buf_fini(&keys);
    if (rc == 0) {
        sweep(p, STR_NULL);
    }
    return rc;
}

int park_flush(struct park *p, struct conn *c, struct err *e)
{
    int rc = p->overtaken.len > 0 ? store_overtaken(p, c, e) : 0;
    if (rc == 0 && p->row_count > 0) {
        rc = store_rows(p, c, e);
    }
    if (rc == 0) {
        said_end(p);
        tally_add(TALLY_PARKED, (int64_t)p->row_count);
        park_drop(p);
    }
    return rc;
}

void park_drop(struct park *p)
{
    buf_shrink(&p->rows, (size_t)1 << 20);
    buf_shrink(&p->overtaken, (size_t)1 << 16);
    p->row_count = 0;
    p->shape_count = 0;
    p->said.count = 0;
}

int park_clear(struct park *p, struct conn *c, const struct sink *s, struct err *e)
{
    if (!park_any(p)) {
        return 0;
    }
    struct buf relation = BUF_INIT;
    relation_text(&relation, s);
    struct str params[2] = {str_of(p->consumer), buf_str(&relation)};
    int rc = conn_query(c,
                        "WITH gone AS (DELETE FROM parkway.parked WHERE consumer = $1"
                        "  AND relation = $2 AND state IN ('parked', 'retry', 'skipped')"
                        "  RETURNING *)"
                        " INSERT INTO parkway.parked_audit"
                        "  (who, action, consumer, parked_id, relation, key, position)"
                        " SELECT 'consumer', 'cleared', consumer, id, relation, key, position"
                        "  FROM gone WHERE op <> 'moved'",
                        2, params, NULL, e);
    buf_u8(&relation, 0);
    if (rc == 0) {
        sweep(p, buf_str(&relation));
    }
    buf_fini(&relation);
    return rc;
}

/* --- on_poison = halt ------------------------------------------------------------------------------ */

int park_skips(struct park *p, struct conn *c, const struct sink_view *ch, bool *skip,
               struct err *e)
{
    char position[POSITION_TEXT_MAX];
    struct buf relation = BUF_INIT;
    position_text(ch->at, position);
    relation_text(&relation, ch->sink);
    struct str params[3] = {str_of(p->consumer), str_of(position), buf_str(&relation)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "UPDATE parkway.parked SET state = 'skipped' WHERE consumer = $1"
                        " AND position = $2 AND relation = $3 AND state = 'skip' RETURNING key",
                        3, params, &r, e);
    *skip = rc == 0 && rows_count(r) > 0;
    if (*skip) {
        enter_key(p, buf_str(&relation), rows_get(r, 0, 0))->skipped = true;
    }
    rows_free(r);
    buf_fini(&relation);
    return rc;
}

void park_halt(struct park *p, const struct sink_view *ch, const struct err *why)
{
    const struct str *rows[2];
    change_rows(ch, rows);
    buf_reset(&p->halted);
    struct json j;
    json_init(&j, &p->halted, JSON_COMPACT);
    buf_u8(&p->halted, '[');
    struct buf element = BUF_INIT;
    row_element(&element, ch, rows[0], 0, why);
    buf_addstr(&p->halted, buf_str(&element));
    buf_fini(&element);
    buf_adds(&p->halted, ",");
    struct buf shape = BUF_INIT;
    json_init(&j, &shape, JSON_COMPACT);
    json_object(&j);
    hex_json(&j, "m", buf_str(&ch->sink->relation->msg));
    json_object_end(&j);
    buf_addstr(&p->halted, buf_str(&shape));
    buf_fini(&shape);
    buf_u8(&p->halted, ']');
    p->halted_lsn = ch->at.lsn;
}

void park_say_halted(struct park *p, struct conn *c)
{
    if (p->halted.len == 0) {
        return;
    }
    struct err e = ERR_INIT;
    struct str params[2] = {str_of(p->consumer), buf_str(&p->halted)};
    int rc = conn_query(
        c,
        "WITH m AS (SELECT decode($2::json->1->>'m', 'hex') AS message),"
        " kept AS (INSERT INTO parkway.parked_shape (digest, message)"
        "  SELECT md5(message), message FROM m ON CONFLICT DO NOTHING),"
        " r AS (SELECT * FROM json_to_record($2::json->0) AS r(" ROW_COLUMNS ")),"
        " again AS (UPDATE parkway.parked AS p SET tries = p.tries + 1, error = r.error,"
        "  sqlstate = r.sqlstate FROM r WHERE p.consumer = $1 AND p.position = r.position"
        "  AND p.relation = r.relation AND p.state IN ('halted', 'skip') RETURNING p.id),"
        " old AS (DELETE FROM parkway.parked AS p USING r WHERE p.consumer = $1"
        "  AND p.state = 'halted' AND (p.position, p.relation) <> (r.position, r.relation))"
        "INSERT INTO parkway.parked (consumer, position, relation, key, op, change, message,"
        " shape, commit_us, error, sqlstate, parked_at, state)"
        " SELECT $1, r.position, r.relation, r.key, r.op, r.change, decode(r.message, 'hex'),"
        "  md5(m.message), r.commit_us, r.error, r.sqlstate, clock_timestamp(), 'halted'"
        "  FROM r, m WHERE NOT EXISTS (SELECT FROM again)",
        2, params, NULL, &e);
    if (rc != 0) {
        log_warn("could not record what halts the consumer: %s", e.text);
    }
    buf_shrink(&p->halted, 0);
}

int park_resumed(struct park *p, struct conn *c, uint64_t lsn, struct err *e)
{
    if (p->halted_lsn == 0 || lsn <= p->halted_lsn) {
        return 0;
    }
    char at[POSITION_TEXT_MAX];
    lsn_text(p->halted_lsn, at);
    struct str params[2] = {str_of(p->consumer), str_of(at)};
    p->halted_lsn = 0;
    return conn_query(c,
                      "DELETE FROM parkway.parked WHERE consumer = $1"
                      " AND state IN ('halted', 'skip') AND " LSN_OF_ROW " <= $2::text::pg_lsn",
                      2, params, NULL, e);
}
