/* main.c - bin/parkway: one binary, a table of subcommands, like git.
 *
 *   parkway [-c FILE] <command> [arguments]      parkway help      parkway
 * --print-config[=defaults]
 *
 * main loads the configuration and hands over; every subcommand owns its arguments, its output
 * and its exit status (the list in base/err.h). */
#include "base/err.h"
#include "base/log.h"
#include "command/command.h"
#include "consumer/consumer.h"
#include "ops/ops.h"
#include "ops/settings.h"
#include "relay/relay.h"
#include "router/router.h"
#include "saga/saga.h"

#include <stdio.h>
#include <stdlib.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    const char *summary;
};

static const struct command commands[] = {
    {"relay", relay_main, "the daemon that publishes the primary's changes"},
    {"consumer", consumer_main, "the daemon that applies the log to the replica"},
    {"router", router_main, "the read/write-split router"},
    {"command", command_main, "the HTTP command service"},
    {"saga", saga_main, "the daemon that leads orders through their steps, and its workers"},
    {"migrate", migrate_main, "bring both databases to what this program expects"},
    {"bootstrap", bootstrap_main,
     "make a replica: copy its rows, go on where it was interrupted"},
    {"verify", verify_main, "whether primary and replica are equal"},
    {"resync", mend_main, "repair the replica's rows that differ"},
    {"replica", replica_main, "the replicas that the primary keeps WAL for: list, drop"},
    {"status", status_main, "what is up, how far the changes have come, and how late"},
    {"events", events_main, "the stream of events: read it, or fill queues from it again"},
    {"parked", parked_main, "changes that the replica refused: list, show, retry, skip, drop"},
    {"dead", dead_main, "dead letters of the worker queues: list, show, retry, drop"},
    {"replay", replay_main, "fill a view or a mirror anew, beside the live one"},
    {"route", routing_main, "where a statement goes, and why"},
    {NULL, NULL, NULL},
};

static void help(FILE *to)
{
    fprintf(to, "usage: parkway [-c FILE] <command> [arguments]\n\n");
    for (const struct command *c = commands; c->name != NULL; c++) {
        fprintf(to, "  %-12s %s\n", c->name, c->summary);
    }
    fprintf(to, "  %-12s %s\n", "help", "this list");
    fprintf(to, "\n  --print-config           every key at its present value\n"
                "  --print-config=defaults  every key at its default\n");
}

static int fail(const struct err *e)
{
    fprintf(stderr, "error: %s\n", e->text);
    return err_exit(e->code);
}

static int print_config(bool defaults)
{
    struct buf out = BUF_INIT;
    settings_print(defaults, &out);
    bool ok = fwrite(buf_data(&out), 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_fini(&out);
    return ok ? 0 : err_exit(ERR_FAIL);
}

/* Takes "-c FILE" out of the arguments; it stands before the command or right behind it. */
static const char *take_path(int *argc, char **argv)
{
    for (int i = 1; i <= 2 && i + 1 < *argc; i++) {
        if (strcmp(argv[i], "-c") == 0) {
            const char *path = argv[i + 1];
            *argc -= 2;
            memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i + 1) * sizeof *argv);
            return path;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *path = take_path(&argc, argv);
    int at = 1;
    struct err e = ERR_INIT;
    const char *name = at < argc ? argv[at] : "";
    if (name[0] == '\0' || strcmp(name, "help") == 0 || strcmp(name, "--help") == 0) {
        help(name[0] == '\0' ? stderr : stdout);
        return name[0] == '\0' ? err_exit(ERR_USAGE) : 0;
    }
    bool print = strcmp(name, "--print-config") == 0;
    bool defaults = strcmp(name, "--print-config=defaults") == 0;
    const struct command *c = commands;
    while (c->name != NULL && strcmp(c->name, name) != 0) {
        c++;
    }
    if (!print && !defaults && c->name == NULL) {
        err_set(&e, ERR_USAGE, "unknown command \"%s\"; \"parkway help\" lists them", name);
        return fail(&e);
    }
    log_init(c->name != NULL ? c->name : "parkway", LOG_INFO);
    int rc = settings_load(path, &e);
    if (rc != 0) {
        return fail(&e);
    }
    return print || defaults ? print_config(defaults) : c->run(argc - at, argv + at);
}
