/* repair.c - see repair.h. The relation's description in the message becomes a Relation message, each row a
 * Delete and an Insert, as the log would have brought them. */
#include "consumer/repair.h"

#include "base/json.h"
#include "base/log.h"
#include "consumer/apply.h"
#include "consumer/seal.h"
#include "consumer/tally.h"
#include "event/member.h"

#include <stdlib.h>

/* Kept between messages of one connection, because statements are prepared for its tables. */
struct repair {
    struct batch batch;
    const struct mirrors *mirrors;
};

/* One message, read. */
struct order {
    struct repair *r;
    struct apply *apply;
    const struct batch_change *at;
    struct relation *relation;
    struct str rows; /* the array */
};

void repair_free(struct repair *r)
{
    if (r != NULL) {
        batch_fini(&r->batch);
        free(r);
    }
}

static struct repair *repair_of(struct apply *a, struct batch *b)
{
    if (a->repair == NULL || a->repair->mirrors != b->mirrors) {
        repair_free(a->repair);
        a->repair = def_zalloc(1, sizeof *a->repair);
        a->repair->mirrors = b->mirrors;
        batch_init(&a->repair->batch, b->mirrors);
    }
    a->repair->batch.at = b->at;
    return a->repair;
}

/* --- reading ------------------------------------------------------------------------------------- */

static bool text_of(struct str object, const char *key, struct buf *out)
{
    buf_reset(out);
    return member_text(member_find(object, key), out);
}

static uint32_t number_of(struct str object, const char *key)
{
    struct str v = member_find(object, key);
    char digits[24] = "";
    memcpy(digits, v.n > 0 ? v.p : "", v.n < sizeof digits ? v.n : sizeof digits - 1);
    return (uint32_t)strtoll(digits, NULL, 10);
}

/* The column's value in an object of column names and texts: 'n', or 't' and the text. */
static bool value_of(struct str object, const char *name, struct buf *out)
{
    struct buf key = BUF_INIT;
    size_t at = 0;
    struct str k;
    struct str v = STR_NULL;
    bool found = false;
    while (!found && member_next(object, &at, &k, &v)) {
        buf_reset(&key);
        found = json_unescape(k, &key) && str_eq(buf_str(&key), str_of(name));
    }
    buf_fini(&key);
    if (!found || str_eq(v, STR("null"))) {
        buf_u8(out, PGOUTPUT_NULL);
        return true;
    }
    buf_u8(out, PGOUTPUT_TEXT);
    size_t length_at = out->len;
    buf_u32(out, 0);
    bool ok = member_text(v, out);
    buf_put_u32(out, length_at, (uint32_t)(out->len - length_at - 4));
    return ok;
}

static bool tuple_of(const struct relation *r, struct str object, struct buf *out)
{
    bool ok = true;
    buf_u16(out, (uint16_t)r->column_count);
    for (size_t i = 0; ok && i < r->column_count; i++) {
        ok = value_of(object, r->columns[i].name, out);
    }
    return ok;
}

/* The Relation message that the content describes. */
static bool describe(struct str content, struct buf *out)
{
    struct buf text = BUF_INIT;
    struct str columns = member_find(content, "columns");
    struct str column;
    size_t at = 0;
    uint16_t count = 0;
    bool ok = text_of(content, "relation", &text);
    const char *name = buf_cstr(&text);
    const char *dot = strchr(name, '.');
    ok = ok && dot != NULL;
    buf_u8(out, PGOUTPUT_RELATION);
    buf_u32(out, number_of(content, "oid"));
    if (ok) {
        buf_add(out, name, (size_t)(dot - name));
        buf_u8(out, 0);
        buf_addz(out, dot + 1);
    }
    ok = ok && text_of(content, "identity", &text) && text.len == 1;
    buf_u8(out, ok ? (uint8_t)buf_cstr(&text)[0] : 0);
    size_t count_at = out->len;
    buf_u16(out, 0);
    while (ok && member_item(columns, &at, &column)) {
        buf_u8(out, str_eq(member_find(column, "key"), STR("true")));
        ok = text_of(column, "name", &text) && ++count > 0;
        buf_addz(out, buf_cstr(&text));
        buf_u32(out, number_of(column, "type"));
        buf_u32(out, number_of(column, "mod"));
    }
    buf_data(out)[count_at] = (char)(count >> 8);
    buf_data(out)[count_at + 1] = (char)(count & 0xff);
    buf_fini(&text);
    return ok && count > 0;
}

