/* customers.h - the commands about customers. */
#ifndef PARKWAY_CLI_CUSTOMERS_H
#define PARKWAY_CLI_CUSTOMERS_H

#include "cli/verbs.h"

int customers_create(struct cli *cli, const struct argline_values *v, struct err *e);
int customers_list(struct cli *cli, const struct argline_values *v, struct err *e);
int customers_details(struct cli *cli, const struct argline_values *v, struct err *e);
int customers_update(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
