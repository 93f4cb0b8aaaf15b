/* cqrs.c - bin/cqrs, the user's command line: parking slots written to the primary and read from
 * the replica, through the router.
 *
 *   cqrs [-c FILE] [--json] COMMAND [ARGUMENTS]      cqrs help      cqrs (interactive)
 *
 * stdout carries results only. The connection is opened by the first command that needs it. */
#include "cli/shell.h"
#include "cli/verbs.h"
#include "command/command_conf.h"
#include "ops/settings.h"

#include "base/log.h"
#include "router/router_conf.h"

#include <stdio.h>
#include <stdlib.h>

/* The options before the command; returns the index of the first word behind them. */
static int global_options(int argc, char **argv, const char **path, bool *json)
{
    int at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "-c") == 0 && at + 1 < argc) {
            *path = argv[++at];
        } else if (strcmp(argv[at], "--json") == 0) {
            *json = true;
        } else {
            break;
        }
    }
    return at;
}

static int run(struct cli *cli, int argc, char **argv)
{
    if (argc == 0) {
        return shell_main(cli);
    }
    if (argc > ARGLINE_WORDS_MAX) {
        fprintf(stderr, "error: more than %d words\n", ARGLINE_WORDS_MAX);
        return err_exit(ERR_USAGE);
    }
    struct str words[ARGLINE_WORDS_MAX];
    for (int i = 0; i < argc; i++) {
        words[i] = str_of(argv[i]);
    }
    if (str_eq(words[0], STR("--help")) || str_eq(words[0], STR("-h"))) {
        words[0] = STR("help");
    }
    return verbs_run(cli, words, (size_t)argc);
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    struct cli cli = {.out = BUF_INIT};
    int at = global_options(argc, argv, &path, &cli.json);
    struct err e = ERR_INIT;
    log_init("cqrs", LOG_WARN);
    int rc = settings_load(path, &e);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
        return err_exit(rc);
    }
    char url[ROUTER_URL_MAX];
    router_conf_url(command_conf()->cli_url, url);
    cli.db = db_new(url, "cqrs");
    cli.read_your_writes_ms = command_conf()->cli_read_your_writes_ms;
    int status = run(&cli, argc - at, argv + at);
    db_free(cli.db);
    buf_fini(&cli.out);
    return status;
}
