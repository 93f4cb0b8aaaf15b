/* suspect.h - is a row that looked different really different? A pure decision.
 *
 * Both sides are written while they are compared, so one look at each proves nothing: the replica is always a
 * little behind, and once in a while ahead of what the primary shows (a commit is in the log a moment
 * before other sessions see it). What does prove something is this order of looks, each with the
 * row's content and the version of the stored row (which place in which table, written by which transaction):
 *
 *   first    on the primary; then the replica is waited for until it has applied all that was
 *   replica  on the replica; then every transaction that wrote to the table on the primary is waited for
 *   second   on the primary: the same version as in `first` means that the row was untouched all the
 *            time, so what the replica shows cannot be a state that is just passing
 *   later    on the replica, after it has applied all that was at `second`. A row that is not on the
 *            primary has no version, so it may have come and gone between the two looks there; then
 *            the replica's own row has gone, too, or is another version by now
 *
 * A table without a key is compared by groups of equal rows: the content of a group is the number of its
 * rows, its version the versions of all of them. A row may join a group and leave it again, so groups need
 * the `later` look always. */
#ifndef PARKWAY_CONSUMER_SUSPECT_H
#define PARKWAY_CONSUMER_SUSPECT_H

#include "base/def.h"

struct suspect_view {
    bool present;
    struct str content;
    struct str version;
};

enum suspect_verdict {
    SUSPECT_EQUAL,
    SUSPECT_DIFFERENT, /* proven */
    SUSPECT_AGAIN,     /* it changes: look again from the beginning */
    SUSPECT_LATER,     /* the look `later` is needed */
};

struct suspect_looks {
    struct suspect_view first;
    struct suspect_view replica;
    struct suspect_view second;
    struct suspect_view later;
    bool has_later;
};

enum suspect_verdict suspect_decide(const struct suspect_looks *l, bool group);
/* suspect_same - content alone, for looks between which nothing can have changed. */
bool suspect_same(const struct suspect_view *a, const struct suspect_view *b);

#endif
