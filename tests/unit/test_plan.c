/* test_plan.c - the batch planner: net effects as a table of small scripts, then random histories
 * applied both ways to a model of tables, which must end equal. */
#include "consumer/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint16_t first_column[] = {0};

static struct plan_table keyed(void)
{
    return (struct plan_table){
        .mode = PLAN_BY_KEY, .column_count = 3, .key_count = 1, .key = first_column};
}

static const struct str *row(struct arena *a, char k, char x, char y)
{
    struct str *r = arena_alloc(a, 3 * sizeof *r);
    char v[3] = {k, x, y};
    for (int i = 0; i < 3; i++) {
        r[i] = v[i] == '~'   ? (struct str){plan_unchanged, 0}
               : v[i] == '-' ? STR_NULL
                             : arena_copy(a, (struct str){&v[i], 1});
    }
    return r;
}

static char letter(struct str v)
{
    return plan_is_unchanged(v) ? '~' : v.p == NULL ? '-' : v.p[0];
}

/* A script: "I1ab" insert, "U1ab" update, "M12ab" update with key 1 becoming 2, "D1", "T". */
static void run(struct plan *p, struct plan_table *t, struct arena *a, const char *script)
{
    while (*script != '\0') {
        const char *s = script;
        switch (*s) {
        case 'I': plan_change(p, t, PLAN_OP_INSERT, NULL, row(a, s[1], s[2], s[3])); break;
        case 'U': plan_change(p, t, PLAN_OP_UPDATE, NULL, row(a, s[1], s[2], s[3])); break;
        case 'M':
            plan_change(p, t, PLAN_OP_UPDATE, row(a, s[1], '-', '-'), row(a, s[2], s[3], s[4]));
            break;
        case 'W': /* update by whole row */
            plan_change(p, t, PLAN_OP_UPDATE, row(a, s[1], s[2], s[3]),
                        row(a, s[4], s[5], s[6]));
            break;
        case 'D': plan_change(p, t, PLAN_OP_DELETE, row(a, s[1], '-', '-'), NULL); break;
        case 'T': {
            struct plan_table **list = arena_alloc(a, sizeof *list);
            list[0] = t;
            plan_truncate(p, list, 1);
            break;
        }
        default: fail();
        }
        script += strcspn(s, " ");
        script += strspn(script, " ");
    }
}

/* The steps as text: "d1,2 u1ab i3xy t m12~b". */
static void describe(const struct plan *p, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        n += (size_t)snprintf(out + n, size - n, "%s%c", i > 0 ? " " : "", "tduimxw"[s->kind]);
        for (size_t k = 0; k < s->count; k++) {
            const struct str *old = s->rows[k].old;
            const struct str *neu = s->rows[k].neu;
            n += (size_t)snprintf(out + n, size - n, "%s", k > 0 ? "," : "");
            if (s->kind == PLAN_DELETE || s->kind == PLAN_MOVE) {
                n += (size_t)snprintf(out + n, size - n, "%c", letter(old[0]));
            } else if (s->kind == PLAN_DELETE_ROW || s->kind == PLAN_UPDATE_ROW) {
                n += (size_t)snprintf(out + n, size - n, "%c%c%c", letter(old[0]),
                                      letter(old[1]), letter(old[2]));
            }
            if (s->kind != PLAN_DELETE && s->kind != PLAN_DELETE_ROW) {
                n += (size_t)snprintf(out + n, size - n, "%c%c%c", letter(neu[0]),
                                      letter(neu[1]), letter(neu[2]));
            }
        }
    }
}

