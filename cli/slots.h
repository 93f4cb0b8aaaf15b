/* slots.h - the commands about parking slots. */
#ifndef PARKWAY_CLI_SLOTS_H
#define PARKWAY_CLI_SLOTS_H

#include "cli/verbs.h"

int slots_create(struct cli *cli, const struct argline_values *v, struct err *e);
int slots_list(struct cli *cli, const struct argline_values *v, struct err *e);
int slots_details(struct cli *cli, const struct argline_values *v, struct err *e);
int slots_update(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
