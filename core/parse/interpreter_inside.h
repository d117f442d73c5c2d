/* What the interpreter's files share; nobody else's. */
#ifndef TOCSIN_INTERPRETER_INSIDE_H
#define TOCSIN_INTERPRETER_INSIDE_H

#include "decoder_set.h"
#include "field_names.h"
#include "interpreter.h"

struct interpreter {
    struct symbols *symbols;
    struct field_names names;
    struct decoder_set *decoders;
    int zone_minutes;
    enum line_format format;
};

/* One event on its way into a record. */
struct reading {
    const struct interpreter *interpreter;
    const struct event_body *body;
    struct record *record;
    uint64_t reference_us;
    uint64_t time_us; /* 0 until the line tells one */
};

static inline void reading_add(struct reading *reading, enum field_name name, struct slice value) {
    record_add(reading->record, reading->interpreter->names.symbol[name], value);
}

/* Digits as a number, anything else as text. */
static inline void reading_add_number(struct reading *reading, enum field_name name, struct slice value) {
    uint64_t number;
    if (record_add(reading->record, reading->interpreter->names.symbol[name], value) &&
        slice_decimal(value, &number))
        reading->record->fields[reading->record->count - 1].type = RECORD_NUMBER;
}

static inline bool reading_has(const struct reading *reading, enum field_name name) {
    return record_find(reading->record, reading->interpreter->names.symbol[name]) != NULL;
}

/* Product, services and whatever a decoder finds in the message of that program (may be empty). */
void reading_decode(struct reading *reading, struct slice program, struct slice message);

void reading_line(struct reading *reading);    /* interpret_line.c */
void reading_journal(struct reading *reading); /* interpret_journal.c */

#endif
