/* announce.c - see announce.h. */
#include "consumer/announce.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "consumer/plan.h"

#include <stdio.h>

enum { BATCH_MAX = 4, PER_SECOND_MAX = 20 };

static void print(struct str text)
{
    fwrite(text.p, 1, text.n, stdout);
    fflush(stdout);
}

void announce_running(void)
{
    print(STR("Event consumer for parking slot replication is running...\n"));
}

static void row_json(struct buf *out, enum json_style style, const struct relation *r,
                     const struct str *row)
{
    struct json j;
    json_init(&j, out, style);
    json_object(&j);
    for (size_t i = 0; i < r->column_count; i++) {
        if (!plan_is_unchanged(row[i])) {
            json_key(&j, r->columns[i].name);
            json_text(&j, row[i]);
        }
    }
    json_object_end(&j);
    buf_u8(out, '\n');
}

void announce_take(struct announce *n, const struct batch *b)
{
    buf_reset(&n->text);
    if (b->count == 0 || b->count > BATCH_MAX) {
        return;
    }
    int64_t second = clock_mono_us() / 1000000;
    n->said = second == n->second ? n->said : 0;
    n->second = second;
    struct arena a = {0};
    for (size_t i = 0; i < b->count && n->said < PER_SECOND_MAX; i++) {
        const struct batch_change *ch = &b->changes[i];
        struct pgoutput_msg m;
        if (ch->kind != BATCH_ROW || strcmp(ch->relation->name, "parking_slots") != 0 ||
            pgoutput_parse(ch->msg, &m, NULL) != 0) {
            continue;
        }
        const struct pgoutput_tuple *t =
            m.u.change.neu.present ? &m.u.change.neu : &m.u.change.old;
        const struct str *row = relation_row(ch->relation, t, &a);
        buf_adds(&n->text, "message received: ");
        row_json(&n->text, JSON_COMPACT, ch->relation, row);
        buf_adds(&n->text, "Replicated parking slot data: ");
        row_json(&n->text, JSON_CLI, ch->relation, row);
        n->said++;
    }
    arena_fini(&a);
}

void announce_say(struct announce *n)
{
    if (n->text.len > 0) {
        print(buf_str(&n->text));
        buf_reset(&n->text);
    }
}

void announce_fini(struct announce *n)
{
    buf_fini(&n->text);
}
