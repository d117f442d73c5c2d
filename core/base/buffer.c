#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

void buffer_free(struct buffer *buffer) {
    if (!buffer)
        return;
    free(buffer->data);
    *buffer = BUFFER(buffer->limit);
}

void buffer_clear(struct buffer *buffer) {
    buffer->size = 0;
    buffer->overflow = false;
}

bool buffer_reserve(struct buffer *buffer, size_t more) {
    if (buffer->overflow || more > buffer->limit || buffer->size > buffer->limit - more) {
        buffer->overflow = true;
        return false;
    }
    size_t need = buffer->size + more;
    if (need <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    buffer->data = memory_resize(buffer->data, capacity, 1);
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t size) {
    if (!buffer_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

bool buffer_append_slice(struct buffer *buffer, struct slice slice) {
    return buffer_append(buffer, slice.data, slice.size);
}

bool buffer_append_string(struct buffer *buffer, const char *text) {
    return buffer_append(buffer, text, strlen(text));
}

bool buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    bool good = size >= 0;
    if (good) {
        /* vsnprintf wants room for its NUL; a small stack copy keeps that byte out of the limit. */
        char small[512];
        CLEANUP_FREE char *large = (size_t)size < sizeof small ? NULL : memory_new((size_t)size + 1);
        char *text = large ? large : small;
        vsnprintf(text, (size_t)size + 1, format, again);
        good = buffer_append(buffer, text, (size_t)size);
    }
    va_end(again);
    return good;
}

void buffer_consume(struct buffer *buffer, size_t size) {
    if (size >= buffer->size) {
        buffer->size = 0;
        return;
    }
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= size;
}

const char *buffer_string(struct buffer *buffer) {
    if (buffer->size == buffer->capacity) {
        buffer->data = memory_resize(buffer->data, buffer->capacity + 1, 1);
        buffer->capacity += 1;
    }
    buffer->data[buffer->size] = '\0';
    return (const char *)buffer->data;
}
