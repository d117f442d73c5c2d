/* Erasures: what is meant to go, may go, has gone (log-format: Retention; FORMATS.md, Erasures).
 *
 *     range         = u8 class ‖ u64 first ‖ u64 last ‖ key id[32]        log indexes, both included
 *     erase intent  = range ‖ u64 ctl_seq of the policy
 *     erase veto    = u64 ctl_seq of the intent or of the early erasure
 *     early erasure = range ‖ H(reason)
 *     erase begun   = range ‖ u64 ctl_seq of the intent or of the early erasure
 *     erase done    = u64 ctl_seq of the beginning
 *     decommission  = u8 size ‖ host name ‖ H(reason)
 *
 * key id: of the day key that goes, zeros where nothing was sealed. Values; reading is strict; what is read borrows. Whether
 * it may be is the matter of core/retention. */
#ifndef TOCSIN_ERASURE_H
#define TOCSIN_ERASURE_H

#include "bytes.h"
#include "class.h"
#include "fault.h"
#include "sha256.h"

struct erase_range {
    uint8_t class;
    uint64_t first, last;
    struct hash key_id;
};

struct erase_intent {
    struct erase_range range;
    uint64_t policy;
};

struct early_erasure {
    struct erase_range range;
    struct hash reason; /* salted_text.h */
};

struct erase_begun {
    struct erase_range range;
    uint64_t grounds;
};

struct decommission {
    struct slice host;
    struct hash reason;
};

bool erase_intent_write(struct buffer *to, const struct erase_intent *intent);
bool erase_intent_read(struct slice payload, struct erase_intent *ret_intent, struct fault *fault);
bool early_erasure_write(struct buffer *to, const struct early_erasure *early);
bool early_erasure_read(struct slice payload, struct early_erasure *ret_early, struct fault *fault);
bool erase_begun_write(struct buffer *to, const struct erase_begun *begun);
bool erase_begun_read(struct slice payload, struct erase_begun *ret_begun, struct fault *fault);
/* Of a veto and of a done: the ctl_seq alone. */
bool erase_reference_write(struct buffer *to, uint64_t ctl_seq);
bool erase_reference_read(struct slice payload, uint64_t *ret_ctl_seq, struct fault *fault);
bool decommission_write(struct buffer *to, const struct decommission *decommission);
bool decommission_read(struct slice payload, struct decommission *ret_decommission, struct fault *fault);

#endif
