/* "1 event", "3 events": a number with its word, for people. */
#ifndef TOCSIN_COUNTED_H
#define TOCSIN_COUNTED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

struct counted {
    char text[64];
};

static inline struct counted counted_of(uint64_t count, const char *one, const char *many) {
    struct counted counted;
    snprintf(counted.text, sizeof counted.text, "%" PRIu64 " %s", count, count == 1 ? one : many);
    return counted;
}

/* For printf's %s, in the same call: most words take an s. */
#define COUNTED(count, one) (counted_of((count), (one), (one "s")).text)
#define COUNTED_AS(count, one, many) (counted_of((count), (one), (many)).text)

#endif
