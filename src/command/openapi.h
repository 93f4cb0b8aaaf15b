/* openapi.h - GET /openapi.json: what the service answers to, as an OpenAPI 3 document (conf/openapi.json). Thread: any. */
#ifndef PARKWAY_COMMAND_OPENAPI_H
#define PARKWAY_COMMAND_OPENAPI_H

#include "command/request.h"

void openapi_page(struct request *q);

#endif
