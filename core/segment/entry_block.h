/* The log's entries of closed days in columns: a run of consecutive log indexes, each stream's entries one behind the other,
 * with what follows from the entry before, from the class list or from a checkpoint left out (FORMATS.md: Entries in columns).
 *
 * What goes in comes back byte for byte: any run of entries, class lists among them; what is no batch entry of 416 bytes, or
 * no class list in its one spelling, goes in as it is. Whether what comes back is what the log has is the caller's to check,
 * by its leaf.
 *
 * A seen_root is asked of whoever reads, by its seen_size: he must answer as the one did who wrote, or not at all.
 *
 * Owner: whoever created it; slices that go in are copied. One thread at a time. Errors: FAULT_FORMAT for what is no such
 * block; FAULT_MISSING for a root that nobody knows any more. */
#ifndef TOCSIN_ENTRY_BLOCK_H
#define TOCSIN_ENTRY_BLOCK_H

#include "buffer.h"
#include "fault.h"
#include "sha256.h"

#define ENTRY_BLOCK_COUNT_MOST 65536u
#define ENTRY_BLOCK_TEXT_MOST (32u * 1024 * 1024) /* bytes of entries and class lists */
#define ENTRY_BLOCK_MOST (16u * 1024 * 1024)      /* bytes of a block; one over it is FAULT_LIMIT */

/* The root of the log's tree of `size` entries; false where no checkpoint says it. */
struct entry_block_roots {
    void *context;
    bool (*root)(void *context, uint64_t size, struct hash *ret_root);
};

struct entry_block_item {
    struct slice entry;
    bool listed; /* a class list stands beside it */
    struct slice class_list;
};

/* ---- writing */

struct entry_block_writer;

struct entry_block_writer *entry_block_writer_create(uint64_t first_index, struct entry_block_roots roots);
struct entry_block_writer *entry_block_writer_destroy(struct entry_block_writer *writer); /* returns NULL */
/* The next log index. False: there is no room for it, the block is full. */
bool entry_block_writer_add(struct entry_block_writer *writer, const struct entry_block_item *item);
size_t entry_block_writer_count(const struct entry_block_writer *writer);
size_t entry_block_writer_streams(const struct entry_block_writer *writer);
/* Appends the block; there is at least one entry. */
bool entry_block_writer_finish(struct entry_block_writer *writer, struct buffer *to, struct fault *fault);

/* ---- reading */

struct entry_block;

/* Copies what it needs. All of the block's form is checked here. */
struct entry_block *entry_block_open(struct slice bytes, struct fault *fault);
struct entry_block *entry_block_close(struct entry_block *block); /* returns NULL */
uint64_t entry_block_first(const struct entry_block *block);
uint64_t entry_block_end(const struct entry_block *block); /* behind the last */
/* The slices live as long as the block. The first entry of a stream that is asked for costs all of that
 * stream's. Where one needs a root that is missing, it and what follows it in its stream are not to be had. */
bool entry_block_get(struct entry_block *block, uint64_t index, struct entry_block_roots roots,
                     struct entry_block_item *ret_item, struct fault *fault);

#endif
