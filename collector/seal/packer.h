/* Puts the log's entries of closed days into columns in the background (entry_packing.h).
 *
 * A thread of its own: at the start, then once a minute it looks whether a day was closed, goes on until all of it is in
 * columns, and gives the rows' room back. When it fails the rows stay as they are; it says so once, and tries again. */
#ifndef TOCSIN_PACKER_H
#define TOCSIN_PACKER_H

#include "committer.h"

struct packer;

struct packer_counts {
    uint64_t entries, blocks, bytes; /* since the start */
    uint64_t failures;
};

/* Both are borrowed. */
struct packer *packer_start(struct store *store, struct committer *committer, struct fault *fault);
struct packer *packer_stop(struct packer *packer); /* before the committer; NULL is fine; returns NULL */
struct packer_counts packer_counts(struct packer *packer);

#endif
