/* A whole store, checked from its rows (store_dump.h) and nothing else: every stream from its first event, the log's tree
 * over every entry. Findings go to a callback with their place; a stream that is bad is reported once and left. */
#ifndef TOCSIN_STORE_VERIFIER_H
#define TOCSIN_STORE_VERIFIER_H

#include "store_family.h"
#include "slice.h"

struct store_verifier;

typedef void store_finding(void *context, const char *place, const char *text);

struct store_verified {
    size_t streams;
    uint64_t rows, events, attested, batches, findings;
};

struct store_verifier *store_verifier_create(store_finding *finding, void *context);
struct store_verifier *store_verifier_destroy(struct store_verifier *verifier);

void store_verifier_row(struct store_verifier *verifier, enum store_family family, struct slice key, struct slice value);
struct store_verified store_verifier_summary(const struct store_verifier *verifier);
/* After the last row: holds the log's tree against what was read. */
struct store_verified store_verifier_finish(struct store_verifier *verifier);

#endif
