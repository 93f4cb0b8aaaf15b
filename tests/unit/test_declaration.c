/* test_declaration.c - the bundled sagas as numbers, a saga that only the tests have, and what each mistake in a file
 * is told: every row changes one text of the reservation and expects the line and the complaint. */
#include "saga/declaration.h"
#include "saga/declaration_conf.h"
#include "saga/saga.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char file[] = "/tmp/parkway-test-sagas-XXXXXX";

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = def_zalloc(1, 65536);
    size_t n = fread(text, 1, 65535, f);
    assert_true(n > 0 && n < 65535);
    fclose(f);
    return text;
}

static void spit(const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

/* text with the first `from` as `to`; the caller frees. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (at == NULL) {
        fail_msg("\"%s\" is not in the file", from);
    }
    char *out = def_zalloc(1, strlen(text) + strlen(to) + 1);
    memcpy(out, text, (size_t)(at - text));
    strcat(out, to);
    strcat(out, at + strlen(from));
    return out;
}

static int line_of(const char *text, const char *marker)
{
    const char *at = strstr(text, marker);
    if (at == NULL) {
        fail_msg("\"%s\" is not in the file", marker);
    }
    int line = 1;
    for (const char *p = text; p < at; p++) {
        line += *p == '\n';
    }
    return line;
}

static void food(void **state)
{
    UNUSED(state);
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(declaration_load("conf/sagas.cfg", &d, &e), 0);
    assert_int_equal(d->saga_count, 2);
    const struct saga *s = declaration_started_by(d, "ORDER_CREATED");
    assert_ptr_equal(s, declaration_saga(d, "food"));
    assert_ptr_equal(declaration_saga(d, "simple"),
                     declaration_started_by(d, "ORDER_REQUESTED"));
    assert_null(declaration_saga(d, "none"));
    assert_null(declaration_started_by(d, "TICKET_CREATED"));
    assert_int_equal(s->step_count, 9);
    assert_int_equal(s->pivot, saga_step_find(s, "APPROVE_TICKET"));
    assert_int_equal(s->steps[3].participant, 1);
    assert_int_equal(s->steps[2].participant, 2);
    assert_int_equal(s->steps[1].undo_count, 2);
    assert_int_equal(s->steps[1].undo[0].when, 1u << saga_state_find(s, "PENDING"));
    assert_int_equal(s->steps[4].tries, 10);
    assert_int_equal(s->steps[4].exhausted, SAGA_FAIL);
    assert_int_equal(s->steps[0].exhausted, SAGA_COMPENSATE);
    assert_int_equal(s->steps[8].exhausted, SAGA_CONTINUE);
    assert_int_equal(s->steps[8].success[0].next, 9);
    assert_null(s->steps[5].call.command);
    assert_int_equal(s->steps[6].timeout_ms, 0);
    /* every reply of the page is awaited, and no fact that only the engine appends */
    assert_true(saga_awaits(s, saga_event_find(s, "TICKET_CANCELLED")));
    assert_false(saga_awaits(s, saga_event_find(s, "ORDER_APPROVED")));
    assert_string_equal(s->events[saga_event_find(s, "DELIVERY_PICKEDUP")].key,
                        "delivery.pickedup");
    declaration_free(d);
    declaration_free(NULL);
}

static void printed(void **state)
{
    UNUSED(state);
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    struct buf out = BUF_INIT;
    assert_int_equal(declaration_load("tests/data/reservation.cfg", &d, &e), 0);
    saga_print(d, &out);
    assert_string_equal(
        buf_cstr(&out),
        "saga reservation: begins with BOOKING_MADE, drives bookings.state by booking_id from "
        "OPEN; failed and undone: VOIDED, fact BOOKING_VOIDED\n"
        "  1 HOLD_SEAT: HOLD_SEAT to seats, 2000 ms x 2, then compensate; on SEAT_HELD; on "
        "SEAT_TAKEN: compensate; undo RELEASE_SEAT to seats, 10000 ms x 10, until "
        "SEAT_RELEASED\n"
        "  2 TAKE_FARE (pivot): TAKE_FARE to fares, 5000 ms x 1, then compensate; on FARE_PAID "
        "(end) the subject is SOLD, fact BOOKING_SOLD; on FARE_REFUSED: compensate\n"
        "worker seats: takes from seats, calls seats_worker\n"
        "worker fares: takes from fares, calls fares_worker\n");
    buf_fini(&out);
    declaration_free(d);
}

