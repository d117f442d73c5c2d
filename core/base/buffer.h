/* A growing run of bytes with a ceiling given at birth.
 *
 * Owner: whoever declared the struct; buffer_free releases it and leaves it usable again. Full: an append that would
 * pass the limit changes nothing, sets `overflow` (sticky until buffer_clear) and returns false, so a sequence of appends
 * is checked once at its end. Pointers into the data die at the next append. */
#ifndef TOCSIN_BUFFER_H
#define TOCSIN_BUFFER_H

#include "slice.h"

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit; /* most bytes it will ever hold */
    bool overflow;
};

#define BUFFER(most) ((struct buffer){.limit = (most)})

void buffer_free(struct buffer *buffer); /* keeps the limit; NULL is fine */
void buffer_clear(struct buffer *buffer); /* keeps the memory */

bool buffer_reserve(struct buffer *buffer, size_t more); /* room for `more` bytes behind size */
bool buffer_append(struct buffer *buffer, const void *data, size_t size);
bool buffer_append_slice(struct buffer *buffer, struct slice slice);
bool buffer_append_string(struct buffer *buffer, const char *text);
bool buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t size);

static inline struct slice buffer_slice(const struct buffer *buffer) { return slice_make(buffer->data, buffer->size); }

/* The content as a string: a NUL is kept behind it (and not counted). Never NULL. */
const char *buffer_string(struct buffer *buffer);

#define CLEANUP_BUFFER __attribute__((cleanup(buffer_free)))

#endif
