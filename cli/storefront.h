/* storefront.h - the commands about the shop's orders: order_details_mv, push_events, drop_data. */
#ifndef PARKWAY_CLI_STOREFRONT_H
#define PARKWAY_CLI_STOREFRONT_H

#include "cli/verbs.h"

int storefront_details_mv(struct cli *cli, const struct argline_values *v, struct err *e);
int storefront_push_events(struct cli *cli, const struct argline_values *v, struct err *e);
int storefront_drop_data(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
