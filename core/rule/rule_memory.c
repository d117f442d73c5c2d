#include "rule_memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

struct rule_memory_piece {
    alignas(max_align_t) struct rule_memory_piece *older;
};

void *rule_memory_new(struct rule_memory *memory, size_t size) {
    struct rule_memory_piece *piece = memory_new(sizeof *piece + size);
    piece->older = memory->newest;
    memory->newest = piece;
    return piece + 1;
}

char *rule_memory_text(struct rule_memory *memory, struct slice text) {
    char *copy = rule_memory_new(memory, text.size + 1);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}

char *rule_memory_printf(struct rule_memory *memory, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return rule_memory_text(memory, slice_string(text));
}

void rule_memory_free(struct rule_memory *memory) {
    while (memory->newest) {
        struct rule_memory_piece *older = memory->newest->older;
        free(memory->newest);
        memory->newest = older;
    }
}
