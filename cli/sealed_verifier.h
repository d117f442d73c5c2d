/* The sealed part of a store, checked with its rows (store_dump.h): every event of every segment against the class root that
 * its agent signed, every segment's entries against those of the log, and every closed batch whose rows are gone against the
 * segments: each class of it is in one, or was erased by a statement. Used by store_verifier. */
#ifndef TOCSIN_SEALED_VERIFIER_H
#define TOCSIN_SEALED_VERIFIER_H

#include "erasure.h"
#include "sealed.h"
#include "segment_verify.h"

struct sealed_verifier;

struct sealed_verified {
    uint64_t segments, events;
    uint64_t unread;  /* segments that nobody let us read */
    uint64_t erased;  /* classes of batches that statements let go */
    uint64_t erasing; /* segments of them that are on their way out */
};

struct sealed_verifier *sealed_verifier_create(segment_finding *finding, void *context);
struct sealed_verifier *sealed_verifier_destroy(struct sealed_verifier *verifier); /* returns NULL */

/* As they come. */
void sealed_verifier_segment(struct sealed_verifier *verifier, struct slice key, struct slice value);
void sealed_verifier_mark(struct sealed_verifier *verifier, struct slice value); /* SEAL_MARK's */
/* A closed batch none of whose events, or not all, came in rows. */
void sealed_verifier_owed(struct sealed_verifier *verifier, uint64_t log_index, struct slice entry,
                          struct slice class_list);
/* Rows from `from` to before `to` are not there: whether they were sealed, or sealed and erased, is known at the end. */
void sealed_verifier_gap(struct sealed_verifier *verifier, uint64_t from, uint64_t to);
/* Behind the last sealed row; 0 where nothing is sealed. */
uint64_t sealed_verifier_end(const struct sealed_verifier *verifier);

/* Told each sealed event of class journal as it is read. */
typedef void sealed_journal(void *context, const uint8_t stream_id[32], struct slice body);
void sealed_verifier_set_journal(struct sealed_verifier *verifier, sealed_journal *journal, void *context);

/* At the end. What may be gone by the statements of the log. */
void sealed_verifier_erased(struct sealed_verifier *verifier, const struct erase_range *range);
/* Reads the segments. `sealed` NULL: they are counted as unread, and nothing is said of batches in them. False when a key or a
 * file is not there that nothing explains so far. `step`, which may be NULL, is told of the events, `before` included. */
bool sealed_verifier_read(struct sealed_verifier *verifier, struct sealed *sealed, segment_verify_step *step, void *context,
                          uint64_t before);
struct sealed_verified sealed_verifier_finish(struct sealed_verifier *verifier);

#endif
