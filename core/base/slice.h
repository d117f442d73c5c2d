/* A borrowed run of bytes: a value, never an owner. The bytes need not end in NUL and may hold any value. */
#ifndef TOCSIN_SLICE_H
#define TOCSIN_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t size;
};

/* Of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).size, (const char *)(s).data

static inline struct slice slice_make(const void *data, size_t size) {
    return (struct slice){(const uint8_t *)data, size};
}

/* Of a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice slice_string(const char *text) {
    return text ? slice_make(text, strlen(text)) : (struct slice){NULL, 0};
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_starts(struct slice s, struct slice prefix) {
    return s.size >= prefix.size && (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

/* What is left from `offset` on; past the end it is empty, and still not NULL. */
static inline struct slice slice_from(struct slice s, size_t offset) {
    return offset < s.size ? slice_make(s.data + offset, s.size - offset) : SLICE("");
}

static inline struct slice slice_head(struct slice s, size_t size) {
    return slice_make(s.data, size < s.size ? size : s.size);
}

/* ASCII letters alone are folded: rules and names are compared byte by byte in every locale. */
bool slice_equal_caseless(struct slice a, struct slice b);

/* Position of the first `byte` or of the first occurrence of `needle`; SIZE_MAX where there is none. */
size_t slice_find_byte(struct slice s, uint8_t byte);
size_t slice_find(struct slice s, struct slice needle);

/* Without leading and trailing blanks and tabs. */
struct slice slice_trim(struct slice s);

/* A whole unsigned decimal number: digits alone, at least one, no overflow. ret_value is written on success alone. */
bool slice_decimal(struct slice s, uint64_t *ret_value);

#endif
