/* pgoutput.h - parser of the logical replication messages (protocol version 1).
 *
 * Pure: one whole message in, a view of it out; views borrow the message. Nothing here knows the
 * meaning of a type: column values are texts as the server wrote them.
 * Source: PostgreSQL 15 documentation, 55.9 "Logical Replication Message Formats". */
#ifndef PARKWAY_PG_PGOUTPUT_H
#define PARKWAY_PG_PGOUTPUT_H

#include "base/buf.h"
#include "base/err.h"

enum pgoutput_type {
    PGOUTPUT_BEGIN = 'B',
    PGOUTPUT_MESSAGE = 'M',
    PGOUTPUT_COMMIT = 'C',
    PGOUTPUT_ORIGIN = 'O',
    PGOUTPUT_RELATION = 'R',
    PGOUTPUT_TYPE = 'Y',
    PGOUTPUT_INSERT = 'I',
    PGOUTPUT_UPDATE = 'U',
    PGOUTPUT_DELETE = 'D',
    PGOUTPUT_TRUNCATE = 'T',
};

/* 2000-01-01, from which the server counts, in microseconds since 1970. */
#define PGOUTPUT_EPOCH_US INT64_C(946684800000000)

struct pgoutput_column {
    bool key; /* part of the replica identity */
    struct str name;
    uint32_t type_oid;
    int32_t type_mod;
};

enum pgoutput_value_kind { PGOUTPUT_NULL = 'n', PGOUTPUT_UNCHANGED = 'u', PGOUTPUT_TEXT = 't' };

struct pgoutput_value {
    enum pgoutput_value_kind kind;
    struct str text; /* of PGOUTPUT_TEXT */
};

enum { PGOUTPUT_COLUMNS_MAX = 1664 }; /* PostgreSQL's MaxTupleAttributeNumber */

/* A tuple stays packed; pgoutput_tuple_next walks it. */
struct pgoutput_tuple {
    bool present;
    uint16_t column_count;
    struct rd data;
};

struct pgoutput_msg {
    enum pgoutput_type type;
    union {
        struct {
            uint64_t commit_lsn; /* final_lsn */
            int64_t commit_time; /* us since 2000-01-01 UTC */
            uint32_t xid;
        } begin;
        struct {
            uint64_t commit_lsn;
            uint64_t end_lsn;
            int64_t commit_time;
        } commit;
        struct {
            bool transactional;
            uint64_t lsn;
            struct str prefix;
            struct str content;
        } message;
        struct {
            uint32_t oid;
            struct str schema; /* "" is pg_catalog */
            struct str name;
            char replica_identity; /* 'd','n','f','i' */
            uint16_t column_count;
            struct rd columns; /* pgoutput_column_next */
        } relation;
        struct {
            uint32_t oid;
            struct str schema, name;
        } type_def;
        struct {
            uint32_t oid;
            char old_kind; /* 0, 'K' (key columns only) or 'O' (whole row) */
            struct pgoutput_tuple old;
            struct pgoutput_tuple neu; /* not present for a delete */
        } change;                      /* insert, update, delete */
        struct {
            uint32_t relation_count;
            uint8_t options; /* 1 CASCADE, 2 RESTART IDENTITY */
            struct rd oids;  /* rd_u32 each */
        } truncate;
    } u;
};

/* pgoutput_parse - ERR_PROTOCOL for an unknown type byte, a short or overlong message, a tuple that
 * lies. Every length is checked here, including inside tuples and relations. */
NODISCARD int pgoutput_parse(struct str msg, struct pgoutput_msg *out, struct err *e);
/* The walkers cannot fail on a parsed message; false at the end. */
bool pgoutput_column_next(struct rd *columns, struct pgoutput_column *out);
bool pgoutput_tuple_next(struct rd *data, struct pgoutput_value *out);

#endif
