/* A segment of real batches: signed entries, class lists, two streams whose rows interleave. */
#ifndef TOCSIN_TEST_SEGMENT_FIXTURE_H
#define TOCSIN_TEST_SEGMENT_FIXTURE_H

#include "segment_reader.h"
#include "segment_writer.h"

#define FIXTURE_CLASS CLASS_ACCESS

struct fixture_line {
    struct slice body;
    uint64_t seq, time_us;
    unsigned stream;
};

struct segment_fixture {
    struct buffer file;
    struct segment_head head;
    struct hash key_id;
    uint8_t key[SEGMENT_KEY_SIZE];
    struct fixture_line *lines; /* in the order in which they were written */
    size_t count;
    uint64_t sum;
};

/* `more`: lines besides the few odd ones. */
void segment_fixture_make(struct segment_fixture *fixture, size_t more);
void segment_fixture_free(struct segment_fixture *fixture);

#endif
