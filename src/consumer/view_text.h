/* view_text.h - the replica's objects of one generation of a view, as SQL. Pure.
 *
 * A generation is one making of a view, numbered by its row of parkway.views. Its objects:
 *
 *   parkway.view_N               the table being filled; becomes the view's table by a rename
 *   parkway.view_N_log           keys touched while it is being filled
 *   pg_temp.parkway_view_N       keys touched in the open transaction (k1, k2, …), and the bell: a row
 *                                whose "everything" is not NULL, for which a deferred trigger runs
 *   parkway.view_N_changed_S()   trigger of source S: keys of inserted or deleted rows
 *   parkway.view_N_updated_S()   keys of rows before and after an update
 *   parkway.view_N_emptied()     TRUNCATE of a source: everything may have changed
 *   parkway.view_N_settle()      at the transaction's end: refresh, or the log while it is being filled
 *   parkway.view_N_refresh()     recomputes the rows of the transaction's keys in the view's table
 *   parkway.view_N_remake()      recomputes all of them
 *   parkway.view_N_load()        fills parkway.view_N, which is empty
 *   parkway.view_N_catch_up()    recomputes the rows of the log's keys in parkway.view_N
 *
 * Recomputing writes only rows that differ, and deletes those that the SELECT does not give any more. */
#ifndef PARKWAY_CONSUMER_VIEW_TEXT_H
#define PARKWAY_CONSUMER_VIEW_TEXT_H

#include "base/buf.h"
#include "consumer/view.h"

/* How the SELECT is restricted to keys so that the server reads only what it needs for them. */
enum view_reach {
    VIEW_REACH_SET, /* many keys at once: key = ANY(array) */
    VIEW_REACH_ROW, /* key by key: key = value, which also reaches into joined groups */
};

/* What the replica's catalogue said about the SELECT. */
struct view_shape {
    char **columns; /* quoted */
    size_t column_count;
    char *key_types[VIEW_KEYS_MAX];
    enum view_reach reach;
};

/* view_text_functions - every function of the generation, each ending in ";". */
void view_text_functions(const struct view *v, const struct view_shape *s, int id,
                         struct buf *out);
/* view_text_tables - parkway.view_N, empty and without its key, and the log. */
void view_text_tables(const struct view *v, const struct view_shape *s, int id,
                      struct buf *out);
/* view_text_key - the key and the indexes of parkway.view_N. */
void view_text_key(const struct view *v, int id, struct buf *out);
/* view_text_restricted - the SELECT for the keys given as parameters $1, $2, …. */
void view_text_restricted(const struct view *v, enum view_reach reach, struct buf *out);
/* view_text_mapped - the keys of the rows in "touched". */
void view_text_mapped(const struct view *v, const struct view_source *s, struct buf *out);

#endif
