/* customerpage.h - the paths /customers, /customer and /customer/{ref}. */
#ifndef PARKWAY_COMMAND_CUSTOMERPAGE_H
#define PARKWAY_COMMAND_CUSTOMERPAGE_H

#include "command/request.h"

void customerpage_create(struct request *q); /* POST /customers: by uuid */
void customerpage_add(struct request *q); /* POST /customer: by number, with place and card */
void customerpage_update(struct request *q);
void customerpage_list(struct request *q);
void customerpage_details(struct request *q);

#endif
