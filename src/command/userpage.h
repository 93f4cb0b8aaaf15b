/* userpage.h - the paths /users and /addresses. */
#ifndef PARKWAY_COMMAND_USERPAGE_H
#define PARKWAY_COMMAND_USERPAGE_H

#include "command/request.h"

void userpage_create(struct request *q);
void userpage_list(struct request *q);
void userpage_add_address(struct request *q);
void userpage_addresses(struct request *q);

#endif
