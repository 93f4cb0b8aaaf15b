/* classify.h - what a query text is, from its text alone: its statements, their kind, the names
 * they use, the session state they touch. Nothing here knows a catalogue, a session or a server.
 *
 * libpg_query parses, its JSON is read by jscan; this is the only file that includes pg_query.h.
 * A text over CLASSIFY_TEXT_MAX bytes, or one that the parser refuses, is one statement of kind
 * CLASSIFY_UNKNOWN over the whole text: unknown means primary, and the primary words the error.
 *
 * A classification is immutable and owns its strings; its reference count is not atomic: it
 * belongs to the worker thread whose cache made it. classify_parse itself is thread-safe; its
 * thread needs a stack of CLASSIFY_STACK_MIN bytes (libpg_query recurses). */
#ifndef PARKWAY_ROUTER_CLASSIFY_H
#define PARKWAY_ROUTER_CLASSIFY_H

#include "base/def.h"

enum {
    CLASSIFY_TEXT_MAX = 32768,     /* bytes parsed; longer is not worth the time or the stack */
    CLASSIFY_STACK_MIN = 16 << 20, /* bytes of stack for the deepest text of that size */
    CLASSIFY_NAMES_MAX = 4096,     /* names kept of one text; more is CLASSIFY_UNKNOWN */
};

/* The kinds. "read" and "copy out" and "explain" may run on a replica when the names in them allow it
 * (judge.h); everything else runs on the primary, or moves a transaction that already has a place. */
#define CLASSIFY_KIND_LIST(X)                                                                  \
    X(CLASSIFY_UNKNOWN, "unknown")                                                             \
    X(CLASSIFY_EMPTY, "empty")       /* no statement in the text */                            \
    X(CLASSIFY_READ, "read")         /* SELECT, VALUES, TABLE, WITH of reads */                \
    X(CLASSIFY_WRITE, "write")       /* DML, DDL, SELECT … FOR UPDATE, INTO, CTE with DML */ \
    X(CLASSIFY_COPY_OUT, "copy out") /* COPY … TO STDOUT of a table or a read */             \
    X(CLASSIFY_COPY_IN, "copy in")   /* COPY … FROM STDIN: CopyInResponse follows */         \
    X(CLASSIFY_EXPLAIN, "explain")   /* without ANALYZE, of a read */                          \
    X(CLASSIFY_BEGIN, "begin")       /* modes in .modes */                                     \
    X(CLASSIFY_COMMIT, "commit")     /* .chain */                                              \
    X(CLASSIFY_ROLLBACK, "rollback") /* .chain */                                              \
    X(CLASSIFY_SAVEPOINT, "savepoint")     /* .name */                                         \
    X(CLASSIFY_RELEASE, "release")         /* .name */                                         \
    X(CLASSIFY_ROLLBACK_TO, "rollback to") /* .name */                                         \
    X(CLASSIFY_PREPARE_TX,                                                                     \
      "prepare transaction") /* .name: ends the transaction like COMMIT */                     \
    X(CLASSIFY_COMMIT_PREPARED, "commit prepared") /* also ROLLBACK PREPARED */                \
    X(CLASSIFY_SET, "set") /* one entry in sets, or RESET, or SET x TO DEFAULT */              \
    X(CLASSIFY_RESET_ALL, "reset all")                                                         \
    X(CLASSIFY_SET_TRANSACTION,                                                                \
      "set transaction") /* .modes; SET TRANSACTION SNAPSHOT: snapshot */                      \
    X(CLASSIFY_SET_CHARACTERISTICS, "set session characteristics") /* .modes */                \
    X(CLASSIFY_SET_CONSTRAINTS, "set constraints")                                             \
    X(CLASSIFY_SHOW, "show")              /* .name, lower case; "all" */                       \
    X(CLASSIFY_DISCARD, "discard")        /* .name: "all", "plans", "sequences", "temp" */     \
    X(CLASSIFY_LISTEN, "listen")          /* .name */                                          \
    X(CLASSIFY_UNLISTEN, "unlisten")      /* .name, p NULL: all */                             \
    X(CLASSIFY_NOTIFY, "notify")          /* .name */                                          \
    X(CLASSIFY_DECLARE, "declare cursor") /* .name, .hold, .body_kind */                       \
    X(CLASSIFY_FETCH, "fetch")            /* .name; also MOVE */                               \
    X(CLASSIFY_CLOSE, "close")            /* .name, p NULL: all */                             \
    X(CLASSIFY_PREPARE, "prepare")        /* .name, .body_kind */                              \
    X(CLASSIFY_EXECUTE, "execute")        /* .name */                                          \
    X(CLASSIFY_DEALLOCATE, "deallocate")  /* .name, p NULL: all */                             \
    X(CLASSIFY_LOCK, "lock table")                                                             \
    X(CLASSIFY_LOAD, "load")                                                                   \
    X(CLASSIFY_DO, "do")                                                                       \
    X(CLASSIFY_CALL, "call")

