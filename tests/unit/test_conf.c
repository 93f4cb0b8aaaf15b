/* test_conf.c - the three layers, every kind of value, and what each bad file is told. */
#include "base/buf.h"
#include "base/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

struct pet {
    char *name;
    int64_t age;
    int64_t line;
};

static struct sample {
    bool on;
    int64_t wait_ms;
    double rate;
    char *mode;
    char *url;
    struct conf_strings words;
    struct conf_strings places; /* CONF_SINGLE */
    struct conf_groups pets;
} sample;

static const struct conf_key pet_keys[] = {
    {.name = "name",
     .type = CONF_STRING,
     .offset = offsetof(struct pet, name),
     .unit = "",
     .flags = CONF_REQUIRED,
     .sentence = "Its name."},
    {.name = "age",
     .type = CONF_INT,
     .offset = offsetof(struct pet, age),
     .unit = "years",
     .initial = "3",
     .min = 0,
     .max = 99,
     .sentence = "Its age."},
    {.name = "",
     .type = CONF_LINE,
     .offset = offsetof(struct pet, line),
     .unit = "",
     .sentence = ""},
};
#define AT(m) offsetof(struct sample, m)
static const struct conf_key keys[] = {
    {.name = "on",
     .type = CONF_BOOL,
     .offset = AT(on),
     .unit = "",
     .initial = "true",
     .sentence = "On."},
    {.name = "wait_ms",
     .type = CONF_INT,
     .offset = AT(wait_ms),
     .unit = "ms",
     .initial = "250",
     .min = 1,
     .max = 1000,
     .sentence = "Wait."},
    {.name = "rate",
     .type = CONF_REAL,
     .offset = AT(rate),
     .unit = "",
     .initial = "0.5",
     .sentence = "Rate."},
    {.name = "mode",
     .type = CONF_STRING,
     .offset = AT(mode),
     .unit = "",
     .initial = "slow",
     .choices = "slow|fast",
     .sentence = "Mode."},
    {.name = "url",
     .type = CONF_STRING,
     .offset = AT(url),
     .unit = "",
     .initial = "postgresql://u:secret@h/d",
     .sentence = "Where."},
    {.name = "words",
     .type = CONF_STRINGS,
     .offset = AT(words),
     .unit = "",
     .initial = "a,b",
     .sentence = "Words."},
    {.name = "places",
     .type = CONF_STRINGS,
     .offset = AT(places),
     .unit = "",
     .initial = "here",
     .flags = CONF_SINGLE,
     .sentence = "Words."},
    {.name = "pets",
     .type = CONF_GROUPS,
     .offset = AT(pets),
     .unit = "",
     .initial = "name=rex;name=tom,age=7",
     .sub = pet_keys,
     .sub_count = ARRAY_LEN(pet_keys),
     .sub_size = sizeof(struct pet),
     .sentence = "Pets."},
};
static const struct conf_group groups[] = {
    {"sample", "A sample.", keys, ARRAY_LEN(keys), &sample},
};

static char file[] = "/tmp/parkway-test-conf-XXXXXX";

static int load(const char *text, struct err *e)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return conf_load(groups, 1, file, e);
}

static int fini(void **state)
{
    UNUSED(state);
    conf_free(groups, 1);
    return 0;
}

static void layers(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    assert_int_equal(load("", &e), 0);
    assert_true(sample.on);
    assert_int_equal(sample.wait_ms, 250);
    assert_string_equal(sample.mode, "slow");
    assert_int_equal(sample.words.count, 2);
    assert_int_equal(sample.pets.count, 2);
    assert_string_equal(((struct pet *)sample.pets.items)[1].name, "tom");
    assert_int_equal(((struct pet *)sample.pets.items)[0].age, 3);
    assert_int_equal(((struct pet *)sample.pets.items)[1].age, 7);
    conf_free(groups, 1);

    setenv("PARKWAY_SAMPLE_WAIT_MS", "9", 1);
    assert_int_equal(load("sample = { on = false; wait_ms = 8; rate = 2; words = [\"x\"];"
                          " pets = ( { name = \"kim\"; } ); };",
                          &e),
                     0);
    unsetenv("PARKWAY_SAMPLE_WAIT_MS");
    assert_false(sample.on);
    assert_int_equal(sample.wait_ms, 9);
    assert_true(sample.rate == 2.0);
    assert_int_equal(sample.words.count, 1);
    assert_int_equal(sample.places.count, 1);
    assert_string_equal(sample.places.items[0], "here");
    assert_int_equal(sample.pets.count, 1);
    assert_int_equal(((struct pet *)sample.pets.items)[0].age, 3);
}

