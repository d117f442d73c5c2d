/* Secret random bytes (RAND_priv_bytes): keys, class keys, nonces.
 *
 * The pure cores take randomness as an argument of this type, so that a simulation can give its own. */
#ifndef TOCSIN_RANDOM_H
#define TOCSIN_RANDOM_H

#include "fault.h"
#include "slice.h"

struct random_source {
    void *context;
    bool (*fill)(void *context, void *ret_bytes, size_t size, struct fault *fault);
};

/* The system's, through libcrypto. */
struct random_source random_source_system(void);

static inline bool random_fill(const struct random_source *source, void *ret_bytes, size_t size,
                               struct fault *fault) {
    return source->fill(source->context, ret_bytes, size, fault);
}

#endif
