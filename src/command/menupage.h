/* menupage.h - the paths /restaurant, /restaurants, /menu and /menus. */
#ifndef PARKWAY_COMMAND_MENUPAGE_H
#define PARKWAY_COMMAND_MENUPAGE_H

#include "command/request.h"

void menupage_open(struct request *q); /* POST /restaurant */
void menupage_restaurants(struct request *q);
void menupage_restaurant(struct request *q);
void menupage_create(struct request *q); /* POST /menu */
void menupage_update(struct request *q);
void menupage_list(struct request *q);

#endif
