/* A log as whoever makes a proof of it asks it: the collector's socket, a store at rest, or a small log of a test.
 *
 * Every function appends to the caller's buffer, and gives FAULT_MISSING for what is not there. Nothing of what it gives is
 * believed: a proof that was made is verified before it is handed out. */
#ifndef TOCSIN_PROOF_SOURCE_H
#define TOCSIN_PROOF_SOURCE_H

#include "buffer.h"
#include "fault.h"
#include "merkle_proof.h"

struct proof_source {
    void *context;
    /* The bytes that a leaf covers, and the class list of a batch entry. */
    bool (*entry)(void *context, uint64_t index, struct buffer *to, struct fault *fault);
    bool (*class_list)(void *context, uint64_t index, struct buffer *to, struct fault *fault);
    bool (*control)(void *context, uint64_t ctl_seq, uint64_t *ret_index, struct buffer *to,
                    struct fault *fault);
    bool (*batch_index)(void *context, const struct hash *stream_id, uint64_t batch_seq, uint64_t *ret_index,
                        struct fault *fault);
    bool (*inclusion)(void *context, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                      struct fault *fault);
    bool (*consistency)(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                        struct fault *fault);
    /* The published checkpoint of the smallest size that is at least `size`. */
    bool (*checkpoint)(void *context, uint64_t size, uint64_t *ret_size, struct buffer *to,
                       struct fault *fault);
};

#endif
