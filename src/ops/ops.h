/* ops.h - the operator commands: `parkway <name>`. Each owns its arguments, prints results on stdout,
 * diagnostics on stderr, and returns an exit status (base/err.h); argv[0] is the command's name;
 * settings are loaded. Thread: main. */
#ifndef PARKWAY_OPS_OPS_H
#define PARKWAY_OPS_OPS_H

int migrate_main(int argc, char **argv); /* bring both databases to what this program expects */
int bootstrap_main(int argc, char **argv); /* make a replica, or go on making it */
int events_main(int argc, char **argv);    /* the stream of events, read or sent again */
int parked_main(int argc, char **argv);  /* what the replica refused, and what becomes of it */
int dead_main(int argc, char **argv);    /* what no worker could do, and what becomes of it */
int replica_main(int argc, char **argv); /* for whom the primary keeps WAL */
int replay_main(int argc, char **argv);  /* a view or a mirror anew, beside the live one */
int routing_main(int argc, char **argv); /* where a statement goes, and why */
int status_main(int argc, char **argv);  /* what is up, how far, how late */
int verify_main(int argc, char **argv);  /* are primary and replica equal? */
int mend_main(int argc, char **argv);    /* repair what differs */

#endif
