/* routes.h - the table of paths and methods, and the choice among them. */
#ifndef PARKWAY_COMMAND_ROUTES_H
#define PARKWAY_COMMAND_ROUTES_H

#include "command/request.h"

typedef void routes_handler(struct request *q);

/* The method of a route that is a GET and changes something, for walk-throughs with a browser: not for HEAD, and there only
 * where http.allow_get_commands says so. */
#define ROUTES_GET_COMMAND "GET command"

struct route {
    const char *method;
    const char *path; /* segments; "*" matches one of any text and becomes request.name */
    routes_handler *handler;
};

/* routes_match - does path have this pattern? The text of "*" into name (may be NULL). Pure. */
bool routes_match(const char *pattern, struct str path, struct str *name);
/* routes_serve - call the handler of method and path; 404 for an unknown path, 405 with Allow for
 * a method that the path does not have. HEAD is served as GET. get_commands: ROUTES_GET_COMMAND exist. */
void routes_serve(const struct route *table, size_t count, bool get_commands,
                  struct request *q);

#endif
