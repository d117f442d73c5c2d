/* Holds: what must not be erased for now, whatever its age (log-format: Retention; FORMATS.md, Holds).
 *
 *     hold place   = u8 size ‖ host name ‖ u16 classes ‖ u64 from_us ‖ u64 until_us ‖ H(query) ‖ H(reason)
 *     hold matched = u64 hold ‖ u8 class ‖ u64 first ‖ u64 last ‖ u64 count ‖ root[32]
 *     hold release = u64 hold ‖ H(reason)
 *
 * A hold is named by the ctl_seq of the entry that placed it. An empty host name means every host; bit c of the classes
 * means class c; from and until are both held; H(query) and H(reason) are salted texts (salted_text.h), a query of zeros
 * means everything. `matched` says which events of a class in a range of the log, first and last included, the hold took
 * (what its root is over: hold_match.h). Values; reading is strict; what is read borrows the host's name. */
#ifndef TOCSIN_HOLD_H
#define TOCSIN_HOLD_H

#include "bytes.h"
#include "class.h"
#include "fault.h"
#include "sha256.h"

struct hold {
    struct slice host; /* empty: every host */
    uint16_t classes;  /* bit c: class c; not 0 */
    uint64_t from_us, until_us;
    struct hash query;  /* zeros: everything */
    struct hash reason; /* zeros: none given */
};

struct hold_matched {
    uint64_t hold; /* ctl_seq of its placing */
    uint8_t class;
    uint64_t first, last; /* log indexes */
    uint64_t count;       /* events that matched */
    struct hash root;
};

struct hold_release {
    uint64_t hold;
    struct hash reason;
};

bool hold_write(struct buffer *to, const struct hold *hold);
bool hold_read(struct slice payload, struct hold *ret_hold, struct fault *fault);
bool hold_matched_write(struct buffer *to, const struct hold_matched *matched);
bool hold_matched_read(struct slice payload, struct hold_matched *ret_matched, struct fault *fault);
bool hold_release_write(struct buffer *to, const struct hold_release *release);
bool hold_release_read(struct slice payload, struct hold_release *ret_release, struct fault *fault);

#endif
