/* position.h - a place in the primary's history: (epoch, LSN, ordinal, part).
 *
 * epoch    system identifier and timeline; text "<16 lower-case hex digits>.<timeline>".
 * lsn      of a finished place (ordinal 0): the END LSN of a commit, a progress point or a
 *          snapshot's consistent point. Inside a transaction (ordinal > 0): the transaction's
 *          commit LSN (Begin's final_lsn), which is below its end LSN and not below the end of
 *          the transaction before, so that (lsn, ordinal, part) orders the whole log.
 * ordinal  changes of that transaction which are included (rows, truncates, messages; from 1).
 * part     parts of change ordinal+1 that are included, when that row travels in parts; else 0.
 *          Begin itself is not a place: a position inside a transaction with nothing yet included
 *          does not exist.
 *
 * Tokens and cursors are always finished places. Source: PostgreSQL 15, sections 55.5 and 55.9
 * (Begin, Commit messages). Pure functions; no state. */
#ifndef PARKWAY_EVENT_POSITION_H
#define PARKWAY_EVENT_POSITION_H

#include "base/def.h"

struct epoch {
    uint64_t system;
    uint32_t timeline; /* 0: no epoch known */
};

struct position {
    struct epoch epoch;
    uint64_t lsn;
    uint64_t ordinal;
    uint32_t part;
};

enum { POSITION_TEXT_MAX = 80 };

static inline bool epoch_eq(struct epoch a, struct epoch b)
{
    return a.system == b.system && a.timeline == b.timeline;
}
/* epoch_cmp - -1, 0, 1 by timeline within one system; 2 when not comparable. */
int epoch_cmp(struct epoch a, struct epoch b);
/* position_cmp - -1, 0, 1 by (lsn, ordinal, part). Both must be of one epoch: the caller looked. */
int position_cmp(struct position a, struct position b);

/* Texts, NUL-terminated, into buffers of POSITION_TEXT_MAX. */
void lsn_text(uint64_t lsn, char *out);     /* "0/15D6A28" */
void epoch_text(struct epoch e, char *out); /* "6f…e1.1" */
void position_text(struct position p,
                   char *out); /* "<epoch>:<LSN>", "/<ordinal>[/<part>]" when inside */
bool lsn_parse(struct str s, uint64_t *out);
bool epoch_parse(struct str s, struct epoch *out);
/* position_parse - a token: "<epoch>:<LSN>", or a bare LSN (epoch left {0,0}: the current one); an
 * ordinal after the LSN is accepted as position_text writes it. False: malformed, out untouched. */
bool position_parse(struct str s, struct position *out);

#endif
