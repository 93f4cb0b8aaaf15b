/* reference.h - the command load_reference: the data that a fresh installation has. */
#ifndef PARKWAY_CLI_REFERENCE_H
#define PARKWAY_CLI_REFERENCE_H

#include "cli/verbs.h"

int reference_load(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
