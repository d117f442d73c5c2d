/* The batch entry: what an agent signs when it closes a batch (log-format: Batch entry). 352 signed bytes, 64
 * of signature.
 *
 * Reading is strict and checks what an entry alone can show: its label, a known kind, times in order, no
 * events in a heartbeat and some in a data batch, no counts of unknown classes. Chain and signature are
 * stream_checker's. */
#ifndef TOCSIN_BATCH_ENTRY_H
#define TOCSIN_BATCH_ENTRY_H

#include "class.h"
#include "ed25519.h"
#include "sha256.h"

#define BATCH_ENTRY_SIGNED 352u
#define BATCH_ENTRY_SIZE (BATCH_ENTRY_SIGNED + ED25519_SIGNATURE_SIZE)
#define BATCH_ENTRY_STREAM_AT 16u /* where stream_id and batch_seq stand in it */
#define BATCH_ENTRY_SEQ_AT 56u
#define BOOT_ID_SIZE 16u

/* A batch holds at most this many events, and takes no further one once its text has reached BATCH_TEXT_MOST.
 */
#define BATCH_EVENTS_MOST 4096u
#define BATCH_TEXT_MOST                                                                                      \
    (1024u * 1024) /* bytes of event blocks (event.h); the last event may reach past it  \
                                        */

/* The wall clock may leave the boot clock by this much between two entries; beyond it comes a break. */
#define BATCH_DRIFT_US 1000000ull

enum batch_kind {
    BATCH_DATA = 0,
    BATCH_HEARTBEAT = 1, /* no events, and no other kind applies */
    BATCH_BREAK = 2,  /* time before it is unattested: a start, a resume, a clock that left the boot clock */
    BATCH_ROTATE = 3, /* the last of its epoch */
    BATCH_END = 4,    /* the last of its stream */
};
#define BATCH_KINDS 5

/* The newest checkpoint that an agent has verified; all zero with the empty tree's root for none (seen_none).
 */
struct seen_checkpoint {
    uint8_t key_id[4];
    uint64_t size;
    struct hash root;
};
struct seen_checkpoint seen_none(void);

struct batch_entry {
    struct hash stream_id;
    uint32_t epoch;
    enum batch_kind kind;
    uint64_t batch_seq;
    uint64_t first_event_seq;
    uint32_t event_count;
    uint64_t open_us, close_us;
    uint64_t boottime_us;
    uint8_t boot_id[BOOT_ID_SIZE];
    uint64_t cum[CLASS_NUMBERS]; /* events of each class so far in the stream, this batch included */
    struct hash event_root;
    struct hash prev; /* H(the previous entry's 416 bytes), zeros at batch_seq 0 */
    struct seen_checkpoint seen;
};

void batch_entry_sign(const struct batch_entry *entry, const struct signing_key *key,
                      uint8_t ret_bytes[BATCH_ENTRY_SIZE]);
bool batch_entry_read(struct slice bytes, struct batch_entry *ret_entry, struct fault *fault);
/* `bytes` has BATCH_ENTRY_SIZE. */
bool batch_entry_signed_by(struct slice bytes, const struct verify_key *key);

/* H(entry): the next entry's and its parts' prev. Its leaf in the log is merkle_leaf(entry). */
static inline struct hash batch_entry_hash(struct slice bytes) {
    return sha256_of(bytes);
}

const char *batch_kind_name(enum batch_kind kind);

#endif
