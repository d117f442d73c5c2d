/* Frames fed in pieces are the frames fed at once. The first byte says how large the pieces are. */
#include <stdlib.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_in_pieces(struct slice bytes, size_t piece, struct buffer *to) {
    struct frame_reader reader;
    struct frame frame;
    struct fault fault = {0};
    frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
    for (; bytes.size && fault.code == FAULT_NONE; bytes = slice_from(bytes, piece)) {
        frame_reader_feed(&reader, slice_head(bytes, piece));
        while (frame_reader_next(&reader, &frame, &fault))
            if (!frame_write(to, frame.type, frame.message))
                abort();
    }
    frame_reader_close(&reader);
    return fault.code == FAULT_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    struct slice bytes = slice_make(data + 1, size - 1);
    CLEANUP_BUFFER struct buffer whole = BUFFER(64u << 20), torn = BUFFER(64u << 20);
    bool good = read_in_pieces(bytes, bytes.size, &whole);
    bool again = read_in_pieces(bytes, data[0] % 40u + 1, &torn);
    if (good != again || !slice_equal(buffer_slice(&whole), buffer_slice(&torn)) ||
        !slice_starts(bytes, buffer_slice(&whole)))
        abort();
    return 0;
}
