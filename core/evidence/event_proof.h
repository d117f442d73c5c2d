/* One event with what ties it to a log entry: the extra data of an exported proof (log-format: Trust; FORMATS.md, Exported
 * proofs).
 *
 *     extra = "tocsin/event/v1" ‖ entry: 416 ‖ u16 size ‖ class list ‖ u32 position ‖ u8 n ‖ n × hash ‖ salt[32]
 *             ‖ u64 event_seq ‖ u64 time_us ‖ u8 class ‖ u32 size ‖ body
 *     of an orphan's: "tocsin/orphn/v1" ‖ u32 size ‖ control entry of type 17 ‖ u32 position … the same
 *
 * Reading is strict about the form. event_proof_check says whether the event stands in the batch: its leaf is under its
 * class's root by the path, that root in the class list, the list under the entry's event_root, sequence and time within the
 * entry's. That the entry is signed by a key that was live is the stream's matter; that it is in the log, log_proof's. What is
 * read borrows from the bytes. */
#ifndef TOCSIN_EVENT_PROOF_H
#define TOCSIN_EVENT_PROOF_H

#include "batch_entry.h"
#include "buffer.h"
#include "class_list.h"
#include "event_leaf.h"

#define EVENT_PROOF_PATH_MOST 12u /* a batch has at most 4,096 events */

struct event_proof {
    struct slice entry_bytes; /* what the log's leaf covers: the batch entry, or the orphan's control entry */
    bool orphaned; /* the batch was never closed: `entry` says what its newest part does, t_us for t_close */
    struct slice part; /* of an orphan */
    struct batch_entry entry;
    struct slice class_list;
    uint32_t position; /* among the events of its class in the batch */
    uint8_t path_count;
    struct hash path[EVENT_PROOF_PATH_MOST];
    uint8_t salt[SALT_SIZE];
    struct event event;
};

/* Takes an orphan's control entry for what the leaf covers: sets entry_bytes, orphaned, part, entry and class_list. */
bool event_proof_orphan(struct slice control_entry, struct event_proof *proof, struct fault *fault);

bool event_proof_write(struct buffer *to,
                       const struct event_proof *proof); /* entry_bytes, not entry, is written */
bool event_proof_read(struct slice extra, struct event_proof *ret_proof, struct fault *fault);
bool event_proof_check(const struct event_proof *proof, struct fault *fault);

#endif
