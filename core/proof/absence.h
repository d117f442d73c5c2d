/* "The agent of stream S read no event of class c between t1 and t2": a file that shows it without any body, and still does
 * after the bodies were erased (log-format: Time, Proof of absence; FORMATS.md, Proof of absence).
 *
 *     absence = "tocsin/absence1" ‖ u8 size ‖ stream name ‖ u8 class ‖ u64 from_us ‖ u64 to_us ‖ ground
 *               ‖ u32 n ‖ n × (u32 size ‖ checkpoint ‖ path of consistency to the ground's)
 *               ‖ u32 n ‖ n × (u64 index ‖ path to the ground's ‖ entry: 416 ‖ u16 size ‖ class list)
 *
 * Checkpoints by ascending size, entries one behind the other. The verifier recomputes all of it: every entry is in the log
 * and follows the one before by all rules of a stream (stream_checker.h) under a key that was enrolled; every checkpoint is
 * the log's and consistent with the newest. Where any of that does not hold the file proves nothing, and the fault names the
 * place. What it says otherwise is a list of intervals that cover t1 to t2 without a hole, each with the number of events of
 * the class that were read in it. Times are of the agent's clock, as far as the attestation says.
 *
 * WITNESSED: both ends of the interval, and every entry in it, are signed no earlier than 5 s before the cosignatures of the
 * checkpoint that the agent had seen, no later than 6 s after those of the first checkpoint that holds it, and both lie
 * within twice the heartbeat and 5 s of it; and no heartbeat was withheld that long. */
#ifndef TOCSIN_ABSENCE_H
#define TOCSIN_ABSENCE_H

#include "class.h"
#include "proof_ground.h"
#include "verdict.h"

#define ABSENCE_MOST (512u * 1024u * 1024u)
#define ABSENCE_DELTA_US 5000000ull   /* how far clocks may be apart */
#define ABSENCE_PUBLISH_US 1000000ull /* from an entry to the checkpoint that holds it */

struct absence_interval {
    uint64_t from_us, to_us;
    enum attestation attestation;
    uint64_t events;                  /* of the class, read in batches that reach into it */
    const char *why;                  /* of what is not WITNESSED; a sentence, static */
    uint64_t first_batch, last_batch; /* batch_seq of the entries that speak for it; last < first: none */
    uint64_t not_before_us,
        not_after_us; /* SELF-CLOCKED: what witnesses say; 0 and UINT64_MAX where nothing */
};

struct absence {
    char stream[STREAM_NAME_SIZE];
    uint8_t class;
    uint64_t from_us, to_us;
    size_t interval_count, interval_room;
    struct absence_interval *intervals; /* owned */
    uint64_t events, entries;
    bool unconfirmed, single_control; /* of some epoch that signed */
    bool unwitnessed;                 /* the trust names no witness that must have cosigned */
    bool throughout;                  /* every interval is WITNESSED, and none has events */
};

bool absence_verify(struct slice file, const struct trust *trust, uint64_t now_us,
                    struct absence *ret_absence, struct fault *fault);
/* The same, and calls `each` for every batch that was verified, also of a proof that fails later. */
typedef void absence_each(void *context, struct slice host, enum lane lane, struct slice entry, uint64_t log_index);
bool absence_verify_each(struct slice file, const struct trust *trust, uint64_t now_us, absence_each *each,
                         void *context, struct absence *ret_absence, struct fault *fault);
void absence_free(struct absence *absence);
#define CLEANUP_ABSENCE __attribute__((cleanup(absence_free)))

/* ---- making */

struct absence_claim {
    struct slice stream; /* HOST or HOST/bulk */
    uint8_t class;
    uint64_t from_us, to_us;
};

/* Of the batches first_seq to last_seq of a stream, on the checkpoint `note` of `size`. */
bool absence_make(const struct proof_source *source, const struct absence_claim *claim,
                  const struct hash *stream_id, uint64_t first_seq, uint64_t last_seq, struct slice note,
                  uint64_t size, struct buffer *to, struct fault *fault);

/* Which batches a claim needs, from a stream's batches first_seq to last_seq: the last one before the first whose t_close is
 * above t1, and the first behind the last whose t_close is below t2, as far as there are such. */
bool absence_range(const struct proof_source *source, const struct absence_claim *claim,
                   const struct hash *stream_id, uint64_t first_seq, uint64_t last_seq, uint64_t *ret_first,
                   uint64_t *ret_last, struct fault *fault);

#endif
