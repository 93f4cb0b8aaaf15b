/* seed.h - the command seed_shop: users with addresses, orders and items, the same for the same seed. */
#ifndef PARKWAY_CLI_SEED_H
#define PARKWAY_CLI_SEED_H

#include "cli/verbs.h"

int seed_shop(struct cli *cli, const struct argline_values *v, struct err *e);

/* seed_draw - the next number of a sequence that its state alone decides. Pure but for *state. Source: the generator
 * SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
uint64_t seed_draw(uint64_t *state);
/* seed_below - a number from 0 to below n, n from 1. */
uint64_t seed_below(uint64_t *state, uint64_t n);

#endif
