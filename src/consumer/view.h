/* view.h - the views of a consumer, from the configuration. Pure, but for the reading of their files.
 *
 * A view is a SELECT with a key, held in a table of the replica that equals it at every commit (docs/views.md).
 * This is its definition only; view_text.h makes the replica's functions of it, view_check.h holds it against
 * the replica's catalogue, view_build.h makes it live. Thread: any. */
#ifndef PARKWAY_CONSUMER_VIEW_H
#define PARKWAY_CONSUMER_VIEW_H

#include "base/err.h"
#include "consumer/consumer_conf.h"

enum { VIEW_KEYS_MAX = 8, VIEW_HASH_MAX = 17 };

/* A table whose rows decide about rows of the view. */
struct view_source {
    char *table;    /* quoted and qualified */
    char *label;    /* schema.name */
    char **columns; /* quoted; as many as the key has, or none: */
    char *query;    /* NULL, or a SELECT of keys from "touched" */
};

struct view {
    char *label; /* schema.name */
    char *table; /* quoted and qualified */
    char *schema, *name;
    char *keys[VIEW_KEYS_MAX]; /* unquoted */
    size_t key_count;
    char *query;
    struct view_source *sources;
    size_t source_count;
    const struct conf_strings *indexes; /* the configuration's */
    bool scan;
    char hash[VIEW_HASH_MAX]; /* of all of it */
};

struct views {
    struct view *items;
    size_t count;
};

/* views_load - ERR_INVALID names the view and what is wrong; ERR_NOT_FOUND a file. */
NODISCARD int views_load(struct views *v, const struct consumer_conf *conf, struct err *e);
void views_free(struct views *v);
/* views_find - by its name; NULL. */
const struct view *views_find(const struct views *v, const char *label);

#endif
