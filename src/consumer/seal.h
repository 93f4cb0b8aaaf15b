/* seal.h - messages of the log on which a replica acts are sealed: "<seal> <xid> <content>".
 *
 * Anybody may write messages into the log. The seal covers prefix, transaction and content with keys that only the
 * primary's own functions and the replica know (sql/primary/06_shape.sql, parkway.send), so nobody else can make one
 * up, or repeat one in another transaction. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_SEAL_H
#define PARKWAY_CONSUMER_SEAL_H

#include "base/err.h"

struct batch_change;
struct conn;

/* seal_open - *good: text is sealed for this prefix and the transaction of ch; content then points into it. */
NODISCARD int seal_open(struct conn *db, const char *prefix, const struct batch_change *ch,
                        struct str text, bool *good, struct str *content, struct err *e);

#endif
