/* tally.c - see tally.h. */
#include "consumer/tally.h"

static struct metric_histogram batch_rows = {.first = 1};
static struct metric_histogram commit_time = {.first = 100}; /* us */

/* Which histogram a row keeps its values in; NULL for what is none. */
#define HISTOGRAM(id)                                                                          \
    ((id) == TALLY_BATCH_ROWS ? &batch_rows : (id) == TALLY_COMMIT_TIME ? &commit_time : NULL)

struct metric tally_table[TALLY_COUNT] = {
#define X(id, kind, name, scale, help) [id] = {name, kind, help, NULL, scale, 0, HISTOGRAM(id)},
    TALLY_LIST(X)
#undef X
};