enum classify_kind {
#define X(name, text) name,
    CLASSIFY_KIND_LIST(X)
#undef X
};

/* What executing a statement leaves behind in a session. The router ORs them into the session's
 * pins when the statement was executed and drops those in pins_clear. */
enum {
    PIN_TEMP =
        1 << 0, /* made a temporary relation; its name is in `temps` when the text has it */
    PIN_LISTEN = 1 << 1,   /* the server connection receives notifications */
    PIN_ADVISORY = 1 << 2, /* session-level advisory lock */
    PIN_HOLD = 1 << 3,     /* WITH HOLD cursor */
    PIN_SEQUENCE = 1 << 4, /* nextval, setval: currval and lastval have meaning now */
    PIN_SEED = 1 << 5,     /* setseed: random() belongs to that connection */
    PIN_LOAD = 1 << 6,     /* LOAD */
    PIN_PREPARED = 1 << 7, /* SQL-level PREPARE */
    PIN_SETTER =
        1 << 8,        /* state set in a way the text does not show (DO, CALL, set_config of an
                                expression, a function that sets): every statement to the primary until
                                DISCARD ALL */
    PIN_ROLE = 1 << 9, /* SET ROLE / SESSION AUTHORIZATION: every statement to the primary */
    PIN_SYNTAX =
        1 << 10, /* standard_conforming_strings off, or an encoding that hides quotes in
                                characters: the text cannot be trusted; every statement to the primary */
    PIN_SERIALIZABLE =
        1 << 11, /* default isolation serializable: every statement to the primary */
};
/* Pins that keep the session's server connection its own (no pooling, no reset between uses). */
#define PINS_CONNECTION                                                                        \
    (PIN_TEMP | PIN_LISTEN | PIN_ADVISORY | PIN_HOLD | PIN_SEQUENCE | PIN_SEED | PIN_LOAD |    \
     PIN_PREPARED | PIN_SETTER)
/* Pins under which every statement goes to the primary. */
#define PINS_PRIMARY (PIN_SETTER | PIN_ROLE | PIN_SYNTAX | PIN_SERIALIZABLE)

/* Facts of the text that forbid a read or matter to judge.h; .flags of a statement. */
enum {
    CLASSIFY_LOCKING = 1 << 0,       /* FOR UPDATE/SHARE/… */
    CLASSIFY_INTO = 1 << 1,          /* SELECT INTO */
    CLASSIFY_DML = 1 << 2,           /* a data-modifying statement inside a WITH */
    CLASSIFY_SYSTEM_COLUMN = 1 << 3, /* ctid, xmin, tableoid, … */
    CLASSIFY_STAR = 1 << 4,          /* *, t.*, whole-table COPY, renamed columns, NATURAL */
    CLASSIFY_RANDOM = 1 << 5,        /* random(): not on a replica after setseed */
    CLASSIFY_CATALOG_NAME =
        1 << 6,                    /* CURRENT_CATALOG, CURRENT_SCHEMA: the server's own names */
    CLASSIFY_ANALYZE = 1 << 7,     /* EXPLAIN ANALYZE */
    CLASSIFY_SERVER_FILE = 1 << 8, /* COPY to or from a file or program */
    CLASSIFY_OTHER_NODE = 1 << 9,  /* a construct this program does not know in a read */
    CLASSIFY_SERVER_SETTING =
        1 << 10, /* current_setting of a setting that is not the session's own */
};

