#include "stream_id.h"

struct hash stream_id_make(struct slice name, const struct verify_key *first_key) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, "tocsin/stream/v1", 16);
    sha256_add(&running, name.data, name.size);
    sha256_add(&running, "\n", 1);
    sha256_add(&running, first_key->bytes, sizeof first_key->bytes);
    return sha256_end(&running);
}