static int unreadable(struct err *e)
{
    return err_set(e, ERR_DAMAGED, "a repair message cannot be read");
}

static int read_order(struct order *o, struct str content, struct err *e)
{
    struct buf msg = BUF_INIT;
    bool changed;
    struct repair *r = o->r;
    o->rows = member_find(content, "rows");
    int rc = o->rows.p != NULL && describe(content, &msg) ? 0 : unreadable(e);
    if (rc == 0) {
        rc = relations_take(&r->batch.relations, buf_str(&msg), r->mirrors, &changed, e);
    }
    o->relation =
        rc == 0 ? relations_find(&r->batch.relations, number_of(content, "oid")) : NULL;
    buf_fini(&msg);
    return rc;
}

/* --- acting -------------------------------------------------------------------------------------- */

/* A history has no rows to repair, and a row without a key cannot be named. */
static bool is_passed_over(const struct sink *s)
{
    return s->broken.code == 0 && s->plan.mode != PLAN_BY_KEY;
}

/* Deletes what is there; a row that comes back keeps the columns that no mirror feeds. */
static bool deletes(const struct order *o, struct str row)
{
    bool keeps = false;
    for (size_t i = 0; i < o->relation->sink_count; i++) {
        const struct sink *s = o->relation->sinks[i];
        keeps = keeps || (s->extra_count > 0 && !is_passed_over(s));
    }
    return str_eq(row, STR("null")) || !keeps;
}

/* All rows of one kind: the deletes, or the inserts. */
static int write_rows(struct order *o, enum pgoutput_type type, struct err *e)
{
    struct position at = {o->r->batch.at.epoch, o->at->commit_lsn, o->at->ordinal, 0};
    struct buf msg = BUF_INIT;
    struct str item;
    size_t next = 0;
    int rc = 0;
    while (rc == 0 && member_item(o->rows, &next, &item)) {
        struct str row = member_find(item, "row");
        bool wanted = type == PGOUTPUT_DELETE ? deletes(o, row) : !str_eq(row, STR("null"));
        if (!wanted) {
            continue;
        }
        buf_reset(&msg);
        buf_u8(&msg, (uint8_t)type);
        buf_u32(&msg, o->relation->oid);
        buf_u8(&msg, type == PGOUTPUT_DELETE ? 'K' : 'N');
        if (!tuple_of(o->relation, type == PGOUTPUT_DELETE ? member_find(item, "key") : row,
                      &msg)) {
            rc = unreadable(e);
        } else {
            batch_put(&o->r->batch, o->relation, buf_str(&msg), &at, o->at->commit_us);
        }
    }
    buf_fini(&msg);
    rc = rc == 0 ? apply_chunk(o->apply, &o->r->batch, e) : rc;
    batch_clear(&o->r->batch);
    return rc;
}

/* The key as parkway.parked names it: a JSON array of texts in the order of the sink's key. */
static bool parked_key(const struct sink *s, struct str key, struct buf *out)
{
    struct buf text = BUF_INIT;
    struct json j;
    bool ok = true;
    json_init(&j, out, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; ok && i < s->plan.key_count; i++) {
        int source = s->columns[s->key[i]].source;
        buf_reset(&text);
        ok = source >= 0 && value_of(key, s->relation->columns[source].name, &text) &&
             text.len >= 5;
        if (ok) {
            struct str v = buf_str(&text);
            json_text(&j, (struct str){v.p + 5, v.n - 5}); /* behind kind and length */
        }
    }
    json_array_end(&j);
    buf_fini(&text);
    return ok;
}

