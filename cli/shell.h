/* shell.h - the interactive mode: commands from a terminal (with editing, history, completion) or, one
 * a line, from a pipe. */
#ifndef PARKWAY_CLI_SHELL_H
#define PARKWAY_CLI_SHELL_H

#include "cli/verbs.h"

/* shell_main - until exit, quit or the end of the input. Returns the exit status of the last command that
 * failed, 0 when none did. */
int shell_main(struct cli *cli);

#endif
