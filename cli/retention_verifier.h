/* Whether what is gone from a store went lawfully, and whether what is there should be gone (core/retention), from the rows
 * that a verifier reads: statements, batches, checkpoints, segments. Part of store_verifier.
 *
 * Findings begin with their verdict: "MISSING: …" for an erasure that was not lawful, "OVER-RETAINED: …" for a segment past its
 * maximum and for one that came back after its erasure. Memory: about 50 bytes a batch. */
#ifndef TOCSIN_RETENTION_VERIFIER_H
#define TOCSIN_RETENTION_VERIFIER_H

#include "agent_registry.h"
#include "checkpoint.h"
#include "erasure.h"
#include "segment_files.h"

struct retention_verifier;

typedef void retention_finding(void *context, const char *place, const char *text);

struct retention_verified {
    uint64_t lawful, unlawful;        /* erasures */
    uint64_t erasing;                 /* that have begun, lawfully as far as can be said, and are not done */
    uint64_t events;                  /* that went lawfully, or are going */
    uint64_t notes;                   /* days that were longer than a day, and are explained */
    bool unwitnessed, single_control; /* some of those that were lawful */
};

struct retention_verifier *retention_verifier_create(retention_finding *finding, void *context);
struct retention_verifier *retention_verifier_destroy(struct retention_verifier *verifier); /* returns NULL */

/* The verifier's clock, and whose checkpoints count; without a key nothing counts as witnessed. */
void retention_verifier_set_now(struct retention_verifier *verifier, uint64_t now_us);
void retention_verifier_set_key(struct retention_verifier *verifier, const struct note_key *key);

/* As they come, in the order of the log. */
void retention_verifier_control(struct retention_verifier *verifier, uint64_t index,
                                const struct control_entry *entry, const struct control_verdict *verdict);
void retention_verifier_batch(struct retention_verifier *verifier, uint64_t index, struct slice bytes,
                              struct slice class_list);
void retention_verifier_checkpoint(struct retention_verifier *verifier, uint64_t size, struct slice note);
void retention_verifier_segment(struct retention_verifier *verifier, const struct segment_row *row);

/* Hears what is no finding, and yet is to be said: days that were longer, and why. */
void retention_verifier_set_note(struct retention_verifier *verifier, retention_finding *note, void *context);

/* After the last row, of a log of so many entries. */
struct retention_verified retention_verifier_finish(struct retention_verifier *verifier,
                                                    const struct agent_registry *agents, uint64_t log_size);

/* After that: which events may be gone, by beginnings at `from` in the log or behind it. One that witnesses have to see first lets
 * nothing go; one that is younger than the rows was not judged. */
typedef void retention_gone(void *context, const struct erase_range *range);
void retention_verifier_gone(const struct retention_verifier *verifier, uint64_t from, retention_gone *give,
                             void *context);

#endif
