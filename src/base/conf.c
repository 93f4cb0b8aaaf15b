/* conf.c - see conf.h. The only file that knows libconfig.
 *
 * Loading walks three layers in order, each through the same setters with the same range
 * checks: the default texts of the tables, the file, the environment. Every error carries its
 * place
 * ("file:line" or the variable's name), so one line tells what to change. */
#include "base/conf.h"

#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static char conf_file[4096];

const char *conf_path(void)
{
    return conf_file[0] != '\0' ? conf_file : NULL;
}

/* ---- names
 * ------------------------------------------------------------------------------------ */

static size_t distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    size_t row[MAX + 1];
    size_t n = strlen(b);
    if (n > MAX) {
        return MAX;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < edit ? change : edit;
        }
    }
    return row[n];
}

static int unknown(const char *place, const char *name, const char *nearest, struct err *e)
{
    if (nearest != NULL) {
        return err_set(e, ERR_INVALID, "%s: unknown key \"%s\" (did you mean \"%s\"?)", place,
                       name, nearest);
    }
    return err_set(e, ERR_INVALID, "%s: unknown key \"%s\"", place, name);
}

const char *conf_nearest(const char *const *names, size_t n, const char *name)
{
    const char *best = NULL;
    size_t least = strlen(name) / 2 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(name, names[i]);
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

static const char *nearest_key(const struct conf_key *keys, size_t count, const char *name)
{
    enum { KEYS_MAX = 64 };
    const char *names[KEYS_MAX];
    size_t n = 0;
    ASSERT(count <= KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].type != CONF_LINE) {
            names[n++] = keys[i].name;
        }
    }
    return conf_nearest(names, n, name);
}

/* ---- one value ------------------------------------------------------------------------------
 */

static void *slot_of(const struct conf_key *k, void *target)
{
    return (char *)target + k->offset;
}

static void free_strings(struct conf_strings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i]);
    }
    free(s->items);
    *s = (struct conf_strings){0};
}

static void strings_add(struct conf_strings *s, const char *p, size_t n)
{
    s->items = def_realloc(s->items, (s->count + 1) * sizeof *s->items);
    s->items[s->count++] = def_strndup(p, n);
}

static void free_values(const struct conf_key *keys, size_t count, void *target)
{
    for (size_t i = 0; i < count; i++) {
        void *slot = slot_of(&keys[i], target);
        if (keys[i].type == CONF_STRING) {
            free(*(char **)slot);
            *(char **)slot = NULL;
        } else if (keys[i].type == CONF_STRINGS) {
            free_strings(slot);
        } else if (keys[i].type == CONF_GROUPS) {
            struct conf_groups *g = slot;
            for (size_t j = 0; j < g->count; j++) {
                free_values(keys[i].sub, keys[i].sub_count,
                            (char *)g->items + j * keys[i].sub_size);
            }
            free(g->items);
            *g = (struct conf_groups){0};
        }
    }
}

static int set_int(const struct conf_key *k, void *target, int64_t v, const char *place,
                   struct err *e)
{
    bool bounded = k->min != 0 || k->max != 0;
    if (bounded && (v < k->min || v > k->max)) {
        return err_set(e, ERR_INVALID,
                       "%s: %s = %" PRId64 " is out of range %" PRId64 "..%" PRId64 "%s%s",
                       place, k->name, v, k->min, k->max, k->unit[0] ? " " : "", k->unit);
    }
    *(int64_t *)slot_of(k, target) = v;
    return 0;
}

