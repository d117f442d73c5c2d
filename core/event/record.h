/* A record: an event's fields by ECS name, as decoders read them and rules, queries and the screen use them.
 *
 * Derived, never evidence. One record is used again for event after event: record_clear keeps its memory, so that
 * reading an event allocates nothing. Values borrow from the event's bytes or live in the record's scratch; both are gone
 * at the next record_clear. A field that occurs several times (a list) stands several times. Limits: RECORD_FIELDS_MOST
 * fields and RECORD_SCRATCH_MOST bytes; what does not fit is left out and `full` is set.
 *
 * Names: `symbol` is the name's number in the table that rules and decoders share, 0 for a name that none of them uses;
 * `name` is always there. The table is not written to here. */
#ifndef TOCSIN_RECORD_H
#define TOCSIN_RECORD_H

#include "symbols.h"

#define RECORD_FIELDS_MOST 256u
#define RECORD_SCRATCH_MOST (512u * 1024)

enum record_type { RECORD_TEXT, RECORD_NUMBER, RECORD_BOOL, RECORD_NULL };

struct record_field {
    uint32_t symbol;
    enum record_type type; /* how JSON had it; values are text in any case */
    struct slice name;
    struct slice value;
};

struct record {
    const struct symbols *symbols;
    struct record_field *fields;
    size_t count;
    bool full;
    uint8_t *scratch;
    size_t scratch_used;
};

struct record *record_create(const struct symbols *symbols); /* borrows the table */
struct record *record_destroy(struct record *record);         /* returns NULL */
void record_clear(struct record *record);

/* By number, for names that were interned when rules and decoders were loaded. */
bool record_add(struct record *record, uint32_t symbol, struct slice value);
/* By name, for names that come with the event; the name is borrowed too. */
bool record_add_named(struct record *record, struct slice name, enum record_type type, struct slice value);

/* That name has this value and no other: one that the event brought itself is gone. */
bool record_replace(struct record *record, struct slice name, struct slice value);

/* The first field of that number; NULL where there is none. */
const struct record_field *record_find(const struct record *record, uint32_t symbol);
/* By name; the empty slice with NULL data where there is none. */
struct slice record_value(const struct record *record, struct slice name);

/* Memory that lives until record_clear; NULL (and full) where there is not enough. */
void *record_scratch(struct record *record, size_t size);
struct slice record_scratch_printf(struct record *record, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