/* docs/sagas.md has every key, the example as it is, and what is printed of it. */
static void documented_keys(const char *doc, const struct conf_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char code[80];
        snprintf(code, sizeof code, "`%s`", keys[i].name);
        bool sub =
            keys[i].name[0] != '\0' && strstr("event next then when command", keys[i].name);
        if (keys[i].type != CONF_LINE && !sub && strstr(doc, code) == NULL) {
            fail_msg("docs/sagas.md does not explain %s", code);
        }
        documented_keys(doc, keys[i].sub, keys[i].sub_count);
    }
}

static void documented(void **state)
{
    UNUSED(state);
    char *doc = slurp("docs/sagas.md");
    char *example = slurp("tests/data/reservation.cfg");
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    struct buf out = BUF_INIT;
    documented_keys(doc, declaration_keys, declaration_key_count);
    assert_non_null(strstr(doc, strchr(example, '\n') + 1));
    assert_int_equal(declaration_load("tests/data/reservation.cfg", &d, &e), 0);
    saga_print(d, &out);
    assert_non_null(strstr(doc, buf_cstr(&out)));
    buf_fini(&out);
    declaration_free(d);
    free(example);
    free(doc);
}

struct mistake {
    const char *from, *to;
    const char *line; /* the complaint names the line of this text */
    const char *told;
};

#define STEP1 "{ name = \"HOLD_SEAT\""
#define STEP2 "{ name = \"TAKE_FARE\""
#define SAGA  "{ name = \"reservation\""

