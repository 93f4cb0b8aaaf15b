/* consumer.h - parkway consumer: the daemon that applies the log to a replica. */
#ifndef PARKWAY_CONSUMER_CONSUMER_H
#define PARKWAY_CONSUMER_CONSUMER_H

int consumer_main(int argc, char **argv);

#endif
