/* A block of log entries: u8 what ‖ bytes. Of what 1 the bytes are such a block, its columns packed here: u8 count ‖ u8 streams ‖
 * u16 bytes of columns ‖ columns ‖ tail. Every entry that can be had goes in again, and comes back. */
#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "entry_block.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool root_of(void *context, uint64_t size, struct hash *ret_root) {
    (void)context;
    *ret_root = (struct hash){{(uint8_t)size}};
    return size % 3;
}

static const struct entry_block_roots roots = {NULL, root_of};

static void pack(struct bytes_reader *reader, struct buffer *to) {
    static const uint8_t label[16] = "tocsin/entry/v1";
    uint8_t packed[ZSTD_COMPRESSBOUND(UINT16_MAX)];
    buffer_append(to, label, sizeof label);
    bytes_write_u64(to, 7);
    bytes_write_u32(to, bytes_read_u8(reader));
    bytes_write_u32(to, bytes_read_u8(reader));
    struct slice columns = bytes_read_raw(reader, bytes_read_u16(reader));
    size_t size = ZSTD_compress(packed, sizeof packed, columns.data, columns.size, 1);
    bytes_write_block(to, slice_make(packed, size));
    buffer_append_slice(to, reader->rest);
}

static bool same(const struct entry_block_item *a, const struct entry_block_item *b) {
    return slice_equal(a->entry, b->entry) && a->listed == b->listed &&
           (!a->listed || slice_equal(a->class_list, b->class_list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1 << 20), again = BUFFER(ENTRY_BLOCK_MOST);
    struct fault fault = {0};
    struct entry_block_item item, other;
    if (bytes_read_u8(&reader) == 1)
        pack(&reader, &bytes);
    else
        buffer_append_slice(&bytes, reader.rest);
    struct entry_block *block = entry_block_open(buffer_slice(&bytes), &fault);
    if (!block)
        return fault.text[0] ? 0 : (abort(), 0);
    uint64_t first = entry_block_first(block), end = first;
    struct entry_block_writer *writer = entry_block_writer_create(first, roots);
    while (end < entry_block_end(block) && entry_block_get(block, end, roots, &item, &fault) &&
           entry_block_writer_add(writer, &item))
        end++;
    if (end > first && !entry_block_writer_finish(writer, &again, &fault))
        abort();
    struct entry_block *second = end > first ? entry_block_open(buffer_slice(&again), &fault) : NULL;
    for (uint64_t i = first; i < end; i++)
        if (!second || !entry_block_get(block, i, roots, &item, NULL) ||
            !entry_block_get(second, i, roots, &other, NULL) || !same(&item, &other))
            abort();
    entry_block_writer_destroy(writer);
    entry_block_close(second);
    entry_block_close(block);
    return 0;
}
