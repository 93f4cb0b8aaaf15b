/* digest.h - the statements by which two tables are compared. Pure: texts only.
 *
 * A comparison has two parts, the source's rows and the target's (a table, or a query). A row's digest is a
 * 64-bit hash of the row's text as the types' own output functions write it, made on the server, so
 * that what travels is small however wide the row is, and NULL differs from ''. Both sessions must have
 * digest_session, so that equal values have equal texts. A range's digest is the number of its rows
 * and the sum of their hashes.
 *
 * With a key, ranges follow the key's order, and rows are named by the texts of their key. Without one, rows are
 * told apart by their hash alone: equal rows make a group, groups fall into buckets by the lowest bits of the
 * hash. */
#ifndef PARKWAY_CONSUMER_DIGEST_H
#define PARKWAY_CONSUMER_DIGEST_H

#include "base/buf.h"

extern const char digest_session[];

struct digest_part {
    char *from;     /* what stands behind FROM, without alias */
    char *filter;   /* an expression, or "" */
    char **columns; /* expressions over t, one a column of the comparison */
    char **keys;    /* quoted columns of the key, in the order of the ranges */
    char **types;   /* their types, for a cast from text */
    bool versioned; /* rows have system columns */
};

struct digest {
    size_t column_count;
    char **names;     /* of the columns, for people */
    size_t key_count; /* 0: no key */
    struct digest_part source;
    struct digest_part target;
};

void digest_fini(struct digest *d);

/* What a range is bounded by; its values are the statement's parameters, the lower bound's first, each
 * as many as the key has columns. The lower bound is outside, the upper one inside. */
struct digest_range {
    bool above;
    bool upto;
};

/* digest_edge - the key of the row number `rows` behind the lower bound; no row when there are fewer. */
void digest_edge(struct buf *out, const struct digest *d, const struct digest_part *p,
                 bool above, size_t rows);
/* digest_sum - count, sum. */
void digest_sum(struct buf *out, const struct digest *d, const struct digest_part *p,
                struct digest_range r);
/* digest_list - key…, hash of each row of the range in the key's order, at most max. */
void digest_list(struct buf *out, const struct digest *d, const struct digest_part *p,
                 struct digest_range r, size_t max);
/* digest_buckets - bucket, count, sum of every bucket; mask: of the bits that make the bucket. */
void digest_buckets(struct buf *out, const struct digest *d, const struct digest_part *p,
                    uint32_t mask);
/* digest_groups - hash, rows of each group in the buckets of the array $1. */
void digest_groups(struct buf *out, const struct digest *d, const struct digest_part *p,
                   uint32_t mask);

/* digest_rows - the rows (or groups) named by one array of texts a key column: number of the name, content,
 * version, whether the key has the very text of the name (1.0 and 1.00 are one key), and, when values is set, the columns' texts, long ones shortened so that different texts stay
 * different. Of a group: one column, the row. */
void digest_rows(struct buf *out, const struct digest *d, const struct digest_part *p,
                 bool values);
/* digest_key_columns - parameters that name a row: the key's columns, or 1. */
size_t digest_key_columns(const struct digest *d);

/* digest_array - texts as an array's text. */
void digest_array(struct buf *out, const struct str *texts, size_t count);

#endif
