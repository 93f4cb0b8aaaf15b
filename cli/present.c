/* present.c - see present.h. */
#include "cli/present.h"

#include "base/json.h"

void present_detail(struct buf *out, const struct present_field *fields, size_t count)
{
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(fields[i].key);
        widest = n > widest ? n : widest;
    }
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "%s:%*s", fields[i].key, (int)(widest - strlen(fields[i].key) + 1), "");
        struct str v = fields[i].value;
        for (size_t k = 0; k < v.n; k++) {
            buf_u8(out, v.p[k] == '\n' ? ' ' : (uint8_t)v.p[k]);
        }
        buf_u8(out, '\n');
    }
}

void present_line(struct buf *out, const struct present_field *fields, size_t count)
{
    struct json j;
    json_init(&j, out, JSON_CLI);
    json_object(&j);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].number) {
            json_key(&j, fields[i].key);
            json_raw(&j, fields[i].value);
        } else {
            json_key_text(&j, fields[i].key, fields[i].value);
        }
    }
    json_object_end(&j);
    buf_u8(out, '\n');
}
