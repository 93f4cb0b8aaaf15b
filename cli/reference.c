/* reference.c - see reference.h. The file is an object of arrays, each named as the HTTP path whose bodies it holds: customer,
 * customers, restaurant, menu, loaded in this order through the same functions. Every row has a number or a uuid, so loading
 * again makes nothing and no event; a row that somebody has changed since stays as it is, and is named on stderr. */
#include "cli/reference.h"

#include "base/beside.h"
#include "command/given.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static const char initial_file[] = "reference.json";

/* The file as bytes that may be written. */
static int read_file(const char *path, struct buf *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return err_set(e, ERR_INVALID, "could not open %s: %s", path, strerror(errno));
    }
    buf_reserve(out, FILE_MAX_BYTES + 1);
    size_t n = fread(buf_data(out), 1, FILE_MAX_BYTES + 1, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    buf_commit(out, n);
    if (bad || n > FILE_MAX_BYTES) {
        return err_set(e, ERR_INVALID, "could not read %s: %s", path,
                       bad ? "input error" : "it is larger than 1 MiB");
    }
    return 0;
}

static int load_customer(struct db *db, struct arena *mem, struct str object,
                         struct result **out, struct err *e)
{
    struct given_customer g;
    int rc = given_customer(mem, object, true, &g, e);
    return rc == 0 ? customer_create(db, &g.in, out, e) : rc;
}

static int load_account(struct db *db, struct arena *mem, struct str object,
                        struct result **out, struct err *e)
{
    struct customer_input in;
    int rc = given_account(mem, object, &in, e);
    return rc == 0 ? customer_create(db, &in, out, e) : rc;
}

static int load_restaurant(struct db *db, struct arena *mem, struct str object,
                           struct result **out, struct err *e)
{
    struct restaurant_input in;
    int rc = given_restaurant(mem, object, &in, e);
    return rc == 0 ? restaurant_create(db, &in, out, e) : rc;
}

static int load_menu(struct db *db, struct arena *mem, struct str object, struct result **out,
                     struct err *e)
{
    struct menu_input in;
    int rc = given_menu(mem, object, true, &in, e);
    return rc == 0 ? menu_create(db, &in, out, e) : rc;
}

static const struct {
    const char *name;
    int (*load)(struct db *db, struct arena *mem, struct str object, struct result **out,
                struct err *e);
} parts[] = {{"customer", load_customer},
             {"customers", load_account},
             {"restaurant", load_restaurant},
             {"menu", load_menu}};

/* The rows of one array; *count of them are there afterwards. */
static int load_part(struct db *db, struct arena *mem, size_t part, struct str array,
                     int64_t *count, struct err *e)
{
    struct str object;
    size_t at = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && fields_item(array, &at, &object); i++) {
        struct result *rows = NULL;
        rc = parts[part].load(db, mem, object, &rows, e);
        result_free(rows);
        if (rc == ERR_CONFLICT) {
            fprintf(stderr, "note: %s; it stays as it is\n", e->text);
            rc = 0;
        } else if (rc != 0) {
            err_add(e, "%s[%zu]", parts[part].name, i);
        }
        *count += rc == 0;
    }
    return rc;
}

int reference_load(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct field f[ARRAY_LEN(parts)];
    struct buf path = BUF_INIT;
    struct buf file = BUF_INIT;
    struct arena mem = {0};
    int64_t count = 0;
    if (v->of[0].p != NULL) {
        buf_addstr(&path, v->of[0]);
    } else {
        beside_find(&path, initial_file);
    }
    int rc = read_file(buf_cstr(&path), &file, e);
    if (rc == 0 && fields_check(buf_str(&file), e) != 0) {
        rc = err_add(e, "%s", buf_cstr(&path));
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        f[i] = (struct field){.name = parts[i].name, .kind = FIELD_ARRAY};
    }
    if (rc == 0) {
        rc = fields_read(&mem, buf_str(&file), f, ARRAY_LEN(f), e);
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(parts); i++) {
        if (f[i].text.p != NULL) {
            rc = load_part(cli->db, &mem, i, f[i].text, &count, e);
        }
    }
    if (rc == 0) {
        buf_addf(&cli->out, "%" PRId64 " rows of reference data are there.\n", count);
    }
    arena_fini(&mem);
    buf_fini(&file);
    buf_fini(&path);
    return rc;
}