static void net_effects(void **state)
{
    UNUSED(state);
    static const struct {
        enum plan_mode mode;
        const char *script, *steps;
    } rows[] = {
        {PLAN_BY_KEY, "", ""},
        {PLAN_BY_KEY, "I1ab", "i1ab"},
        {PLAN_BY_KEY, "I1ab I2cd I3-e", "i1ab,2cd,3-e"},
        {PLAN_BY_KEY, "U1ab", "u1ab"},
        {PLAN_BY_KEY, "D1", "d1"},
        {PLAN_BY_KEY, "I1ab U1cd", "i1cd"},
        {PLAN_BY_KEY, "I1ab U1~d", "i1ad"},
        {PLAN_BY_KEY, "I1ab U1~d U1c~", "i1cd"},
        {PLAN_BY_KEY, "I1ab D1", ""},
        {PLAN_BY_KEY, "I1ab D1 I1cd", "i1cd"},
        {PLAN_BY_KEY, "U1ab U1cd", "u1cd"},
        {PLAN_BY_KEY, "U1a~ U1~d", "u1ad"},
        {PLAN_BY_KEY, "U1a~ U1c~", "u1c~"},
        {PLAN_BY_KEY, "U1ab D1", "d1"},
        {PLAN_BY_KEY, "D1 I1ab", "u1ab"},
        {PLAN_BY_KEY, "D1 I1ab D1", "d1"},
        {PLAN_BY_KEY, "D1 I1ab U1cd", "u1cd"},
        /* deletes, updates, inserts; updates in one step for each set of unchanged columns */
        {PLAN_BY_KEY, "I3ab U2cd D1", "d1 u2cd i3ab"},
        {PLAN_BY_KEY, "U1ab U2~b U3cd U4~d U5a~", "u1ab,3cd u2~b,4~d u5a~"},
        /* key changes */
        {PLAN_BY_KEY, "M12ab", "d1 i2ab"},
        {PLAN_BY_KEY, "M11ab", "u1ab"},
        {PLAN_BY_KEY, "I1ab M12~~", "i2ab"},
        {PLAN_BY_KEY, "M12ab M23cd", "d1 i3cd"},
        {PLAN_BY_KEY, "M13ab M21cd M32ef", "u1cd,2ef"}, /* 3 is gone without a trace */
        {PLAN_BY_KEY, "M12~b", "m12~b"},
        {PLAN_BY_KEY, "U1ab M12~c", "d1 i2ac"},
        {PLAN_BY_KEY, "U1~b M12~c", "u1~b m12~c"},
        {PLAN_BY_KEY, "I5ab M12~b U2cd", "i5ab m12~b u2cd"},
        /* what contradicts itself is left to the database */
        {PLAN_BY_KEY, "I1ab I1cd", "i1ab i1cd"},
        {PLAN_BY_KEY, "D1 D1", "d1 d1"},
        {PLAN_BY_KEY, "D1 U1ab", "d1 u1ab"},
        {PLAN_BY_KEY, "U1ab I1cd", "u1ab i1cd"},
        {PLAN_BY_KEY, "I1ab D1 D1", "d1"},
        {PLAN_BY_KEY, "I1ab D1 U1cd", "u1cd"},
        /* truncate */
        {PLAN_BY_KEY, "T", "t"},
        {PLAN_BY_KEY, "I1ab U2cd T I1ef", "t i1ef"},
        {PLAN_BY_KEY, "M12~b I3ab T", "m12~b t"},
        /* without a key */
        {PLAN_BY_ROW, "I1ab I1ab", "i1ab,1ab"},
        {PLAN_BY_ROW, "I1ab D1 I2cd", "i1ab x1-- i2cd"},
        {PLAN_BY_ROW, "W1ab2cd W2cd3ef", "w1ab2cd w2cd3ef"},
        {PLAN_APPEND, "I1ab I1cd", "i1ab,1cd"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plan p;
        plan_init(&p, &a);
        struct plan_table t = keyed();
        t.mode = rows[i].mode;
        run(&p, &t, &a, rows[i].script);
        plan_finish(&p);
        char got[256];
        describe(&p, got, sizeof got);
        if (strcmp(got, rows[i].steps) != 0) {
            print_error("%s: got \"%s\"\n", rows[i].script, got);
        }
        assert_string_equal(got, rows[i].steps);
        assert_null(t.scratch.plan);
        arena_reset(&a);
    }
    arena_fini(&a);
}

/* --- random histories -------------------------------------------------------------------------- */

enum { KEYS = 6, VALUES = 4 };

/* key -> the two other columns; 0: no such row */
struct model {
    char cell[KEYS][2];
};

static int index_of(struct str key)
{
    return key.p[0] - '0';
}

static void model_put(struct model *m, const struct str *r, const char *before)
{
    for (int c = 0; c < 2; c++) {
        m->cell[index_of(r[0])][c] = plan_is_unchanged(r[c + 1]) ? before[c] : letter(r[c + 1]);
    }
}

static void model_apply(struct model *m, const struct plan_step *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct str *old = s->rows[i].old;
        const struct str *neu = s->rows[i].neu;
        switch (s->kind) {
        case PLAN_DELETE:
            assert_int_not_equal(m->cell[index_of(old[0])][0], 0);
            m->cell[index_of(old[0])][0] = 0;
            break;
        case PLAN_UPDATE:
            assert_int_not_equal(m->cell[index_of(neu[0])][0], 0);
            model_put(m, neu, m->cell[index_of(neu[0])]);
            break;
        case PLAN_INSERT:
            assert_int_equal(m->cell[index_of(neu[0])][0], 0);
            model_put(m, neu, "??");
            break;
        case PLAN_MOVE: {
            char before[2] = {m->cell[index_of(old[0])][0], m->cell[index_of(old[0])][1]};
            assert_int_not_equal(before[0], 0);
            m->cell[index_of(old[0])][0] = 0;
            assert_int_equal(m->cell[index_of(neu[0])][0], 0);
            model_put(m, neu, before);
            break;
        }
        default: fail();
        }
    }
    if (s->kind == PLAN_TRUNCATE) {
        memset(m, 0, sizeof *m);
    }
}