/* Modes of BEGIN, START TRANSACTION, SET TRANSACTION, SET SESSION CHARACTERISTICS. */
enum classify_isolation {
    CLASSIFY_ISO_DEFAULT,
    CLASSIFY_ISO_READ_UNCOMMITTED,
    CLASSIFY_ISO_READ_COMMITTED,
    CLASSIFY_ISO_REPEATABLE_READ,
    CLASSIFY_ISO_SERIALIZABLE,
};
struct classify_modes {
    enum classify_isolation isolation;
    int8_t read_only;  /* -1 not said, 0 READ WRITE, 1 READ ONLY */
    int8_t deferrable; /* -1 not said */
    bool snapshot;     /* SET TRANSACTION SNAPSHOT */
};

/* A name as written, identifiers already folded or unquoted; schema.p NULL when not qualified. */
struct classify_name {
    struct str schema;
    struct str name;
    uint16_t argc; /* functions: arguments written */
};

struct classify_set {
    struct str name;  /* lower case */
    struct str value; /* of one constant, or a list joined by ", "; p NULL: DEFAULT or RESET */
    bool local;       /* SET LOCAL, set_config(…, true) */
    bool readable;    /* false: the value is not one constant text (several, an expression) */
    bool config;      /* by set_config, not by SET */
};

/* A range of one of the name lists. */
struct classify_range {
    uint32_t first;
    uint32_t count;
};

struct classify_stmt {
    enum classify_kind kind;
    enum classify_kind body_kind; /* DECLARE, PREPARE: READ or WRITE; else = kind */
    uint32_t flags;
    uint32_t pins; /* set by executing it, as far as the text tells (judge.h adds functions') */
    uint32_t pins_clear; /* dropped by executing it (DISCARD, UNLISTEN *, RESET) */
    uint32_t offset; /* extent in the text, bytes, without the semicolon, leading blanks and */
    uint32_t length; /* comments included */
    struct str name; /* savepoint, cursor, prepared statement, setting shown, channel, gid;
                            WRITE: the statement's word for people ("insert", "create table as") */
    bool chain;      /* AND CHAIN */
    bool hold;       /* WITH HOLD */
    struct classify_modes modes;
    struct classify_range relations; /* read or written, CTE names already taken out */
    struct classify_range functions;
    struct classify_range operators;
    struct classify_range types; /* casts, column definitions */
    struct classify_range
        columns; /* last part of column references, in .name; .schema: the part before */
    struct classify_range aliases; /* of tables, for whole-row references */
    struct classify_range sets;
    struct classify_range temps; /* temporary relations it creates */
};

struct classify_arena;

struct classification {
    uint32_t refs; /* owner thread only */
    uint32_t stmt_count;
    size_t bytes; /* of memory */
    bool
        literal; /* its literals matter (SET, set_config, several statements, unknown): it is not
                       to be shared between texts by shape */
    bool too_long; /* over CLASSIFY_TEXT_MAX */
    const struct classify_stmt *stmts;
    const struct classify_name *relations, *functions, *operators, *types, *columns, *aliases,
        *temps;
    const struct classify_set *sets;
    struct classify_arena *arena;
};

/* classify_parse - the classification of one query text.
 * text     a simple Query's or a Parse's text, without its NUL; borrowed until return.
 * Returns  a new classification with one reference, never NULL. Empty text: one CLASSIFY_EMPTY.
 * Thread   any; pure. */
struct classification *classify_parse(struct str text);
void classify_ref(struct classification *c);
void classify_unref(struct classification *c); /* NULL is fine */

const char *classify_kind_text(enum classify_kind k);
/* classify_maybe_read - kinds that may run on a replica if the names allow it. */
bool classify_maybe_read(enum classify_kind k);
/* classify_setting_pins - the pins that a session setting brings (role, standard_conforming_strings,
 * client_encoding, default_transaction_isolation): for SET, and for startup parameters. value.p NULL:
 * the default. *clear gets the pins which this value takes away. */
uint32_t classify_setting_pins(struct str name, struct str value, uint32_t *clear);

#endif
