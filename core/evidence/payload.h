/* What reading a statement's payload comes down to, shared by its codecs. Private to evidence. */
#ifndef TOCSIN_PAYLOAD_H
#define TOCSIN_PAYLOAD_H

#include "bytes.h"
#include "fault.h"
#include "sha256.h"

static inline struct hash payload_hash(struct bytes_reader *from) {
    struct hash hash;
    bytes_read_into(from, hash.bytes, HASH_SIZE);
    return hash;
}

/* Nothing is missing, nothing is left. `what`: "hold". */
static inline bool payload_whole(const struct bytes_reader *reader, const char *what, struct fault *fault) {
    return bytes_read_done(reader) || fault_set(fault, FAULT_FORMAT, "the %s has not its length", what);
}

#endif
