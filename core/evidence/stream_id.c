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

bool stream_ids_make(struct slice host, const struct verify_key *first_key, struct hash ret_streams[LANES]) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        char name[STREAM_NAME_SIZE];
        if (!stream_name_make(host, (enum lane)lane, name))
            return false;
        ret_streams[lane] = stream_id_make(slice_string(name), first_key);
    }
    return true;
}
