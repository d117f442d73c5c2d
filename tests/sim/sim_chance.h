/* Chance out of a seed: the same seed is the same run. */
#ifndef TOCSIN_SIM_CHANCE_H
#define TOCSIN_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "random.h"

struct chance {
    uint64_t state;
};

struct chance chance_of(uint64_t seed);
uint64_t chance_below(struct chance *chance, uint64_t bound);
static inline bool chance_one_in(struct chance *chance, uint64_t bound) {
    return chance_below(chance, bound) == 0;
}
/* Class keys for a writer; borrows the chance. */
struct random_source chance_source(struct chance *chance);

#endif
