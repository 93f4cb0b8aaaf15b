/* meter.c - see meter.h. */
#include "consumer/meter.h"

struct metric meter_table[METER_COUNT] = {
#define X(id, kind, name, scale, help) [id] = {name, kind, help, NULL, scale, 0},
    METER_LIST(X)
#undef X
};