/* A key that may be a list takes a string for the list of it alone, commas and all. */
static void single(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    assert_int_equal(load("sample = { places = \"a,b\"; };", &e), 0);
    assert_int_equal(sample.places.count, 1);
    assert_string_equal(sample.places.items[0], "a,b");
    conf_free(groups, 1);
    assert_int_equal(load("sample = { places = [\"a\", \"b\"]; };", &e), 0);
    assert_int_equal(sample.places.count, 2);
    assert_string_equal(sample.places.items[1], "b");
    conf_free(groups, 1);
    assert_int_equal(load("sample = { places = 5; };", &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "places must be a list of strings"));
}

static void refusals(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"sample = {\n wait_sm = 5; };",
         ":2: unknown key \"wait_sm\" (did you mean \"wait_ms\"?)"},
        {"sampel = { };", ":1: unknown key \"sampel\" (did you mean \"sample\"?)"},
        {"sample = { wait_ms = 0; };", "wait_ms = 0 is out of range 1..1000 ms"},
        {"sample = { wait_ms = \"5\"; };", "wait_ms must be a whole number"},
        {"sample = { on = 1; };", "on must be true or false"},
        {"sample = { mode = \"fa\"; };", "mode = \"fa\" is not one of slow|fast"},
        {"sample = { words = \"x\"; };", "words must be a list of strings"},
        {"sample = { pets = ( { age = 4; } ); };", "\"name\" is missing in pets"},
        {"sample = { pets = ( { nam = \"x\"; } ); };", "did you mean \"name\"?"},
        {"sample = { on = ; };", ":1: syntax error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        assert_int_equal(load(rows[i].text, &e), ERR_INVALID);
        if (strstr(e.text, rows[i].told) == NULL || strstr(e.text, file) == NULL) {
            fail_msg("\"%s\" does not name the place and \"%s\"", e.text, rows[i].told);
        }
        conf_free(groups, 1);
    }
    struct err e = ERR_INIT;
    assert_int_equal(conf_load(groups, 1, "/nowhere/x.cfg", &e), ERR_NOT_FOUND);
}

static void printing(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    assert_int_equal(load("sample = { mode = \"fast\"; };", &e), 0);
    struct buf out = BUF_INIT;
    conf_print(groups, 1, false, &out);
    assert_non_null(strstr(buf_cstr(&out), "mode = \"fast\";"));
    assert_null(strstr(buf_cstr(&out), "secret"));
    assert_non_null(strstr(buf_cstr(&out), "u:***@h/d"));
    /* what is printed can be read again, with the same values */
    buf_adds(&out, "");
    char *text = def_strdup(buf_cstr(&out));
    conf_free(groups, 1);
    assert_int_equal(load(text, &e), 0);
    assert_string_equal(sample.mode, "fast");
    assert_int_equal(sample.pets.count, 2);
    free(text);
    buf_fini(&out);
}

/* A file of its own: its top level are keys, the environment has no say, conf_path stays. */
static void own_file(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    char before[sizeof file];
    assert_int_equal(load("", &e), 0);
    snprintf(before, sizeof before, "%s", conf_path());
    conf_free(groups, 1);
    char other[] = "/tmp/parkway-test-own-XXXXXX";
    int fd = mkstemp(other);
    static const char text[] =
        "wait_ms = 7;\npets = ( { name = \"a\"; },\n  { age = 1;\n    name = \"b\"; } );\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("PARKWAY_SAMPLE_WAIT_MS", "9", 1);
    assert_int_equal(conf_read(other, keys, ARRAY_LEN(keys), &sample, &e), 0);
    unsetenv("PARKWAY_SAMPLE_WAIT_MS");
    assert_int_equal(sample.wait_ms, 7);
    assert_string_equal(sample.mode, "slow");
    const struct pet *pets = sample.pets.items;
    assert_int_equal(sample.pets.count, 2);
    assert_int_equal(pets[0].line, 2);
    assert_int_equal(pets[1].line, 3);
    assert_string_equal(conf_path(), before);
    conf_free(groups, 1);
    fd = open(other, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "\nwait_sm = 7;", 13), 13);
    close(fd);
    assert_int_equal(conf_read(other, keys, ARRAY_LEN(keys), &sample, &e), ERR_INVALID);
    assert_memory_equal(e.text, other, strlen(other));
    assert_non_null(strstr(e.text, ":2: unknown key \"wait_sm\" (did you mean \"wait_ms\"?)"));
    unlink(other);
    conf_free(groups, 1);
    assert_int_equal(conf_read(other, keys, ARRAY_LEN(keys), &sample, &e), ERR_NOT_FOUND);
}

int main(void)
{
    int fd = mkstemp(file);
    if (fd < 0) {
        return 1;
    }
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(layers, fini),   cmocka_unit_test_teardown(single, fini),
        cmocka_unit_test_teardown(refusals, fini), cmocka_unit_test_teardown(printing, fini),
        cmocka_unit_test_teardown(own_file, fini),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return rc;
}