static void step_random(struct plan *p, struct plan_table *t, struct arena *a, struct model *m)
{
    char k = (char)(rand() % KEYS);
    char other = (char)(rand() % KEYS);
    char x = (char)('a' + rand() % VALUES);
    char y = (char)('a' + rand() % VALUES);
    char *cell = m->cell[(int)k];
    if (rand() % 200 == 0) {
        run(p, t, a, "T");
        memset(m, 0, sizeof *m);
    } else if (cell[0] == 0) {
        plan_change(p, t, PLAN_OP_INSERT, NULL, row(a, (char)('0' + k), x, y));
        cell[0] = x;
        cell[1] = y;
    } else if (rand() % 3 == 0) {
        plan_change(p, t, PLAN_OP_DELETE, row(a, (char)('0' + k), '-', '-'), NULL);
        cell[0] = 0;
    } else {
        bool keep_x = rand() % 3 == 0;
        bool keep_y = rand() % 3 == 0;
        bool move = m->cell[(int)other][0] == 0 && rand() % 2 == 0;
        char before[2] = {cell[0], cell[1]};
        int to = move ? other : k;
        plan_change(p, t, PLAN_OP_UPDATE, move ? row(a, (char)('0' + k), '-', '-') : NULL,
                    row(a, (char)('0' + to), keep_x ? '~' : x, keep_y ? '~' : y));
        cell[0] = 0;
        m->cell[to][0] = keep_x ? before[0] : x;
        m->cell[to][1] = keep_y ? before[1] : y;
    }
}

static void random_histories(void **state)
{
    UNUSED(state);
    struct arena a = {0};
    struct model truth = {0};
    struct model replica = {0};
    srand(20240607);
    for (int batch = 0; batch < 3000; batch++) {
        struct plan p;
        plan_init(&p, &a);
        struct plan_table t = keyed();
        int changes = 1 + rand() % 40;
        for (int i = 0; i < changes; i++) {
            step_random(&p, &t, &a, &truth);
        }
        plan_finish(&p);
        for (size_t i = 0; i < p.step_count; i++) {
            model_apply(&replica, &p.steps[i]);
        }
        for (int k = 0; k < KEYS; k++) {
            assert_int_equal(truth.cell[k][0], replica.cell[k][0]);
            assert_true(truth.cell[k][0] == 0 || truth.cell[k][1] == replica.cell[k][1]);
        }
        arena_reset(&a);
    }
    arena_fini(&a);
}

static void many_rows(void **state)
{
    UNUSED(state);
    enum { ROWS = 50000 };
    struct arena a = {0};
    struct plan p;
    plan_init(&p, &a);
    struct plan_table t = keyed();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ROWS; i++) {
            char text[16];
            struct str *r = arena_zalloc(&a, 3 * sizeof *r);
            r[0] = arena_copy(&a,
                              (struct str){text, (size_t)snprintf(text, sizeof text, "%d", i)});
            plan_change(&p, &t, round == 0 ? PLAN_OP_INSERT : PLAN_OP_UPDATE, NULL, r);
        }
    }
    plan_finish(&p);
    assert_int_equal(p.step_count, 1);
    assert_int_equal(p.steps[0].count, ROWS);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_effects),
        cmocka_unit_test(random_histories),
        cmocka_unit_test(many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
