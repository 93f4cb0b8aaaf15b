/* decide.c - see decide.h. From the narrow to the wide: the transaction that is open, what the
 * session is bound by, what the statement may use, then which replica. */
#include "router/decide.h"

#include <stdio.h>

const char *decide_target_text(enum decide_target t)
{
    switch (t) {
    case DECIDE_PRIMARY: return "primary";
    case DECIDE_REPLICA: return "replica";
    case DECIDE_ROUTER: return "router";
    case DECIDE_MOVE: return "move";
    case DECIDE_REFUSE: return "refuse";
    case DECIDE_ASK: return "ask";
    case DECIDE_WAIT: return "wait";
    case DECIDE_ERROR:
    default: return "error";
    }
}

static void set(struct decide_output *out, enum decide_target t, enum reason why)
{
    out->target = t;
    out->why = why;
}

static void to_primary(const struct decide_input *in, struct decide_output *out,
                       enum reason why)
{
    set(out, in->primary_up ? DECIDE_PRIMARY : DECIDE_ERROR,
        in->primary_up ? why : REASON_PRIMARY_DOWN);
}

static void to_primary_verdict(const struct decide_input *in, struct decide_output *out)
{
    memcpy(out->detail, in->verdict->detail, sizeof(out->detail));
    to_primary(in, out, in->verdict->why);
}

/* The unit's only statement, or NULL. */
static const struct classify_stmt *only(const struct decide_input *in)
{
    return in->text != NULL && in->text->stmt_count == 1 ? &in->text->stmts[0] : NULL;
}

static enum classify_kind kind_of(const struct decide_input *in)
{
    const struct classify_stmt *s = only(in);

    return s != NULL ? s->kind : CLASSIFY_UNKNOWN;
}

static bool ends(enum classify_kind k)
{
    return k == CLASSIFY_COMMIT || k == CLASSIFY_ROLLBACK;
}

/* Kinds that belong to the open transaction, wherever it is. */
static bool follows(enum classify_kind k)
{
    return k == CLASSIFY_SAVEPOINT || k == CLASSIFY_RELEASE || k == CLASSIFY_ROLLBACK_TO ||
           k == CLASSIFY_FETCH || k == CLASSIFY_CLOSE;
}

static bool declares(const struct decide_input *in)
{
    for (uint32_t i = 0; in->text != NULL && i < in->text->stmt_count; i++) {
        if (in->text->stmts[i].kind == CLASSIFY_DECLARE) {
            return true;
        }
    }
    return false;
}

/* SHOW and SET of parkway.* are the router's own. */
static bool own_setting(const struct decide_input *in)
{
    const struct classify_stmt *s = only(in);
    struct str name;

    if (s == NULL) {
        return false;
    }
    if (s->kind == CLASSIFY_SHOW) {
        name = s->name;
    } else if (s->kind == CLASSIFY_SET && s->sets.count == 1) {
        name = in->text->sets[s->sets.first].name;
    } else {
        return false;
    }
    return name.n > 8 && memcmp(name.p, "parkway.", 8) == 0;
}

static bool may_run(const struct decide_input *in, const struct decide_replica *r)
{
    return (in->verdict->sides >> r->side & 1) != 0 && !r->refused &&
           !(in->user_parameters && r->side != 0);
}

/* The transaction is on a replica: stay, or move, or give up. */
static void in_replica_tx(const struct decide_input *in, struct decide_output *out)
{
    const struct decide_replica *r = &in->replicas[in->tx_replica];
    enum classify_kind k = kind_of(in);
    char text[REASON_TEXT_MAX];

    out->replica = in->tx_replica;
    if (k == CLASSIFY_BEGIN && !in->tx_failed) {
        set(out, DECIDE_ROUTER, REASON_ROUTER);
        return;
    }
    if (ends(k) || follows(k) || may_run(in, r)) {
        set(out, DECIDE_REPLICA, REASON_TX_REPLICA);
        return;
    }
    if (in->tx_failed) {
        /* behind "ROLLBACK;" anything may follow in the same text, which is not for the replica */
        bool move = in->end_first && in->primary_up;
        set(out, move ? DECIDE_MOVE : DECIDE_ERROR, move ? REASON_TX_MOVED : REASON_TX_FAILED);
        return;
    }
    reason_text(r->refused                        ? REASON_REFUSED
                : in->verdict->why != REASON_READ ? in->verdict->why
                : in->user_parameters             ? REASON_PARAMETER_TYPE
                                                  : REASON_NO_REPLICA,
                in->verdict->detail, text);
    snprintf(out->detail, sizeof(out->detail), "%.*s", (int)sizeof(out->detail) - 1, text);
    if (in->tx_holds || !in->tx_read_committed) {
        set(out, DECIDE_REFUSE, REASON_TX_CANNOT_MOVE);
    } else if (!in->primary_up) {
        set(out, DECIDE_ERROR, REASON_PRIMARY_DOWN);
    } else {
        set(out, DECIDE_MOVE, REASON_TX_MOVED);
    }
}