/* The parked changes of the rows' keys are done with. */
static int clear_parked(struct order *o, const struct sink *s, struct err *e)
{
    struct buf keys = BUF_INIT;
    struct buf relation = BUF_INIT;
    struct json j;
    struct str item;
    size_t next = 0;
    json_init(&j, &keys, JSON_COMPACT);
    json_array(&j);
    while (member_item(o->rows, &next, &item)) {
        struct buf key = BUF_INIT;
        if (parked_key(s, member_find(item, "key"), &key)) {
            json_text(&j, buf_str(&key));
        }
        buf_fini(&key);
    }
    json_array_end(&j);
    buf_addf(&relation, "%s.%s", s->schema, s->name);
    struct str params[3] = {str_of(o->apply->park->consumer), buf_str(&relation),
                            buf_str(&keys)};
    int rc = conn_query(
        o->apply->db,
        "WITH done AS (UPDATE parkway.parked SET state = 'repaired' WHERE consumer = $1"
        "  AND relation = $2 AND key IN (SELECT json_array_elements_text($3::json))"
        "  AND state IN ('parked', 'retry', 'skipped') RETURNING id, key, position, op)"
        " INSERT INTO parkway.parked_audit (who, action, consumer, parked_id, relation, key,"
        "  position, reason) SELECT 'consumer', 'repaired', $1, id, $2, key, position,"
        "  'the row was taken from the primary' FROM done WHERE op <> 'moved'",
        ARRAY_LEN(params), params, NULL, e);
    buf_fini(&relation);
    buf_fini(&keys);
    return rc;
}

static size_t row_count(struct str rows)
{
    struct str item;
    size_t next = 0;
    size_t count = 0;
    while (member_item(rows, &next, &item)) {
        count++;
    }
    return count;
}

static int run(struct order *o, struct err *e)
{
    int rc = apply_know(o->apply, o->relation, o->at->commit_lsn, e);
    for (size_t i = 0; rc == 0 && i < o->relation->sink_count; i++) {
        struct sink *s = o->relation->sinks[i];
        if (is_passed_over(s)) {
            s->start_lsn = UINT64_MAX; /* it takes none of these changes */
            if (!s->append) {
                log_warn("repair passed over relation=%s target=%s.%s reason=\"no key\"",
                         o->relation->label, s->schema, s->name);
            }
        } else if (s->broken.code == 0) {
            rc = clear_parked(o, s, e);
        }
    }
    bool halt = o->apply->halt_on_poison;
    o->apply->halt_on_poison = false; /* what is wrong already does not hold the consumer */
    rc = rc == 0 ? write_rows(o, PGOUTPUT_DELETE, e) : rc;
    rc = rc == 0 ? write_rows(o, PGOUTPUT_INSERT, e) : rc;
    o->apply->halt_on_poison = halt;
    return rc;
}

/* Whether the message is for this consumer. */
static bool is_ours(const struct apply *a, struct str content)
{
    struct buf name = BUF_INIT;
    struct str consumer = member_find(content, "consumer");
    bool ours =
        str_eq(consumer, STR("null")) ||
        (member_text(consumer, &name) && str_eq(buf_str(&name), str_of(a->park->consumer)));
    buf_fini(&name);
    return ours;
}

int repair_apply(struct apply *a, struct batch *b, const struct batch_change *ch,
                 struct str content, struct err *e)
{
    struct order o = {.r = repair_of(a, b), .apply = a, .at = ch};
    struct str text = STR_NULL;
    bool good = false;
    int rc = seal_open(a->db, "parkway.repair", ch, content, &good, &text, e);
    if (rc != 0) {
        return rc;
    }
    if (!good) {
        log_warn("repair message without a valid seal ignored hint=\"%s\"",
                 "parkway migrate carries the keys");
        return 0;
    }
    if (!member_check(text)) {
        rc = unreadable(e);
    } else if (is_ours(a, text)) {
        rc = read_order(&o, text, e);
        if (rc == 0 && o.relation != NULL && o.relation->sink_count > 0) {
            rc = run(&o, e);
            tally_add(TALLY_REPAIRED, rc == 0 ? (int64_t)row_count(o.rows) : 0);
        }
    }
    batch_clear(&o.r->batch);
    if (rc == ERR_DAMAGED) {
        log_error("repair message passed over: %s", e->text);
        rc = 0;
    }
    return rc;
}
