/* States that were damaged on disk in a way that their sum doesn't show: the input gets its sum, and is loaded by both
 * sides. What loads is saved again as it was. */
#include <stdlib.h>

#include "stream_checker.h"
#include "stream_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct signing_key *key;
    const uint8_t seed[ED25519_SEED_SIZE] = {1};
    key = key ? key : signing_key_create(seed);
    CLEANUP_BUFFER struct buffer state = BUFFER(1u << 20);
    CLEANUP_BUFFER struct buffer again = BUFFER(1u << 20);
    struct hash sum = sha256_of(slice_make(data, size));
    if (!buffer_append(&state, data, size) || !buffer_append_slice(&state, hash_slice(&sum)))
        return 0;
    struct stream_checker *checker = stream_checker_load(buffer_slice(&state), NULL);
    if (checker) {
        expect(stream_checker_save(checker, &again) &&
               slice_equal(buffer_slice(&again), buffer_slice(&state)));
        stream_checker_destroy(checker);
    }
    buffer_clear(&again);
    struct stream_writer_settings settings = {.key = key, .stream_id = {{7}}};
    struct stream_writer *writer = stream_writer_load(&settings, buffer_slice(&state), NULL);
    if (writer) {
        struct stream_clock clock = {.now_us = 1};
        struct stream_close close;
        uint64_t next;
        expect(stream_writer_save(writer, &again) && slice_equal(buffer_slice(&again), buffer_slice(&state)));
        if (stream_writer_due(writer, &clock, &next) == DUE_BREAK)
            expect(stream_writer_break(writer, &clock, NULL));
        if (stream_writer_due(writer, &clock, &next) == DUE_CLOSE)
            expect(stream_writer_close(writer, &clock, NULL, &close, NULL));
        stream_writer_destroy(writer);
    }
    return 0;
}
