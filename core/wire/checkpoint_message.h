/* The CHECKPOINT message (proto/wire.proto): a published checkpoint of the log, its path from the one before it, and the
 * batches of this agent that it holds.
 *
 * Read and written by hand, without an allocation: a message of few bytes may name very many inclusions. Reading checks
 * every bound and verifies nothing; what is read borrows from the bytes. Inclusions are taken off one by one. */
#ifndef TOCSIN_CHECKPOINT_MESSAGE_H
#define TOCSIN_CHECKPOINT_MESSAGE_H

#include "buffer.h"
#include "class.h"
#include "fault.h"

#define CHECKPOINT_NOTE_MOST (128u * 1024) /* note.h */
#define CHECKPOINT_PATH_MOST 64u           /* hashes of a path; a log has at most 2^63 − 1 entries */
#define CHECKPOINT_INCLUSIONS_MOST 64u     /* in one message; for more there are more messages */
#define CHECKPOINT_HASH_SIZE 32u

struct checkpoint_inclusion {
    enum lane lane;
    uint64_t batch_seq;
    uint64_t log_index;
    struct slice path; /* hashes, one behind the other */
};

struct checkpoint_message {
    struct slice note;
    uint64_t from_size;
    struct slice path; /* hashes, one behind the other */
    size_t inclusion_count;
    struct slice inclusions; /* for checkpoint_message_next */
};

bool checkpoint_message_read(struct slice bytes, struct checkpoint_message *ret_message, struct fault *fault);
/* Takes the next inclusion off *rest, which begins as message.inclusions. False at the end: all were checked when the
 * message was read. */
bool checkpoint_message_next(struct slice *rest, struct checkpoint_inclusion *ret_inclusion);

/* Writes note and path; then, for each inclusion, checkpoint_message_add appends it. False: a bound, or the buffer's. */
bool checkpoint_message_write(struct buffer *to, struct slice note, uint64_t from_size, struct slice path);
bool checkpoint_message_add(struct buffer *to, const struct checkpoint_inclusion *inclusion);

#endif
