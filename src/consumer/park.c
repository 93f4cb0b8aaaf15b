/* park.c - see park.h. */
#include "consumer/park.h"

#include "base/json.h"

#include <stdlib.h>

struct park_key {
    struct park_key *next;
    size_t n;
    char text[]; /* "schema.name" NUL key */
};

static size_t bucket_of(struct str text)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < text.n; i++) {
        h = (h ^ (uint8_t)text.p[i]) * 16777619u;
    }
    return h % PARK_BUCKETS;
}

/* Where the pointer to the key of that text stands, or would stand. */
static struct park_key **place_of(struct park *p, struct str text)
{
    struct park_key **at = &p->keys[bucket_of(text)];
    while (*at != NULL && !str_eq((struct str){(*at)->text, (*at)->n}, text)) {
        at = &(*at)->next;
    }
    return at;
}

static void take_out(struct park *p, struct park_key **at)
{
    struct park_key *k = *at;
    *at = k->next;
    p->count--;
    free(k);
}

static void set_text(struct buf *out, struct str relation, struct str key)
{
    buf_addstr(out, relation);
    buf_u8(out, 0);
    buf_addstr(out, key);
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

static void remember(struct park *p, struct str relation, struct str key)
{
    struct buf text = BUF_INIT;
    set_text(&text, relation, key);
    struct park_key **at = place_of(p, buf_str(&text));
    if (*at == NULL) {
        struct park_key *k = def_alloc(sizeof *k + text.len);
        k->next = NULL;
        k->n = text.len;
        memcpy(k->text, buf_data(&text), text.len);
        *at = k;
        p->count++;
    }
    buf_fini(&text);
}

void park_reset(struct park *p)
{
    for (size_t i = 0; i < PARK_BUCKETS; i++) {
        while (p->keys[i] != NULL) {
            take_out(p, &p->keys[i]);
        }
    }
}

int park_load(struct park *p, struct conn *c, const char *consumer, struct err *e)
{
    park_reset(p);
    p->consumer = consumer;
    struct str params[1] = {str_of(consumer)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "SELECT DISTINCT relation, key FROM parkway.parked"
                        " WHERE consumer = $1 AND state = 'parked'",
                        1, params, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        remember(p, rows_get(r, i, 0), rows_get(r, i, 1));
    }
    rows_free(r);
    return rc;
}

static bool has(struct park *p, struct str relation, struct str key)
{
    struct buf text = BUF_INIT;
    set_text(&text, relation, key);
    bool found = *place_of(p, buf_str(&text)) != NULL;
    buf_fini(&text);
    return found;
}

static bool holds_row(struct park *p, const struct sink *s, const struct str *row)
{
    if (row == NULL) {
        return false;
    }
    struct buf relation = BUF_INIT;
    struct buf key = BUF_INIT;
    relation_text(&relation, s);
    key_text(&key, s, row);
    bool held =
        has(p, buf_str(&relation), buf_str(&key)) || has(p, buf_str(&relation), STR("[]"));
    buf_fini(&relation);
    buf_fini(&key);
    return held;
}

static void forget(struct park *p, struct str relation, struct str key)
{
    struct buf text = BUF_INIT;
    set_text(&text, relation, key);
    struct park_key **at = place_of(p, buf_str(&text));
    if (*at != NULL) {
        take_out(p, at);
    }
    buf_fini(&text);
}

bool park_holds(struct park *p, const struct sink_view *ch)
{
    return park_any(p) && (holds_row(p, ch->sink, ch->old) || holds_row(p, ch->sink, ch->neu));
}

static int confirm_row(struct park *p, struct conn *c, const struct sink *s,
                       const struct str *row, bool *held, struct err *e)
{
    struct buf relation = BUF_INIT;
    struct buf key = BUF_INIT;
    relation_text(&relation, s);
    key_text(&key, s, row);
    struct str params[3] = {str_of(p->consumer), buf_str(&relation), buf_str(&key)};
    struct rows *r = NULL;
    int rc = conn_query(c,
                        "SELECT FROM parkway.parked WHERE consumer = $1 AND relation = $2"
                        " AND key IN ($3, '[]') AND state = 'parked' LIMIT 1 FOR SHARE",
                        3, params, &r, e);
    *held = rc == 0 && rows_count(r) > 0;
    rows_free(r);
    if (rc == 0 && !*held) { /* cleared from outside */
        forget(p, buf_str(&relation), buf_str(&key));
        forget(p, buf_str(&relation), STR("[]"));
    }
    buf_fini(&relation);
    buf_fini(&key);
    return rc;
}

int park_confirm(struct park *p, struct conn *c, const struct sink_view *ch, bool *held,
                 struct err *e)
{
    int rc = 0;
    *held = false;
    if (park_any(p) && holds_row(p, ch->sink, ch->old)) {
        rc = confirm_row(p, c, ch->sink, ch->old, held, e);
    }
    if (rc == 0 && !*held && park_any(p) && holds_row(p, ch->sink, ch->neu)) {
        rc = confirm_row(p, c, ch->sink, ch->neu, held, e);
    }
    return rc;
}

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
        if (wanted && !plan_is_unchanged(row[i])) {
            json_key(j, broken ? s->relation->columns[i].name : s->columns[i].target);
            json_text(j, row[i]);
        }
    }
    json_object_end(j);
}

