/* relay.h - `parkway relay`: the daemon between the primary's WAL and the broker. */
#ifndef PARKWAY_RELAY_RELAY_H
#define PARKWAY_RELAY_RELAY_H

int relay_main(int argc, char **argv);

#endif
