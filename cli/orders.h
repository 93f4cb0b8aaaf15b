/* orders.h - the commands about orders: made, cancelled, looked up, and what cooks and riders report of them. */
#ifndef PARKWAY_CLI_ORDERS_H
#define PARKWAY_CLI_ORDERS_H

#include "cli/verbs.h"

int orders_create(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_request(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_list(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_details(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_cancel(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_history(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_document(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_ready(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_picked_up(struct cli *cli, const struct argline_values *v, struct err *e);
int orders_delivered(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
