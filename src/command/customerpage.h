/* customerpage.h - the paths /customers and /customer/{ref}. */
#ifndef PARKWAY_COMMAND_CUSTOMERPAGE_H
#define PARKWAY_COMMAND_CUSTOMERPAGE_H

#include "command/request.h"

void customerpage_create(struct request *q);
void customerpage_list(struct request *q);
void customerpage_details(struct request *q);

#endif
