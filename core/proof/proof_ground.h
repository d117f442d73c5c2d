/* What every proof stands on: one checkpoint, and the log's control chain from its genesis up to the first mark behind what
 * is proved (FORMATS.md, Ground).
 *
 *     ground = "tocsin/ground/1" ‖ u32 size ‖ checkpoint ‖ u32 n ‖ n × control
 *     control = u32 size ‖ control entry ‖ u8 placed ‖ [u64 index ‖ path]         path = u8 n ‖ n × hash
 *
 * Opening verifies all of it against the trust: the log's signature and the quorum of the trust's witnesses on the
 * checkpoint, every control entry (control_chain.h), the place of each that needs one (log_history.h), and that the chain
 * ends with a mark: up to its index nothing was left out of the chain. What is opened borrows the note from the bytes. */
#ifndef TOCSIN_PROOF_GROUND_H
#define TOCSIN_PROOF_GROUND_H

#include "bytes.h"
#include "checkpoint.h"
#include "log_history.h"
#include "proof_source.h"
#include "trust_file.h"

#define PROOF_PATH_MOST 63u

struct proof_ground {
    const struct trust *trust; /* borrowed */
    struct log_history *history;
    struct slice note;
    struct signed_checkpoint checkpoint;
    struct quorum quorum;
    uint64_t whole_to; /* the control chain holds whatever stands below this index */
    bool unwitnessed;  /* the trust asks for no witness */
};

/* Takes it off the reader's front. */
bool proof_ground_open(struct bytes_reader *from, const struct trust *trust, uint64_t now_us,
                       struct proof_ground *ret_ground, struct fault *fault);
void proof_ground_close(struct proof_ground *ground); /* an all-zero one is fine */
#define CLEANUP_PROOF_GROUND __attribute__((cleanup(proof_ground_close)))

/* Whether an entry stands at that index: by its path to the ground's checkpoint, and not behind the control chain. */
bool proof_ground_has(const struct proof_ground *ground, struct slice entry, uint64_t index,
                      const struct merkle_path *path, struct fault *fault);

/* Makes it for what stands below `index`, on the checkpoint `note` of `size`. FAULT_MISSING where no mark stands between. */
bool proof_ground_make(const struct proof_source *source, uint64_t index, struct slice note, uint64_t size,
                       struct buffer *to, struct fault *fault);

void proof_path_write(struct buffer *to, const struct merkle_path *path);
bool proof_path_read(struct bytes_reader *from,
                     struct merkle_path *ret_path); /* false: the reader has failed */

#endif
