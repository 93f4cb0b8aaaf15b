/* settings.h - the one array of configuration groups: shared ones (event/setup.h) and each
 * daemon's own (<daemon>_conf.h). From it come parsing, --print-config, sample and manual. */
#ifndef PARKWAY_OPS_SETTINGS_H
#define PARKWAY_OPS_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"

/* settings_load - once, by main, before any subcommand. path NULL: search (base/conf.h). */
NODISCARD int settings_load(const char *path, struct err *e);
/* settings_print - the present values, or the defaults (which end the loaded ones). */
void settings_print(bool defaults, struct buf *out);

#endif