static bool is_choice(const char *choices, const char *v)
{
    size_t n = strlen(v);
    for (const char *p = choices; p != NULL; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        if (strncmp(p, v, n) == 0 && (p[n] == '|' || p[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static int set_string(const struct conf_key *k, void *target, const char *v, const char *place,
                      struct err *e)
{
    if (k->choices != NULL && !is_choice(k->choices, v)) {
        return err_set(e, ERR_INVALID, "%s: %s = \"%s\" is not one of %s", place, k->name, v,
                       k->choices);
    }
    char **slot = slot_of(k, target);
    free(*slot);
    *slot = def_strdup(v);
    return 0;
}

static int set_groups_text(const struct conf_key *k, void *target, const char *v,
                           const char *place, struct err *e);

/* A value given as text: defaults and environment. */
static int set_text(const struct conf_key *k, void *target, const char *v, const char *place,
                    struct err *e)
{
    char *end = NULL;
    switch (k->type) {
    case CONF_BOOL:
        if (strcasecmp(v, "true") != 0 && strcasecmp(v, "false") != 0) {
            return err_set(e, ERR_INVALID, "%s: %s = \"%s\" is not true or false", place,
                           k->name, v);
        }
        *(bool *)slot_of(k, target) = strcasecmp(v, "true") == 0;
        return 0;
    case CONF_INT:
        errno = 0;
        int64_t n = strtoll(v, &end, 10);
        if (end == v || *end != '\0' || errno != 0) {
            return err_set(e, ERR_INVALID, "%s: %s = \"%s\" is not a whole number", place,
                           k->name, v);
        }
        return set_int(k, target, n, place, e);
    case CONF_REAL:
        errno = 0;
        double d = strtod(v, &end);
        if (end == v || *end != '\0' || errno != 0) {
            return err_set(e, ERR_INVALID, "%s: %s = \"%s\" is not a number", place, k->name,
                           v);
        }
        *(double *)slot_of(k, target) = d;
        return 0;
    case CONF_STRING: return set_string(k, target, v, place, e);
    case CONF_STRINGS: {
        struct conf_strings *s = slot_of(k, target);
        free_strings(s);
        while (*v != '\0') {
            size_t len = strcspn(v, ",");
            strings_add(s, v, len);
            v += len + (v[len] == ',');
        }
        return 0;
    }
    case CONF_GROUPS: return set_groups_text(k, target, v, place, e);
    case CONF_LINE: *(int64_t *)slot_of(k, target) = 0; return 0;
    }
    return 0;
}

static const struct conf_key *find_key(const struct conf_key *keys, size_t count,
                                       const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static int set_defaults(const struct conf_key *keys, size_t count, void *target, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        char place[96];
        snprintf(place, sizeof place, "default of %s", keys[i].name);
        int rc = set_text(&keys[i], target, keys[i].initial != NULL ? keys[i].initial : "",
                          place, e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* A list of groups as text: "key=value,key=value;key=value", one element between semicolons. */
static int set_groups_text(const struct conf_key *k, void *target, const char *v,
                           const char *place, struct err *e)
{
    struct conf_groups *out = slot_of(k, target);
    struct conf_key whole = *k;
    whole.offset = 0;
    free_values(&whole, 1, out);
    int rc = 0;
    while (rc == 0 && *v != '\0') {
        size_t len = strcspn(v, ";");
        out->items = def_realloc(out->items, (out->count + 1) * k->sub_size);
        void *item = (char *)out->items + out->count * k->sub_size;
        memset(item, 0, k->sub_size);
        out->count++;
        uint64_t given = 0; /* a bit for each key */
        ASSERT(k->sub_count <= 64);
        rc = set_defaults(k->sub, k->sub_count, item, e);
        for (const char *p = v; rc == 0 && p < v + len;) {
            size_t n = strcspn(p, ",;");
            char *pair = def_strndup(p, n);
            char *equals = strchr(pair, '=');
            const struct conf_key *sub = NULL;
            if (equals != NULL) {
                *equals = '\0';
                sub = find_key(k->sub, k->sub_count, pair);
            }
            uint64_t bit = sub != NULL ? UINT64_C(1) << (sub - k->sub) : 0;
            if (sub == NULL) {
                rc = unknown(place, pair, nearest_key(k->sub, k->sub_count, pair), e);
            } else if ((given & bit) != 0) {
                rc = err_set(e, ERR_INVALID,
                             "%s: %s is given twice in one group (a ; parts groups)", place,
                             pair);
            } else {
                rc = set_text(sub, item, equals + 1, place, e);
            }
            given |= bit;
            free(pair);
            p += n + (p[n] == ',');
        }
        v += len + (v[len] == ';');
    }
    return rc;
}

/* ---- the file
 * -------------------------------------------------------------------------------- */

static void place_of(const config_setting_t *s, char *out, size_t size)
{
    snprintf(out, size, "%s:%u", config_setting_source_file(s),
             (unsigned)config_setting_source_line(s));
}

static int read_members(const struct conf_key *keys, size_t count, void *target,
                        const config_setting_t *from, struct err *e);

static int read_strings(const struct conf_key *k, void *target, const config_setting_t *s,
                        const char *place, struct err *e)
{
    struct conf_strings *out = slot_of(k, target);
    const char *single = (k->flags & CONF_SINGLE) != 0 ? config_setting_get_string(s) : NULL;
    if (single != NULL) {
        free_strings(out);
        strings_add(out, single, strlen(single));
        return 0;
    }
    if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
        return err_set(e, ERR_INVALID, "%s: %s must be a list of strings", place, k->name);
    }
    free_strings(out);
    for (int i = 0; i < config_setting_length(s); i++) {
        const char *v = config_setting_get_string_elem(s, i);
        if (v == NULL) {
            return err_set(e, ERR_INVALID, "%s: %s must be a list of strings", place, k->name);
        }
        strings_add(out, v, strlen(v));
    }
    return 0;
}

static int read_groups(const struct conf_key *k, void *target, const config_setting_t *s,
                       const char *place, struct err *e)
{
    struct conf_groups *out = slot_of(k, target);
    if (!config_setting_is_list(s)) {
        return err_set(e, ERR_INVALID, "%s: %s must be a list of groups: ( { … }, … )", place,
                       k->name);
    }
    struct conf_key whole = *k;
    whole.offset = 0;
    free_values(&whole, 1, out); /* the default */
    size_t n = (size_t)config_setting_length(s);
    out->items = def_zalloc(n, k->sub_size);
    out->count = n;
    for (size_t i = 0; i < n; i++) {
        const config_setting_t *elem = config_setting_get_elem(s, (unsigned)i);
        void *item = (char *)out->items + i * k->sub_size;
        if (!config_setting_is_group(elem)) {
            return err_set(e, ERR_INVALID, "%s: element %zu of %s is not a group { … }", place,
                           i + 1, k->name);
        }
        int rc = set_defaults(k->sub, k->sub_count, item, e);
        rc = rc == 0 ? read_members(k->sub, k->sub_count, item, elem, e) : rc;
        if (rc != 0) {
            return rc;
        }
        for (size_t j = 0; j < k->sub_count; j++) {
            if (k->sub[j].type == CONF_LINE) {
                *(int64_t *)slot_of(&k->sub[j], item) = config_setting_source_line(elem);
            }
            if ((k->sub[j].flags & CONF_REQUIRED) != 0 &&
                config_setting_get_member(elem, k->sub[j].name) == NULL) {
                char where[4200];
                place_of(elem, where, sizeof where);
                return err_set(e, ERR_INVALID, "%s: \"%s\" is missing in %s", where,
                               k->sub[j].name, k->name);
            }
        }
    }
    return 0;
}

static int read_value(const struct conf_key *k, void *target, const config_setting_t *s,
                      struct err *e)
{
    char place[4200];
    place_of(s, place, sizeof place);
    int type = config_setting_type(s);
    switch (k->type) {
    case CONF_BOOL:
        if (type != CONFIG_TYPE_BOOL) {
            return err_set(e, ERR_INVALID, "%s: %s must be true or false", place, k->name);
        }
        *(bool *)slot_of(k, target) = config_setting_get_bool(s) != 0;
        return 0;
    case CONF_INT:
        if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
            return err_set(e, ERR_INVALID, "%s: %s must be a whole number", place, k->name);
        }
        return set_int(k, target, config_setting_get_int64(s), place, e);
    case CONF_REAL:
        if (type == CONFIG_TYPE_FLOAT) {
            *(double *)slot_of(k, target) = config_setting_get_float(s);
        } else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
            *(double *)slot_of(k, target) = (double)config_setting_get_int64(s);
        } else {
            return err_set(e, ERR_INVALID, "%s: %s must be a number", place, k->name);
        }
        return 0;
    case CONF_STRING:
        if (type != CONFIG_TYPE_STRING) {
            return err_set(e, ERR_INVALID, "%s: %s must be a string in quotes", place, k->name);
        }
        return set_string(k, target, config_setting_get_string(s), place, e);
    case CONF_STRINGS: return read_strings(k, target, s, place, e);
    case CONF_GROUPS: return read_groups(k, target, s, place, e);
    case CONF_LINE: break; /* no key has its name */
    }
    return 0;
}

static int read_members(const struct conf_key *keys, size_t count, void *target,
                        const config_setting_t *from, struct err *e)
{
    for (int i = 0; i < config_setting_length(from); i++) {
        const config_setting_t *s = config_setting_get_elem(from, (unsigned)i);
        const char *name = config_setting_name(s);
        const struct conf_key *k = find_key(keys, count, name);
        if (k == NULL) {
            char place[4200];
            place_of(s, place, sizeof place);
            return unknown(place, name, nearest_key(keys, count, name), e);
        }
        int rc = read_value(k, target, s, e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* The file as libconfig's tree, which the caller destroys in any case. */
static int parse(config_t *config, const char *path, struct err *e)
{
    config_init(config);
    errno = 0;
    if (config_read_file(config, path) == CONFIG_TRUE) {
        return 0;
    }
    return config_error_line(config) > 0
               ? err_set(e, ERR_INVALID, "%s:%d: %s", path, config_error_line(config),
                         config_error_text(config))
               : err_set(e, ERR_NOT_FOUND, "could not read the configuration %s: %s", path,
                         errno != 0 ? strerror(errno) : "not a file");
}

int conf_read(const char *path, const struct conf_key *keys, size_t count, void *target,
              struct err *e)
{
    config_t config;
    int rc = set_defaults(keys, count, target, e);
    if (rc == 0) {
        rc = parse(&config, path, e);
        rc = rc == 0 ? read_members(keys, count, target, config_root_setting(&config), e) : rc;
        config_destroy(&config);
    }
    return rc;
}

static int read_file(const struct conf_group *groups, size_t count, struct err *e)
{
    config_t config;
    int rc = parse(&config, conf_file, e);
    if (rc != 0) {
        config_destroy(&config);
        return rc;
    }
    const config_setting_t *root = config_root_setting(&config);
    for (int i = 0; rc == 0 && i < config_setting_length(root); i++) {
        const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
        const char *name = config_setting_name(s);
        const struct conf_group *g = NULL;
        const char *nearest = NULL;
        size_t least = strlen(name) / 2 + 2;
        for (size_t j = 0; j < count; j++) {
            size_t d = distance(name, groups[j].name);
            g = d == 0 ? &groups[j] : g;
            nearest = d < least ? groups[j].name : nearest;
            least = d < least ? d : least;
        }
        char place[4200];
        place_of(s, place, sizeof place);
        if (g == NULL) {
            rc = unknown(place, name, nearest, e);
        } else if (!config_setting_is_group(s)) {
            rc = err_set(e, ERR_INVALID, "%s: %s must be a group { … }", place, name);
        } else {
            rc = read_members(g->keys, g->count, g->target, s, e);
        }
    }
    config_destroy(&config);
    return rc;
}

/* ---- the environment
 * ------------------------------------------------------------------------- */

static int read_environment(const struct conf_group *g, struct err *e)
{
    static const struct {
        const char *variable, *group, *key;
    } classic[] = {{"DATABASE_URL", "primary", "url"},
                   {"REPLICA_DATABASE_URL", "replica", "url"},
                   {"RABBITMQ_BROKER_URL", "broker", "url"}};
    for (size_t i = 0; i < g->count; i++) {
        const struct conf_key *k = &g->keys[i];
        char name[128];
        int n = snprintf(name, sizeof name, "PARKWAY_%s_%s", g->name, k->name);
        for (int c = 0; c < n; c++) {
            name[c] = (char)toupper((unsigned char)name[c]);
        }
        const char *variable = name;
        const char *v = getenv(name);
        for (size_t c = 0; c < ARRAY_LEN(classic); c++) {
            if (strcmp(classic[c].group, g->name) == 0 &&
                strcmp(classic[c].key, k->name) == 0 && getenv(classic[c].variable) != NULL) {
                variable = classic[c].variable;
                v = getenv(variable);
            }
        }
        if (v != NULL && v[0] != '\0') {
            int rc = set_text(k, g->target, v, variable, e);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

/* ---- public
 * ---------------------------------------------------------------------------------- */

static bool readable(void)
{
    return access(conf_file, R_OK) == 0;
}

static void search(void)
{
    const char *var = getenv("PARKWAY_VAR");
    if (var != NULL && var[0] != '\0') {
        snprintf(conf_file, sizeof conf_file, "%s/parkway.cfg", var);
        if (readable()) {
            return;
        }
    }
    char exe[2048];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = '\0';
        char *slash = strrchr(exe, '/');
        *slash = '\0';
        snprintf(conf_file, sizeof conf_file, "%s/../var/parkway.cfg", exe);
        if (readable()) {
            return;
        }
    }
    snprintf(conf_file, sizeof conf_file, "/etc/parkway/parkway.cfg");
    if (!readable()) {
        conf_file[0] = '\0';
    }
}

int conf_load(const struct conf_group *groups, size_t count, const char *path, struct err *e)
{
    const char *named = path != NULL ? path : getenv("PARKWAY_CONFIG");
    if (named != NULL && named[0] != '\0') {
        snprintf(conf_file, sizeof conf_file, "%s", named);
    } else {
        search();
    }
    for (size_t i = 0; i < count; i++) {
        int rc = set_defaults(groups[i].keys, groups[i].count, groups[i].target, e);
        if (rc != 0) {
            return rc;
        }
    }
    if (conf_file[0] != '\0') {
        int rc = read_file(groups, count, e);
        if (rc != 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int rc = read_environment(&groups[i], e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void conf_free(const struct conf_group *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_values(groups[i].keys, groups[i].count, groups[i].target);
    }
}

void conf_mask_url(const char *url, char *out, size_t size)
{
    const char *start = strstr(url, "://");
    const char *at = strrchr(url, '@');
    const char *colon = start != NULL && at != NULL ? strchr(start + 3, ':') : NULL;
    if (colon != NULL && colon < at) {
        snprintf(out, size, "%.*s:***%s", (int)(colon - url), url, at);
    } else if (strstr(url, "password=") != NULL) {
        snprintf(out, size, "%.*spassword=***", (int)(strstr(url, "password=") - url), url);
    } else {
        snprintf(out, size, "%s", url);
    }
}

/* ---- printing
 * -------------------------------------------------------------------------------- */

static void print_quoted(struct buf *out, const char *s)
{
    buf_u8(out, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') {
            buf_u8(out, '\\');
        }
        buf_u8(out, (uint8_t)*s);
    }
    buf_u8(out, '"');
}

static void print_value(const struct conf_key *k, void *target, bool mask, struct buf *out)
{
    const void *slot = slot_of(k, target);
    switch (k->type) {
    case CONF_BOOL: buf_adds(out, *(const bool *)slot ? "true" : "false"); break;
    case CONF_INT: {
        int64_t v = *(const int64_t *)slot;
        buf_addf(out, "%" PRId64 "%s", v, v > INT32_MAX || v < INT32_MIN ? "L" : "");
        break;
    }
    case CONF_REAL: buf_addf(out, "%.6f", *(const double *)slot); break;
    case CONF_STRING:
        if (!mask) {
            print_quoted(out, *(char *const *)slot);
        } else if ((k->flags & CONF_SECRET) != 0 && (*(char *const *)slot)[0] != '\0') {
            print_quoted(out, "***");
        } else {
            size_t size = strlen(*(char *const *)slot) + sizeof "password=***";
            char *masked = def_alloc(size); /* a view's SELECT may be long */
            conf_mask_url(*(char *const *)slot, masked, size);
            print_quoted(out, masked);
            free(masked);
        }
        break;
    case CONF_STRINGS: {
        const struct conf_strings *s = slot;
        buf_adds(out, "[");
        for (size_t i = 0; i < s->count; i++) {
            buf_adds(out, i > 0 ? ", " : "");
            print_quoted(out, s->items[i]);
        }
        buf_adds(out, "]");
        break;
    }
    case CONF_GROUPS: {
        const struct conf_groups *g = slot;
        buf_adds(out, "(");
        for (size_t i = 0; i < g->count; i++) {
            buf_adds(out, i > 0 ? ", {" : "{");
            for (size_t j = 0; j < k->sub_count; j++) {
                if (k->sub[j].type == CONF_LINE) {
                    continue;
                }
                buf_addf(out, " %s = ", k->sub[j].name);
                print_value(&k->sub[j], (char *)g->items + i * k->sub_size, mask, out);
                buf_adds(out, ";");
            }
            buf_adds(out, " }");
        }
        buf_adds(out, ")");
        break;
    }
    case CONF_LINE: break;
    }
}

static void print_key(const struct conf_key *k, void *target, const char *indent, bool mask,
                      struct buf *out)
{
    buf_addf(out, "%s/* %s", indent, k->sentence);
    if (k->unit != NULL && k->unit[0] != '\0') {
        buf_addf(out, " Unit: %s.", k->unit);
    }
    if (k->min != 0 || k->max != 0) {
        buf_addf(out, " Range: %" PRId64 "..%" PRId64 ".", k->min, k->max);
    }
    if (k->choices != NULL) {
        buf_addf(out, " One of: %s.", k->choices);
    }
    for (size_t i = 0; k->type == CONF_GROUPS && i < k->sub_count; i++) {
        if (k->sub[i].type == CONF_LINE) {
            continue;
        }
        buf_addf(out, "\n%s     %s: %s", indent, k->sub[i].name, k->sub[i].sentence);
        if (k->sub[i].initial != NULL && k->sub[i].initial[0] != '\0') {
            buf_addf(out, " Default: %s.", k->sub[i].initial);
        }
    }
    buf_addf(out, " */\n%s%s = ", indent, k->name);
    print_value(k, target, mask, out);
    buf_adds(out, ";\n");
}

void conf_print(const struct conf_group *groups, size_t count, bool defaults, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct conf_group *g = &groups[i];
        if (defaults) {
            free_values(g->keys, g->count, g->target);
            struct err e = ERR_INIT;
            ASSERT(set_defaults(g->keys, g->count, g->target, &e) == 0);
        }
        buf_addf(out, "%s/* %s */\n%s = {\n", i > 0 ? "\n" : "", g->sentence, g->name);
        for (size_t j = 0; j < g->count; j++) {
            print_key(&g->keys[j], g->target, "    ", !defaults, out);
        }
        buf_adds(out, "};\n");
    }
}
