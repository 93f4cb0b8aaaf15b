/* ops.h - the operator commands: `parkway <name>`. Each owns its arguments, its output and its exit
 * status (base/err.h); argv[0] is the command's name; settings are loaded. Thread: main. */
#ifndef PARKWAY_OPS_OPS_H
#define PARKWAY_OPS_OPS_H

int route_main(int argc, char **argv); /* where a statement goes, and why */

#endif
