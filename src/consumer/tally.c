/* tally.c - see tally.h. */
#include "consumer/tally.h"

struct metric tally_table[TALLY_COUNT] = {
#define X(id, kind, name, scale, help) [id] = {name, kind, help, NULL, scale, 0},
    TALLY_LIST(X)
#undef X
};
