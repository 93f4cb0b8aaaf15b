/* astwalk.h - the state of ast.c's walk over a parse tree, shared by its parts: ast.c (tokens and
 * the stack), astnode.c (what a node says when it closes), aststmt.c (what a statement is when it
 * closes), astwalk.c (keys, names, memory). For these four only. Thread: the caller's. */
#ifndef PARKWAY_ROUTER_ASTWALK_H
#define PARKWAY_ROUTER_ASTWALK_H

#include "base/buf.h"
#include "router/ast.h"

enum { NODE_READ = 1, NODE_OTHER = 2 };

/* Keys of the tree that mean something here, ordered by length, then bytes (found by bisection). */
#define KEY_LIST(X)                                                                            \
    X(op, 0)                                                                                   \
    X(arg, 0)                                                                                  \
    X(gid, 0)                                                                                  \
    X(rel, 0)                                                                                  \
    X(List, NODE_READ)                                                                         \
    X(args, 0)                                                                                 \
    X(fval, 0)                                                                                 \
    X(ival, 0)                                                                                 \
    X(kind, 0)                                                                                 \
    X(name, 0)                                                                                 \
    X(stmt, 0)                                                                                 \
    X(sval, 0)                                                                                 \
    X(view, 0)                                                                                 \
    X(Alias, NODE_READ)                                                                        \
    X(Float, NODE_READ)                                                                        \
    X(alias, 0)                                                                                \
    X(bsval, 0)                                                                                \
    X(chain, 0)                                                                                \
    X(names, 0)                                                                                \
    X(query, 0)                                                                                \
    X(stmts, 0)                                                                                \
    X(useOp, 0)                                                                                \
    X(A_Expr, NODE_READ)                                                                       \
    X(A_Star, NODE_READ)                                                                       \
    X(DoStmt, NODE_OTHER)                                                                      \
    X(SortBy, NODE_READ)                                                                       \
    X(String, NODE_READ)                                                                       \
    X(fields, 0)                                                                               \
    X(method, 0)                                                                               \
    X(target, 0)                                                                               \
    X(A_Const, NODE_READ)                                                                      \
    X(Boolean, NODE_READ)                                                                      \
    X(DefElem, NODE_READ)                                                                      \
    X(Integer, NODE_READ)                                                                      \
    X(RowExpr, NODE_READ)                                                                      \
    X(SubLink, NODE_READ)                                                                      \
    X(XmlExpr, NODE_READ)                                                                      \
    X(attlist, 0)                                                                              \
    X(boolval, 0)                                                                              \
    X(ctename, 0)                                                                              \
    X(defname, 0)                                                                              \
    X(is_from, 0)                                                                              \
    X(options, 0)                                                                              \
    X(relname, 0)                                                                              \
    X(BoolExpr, NODE_READ)                                                                     \
    X(CallStmt, NODE_OTHER)                                                                    \
    X(CaseExpr, NODE_READ)                                                                     \
    X(CaseWhen, NODE_READ)                                                                     \
    X(CopyStmt, NODE_READ)                                                                     \
    X(FuncCall, NODE_READ)                                                                     \
    X(JoinExpr, NODE_READ)                                                                     \
    X(LoadStmt, NODE_OTHER)                                                                    \
    X(LockStmt, NODE_OTHER)                                                                    \
    X(NullTest, NODE_READ)                                                                     \
    X(ParamRef, NODE_READ)                                                                     \
    X(RangeVar, NODE_READ)                                                                     \
    X(TypeCast, NODE_READ)                                                                     \
    X(TypeName, NODE_READ)                                                                     \
    X(colnames, 0)                                                                             \
    X(filename, 0)                                                                             \
    X(funccall, 0)                                                                             \
    X(funcname, 0)                                                                             \
    X(is_local, 0)                                                                             \
    X(location, 0)                                                                             \
    X(operName, 0)                                                                             \
    X(relation, 0)                                                                             \
    X(sequence, 0)                                                                             \
    X(stmt_len, 0)                                                                             \
    X(typeName, 0)                                                                             \
    X(A_Indices, NODE_READ)                                                                    \
    X(BitString, NODE_READ)                                                                    \
    X(ColumnDef, NODE_READ)                                                                    \
    X(ColumnRef, NODE_READ)                                                                    \
    X(FetchStmt, NODE_OTHER)                                                                   \
    X(MergeStmt, NODE_OTHER)                                                                   \
    X(ResTarget, NODE_READ)                                                                    \
    X(WindowDef, NODE_READ)                                                                    \
    X(aliasname, 0)                                                                            \
    X(recursive, 0)                                                                            \
    X(DeleteStmt, NODE_OTHER)                                                                  \
    X(InsertStmt, NODE_OTHER)                                                                  \
    X(ListenStmt, NODE_OTHER)                                                                  \
    X(MinMaxExpr, NODE_READ)                                                                   \
    X(NotifyStmt, NODE_OTHER)                                                                  \
    X(SelectStmt, NODE_READ)                                                                   \
    X(UpdateStmt, NODE_OTHER)                                                                  \
    X(WithClause, NODE_READ)                                                                   \
    X(intoClause, 0)                                                                           \
    X(is_program, 0)                                                                           \
    X(portalname, 0)                                                                           \
    X(schemaname, 0)                                                                           \
    X(withClause, 0)                                                                           \
    X(A_ArrayExpr, NODE_READ)                                                                  \
    X(BooleanTest, NODE_READ)                                                                  \
    X(DiscardStmt, NODE_OTHER)                                                                 \
    X(ExecuteStmt, NODE_OTHER)                                                                 \
    X(ExplainStmt, NODE_READ)                                                                  \
    X(GroupingSet, NODE_READ)                                                                  \
    X(PrepareStmt, NODE_READ)                                                                  \
    X(indirection, 0)                                                                          \
    X(usingClause, 0)                                                                          \
    X(CoalesceExpr, NODE_READ)                                                                 \
    X(GroupingFunc, NODE_READ)                                                                 \
    X(NamedArgExpr, NODE_READ)                                                                 \
    X(UnlistenStmt, NODE_OTHER)                                                                \
    X(XmlSerialize, NODE_READ)                                                                 \
    X(A_Indirection, NODE_READ)                                                                \
    X(CollateClause, NODE_READ)                                                                \
    X(LockingClause, NODE_READ)                                                                \
    X(RangeFunction, NODE_READ)                                                                \
    X(conditionname, 0)                                                                        \
    X(lockingClause, 0)                                                                        \
    X(stmt_location, 0)                                                                        \
    X(CTECycleClause, NODE_READ)                                                               \
    X(DeallocateStmt, NODE_OTHER)                                                              \
    X(RangeSubselect, NODE_READ)                                                               \
    X(RangeTableFunc, NODE_READ)                                                               \
    X(relpersistence, 0)                                                                       \
    X(savepoint_name, 0)                                                                       \
    X(CTESearchClause, NODE_READ)                                                              \
    X(ClosePortalStmt, NODE_OTHER)                                                             \
    X(CommonTableExpr, NODE_READ)                                                              \
    X(TransactionStmt, NODE_OTHER)                                                             \
    X(VariableSetStmt, NODE_OTHER)                                                             \
    X(RangeTableSample, NODE_READ)                                                             \
    X(SQLValueFunction, NODE_READ)                                                             \
    X(VariableShowStmt, NODE_OTHER)                                                            \
    X(DeclareCursorStmt, NODE_READ)                                                            \
    X(RangeTableFuncCol, NODE_READ)                                                            \
    X(ConstraintsSetStmt, NODE_OTHER)

