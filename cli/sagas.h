/* sagas.h - the commands saga_list, saga_details, saga_log, saga_pause, saga_resume and saga_retry. */
#ifndef PARKWAY_CLI_SAGAS_H
#define PARKWAY_CLI_SAGAS_H

#include "cli/verbs.h"

int sagas_list(struct cli *cli, const struct argline_values *v, struct err *e);
int sagas_details(struct cli *cli, const struct argline_values *v, struct err *e);
int sagas_log(struct cli *cli, const struct argline_values *v, struct err *e);
int sagas_pause(struct cli *cli, const struct argline_values *v, struct err *e);
int sagas_resume(struct cli *cli, const struct argline_values *v, struct err *e);
int sagas_retry(struct cli *cli, const struct argline_values *v, struct err *e);

#endif
