#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

struct record *record_create(const struct symbols *symbols) {
    struct record *record = memory_new(sizeof *record);
    record->symbols = symbols;
    record->fields = memory_new_array(RECORD_FIELDS_MOST, sizeof *record->fields);
    record->scratch = memory_new(RECORD_SCRATCH_MOST);
    return record;
}

struct record *record_destroy(struct record *record) {
    if (record) {
        free(record->fields);
        free(record->scratch);
        free(record);
    }
    return NULL;
}

void record_clear(struct record *record) {
    record->count = 0;
    record->full = false;
    record->scratch_used = 0;
}

static bool add(struct record *record, struct record_field field) {
    if (record->count == RECORD_FIELDS_MOST) {
        record->full = true;
        return false;
    }
    record->fields[record->count++] = field;
    return true;
}

bool record_add(struct record *record, uint32_t symbol, struct slice value) {
    return add(record, (struct record_field){symbol, RECORD_TEXT, symbols_name(record->symbols, symbol), value});
}

bool record_add_named(struct record *record, struct slice name, enum record_type type, struct slice value) {
    return add(record, (struct record_field){symbols_find(record->symbols, name), type, name, value});
}

bool record_replace(struct record *record, struct slice name, struct slice value) {
    size_t kept = 0;
    for (size_t i = 0; i < record->count; i++)
        if (!slice_equal(record->fields[i].name, name))
            record->fields[kept++] = record->fields[i];
    record->count = kept;
    return record_add_named(record, name, RECORD_TEXT, value);
}

const struct record_field *record_find(const struct record *record, uint32_t symbol) {
    for (size_t i = 0; symbol && i < record->count; i++)
        if (record->fields[i].symbol == symbol)
            return &record->fields[i];
    return NULL;
}

struct slice record_value(const struct record *record, struct slice name) {
    for (size_t i = 0; i < record->count; i++)
        if (slice_equal(record->fields[i].name, name))
            return record->fields[i].value;
    return (struct slice){NULL, 0};
}

void *record_scratch(struct record *record, size_t size) {
    if (size > RECORD_SCRATCH_MOST - record->scratch_used) {
        record->full = true;
        return NULL;
    }
    void *memory = record->scratch + record->scratch_used;
    record->scratch_used += size;
    return memory;
}

struct slice record_scratch_printf(struct record *record, const char *format, ...) {
    char *to = (char *)record->scratch + record->scratch_used;
    size_t room = RECORD_SCRATCH_MOST - record->scratch_used;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(to, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= room) {
        record->full = true;
        return (struct slice){NULL, 0};
    }
    record->scratch_used += (size_t)size + 1;
    return slice_make(to, (size_t)size);
}