enum key {
    K_NONE, /* any other */
#define X(name, flags) K_##name,
    KEY_LIST(X)
#undef X
        K_ELEMENT, /* an element of an array */
};

struct constant {
    enum { CONST_NONE, CONST_TEXT, CONST_INT, CONST_FLOAT, CONST_BOOL, CONST_OTHER } type;
    struct str text; /* raw */
};

struct frame {
    uint8_t key;
    bool array;
    bool mark; /* by kind: a star in fields, a RECURSIVE, a temp relation, alias columns */
    bool with; /* this statement has a WITH: its entries are ctes[cte0…] */
    bool recursive;
    uint8_t call;    /* FuncCall: enum call */
    uint8_t strings; /* String nodes seen in an array, at most 3 counted */
    uint32_t count;  /* elements of an array; FuncCall: arguments */
    uint32_t relation0;
    uint32_t cte0;
    uint32_t const0;
    uint32_t location;  /* A_Const: in the query text */
    struct str a, b, c; /* array: the last three strings; else by kind */
};

enum call { CALL_OTHER, CALL_SET_CONFIG, CALL_CURRENT_SETTING };

struct cte {
    struct str name;
    uint32_t from, to; /* relations in its own query */
};

struct names {
    struct classify_name *v;
    uint32_t n, cap;
};

struct walk {
    struct classification *out;
    struct str text; /* the query */
    struct frame *frames;
    uint32_t depth, frame_cap;
    struct names relations, functions, operators, types, columns, aliases, temps;
    bool *relation_cte; /* beside relations.v */
    uint32_t relation_cte_cap;
    struct cte *ctes;
    uint32_t cte_n, cte_cap;
    struct classify_set *sets;
    uint32_t set_n, set_cap;
    struct classify_stmt *stmts;
    uint32_t stmt_n, stmt_cap;
    struct classify_stmt *stmt; /* the one open */
    enum key top;               /* its node */
    enum key body;              /* the node of its query field */
    enum key pending;           /* key seen, its value comes next */
    struct constant last;
    uint32_t const_count;
    struct constant config[3]; /* arguments of the set_config being read */
    struct str set_kind, transaction_kind, target;
    struct str node; /* the name of the node of `top` */
    bool copy_from, copy_file, copy_columns, copy_relation, set_local;
    bool default_value; /* of SET: no constant yet */
    bool set_other;     /* SET with something else than constants */
    struct buf value;   /* of SET */
    struct buf scratch;
    bool failed;
    bool other_node;
};

/* astwalk.c */
enum key astwalk_key(struct str s);
bool astwalk_is_read_node(enum key k); /* may be part of a plain read */
/* astwalk_keep - the meaning of a raw JSON text, in the classification's memory. */
struct str astwalk_keep(struct walk *w, struct str raw);
struct str astwalk_lower(struct walk *w, struct str raw);
void astwalk_add(struct walk *w, struct names *l, struct str schema, struct str name,
                 uint32_t argc);
struct classify_set *astwalk_add_set(struct walk *w);
/* astwalk_above - the frame so many levels above the open one, or NULL. */
struct frame *astwalk_above(struct walk *w, uint32_t levels);
bool astwalk_is(struct str s, const char *lit);
bool astwalk_one_of(struct str s, const char *const *list); /* ends with NULL */

/* astnode.c: an object, or an array inside the node `up`, has closed. */
void astnode_close(struct walk *w, struct frame *f);
void astnode_close_list(struct walk *w, const struct frame *f, struct frame *up);
void astnode_close_scope(struct walk *w,
                         const struct frame *f); /* of a statement with a WITH */
void astnode_set_pins(struct classify_stmt *s, const struct classify_set *e);

/* aststmt.c */
void aststmt_open(struct walk *w);
void aststmt_close(struct walk *w);

#endif