static const struct mistake mistakes[] = {
    {"tries = 2", "trys = 2", "trys", "unknown key \"trys\" (did you mean \"tries\"?)"},
    {"timeout_ms = 2000", "timeout_ms = -1", "timeout_ms = -1", "is out of range 0.."},
    {"tries = 2", "tries = 0", "tries = 0", "out of range"},
    {"timeout_ms = 2000", "timeout_ms = \"2\"", "timeout_ms = \"2\"", "must be a whole number"},
    {"timeout_ms = 2000; ", "", STEP1, "step HOLD_SEAT: a command needs a timeout_ms"},
    {"queue = \"seats\"; timeout", "timeout", STEP1, "command and queue go together"},
    {"sagas = (", "sagaz = (", "sagaz", "unknown key \"sagaz\" (did you mean \"sagas\"?)"},
    {"success = ( { event = \"SEAT_HELD\"; } );", "", STEP1, "\"success\" is missing"},
    {"success = ( { event = \"SEAT_HELD\"; } );", "success = ();", STEP1, "no success"},
    {"event = \"SEAT_HELD\"", "event = \"SEAT_HELT\"", "SEAT_HELT",
     "step HOLD_SEAT: unknown event \"SEAT_HELT\" (did you mean \"SEAT_HELD\"?)"},
    {"event = \"SEAT_HELD\";", "event = \"SEAT_HELD\"; next = \"TAKE_FAIR\";", "TAKE_FAIR",
     "unknown step \"TAKE_FAIR\" (did you mean \"TAKE_FARE\"?)"},
    {"event = \"SEAT_HELD\";", "event = \"SEAT_HELD\"; next = \"end\";", STEP2,
     "step TAKE_FARE: unreachable"},
    {"event = \"FARE_PAID\";", "event = \"FARE_PAID\"; next = \"HOLD_SEAT\";",
     "FARE_PAID\"; next", "next = \"HOLD_SEAT\" does not stand below this step"},
    {"event = \"FARE_PAID\"", "event = \"SEAT_HELD\"",
     "SEAT_HELD\"; } );\n            failure = ( { event = \"FARE_REF",
     "step TAKE_FARE: SEAT_HELD is awaited twice: step HOLD_SEAT has it"},
    {"( { event = \"FARE_PAID\"; } )",
     "( { event = \"FARE_PAID\"; }, { event = \"FARE_PAID\"; } )",
     "{ event = \"FARE_PAID\"; }, {", "FARE_PAID is awaited twice"},
    {"( { event = \"SEAT_TAKEN\"; } )",
     "( { event = \"SEAT_TAKEN\"; }, { event = \"SEAT_TAKEN\"; } )",
     "{ event = \"SEAT_TAKEN\"; }", "SEAT_TAKEN is awaited twice"},
    {"event = \"FARE_REFUSED\"", "event = \"FARE_PAID\"", "success = ( { event = \"FARE_PAID\"",
     "FARE_PAID is a success here and a failure of step TAKE_FARE"},
    {"undone = [\"SEAT_RELEASED\"]", "undone = [\"FARE_PAID\"]",
     "success = ( { event = \"FARE_PAID\"", "is a success here and undone of step HOLD_SEAT"},
    {"event = \"FARE_PAID\"", "event = \"BOOKING_MADE\"",
     "success = ( { event = \"BOOKING_MADE\"", "BOOKING_MADE begins the saga"},
    {"undo = ( { command = \"RELEASE_SEAT\"; queue = \"seats\"; } );\n            undone = "
     "[\"SEAT_RELEASED\"];",
     "", STEP1, "step HOLD_SEAT: no undo, and it stands before the pivot TAKE_FARE"},
    {"undone = [\"SEAT_RELEASED\"];", "", STEP1, "undo without undone"},
    {"undone = [\"SEAT_RELEASED\"];", "undone = [\"SEAT_RELEASED\", \"SEAT_RELEASED\"];", STEP1,
     "undone lists SEAT_RELEASED twice"},
    {"undone = [\"SEAT_RELEASED\"];", "undone = [\"SEAT_RELEASED\"]; harmless = true;", STEP1,
     "harmless, but with an undo"},
    {"undo = ( { command = \"RELEASE_SEAT\"; queue = \"seats\"; } );", "", STEP1,
     "undone without undo"},
    {"command = \"RELEASE_SEAT\"; queue = \"seats\";",
     "command = \"RELEASE_SEAT\"; queue = \"seats\"; when = [\"OPEN\"];",
     "when = ", "the last undo must have no when"},
    {"undo = ( {", "undo = ( { command = \"X\"; queue = \"seats\"; }, {", "{ command = \"X\"",
     "only the last undo has no when"},
    {"command = \"RELEASE_SEAT\"; queue = \"seats\";",
     "command = \"RELEASE_SEAT\"; queue = \"seats\"; when = [\"OPNE\"];",
     "when = ", "unknown state \"OPNE\" (did you mean \"OPEN\"?)"},
    {"tries = 2;", "tries = 2; pivot = true;", "event = \"FARE_REFUSED\"",
     "then = \"compensate\" behind the pivot HOLD_SEAT"},
    {"undone = [\"SEAT_RELEASED\"]; },\n          { name = \"TAKE_FARE\";",
     "undone = [\"SEAT_RELEASED\"]; pivot = true; },\n          { name = \"TAKE_FARE\"; "
     "exhausted = \"compensate\";",
     STEP2, "exhausted = \"compensate\" behind the pivot HOLD_SEAT"},
    {"tries = 1;", "tries = 1; exhausted = \"fail\"; pivot = true;", "", NULL}, /* allowed */
    {"tries = 1;", "tries = 1; exhausted = \"retry\";", "exhausted = \"retry\"",
     "is not one of"},
    {"event = \"FARE_REFUSED\";", "event = \"FARE_REFUSED\"; then = \"panic\";", "panic",
     "is not one of compensate|retry|continue|fail"},
    {"name = \"TAKE_FARE\"", "name = \"HOLD_SEAT\"",
     "{ name = \"HOLD_SEAT\";\n            command = \"TAKE",
     "there is another step \"HOLD_SEAT\""},
    {"name = \"TAKE_FARE\"", "name = \"TAKE FARE\"", "TAKE FARE", "letters, digits"},
    {"state = \"SOLD\"; facts", "state = \"SOLT\"; facts", STEP2, "unknown state \"SOLT\""},
    {"status = [\"SUCCEEDED\"]", "status = [\"PROCESSING\"]", SAGA,
     "the subject can be SOLD here, whose status does not list SUCCEEDED"},
    {"\"PROCESSING\", \"COMPENSATING\"", "\"COMPENSATING\"", STEP2, "does not list PROCESSING"},
    {"\"STARTED\", \"PROCESSING\"", "\"STRATED\", \"PROCESSING\"", "STRATED",
     "unknown status \"STRATED\""},
    {"rejected_state = \"VOIDED\";", "", STEP1, "the saga has no rejected_state"},
    {"rejected_state = \"VOIDED\";", "rejected_state = \"OPEN\";", SAGA,
     "rejected_state = \"OPEN\" is not final"},
    {"rejected_state = \"VOIDED\";", "rejected_state = \"VOIDED\"; cancel_from = [\"OPEN\"];",
     SAGA, "cancel_from, cancel_state and cancelled_state go together"},
    {"rejected_state = \"VOIDED\";",
     "rejected_state = \"VOIDED\"; cancel_from = [\"OPEN\"]; cancel_state = \"OPEN\"; "
     "cancelled_state = \"VOIDED\";",
     SAGA, "cancel_state is final, or stands in cancel_from"},
    {"      states = (", "      states = ( { state = \"LOST\"; },", STEP1,
     "does not list STARTED"},
    {"{ state = \"SOLD\"; ", "{ state = \"LOST\"; }, { state = \"SOLD\"; ", "LOST",
     "nothing leads to the state LOST"},
    {"{ state = \"SOLD\"; ", "{ state = \"OPEN\"; }, { state = \"SOLD\"; ",
     "{ state = \"OPEN\"; }", "there is another state \"OPEN\""},
    {"tries = 2;", "tries = 2; guard = [\"SOLD\"];", STEP1, "outside the guard"},
    {"tries = 2;", "tries = 2; state = \"SOLD\";", STEP2, "does not list PROCESSING"},
    {"start = \"BOOKING_MADE\"", "start = \"BOOKING_MAID\"", SAGA, "unknown event"},
    {"table = \"bookings\"", "table = \"\"", SAGA, "table is empty"},
    {"table = \"bookings\"", "table = \"bookings; drop table x\"", SAGA, "is no SQL name"},
    {"table = \"bookings\"", "table = \"a.b.c\"", SAGA, "is no SQL name"},
    {"table = \"bookings\"", "table = \"bookings.\"", SAGA, "table is empty"},
    {"key = \"booking_id\"", "key = \"1d\"", SAGA, "is no SQL name"},
    {"start = \"BOOKING_MADE\"", "start = \"BOOKING_MADE\"; owner = \"a b\"", SAGA,
     "is no SQL name"},
    {"start = \"BOOKING_MADE\"", "start = \"BOOKING_MADE\"; stream = \"a b\"", SAGA,
     "letters, digits"},
    {"function = \"seats_worker\"", "function = \"\"", "name = \"seats\"", "function is empty"},
    {"queue = \"fares\"; function", "queue = \"seats\"; function", "fares_worker",
     "there is another worker \"seats\""},
    {"key = \"seat.hold\";", "", "SEAT_HELD", "\"key\" is missing in events"},
    {"{ type = \"SEAT_TAKEN\";", "{ type = \"SEAT_HELD\";", "key = \"seat.refuse\"",
     "there is another event \"SEAT_HELD\""},
    {"facts = [\"BOOKING_SOLD\"]", "facts = [\"BOOKING_SOLD\", \"BOOKING_SOLD\"]", STEP2,
     "facts lists BOOKING_SOLD twice"},
    {"      steps = (", "      steps = (); other = (", "other", "unknown key \"other\""},
    {"tries = 2;", "tries = 2; tries = 3;", "tries = 3", "duplicate"},
};