int park_add(struct park *p, struct conn *c, const struct sink_view *ch, const struct err *why,
             struct err *e)
{
    static const char *const ops[] = {"insert", "update", "delete"};
    const struct sink *s = ch->sink;
    char position[POSITION_TEXT_MAX];
    position_text(ch->at, position);
    struct buf relation = BUF_INIT;
    struct buf body = BUF_INIT;
    struct json j;
    relation_text(&relation, s);
    json_init(&j, &body, JSON_COMPACT);
    json_object(&j);
    row_json(&j, "old", s, ch->old, s->plan.mode == PLAN_BY_KEY);
    row_json(&j, "new", s, ch->neu, false);
    json_object_end(&j);
    int rc = 0;
    /* a key change waits under both keys: one row each, the second without the change */
    const struct str *rows[2] = {ch->neu != NULL ? ch->neu : ch->old, NULL};
    if (ch->neu != NULL && ch->old != NULL && !plan_same_key(&s->plan, ch->old, ch->neu)) {
        rows[1] = ch->old;
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows) && rows[i] != NULL; i++) {
        struct buf key = BUF_INIT;
        key_text(&key, s, rows[i]);
        struct str params[8] = {str_of(p->consumer),
                                str_of(position),
                                buf_str(&relation),
                                buf_str(&key),
                                str_of(i == 0 ? ops[ch->op] : "moved"),
                                i == 0 ? buf_str(&body) : STR_NULL,
                                str_of(why->text),
                                str_of(why->sqlstate)};
        rc = conn_query(
            c,
            "INSERT INTO parkway.parked (consumer, position, relation, key, op, change,"
            " error, sqlstate, parked_at, state) VALUES"
            " ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, clock_timestamp(), 'parked')",
            ARRAY_LEN(params), params, NULL, e);
        if (rc == 0) {
            remember(p, buf_str(&relation), buf_str(&key));
        }
        buf_fini(&key);
    }
    buf_fini(&relation);
    buf_fini(&body);
    return rc;
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
                        "UPDATE parkway.parked SET state = 'truncated'"
                        " WHERE consumer = $1 AND relation = $2 AND state = 'parked'",
                        2, params, NULL, e);
    buf_u8(&relation, 0);
    for (size_t i = 0; rc == 0 && i < PARK_BUCKETS; i++) {
        for (struct park_key **at = &p->keys[i]; *at != NULL;) {
            if ((*at)->n >= relation.len &&
                memcmp((*at)->text, buf_data(&relation), relation.len) == 0) {
                take_out(p, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
    buf_fini(&relation);
    return rc;
}
