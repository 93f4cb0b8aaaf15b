/* conf.h - configuration: tables of keys, one libconfig file, environment over it.
 *
 * Each module describes its keys in a table of struct conf_key over its own plain struct
 * (numbers, bool, char * owned by conf, lists). All tables hang on one array of struct
 * conf_group (in src/ops/settings.c), from which come parsing, range errors, `parkway
 * --print-config`, the sample conf/parkway.cfg and the manual. An unknown key, a wrong type or
 * a value out of range refuses the file, naming file, line and the nearest known key.
 *
 * Precedence: default < file < environment PARKWAY_<GROUP>_<KEY> (upper case) < the three
 * classic variables DATABASE_URL (primary.url), REPLICA_DATABASE_URL (replica.url),
 * RABBITMQ_BROKER_URL (broker.url). As text (defaults, environment) a list of strings is
 * separated by commas, a list of groups is "key=value,key=value;key=value": one group between
 * semicolons.
 *
 * The file: -c FILE, else $PARKWAY_CONFIG, else $PARKWAY_VAR/parkway.cfg, else
 * <directory of the binary>/../var/parkway.cfg, else /etc/parkway/parkway.cfg, else defaults
 * only.
 *
 * Thread: loaded once at start by the main thread; read-only afterwards. */
#ifndef PARKWAY_BASE_CONF_H
#define PARKWAY_BASE_CONF_H

#include "base/def.h"
#include "base/err.h"

enum conf_type {
    CONF_BOOL,    /* bool */
    CONF_INT,     /* int64_t; unit says ms, bytes, … */
    CONF_REAL,    /* double */
    CONF_STRING,  /* char *, never NULL */
    CONF_STRINGS, /* struct conf_strings */
    CONF_GROUPS,  /* struct conf_groups of sub-structs described by sub/sub_count */
    CONF_LINE, /* int64_t, in a sub-struct, named "": the line of the file it begins on; 0: no file */
};

struct conf_strings {
    char **items;
    size_t count;
};

struct conf_groups {
    void *items; /* count elements of the sub-struct */
    size_t count;
};

enum {
    CONF_SECRET = 1,
    CONF_RELOADABLE = 2,
    CONF_REQUIRED = 4, /* in a sub-struct */
    CONF_SINGLE =
        8, /* of CONF_STRINGS: in the file a string may stand for the list of it alone */
};

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t offset;       /* into the group's (or element's) struct */
    const char *unit;    /* "ms", "bytes", "rows", "" */
    const char *initial; /* the default as text: "true", "250", "a,b"; "" is an empty list */
    int64_t min, max;    /* of CONF_INT; both 0: unbounded */
    const char *choices; /* of CONF_STRING: "a|b|c", or NULL */
    unsigned flags;
    const char *sentence; /* one sentence for sample and manual */
    const struct conf_key *sub;
    size_t sub_count;
    size_t sub_size;
};

struct conf_group {
    const char *name;
    const char *sentence;
    const struct conf_key *keys;
    size_t count;
    void *target; /* the struct the offsets count from */
};

/* conf_load - defaults, then file, then environment, into the targets.
 * path     NULL: search as described above.      exe  argv[0]-like path of the binary, for the
 * search. Returns  0; ERR_INVALID with "file:line: …" (unknown key, type, range), ERR_NOT_FOUND
 * when a named file is missing. After an error the targets hold a mixture and must not be used.
 */
NODISCARD int conf_load(const struct conf_group *groups, size_t count, const char *path,
                        struct err *e);
/* conf_read - a file of its own, which is no part of the configuration: the members of its top level are keys.
 * Defaults, then the file, into target; no environment, no search, conf_path stays. Its values are freed by
 * conf_free with a group of these keys. Returns as conf_load. */
NODISCARD int conf_read(const char *path, const struct conf_key *keys, size_t count,
                        void *target, struct err *e);
/* conf_nearest - the one of n names that name is probably meant to be, or NULL. */
const char *conf_nearest(const char *const *names, size_t n, const char *name);
/* conf_path - the file that conf_load read last, or NULL. */
const char *conf_path(void);
/* conf_free - releases what conf_load allocated in the targets. */
void conf_free(const struct conf_group *groups, size_t count);
/* conf_print - every key at its present value, with unit and sentence, as a libconfig file.
 * Secrets and passwords inside URLs are shown as ***. defaults: print the defaults instead (the
 * sample). */
struct buf;
void conf_print(const struct conf_group *groups, size_t count, bool defaults, struct buf *out);
/* conf_mask_url - the URL with its password as ***, for logs, into out (NUL-terminated). */
void conf_mask_url(const char *url, char *out, size_t size);

#endif
