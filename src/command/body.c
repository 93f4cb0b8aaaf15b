/* body.c - see body.h. */
#include "command/body.h"

#include <jansson.h>
#include <stdlib.h>

struct body {
    json_t *root;
};

static int read_member(const json_t *root, struct body_member *m, struct err *e)
{
    const json_t *v = json_object_get(root, m->name);
    m->text = STR_NULL;
    if (v == NULL) {
        return 0;
    }
    if (json_is_null(v)) {
        return err_set(e, ERR_INVALID, "%s must not be null", m->name);
    }
    if (!json_is_string(v)) {
        return err_set(e, ERR_INVALID, "%s must be a string", m->name);
    }
    m->text = (struct str){json_string_value(v), json_string_length(v)};
    return 0;
}

int body_read(struct str text, struct body_member *members, size_t count, struct body **out,
              struct err *e)
{
    json_error_t where;
    *out = NULL;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return err_set(
            e, ERR_INVALID, "bad JSON at line %d, column %d: %s", where.line, where.column,
            json_error_code(&where) == json_error_null_character ? "\\u0000 cannot be stored"
                                                                 : where.text);
    }
    int rc =
        json_is_object(root) ? 0 : err_set(e, ERR_INVALID, "the body must be a JSON object");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = read_member(root, &members[i], e);
    }
    if (rc != 0) {
        json_decref(root);
        return rc;
    }
    *out = def_alloc(sizeof **out);
    (*out)->root = root;
    return 0;
}

void body_free(struct body *b)
{
    if (b != NULL) {
        json_decref(b->root);
        free(b);
    }
}
