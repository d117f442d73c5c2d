#include "symbols.h"

#include <stdlib.h>

#include "memory.h"

struct symbols {
    char **names; /* by symbol - 1 */
    uint32_t *sizes;
    uint32_t count;
    uint32_t *slots; /* open addressing, a power of two; 0 is free */
    uint32_t slot_count;
};

/* FNV-1a: names come from rules and log lines of authenticated hosts, and the table has a ceiling. */
static uint32_t hash(struct slice name) {
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < name.size; i++)
        value = (value ^ name.data[i]) * 16777619u;
    return value;
}

struct symbols *symbols_create(void) {
    struct symbols *symbols = memory_new(sizeof *symbols);
    symbols->slot_count = 256;
    symbols->slots = memory_new_array(symbols->slot_count, sizeof *symbols->slots);
    return symbols;
}

struct symbols *symbols_destroy(struct symbols *symbols) {
    if (!symbols)
        return NULL;
    for (uint32_t i = 0; i < symbols->count; i++)
        free(symbols->names[i]);
    free(symbols->names);
    free(symbols->sizes);
    free(symbols->slots);
    free(symbols);
    return NULL;
}

struct slice symbols_name(const struct symbols *symbols, uint32_t symbol) {
    if (symbol == 0 || symbol > symbols->count)
        return (struct slice){NULL, 0};
    return slice_make(symbols->names[symbol - 1], symbols->sizes[symbol - 1]);
}

uint32_t symbols_count(const struct symbols *symbols) { return symbols->count; }

/* The slot that holds `name`, or the free one where it would go. */
static uint32_t *slot_of(const struct symbols *symbols, struct slice name) {
    uint32_t mask = symbols->slot_count - 1;
    for (uint32_t i = hash(name) & mask;; i = (i + 1) & mask) {
        uint32_t symbol = symbols->slots[i];
        if (symbol == 0 || slice_equal(symbols_name(symbols, symbol), name))
            return &symbols->slots[i];
    }
}

uint32_t symbols_find(const struct symbols *symbols, struct slice name) { return *slot_of(symbols, name); }

static void grow(struct symbols *symbols) {
    free(symbols->slots);
    symbols->slot_count *= 2;
    symbols->slots = memory_new_array(symbols->slot_count, sizeof *symbols->slots);
    for (uint32_t symbol = 1; symbol <= symbols->count; symbol++)
        *slot_of(symbols, symbols_name(symbols, symbol)) = symbol;
}

uint32_t symbols_add(struct symbols *symbols, struct slice name) {
    uint32_t *slot = slot_of(symbols, name);
    if (*slot || symbols->count == SYMBOLS_MOST || name.size > UINT32_MAX)
        return *slot;
    if ((symbols->count & 63) == 0) {
        symbols->names = memory_resize(symbols->names, symbols->count + 64, sizeof *symbols->names);
        symbols->sizes = memory_resize(symbols->sizes, symbols->count + 64, sizeof *symbols->sizes);
    }
    symbols->names[symbols->count] = memory_copy(name.data, name.size);
    symbols->sizes[symbols->count] = (uint32_t)name.size;
    *slot = ++symbols->count;
    uint32_t symbol = symbols->count;
    if (symbols->count * 2 > symbols->slot_count)
        grow(symbols);
    return symbol;
}
