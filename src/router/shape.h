/* shape.h - the shape of a query text: its tokens with every literal folded to one mark,
 * comments and blanks dropped. Texts that differ only in their constants share a shape, and so
 * a classification.
 *
 * Own lexer after PostgreSQL 15 section 4.1 (standard_conforming_strings on). It may fail (an
 * unterminated literal or comment): then there is no shape, and the text is parsed each time.
 * Two texts of one shape always have the same statements of the same kinds over the same names;
 * the converse need not hold. Pure, one pass, no recursion; owns nothing. */
#ifndef PARKWAY_ROUTER_SHAPE_H
#define PARKWAY_ROUTER_SHAPE_H

#include "base/buf.h"

struct shape {
    uint64_t hash;
    struct str position; /* of the last comment parkway.position=…, in the text; or p NULL */
    bool statements;     /* a semicolon stands before something else: more than one statement */
    bool ok;
};

/* shape_scan - text's shape into out (whose earlier contents are dropped). Without a shape
 * (ok false) the position is that of any mention in the text. */
void shape_scan(struct str text, struct buf *out, struct shape *s);
/* shape_position - the last parkway.position=… anywhere in a text, or p NULL. */
struct str shape_position(struct str text);
/* shape_hash - the hash used for texts and shapes. */
uint64_t shape_hash(struct str s);

#endif
