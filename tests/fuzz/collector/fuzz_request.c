/* A reader's request, as it comes over the local socket, in two pieces. */
#include <stdlib.h>

#include "frame.h"
#include "query.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct frame_reader reader;
    struct frame frame;
    struct fault fault = {0};
    size_t half = size / 2;
    frame_reader_open(&reader, FRAME_REQUEST, FRAME_REQUEST);
    for (unsigned piece = 0; piece < 2 && !fault.code; piece++) {
        frame_reader_feed(&reader, piece ? slice_make(data + half, size - half) : slice_make(data, half));
        while (frame_reader_next(&reader, &frame, &fault)) {
            Tocsin__Request *request = tocsin__request__unpack(NULL, frame.message.size, frame.message.data);
            if (frame.message.size > frame_limit(FRAME_REQUEST))
                abort();
            if (request)
                tocsin__request__free_unpacked(request, NULL);
        }
    }
    frame_reader_close(&reader);
    return 0;
}
