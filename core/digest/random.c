#include "random.h"

#include <openssl/rand.h>

static bool fill_from_system(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    (void)context;
    if (size > INT32_MAX || RAND_priv_bytes(ret_bytes, (int)size) != 1)
        return fault_set(fault, FAULT_INTERNAL, "the system gave no random bytes");
    return true;
}

struct random_source random_source_system(void) {
    return (struct random_source){NULL, fill_from_system};
}
