/* pgoutput.c - see pgoutput.h. A message is checked to its last byte when it is parsed, so that
 * the walkers, which run once more over columns and tuples, need no error path. */
#include "pg/pgoutput.h"

/* Walks a tuple's columns without keeping them; leaves r behind the last one. */
static bool tuple_check(struct rd *r, struct pgoutput_tuple *out)
{
    out->present = true;
    out->column_count = rd_u16(r);
    if (r->bad || out->column_count > PGOUTPUT_COLUMNS_MAX) {
        return false;
    }
    const uint8_t *start = r->p;
    for (unsigned i = 0; i < out->column_count; i++) {
        switch (rd_u8(r)) {
        case PGOUTPUT_NULL:
        case PGOUTPUT_UNCHANGED: break;
        case PGOUTPUT_TEXT: rd_bytes(r, rd_u32(r)); break;
        default: return false;
        }
        if (r->bad) {
            return false;
        }
    }
    out->data = (struct rd){start, r->p, false};
    return true;
}

static bool relation_check(struct rd *r, struct pgoutput_msg *out)
{
    out->u.relation.oid = rd_u32(r);
    out->u.relation.schema = rd_cstr(r);
    out->u.relation.name = rd_cstr(r);
    out->u.relation.replica_identity = (char)rd_u8(r);
    out->u.relation.column_count = rd_u16(r);
    if (r->bad || out->u.relation.column_count > PGOUTPUT_COLUMNS_MAX ||
        memchr("dnfi", out->u.relation.replica_identity, 4) == NULL) {
        return false;
    }
    const uint8_t *start = r->p;
    for (unsigned i = 0; i < out->u.relation.column_count; i++) {
        rd_u8(r);
        rd_cstr(r);
        rd_u32(r);
        rd_u32(r);
        if (r->bad) {
            return false;
        }
    }
    out->u.relation.columns = (struct rd){start, r->p, false};
    return true;
}

static bool change_check(struct rd *r, struct pgoutput_msg *out)
{
    struct pgoutput_tuple none = {false, 0, {NULL, NULL, false}};
    out->u.change.oid = rd_u32(r);
    out->u.change.old_kind = 0;
    out->u.change.old = none;
    out->u.change.neu = none;
    uint8_t kind = rd_u8(r);
    if (kind == 'K' || kind == 'O') {
        if (out->type == PGOUTPUT_INSERT || !tuple_check(r, &out->u.change.old)) {
            return false;
        }
        out->u.change.old_kind = (char)kind;
        if (out->type == PGOUTPUT_DELETE) {
            return true;
        }
        kind = rd_u8(r);
    }
    return out->type != PGOUTPUT_DELETE && kind == 'N' && tuple_check(r, &out->u.change.neu);
}

static bool body_check(struct rd *r, struct pgoutput_msg *out)
{
    switch (out->type) {
    case PGOUTPUT_BEGIN:
        out->u.begin.commit_lsn = rd_u64(r);
        out->u.begin.commit_time = (int64_t)rd_u64(r);
        out->u.begin.xid = rd_u32(r);
        return true;
    case PGOUTPUT_COMMIT:
        rd_u8(r); /* flags, none defined */
        out->u.commit.commit_lsn = rd_u64(r);
        out->u.commit.end_lsn = rd_u64(r);
        out->u.commit.commit_time = (int64_t)rd_u64(r);
        return true;
    case PGOUTPUT_MESSAGE:
        out->u.message.transactional = (rd_u8(r) & 1) != 0;
        out->u.message.lsn = rd_u64(r);
        out->u.message.prefix = rd_cstr(r);
        out->u.message.content = rd_bytes(r, rd_u32(r));
        return true;
    case PGOUTPUT_ORIGIN:
        rd_u64(r);
        rd_cstr(r);
        return true;
    case PGOUTPUT_RELATION: return relation_check(r, out);
    case PGOUTPUT_TYPE:
        out->u.type_def.oid = rd_u32(r);
        out->u.type_def.schema = rd_cstr(r);
        out->u.type_def.name = rd_cstr(r);
        return true;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: return change_check(r, out);
    case PGOUTPUT_TRUNCATE:
        out->u.truncate.relation_count = rd_u32(r);
        out->u.truncate.options = rd_u8(r);
        if (r->bad || rd_left(r) != (uint64_t)out->u.truncate.relation_count * 4) {
            return false;
        }
        out->u.truncate.oids = *r;
        r->p = r->end;
        return true;
    default: return false;
    }
}

int pgoutput_parse(struct str msg, struct pgoutput_msg *out, struct err *e)
{
    struct rd r = rd_of(msg);
    uint8_t type = rd_u8(&r);
    if (r.bad) {
        return err_set(e, ERR_PROTOCOL, "empty pgoutput message");
    }
    out->type = (enum pgoutput_type)type;
    if (!body_check(&r, out) || r.bad || rd_left(&r) != 0) {
        return err_set(e, ERR_PROTOCOL, "malformed pgoutput message of type 0x%02x, %zu bytes",
                       type, msg.n);
    }
    return 0;
}

bool pgoutput_column_next(struct rd *columns, struct pgoutput_column *out)
{
    if (rd_left(columns) == 0) {
        return false;
    }
    out->key = (rd_u8(columns) & 1) != 0;
    out->name = rd_cstr(columns);
    out->type_oid = rd_u32(columns);
    out->type_mod = (int32_t)rd_u32(columns);
    return !columns->bad;
}

bool pgoutput_tuple_next(struct rd *data, struct pgoutput_value *out)
{
    if (rd_left(data) == 0) {
        return false;
    }
    out->kind = (enum pgoutput_value_kind)rd_u8(data);
    out->text = STR_NULL;
    if (out->kind == PGOUTPUT_TEXT) {
        out->text = rd_bytes(data, rd_u32(data));
    }
    return !data->bad;
}
