/* A whole store, checked from its rows (store_dump.h) and nothing else: every stream from its first event, the log's entries
 * against tiles and checkpoints, the chain of control entries (log_verifier.h), the statement behind every change of an
 * agent's key. Findings go to a callback with their place; a stream that is bad is reported once and left. */
#ifndef TOCSIN_STORE_VERIFIER_H
#define TOCSIN_STORE_VERIFIER_H

#include "log_verifier.h"
#include "retention_verifier.h"
#include "sealed.h"
#include "segment_verify.h"
#include "sha256.h"
#include "store_family.h"
#include "slice.h"

struct store_verifier;

typedef void store_finding(void *context, const char *place, const char *text);

struct store_verified {
    size_t streams;
    uint64_t rows, events, attested, batches, findings;
    uint64_t unattested; /* events in batches behind the end of their key: taken in, and worth no more than their bytes */
    uint64_t segments, unread, erased; /* segments read, and not; classes of batches that statements let go */
    uint64_t erasing; /* segments whose keys or files have gone already */
    struct log_verified log; /* after the last row */
    struct retention_verified retention;
};

struct store_verifier *store_verifier_create(store_finding *finding, void *context);
struct store_verifier *store_verifier_destroy(struct store_verifier *verifier);

/* The log that agents' statements must be for (statement.h); without it, that of the genesis, if there is one. */
void store_verifier_set_log(struct store_verifier *verifier, const struct hash *log);
/* Under which key its checkpoints are signed; without it their signatures are not looked at. */
void store_verifier_set_key(struct store_verifier *verifier, const struct note_key *key);

/* What the verifier brought along instead: the log's key, its genesis, who must have cosigned. Before any row; copied. */
void store_verifier_set_trust(struct store_verifier *verifier, const struct note_key *log,
                              const struct control_trust *trust, const struct witness_policy *witnesses,
                              uint64_t now_us);

/* Told what is no finding and yet to be known: "UNATTESTED: …" of a stream. The context is the findings'. */
void store_verifier_set_notice(struct store_verifier *verifier, store_finding *notice);

/* The clock of whoever asks: for what is past its time. */
void store_verifier_set_now(struct store_verifier *verifier, uint64_t now_us);

/* Hears what is no finding, and yet is to be said. */
void store_verifier_set_note(struct store_verifier *verifier, store_finding *note, void *context);

/* Where segments are read, at the end; without it they are counted as unread. Borrowed. */
void store_verifier_set_sealed(struct store_verifier *verifier, struct sealed *sealed);

/* Rows are of one moment, segments are read afterwards. Where one is not there then, `later` is called once: it gives the control
 * entries that came since, in their order (store_verifier_later); they are held against the chain, and can explain it. */
typedef void store_later(void *context);
void store_verifier_set_later(struct store_verifier *verifier, store_later *later, void *context);
void store_verifier_later(struct store_verifier *verifier, uint64_t log_index, struct slice entry);

/* Told how many events were verified so far, while segments are read. */
void store_verifier_set_step(struct store_verifier *verifier, segment_verify_step *step, void *context);

void store_verifier_row(struct store_verifier *verifier, enum store_family family, struct slice key, struct slice value);
struct store_verified store_verifier_summary(const struct store_verifier *verifier);
/* After the last row: holds against each other what was counted and what was read. */
struct store_verified store_verifier_finish(struct store_verifier *verifier);

#endif
