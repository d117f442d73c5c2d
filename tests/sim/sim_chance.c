#include "sim_chance.h"

#include <string.h>

struct chance chance_of(uint64_t seed) {
    return (struct chance){seed * 0x9e3779b97f4a7c15u + 1};
}

uint64_t chance_below(struct chance *chance, uint64_t bound) {
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (chance->state >> 11) % bound;
}

static bool fill(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    (void)fault;
    for (uint8_t *at = ret_bytes, *end = at + size; at < end; at++)
        *at = (uint8_t)chance_below(context, 256);
    return true;
}

struct random_source chance_source(struct chance *chance) {
    return (struct random_source){chance, fill};
}
