/* A file that may be a segment: header, sizes, index, pages, blocks under some key. */
#include <stdlib.h>

#include "segment_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const char *place, const char *text) {
    (void)context;
    if (!place[0] || !text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[SEGMENT_KEY_SIZE] = {1, 2, 3};
    struct slice file = slice_make(data, size);
    struct segment_source source = segment_source_memory(&file);
    struct fault fault = {0};
    struct segment_reader *reader = segment_reader_open(&source, &fault);
    if (reader && segment_reader_unlock(reader, key, &fault)) {
        struct segment_verify verify = {NULL, ignore, NULL, NULL};
        uint8_t blocks[SEGMENT_BLOCKS_MOST];
        segment_verify(reader, &verify);
        segment_reader_look(reader, 0x123456789abcdef, blocks, NULL);
    } else if (!fault.text[0])
        abort();
    segment_reader_close(reader);
    return 0;
}