static void refused(void **state)
{
    UNUSED(state);
    char *base = slurp("tests/data/reservation.cfg");
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        const struct mistake *m = &mistakes[i];
        char *text = replaced(base, m->from, m->to);
        const struct declarations *d = NULL;
        struct err e = ERR_INIT;
        spit(text);
        int rc = declaration_load(file, &d, &e);
        if (m->told == NULL) {
            assert_int_equal(rc, 0);
            declaration_free(d);
        } else {
            char place[128];
            snprintf(place, sizeof place, "%s:%d: ", file, line_of(text, m->line));
            if (rc != ERR_INVALID || strncmp(e.text, place, strlen(place)) != 0 ||
                strstr(e.text, m->told) == NULL) {
                print_error("\"%s\" (%d) is not %s…%s\n", e.text, rc, place, m->told);
                wrong++;
            }
        }
        free(text);
    }
    free(base);
    assert_int_equal(wrong, 0);
}

static void two_sagas(void **state)
{
    UNUSED(state);
    char *base = slurp("tests/data/reservation.cfg");
    char *one = strstr(base, "    { name = \"reservation\"");
    size_t n = strlen(one) - strlen(strstr(one, "\n);")); /* without what ends the list */
    char *copy = def_strndup(one, n);
    char *other = replaced(copy, "reservation", "another");
    struct buf text = BUF_INIT;
    struct err e = ERR_INIT;
    const struct declarations *d = NULL;
    buf_addf(&text, "%.*s%s,\n%s\n);\n", (int)(one - base), base, copy, copy);
    spit(buf_cstr(&text));
    assert_int_equal(declaration_load(file, &d, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "there is another saga \"reservation\""));
    buf_reset(&text);
    buf_addf(&text, "%.*s%s,\n%s\n);\n", (int)(one - base), base, copy, other);
    spit(buf_cstr(&text));
    assert_int_equal(declaration_load(file, &d, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "BOOKING_MADE begins saga reservation already"));
    buf_fini(&text);
    free(other);
    free(copy);
    free(base);
}

