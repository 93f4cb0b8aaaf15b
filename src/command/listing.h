/* listing.h - a list of any length as a stream, in bounded memory: it is read in pages, each behind the last row of the one
 * before. One JSON object a line (application/x-ndjson), or the elements of one JSON array.
 *
 * Each page is read for itself, as new as the request asks for. A row that keeps its place is in the list once; one that comes or goes
 * meanwhile may be in it. When a page cannot be read, the connection is closed, so that the client sees a cut body. */
#ifndef PARKWAY_COMMAND_LISTING_H
#define PARKWAY_COMMAND_LISTING_H

#include "command/request.h"

struct listing {
    size_t page_rows; /* a page with less is the last one */
    /* page - the rows behind `after` (p NULL: the first ones), which is key's text of a row. */
    int (*page)(struct db *db, const struct db_freshness *fresh, struct str after,
                struct result **out, struct err *e);
    /* page_of - the same of a list that the path's variable segment chooses: /menus/{restaurantId}. One of the two. */
    int (*page_of)(struct db *db, const struct db_freshness *fresh, struct str of,
                   struct str after, struct result **out, struct err *e);
    struct str (*key)(const struct result *rows, size_t i);
    void (*write)(struct json *j, const struct result *rows, size_t i);
    /* what stands before and behind the elements of an array, brackets included; NULL: lines */
    const char *open, *close;
};

/* listing_serve - the whole answer, errors and headers included. l must outlive the stream: static. */
void listing_serve(struct request *q, const struct listing *l);

#endif
