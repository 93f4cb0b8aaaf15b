/* ast.h - reads the JSON of one libpg_query parse tree into a classification. Between classify.c
 * (which calls the parser) and jscan.c (which reads tokens); nobody else uses it. Pure. */
#ifndef PARKWAY_ROUTER_AST_H
#define PARKWAY_ROUTER_AST_H

#include "router/classify.h"

/* classify_arena - the memory of a classification: chunks that never move. */
struct classify_arena *ast_arena_new(void);
void ast_arena_free(struct classify_arena *a);
void *ast_arena_take(struct classify_arena *a, size_t size, size_t align);
size_t ast_arena_bytes(const struct classify_arena *a);

/* ast_read - json into out, whose arena is there and empty. text: the query, for extents and for
 * what the tree leaves out. False: not a parse tree, or more names than CLASSIFY_NAMES_MAX; out is
 * unchanged but for memory taken. */
bool ast_read(struct str json, struct str text, struct classification *out);

#endif
