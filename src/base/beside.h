/* beside.h - where a file of the installation is that is named without its folder: declarations, data. Main thread. */
#ifndef PARKWAY_BASE_BESIDE_H
#define PARKWAY_BASE_BESIDE_H

#include "base/buf.h"

/* beside_find - name as it stands when it begins with /, else beside the configuration file, in ../conf or in
 * ../share/parkway/conf beside the binary, the first of them that can be read. Appends to out; when there is none, the
 * first place, so that the attempt to read it names it. */
void beside_find(struct buf *out, const char *name);

#endif