/* Reasons of the session and its transaction to use the primary; REASON_READ: none. */
static enum reason bound(const struct decide_input *in)
{
    if (in->tx == DECIDE_TX_DEFERRED) {
        if (in->tx_modes.isolation == CLASSIFY_ISO_SERIALIZABLE) {
            return REASON_TX_SERIALIZABLE;
        }
        if (in->tx_modes.read_only != 1) {
            return REASON_TX_READ_WRITE;
        }
        if (in->retry_primary) {
            return REASON_TX_RETRY;
        }
    }
    if ((in->pins & PIN_SETTER) != 0) {
        return REASON_PIN_SETTER;
    }
    if ((in->pins & PIN_ROLE) != 0) {
        return REASON_PIN_ROLE;
    }
    if ((in->pins & PIN_SYNTAX) != 0) {
        return REASON_PIN_SYNTAX;
    }
    if ((in->pins & PIN_SERIALIZABLE) != 0) {
        return REASON_PIN_SERIALIZABLE;
    }
    if ((in->pins & PIN_SEED) != 0 && in->verdict->uses_random) {
        return REASON_PIN_SEED;
    }
    if (in->shaped) {
        return REASON_SHAPED;
    }
    return in->session_primary ? REASON_USER : REASON_READ;
}

/* Which of the usable replicas: the session's own, else the least loaded for its weight. */
static bool pick(const struct decide_input *in, bool fresh, bool any_side, uint32_t *out)
{
    const struct decide_replica *best = NULL;

    for (uint32_t i = 0; i < in->replica_count; i++) {
        const struct decide_replica *r = &in->replicas[i];

        if (!r->up || !r->login || r->weight == 0 || !(any_side || may_run(in, r)) ||
            (fresh && !r->fresh)) {
            continue;
        }
        if (r->current) {
            *out = i;
            return true;
        }
        if (best == NULL ||
            (uint64_t)r->outstanding * best->weight < (uint64_t)best->outstanding * r->weight) {
            best = r;
            *out = i;
        }
    }
    return best != NULL;
}

/* No replica can take it, fresh or not: the first thing that is missing. */
static enum reason nobody(const struct decide_input *in)
{
    bool side = false;
    bool allowed = false;
    bool up = false;

    for (uint32_t i = 0; i < in->replica_count; i++) {
        const struct decide_replica *r = &in->replicas[i];

        if ((in->verdict->sides >> r->side & 1) == 0 || r->weight == 0) {
            continue;
        }
        side = true;
        if (in->user_parameters && r->side != 0) {
            continue;
        }
        allowed = true;
        if (r->up) {
            up = true;
            if (r->login) {
                return REASON_REFUSED;
            }
        }
    }
    if (!side) {
        return in->replica_count > 0 && in->verdict->why != REASON_READ ? in->verdict->why
                                                                        : REASON_NO_REPLICA;
    }
    return !allowed ? REASON_PARAMETER_TYPE : !up ? REASON_NO_REPLICA : REASON_NO_LOGIN;
}

static void read_somewhere(const struct decide_input *in, struct decide_output *out,
                           bool any_side)
{
    bool here = in->verdict->replica_only && !any_side; /* the primary does not have it */
    uint32_t i;
    enum reason why;

    if (!pick(in, false, any_side, &i)) {
        why = nobody(in);
        memcpy(out->detail, in->verdict->detail, sizeof(out->detail));
        if (here || (why == REASON_NO_REPLICA && in->no_replica_error)) {
            set(out, DECIDE_ERROR, why);
        } else {
            to_primary(in, out, why);
        }
        return;
    }
    out->replica = i;
    if (in->level == DECIDE_EVENTUAL) {
        set(out, DECIDE_REPLICA, REASON_EVENTUAL);
        return;
    }
    if (in->other_epoch && here) {
        set(out, DECIDE_ERROR, REASON_EPOCH);
        return;
    }
    if (in->other_epoch) {
        to_primary(in, out, REASON_EPOCH);
        return;
    }
    if (in->dirty && !in->position_known) {
        set(out, in->primary_up ? DECIDE_ASK : DECIDE_ERROR,
            in->primary_up ? REASON_ASKING : REASON_PRIMARY_DOWN);
        return;
    }
    if (pick(in, true, any_side, &i)) {
        out->replica = i;
        set(out, DECIDE_REPLICA, REASON_FRESH);
    } else if (!in->wait_over) {
        set(out, DECIDE_WAIT, REASON_WAITING);
    } else if (in->primary_up && !here) {
        set(out, DECIDE_PRIMARY, REASON_STALE);
    } else {
        set(out, DECIDE_ERROR, REASON_STALE);
    }
}

void decide(const struct decide_input *in, struct decide_output *out)
{
    enum classify_kind k = kind_of(in);
    enum reason why;

    memset(out, 0, sizeof(*out));
    if (own_setting(in)) {
        set(out, DECIDE_ROUTER, REASON_ROUTER);
        return;
    }
    if (in->tx == DECIDE_TX_PRIMARY) {
        to_primary(in, out, REASON_TX_PRIMARY);
        return;
    }
    if (in->tx == DECIDE_TX_REPLICA) {
        in_replica_tx(in, out);
        return;
    }
    if (k == CLASSIFY_BEGIN || (in->tx == DECIDE_TX_DEFERRED && ends(k))) {
        set(out, DECIDE_ROUTER, REASON_DEFERRED);
        return;
    }
    why = bound(in);
    if (why != REASON_READ && in->verdict->sides != 0) {
        to_primary(in, out, why);
        return;
    }
    if (in->tx == DECIDE_TX_DEFERRED && why == REASON_READ && follows(k)) {
        read_somewhere(in, out, true);
        return;
    }
    if (in->verdict->sides == 0) {
        to_primary_verdict(in, out);
        return;
    }
    if (in->tx == DECIDE_TX_NONE && declares(in)) {
        snprintf(out->detail, sizeof(out->detail), "%s", classify_kind_text(CLASSIFY_DECLARE));
        to_primary(in, out, REASON_KIND);
        return;
    }
    read_somewhere(in, out, false);
}
