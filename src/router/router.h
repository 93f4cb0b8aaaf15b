/* router.h - `parkway router`: the read/write-split router. */
#ifndef PARKWAY_ROUTER_ROUTER_H
#define PARKWAY_ROUTER_ROUTER_H

int router_main(int argc, char **argv);

#endif
