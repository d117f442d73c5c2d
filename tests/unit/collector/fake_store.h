/* The store, in memory: what store.h's readers and the committing thread need, for tests of whoever stands on it. It can be
 * copied at any commit, which is what a crash leaves, be full, and hold a commit back. Linked before the real one, whose
 * files it keeps out, so that ThreadSanitizer sees every access. */
#ifndef TOCSIN_FAKE_STORE_H
#define TOCSIN_FAKE_STORE_H

#include "store.h"

struct store *fake_store_create(void);
struct store *fake_store_copy(const struct store *store); /* what is committed */
struct store *fake_store_destroy(struct store *store);

/* Any thread. */
void fake_store_set_full(struct store *store, bool full); /* commits are refused with FAULT_SPACE */
void fake_store_hold(struct store *store, bool hold);     /* commits wait */
uint64_t fake_store_commits(const struct store *store);
uint64_t fake_store_refusals(const struct store *store);
uint64_t fake_store_puts(const struct store *store, enum store_family family); /* ever; a copy goes on counting */
size_t fake_store_count(const struct store *store, enum store_family family);
/* Cursors of this family break, as over a damaged file, once they have given so many rows; SIZE_MAX: they do not. */
void fake_store_break(struct store *store, enum store_family family, size_t rows);

/* Called after each commit, in the committing thread; it may copy the store. */
typedef void fake_store_committed(void *context, const struct store *store);
void fake_store_on_commit(struct store *store, fake_store_committed *committed, void *context);

/* For those who tamper: past every commit. */
void fake_store_put(struct store *store, enum store_family family, struct slice key, struct slice value);
void fake_store_delete(struct store *store, enum store_family family, struct slice key);

#endif
