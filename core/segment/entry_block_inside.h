/* What writer and reader of entry blocks share: the columns, the numbers of an entry and what each is expected to be.
 * Private to entry_block*.c. */
#ifndef TOCSIN_ENTRY_BLOCK_INSIDE_H
#define TOCSIN_ENTRY_BLOCK_INSIDE_H

#include "batch_entry.h"
#include "class_list.h"
#include "entry_block.h"

#define ENTRY_BLOCK_LABEL "tocsin/entry/v1" /* with its NUL */
#define ENTRY_BLOCK_HEAD 36u                /* label, first, count, streams, bytes of the frame */
#define ENTRY_BLOCK_STREAM_NONE 0u          /* an entry that stands as it is */

enum entry_number {
    ENTRY_EPOCH,
    ENTRY_SEQ,
    ENTRY_FIRST,
    ENTRY_COUNT,
    ENTRY_KIND,
    ENTRY_KEY,
    ENTRY_OPEN,
    ENTRY_CLOSE,
    ENTRY_BOOT,
    ENTRY_SEEN,
};
#define ENTRY_NUMBERS 10

enum entry_column {
    COLUMN_STREAM,
    COLUMN_SIZE,
    COLUMN_TEXT,
    COLUMN_LIST,
    COLUMN_CLASS,
    COLUMN_CLASS_COUNT,
    COLUMN_GIVEN,
    COLUMN_CUM,
    COLUMN_NUMBERS, /* one for each of enum entry_number */
};
#define ENTRY_COLUMNS (COLUMN_NUMBERS + ENTRY_NUMBERS)

/* Bytes of an entry that are given where they are not what is expected: bits of COLUMN_GIVEN, in this order. */
enum entry_given { GIVEN_BOOT_ID, GIVEN_EVENT_ROOT, GIVEN_PREV, GIVEN_SEEN_ROOT };
#define ENTRY_GIVEN 4

struct entry_given_place {
    uint16_t at;
    uint8_t size;
};
extern const struct entry_given_place entry_given_places[ENTRY_GIVEN];

/* COLUMN_LIST. */
#define LIST_NONE 0u
#define LIST_AS_IS 1u
#define LIST_CLASSES 2u /* and their number */

/* Where an entry stands: its own bytes as far as they are known, the one before it in its stream (zeros for none) and that
 * one's log index. */
struct entry_place {
    const uint8_t *entry, *previous;
    uint64_t previous_index;
    bool has_previous;
    const struct class_list *list;
    struct slice list_bytes; /* as they stand beside it */
};

uint64_t entry_number_get(const uint8_t *entry, enum entry_number number);
void entry_number_put(uint8_t *entry, enum entry_number number, uint64_t value);
/* The numbers before this one are in place->entry. */
uint64_t entry_number_expected(const struct entry_place *place, enum entry_number number);
/* From the expected one to `value`, as wide as the number is. */
uint64_t entry_number_difference(enum entry_number number, uint64_t value, uint64_t expected);
/* All numbers are in place->entry. */
uint64_t entry_cum_expected(const struct entry_place *place, unsigned class);
/* False: it must be given. */
bool entry_given_expected(const struct entry_place *place, enum entry_given given,
                          const struct entry_block_roots *roots, uint8_t ret_bytes[HASH_SIZE]);

bool entry_is_batch(struct slice entry);

/* Places by stream: stream s has order[starts[s]] … order[starts[s + 1] - 1]. */
void entry_block_group(const uint32_t *streams, size_t count, size_t stream_count, uint32_t *ret_starts,
                       uint32_t *ret_order);

#endif