static void branches(void **state)
{
    UNUSED(state);
    /* a success that leaves out a step, and one that ends early */
    char *base = slurp("tests/data/reservation.cfg");
    char *text = replaced(
        base, "( { event = \"SEAT_HELD\"; } )",
        "( { event = \"SEAT_HELD\"; }, { event = \"BOOKING_SOLD\"; next = \"end\"; } )");
    char *open = replaced(text, "\"STARTED\", ", "\"STARTED\", \"SUCCEEDED\", ");
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    spit(open);
    assert_int_equal(declaration_load(file, &d, &e), 0);
    const struct saga *s = &d->sagas[0];
    assert_int_equal(s->steps[0].success[0].next, 1);
    assert_int_equal(s->steps[0].success[1].next, 2);
    declaration_free(d);
    free(open);
    free(text);
    free(base);
}

static void missing(void **state)
{
    UNUSED(state);
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(declaration_load("/nowhere/sagas.cfg", &d, &e), ERR_NOT_FOUND);
    spit("");
    assert_int_equal(declaration_load(file, &d, &e), 0);
    assert_int_equal(d->saga_count, 0);
    declaration_free(d);
}

int main(void)
{
    int fd = mkstemp(file);
    if (fd < 0) {
        return 1;
    }
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(food),       cmocka_unit_test(printed),  cmocka_unit_test(refused),
        cmocka_unit_test(two_sagas),  cmocka_unit_test(branches), cmocka_unit_test(missing),
        cmocka_unit_test(documented),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return rc;
}
