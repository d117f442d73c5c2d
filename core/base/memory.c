#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *require(void *memory, size_t size) {
    if (memory)
        return memory;
    fprintf(stderr, "tocsin: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *memory_new(size_t size) { return require(calloc(1, size ? size : 1), size); }

void *memory_new_array(size_t count, size_t size) { return require(calloc(count ? count : 1, size), count * size); }

void *memory_resize(void *old, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX / 2; /* refused by realloc, reported by require */
    return require(realloc(old, bytes ? bytes : 1), bytes ? bytes : 1);
}

void *memory_copy(const void *data, size_t size) {
    char *copy = memory_new(size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *memory_copy_string(const char *text) { return text ? memory_copy(text, strlen(text)) : NULL; }

void *memory_known(void *found) {
    if (found)
        return found;
    fputs("tocsin: what must be known is not: this is a fault of the program, please report it\n", stderr);
    abort();
}

void memory_wipe(void *data, size_t size) {
    if (data && size)
        explicit_bzero(data, size);
}

void memory_cleanup(void *pointer_to_pointer) {
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}
