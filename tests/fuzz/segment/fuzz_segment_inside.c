/* What only a holder of the key can write: index, columns and pages that authenticate and lie. Input: u8 what ‖ bytes; for a
 * block: u16 bytes of the index ‖ index ‖ columns ‖ 0xff 0xff ‖ values, each packed here. */
#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"
#include "segment_filter.h"
#include "segment_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[SEGMENT_KEY_SIZE] = {1, 2, 3};

static void pack(struct slice plain, struct buffer *to) {
    size_t bound = ZSTD_compressBound(plain.size);
    buffer_reserve(to, bound);
    to->size += ZSTD_compress(to->data + to->size, bound, plain.data, plain.size, 1);
}

/* A segment of one block around them. */
static void make(struct slice index, struct slice columns, struct slice values, struct buffer *file) {
    CLEANUP_BUFFER struct buffer first = BUFFER(1 << 24), block = BUFFER(1 << 24);
    uint8_t derived[SEGMENT_KEY_SIZE];
    bytes_write_u32(&first, (uint32_t)index.size);
    pack(index, &first);
    bytes_write_u32(&block, 0);
    pack(columns, &block);
    bytes_put_u32(block.data, (uint32_t)block.size - 4);
    pack(values, &block);
    uint32_t sizes = (uint32_t)block.size + SEGMENT_TAG_SIZE;
    struct segment_head head = {.blocks = 1, .index_size = (uint32_t)first.size + SEGMENT_TAG_SIZE};
    head.file_size = segment_head_size(&head) + head.index_size + sizes;
    segment_head_write(&head, &sizes, file);
    struct hash header = sha256_of(buffer_slice(file));
    segment_key_derive(key, head.random, SEGMENT_KEY_BODIES, derived);
    struct segment_cipher *cipher = segment_cipher_create(derived, &header);
    buffer_reserve(file, head.file_size);
    segment_cipher_seal(cipher, 0, false, buffer_slice(&first), file->data + file->size);
    file->size += head.index_size;
    segment_cipher_seal(cipher, 1, true, buffer_slice(&block), file->data + file->size);
    file->size += sizes;
    segment_cipher_destroy(cipher);
}

static void read_segment(struct slice index, struct slice columns, struct slice values) {
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 26);
    make(index, columns, values, &file);
    struct slice bytes = buffer_slice(&file);
    struct segment_source source = segment_source_memory(&bytes);
    struct segment_reader *reader = segment_reader_open(&source, NULL);
    struct segment_block *block = segment_block_create();
    if (!reader)
        abort();
    if (segment_reader_unlock(reader, key, NULL) && segment_block_open(block, reader, 0, NULL) &&
        segment_block_values(block, NULL))
        for (uint32_t i = 0; i < segment_block_count(block) && i < 1000; i++) {
            struct slice body;
            segment_block_bytes(block, i, &body, NULL);
        }
    segment_block_destroy(block);
    segment_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = slice_make(data, size);
    if (size < 3)
        return 0;
    if (data[0] == 0) {
        uint8_t blocks[64];
        segment_filter_look(slice_from(rest, 1), 0x123456789abcdef, 7, 64, blocks, NULL);
        return 0;
    }
    size_t index = bytes_get_u16(data + 1);
    rest = slice_from(rest, 3);
    struct slice behind = slice_from(rest, index);
    size_t cut = slice_find(behind, SLICE("\xff\xff"));
    if (cut == SIZE_MAX)
        cut = behind.size;
    read_segment(slice_head(rest, index), slice_head(behind, cut), slice_from(behind, cut + 2));
    return 0;
}
