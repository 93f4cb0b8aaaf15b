/* bootstrap.c - parkway bootstrap: makes a replica, or makes it anew, from nothing or from where it was interrupted.
 *
 *   parkway bootstrap <consumer> [--table=SCHEMA.NAME] [--force] [--json]
 *
 * Everything that parkway migrate does (schema, logins, tables), and the copy of the rows (enroll.h), with a progress display.
 * The primary may be written and other replicas may run meanwhile. It may be killed at any time: run
 * again, it goes on with what is missing. The consumer's name is that of the configuration; it is asked
 * for so that a copy is never begun on the wrong replica.
 *
 *   --table=SCHEMA.NAME  copies this one table anew: its rows on the replica are dropped, and it is not read until it is whole
 *   --force              replaces rows of targets that were not copied by Parkway
 *   --json               the progress and the end as JSON lines on standard output */
#include "base/json.h"
#include "consumer/consumer_conf.h"
#include "ops/migrate.h"
#include "ops/ops.h"

#include <stdio.h>

static void note(const char *text)
{
    fprintf(stderr, "bootstrap: %s\n", text);
}

static int usage(struct err *e)
{
    return err_set(
        e, ERR_USAGE,
        "usage: parkway bootstrap CONSUMER [--table=SCHEMA.NAME] [--force] [--json]");
}

static int parse(int argc, char **argv, struct enroll_options *o, struct err *e)
{
    static const char table[] = "--table=";
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--force") == 0) {
            o->force = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (strncmp(argv[i], table, sizeof table - 1) == 0) {
            o->table = argv[i] + sizeof table - 1;
        } else if (argv[i][0] != '-' && name == NULL) {
            name = argv[i];
        } else {
            return usage(e);
        }
    }
    if (name == NULL) {
        return usage(e);
    }
    return strcmp(name, consumer_conf()->name) == 0
               ? 0
               : err_set(e, ERR_USAGE,
                         "the configuration is that of consumer \"%s\", not \"%s\" (-c FILE, "
                         "PARKWAY_CONSUMER_NAME)",
                         consumer_conf()->name, name);
}

static void print_end(const struct enroll_options *o, struct buf *summary)
{
    if (!o->json) {
        printf("%s\n", buf_cstr(summary));
        return;
    }
    struct buf line = BUF_INIT;
    struct json j;
    json_init(&j, &line, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "done", buf_str(summary));
    json_object_end(&j);
    printf("%s\n", buf_cstr(&line));
    buf_fini(&line);
}

int bootstrap_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct buf summary = BUF_INIT;
    struct enroll_options o = {.note = note};
    int rc = parse(argc, argv, &o, &e);
    if (rc == 0) {
        rc = migrate_apply(&o, true, &summary, &e);
    }
    if (rc == 0) {
        print_end(&o, &summary);
    } else {
        fprintf(stderr, "error: %s\n", e.text);
    }
    buf_fini(&summary);
    return rc == 0 ? 0 : err_exit(rc);
}
