/* command.h - `parkway command`: the HTTP front of the domain. */
#ifndef PARKWAY_COMMAND_COMMAND_H
#define PARKWAY_COMMAND_COMMAND_H

int command_main(int argc, char **argv);

#endif
