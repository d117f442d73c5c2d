#include "segment_reader.h"

#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"
#include "segment_filter.h"
#include "segment_reader_inside.h"

/* ---- a file in memory */

static bool read_memory(void *context, uint64_t offset, void *to, size_t size, struct fault *fault) {
    const struct slice *file = context;
    if (offset > file->size || size > file->size - offset)
        return fault_set(fault, FAULT_FORMAT, "the segment ends at byte %zu, inside a section", file->size);
    if (size)
        memcpy(to, file->data + offset, size);
    return true;
}

struct segment_source segment_source_memory(const struct slice *file) {
    return (struct segment_source){(void *)(uintptr_t)file, read_memory};
}

/* ---- the header */

static bool read_sizes(struct segment_reader *reader, const uint8_t *sizes, struct fault *fault) {
    const struct segment_head *head = &reader->head;
    size_t count = (size_t)head->blocks + head->pages;
    uint64_t at = segment_head_size(head) + head->index_size;
    reader->sections = memory_new_array(count, sizeof *reader->sections);
    for (size_t i = 0; i < count; i++) /* pages stand before blocks */
        reader->sections[i].size = bytes_get_u32(sizes + 4 * i);
    for (size_t i = 0; i < count; i++) {
        struct segment_section *section =
            &reader->sections[i < head->pages ? head->blocks + i : i - head->pages];
        if (section->size < SEGMENT_TAG_SIZE || section->size > SEGMENT_SECTION_MOST)
            return fault_set(fault, FAULT_FORMAT, "a segment's header with a section of %u bytes",
                             section->size);
        section->at = at;
        at += section->size;
    }
    return at == head->file_size ||
           fault_set(fault, FAULT_FORMAT, "a segment's header whose sizes do not add up");
}

struct segment_reader *segment_reader_open(const struct segment_source *source, struct fault *fault) {
    uint8_t fixed[SEGMENT_HEAD_FIXED];
    struct segment_head head;
    if (!source->read(source->context, 0, fixed, sizeof fixed, fault) ||
        !segment_head_read(fixed, &head, fault))
        return NULL;
    size_t size = segment_head_size(&head);
    uint8_t *bytes = memory_new(size);
    struct segment_reader *reader = memory_new(sizeof *reader);
    reader->source = *source;
    reader->head = head;
    bool good = source->read(source->context, 0, bytes, size, fault) &&
                read_sizes(reader, bytes + SEGMENT_HEAD_FIXED, fault);
    reader->header = sha256_of(slice_make(bytes, size));
    free(bytes);
    return good ? reader : segment_reader_close(reader);
}

struct segment_reader *segment_reader_close(struct segment_reader *reader) {
    if (reader) {
        segment_index_destroy(reader->index);
        free(reader->sections);
        memory_wipe(reader, sizeof *reader);
        free(reader);
    }
    return NULL;
}

const struct segment_head *segment_reader_head(const struct segment_reader *reader) {
    return &reader->head;
}
const struct segment_index *segment_reader_index(const struct segment_reader *reader) {
    return reader->index;
}

/* ---- sections */

/* Appends the plain bytes of a section. */
static bool open_section(const struct segment_reader *reader, const uint8_t key[SEGMENT_KEY_SIZE],
                         uint64_t at, size_t size, uint32_t number, bool last, struct buffer *to,
                         struct fault *fault) {
    if (!buffer_reserve(to, size))
        return fault_set(fault, FAULT_LIMIT, "a section of %zu bytes", size);
    uint8_t *section = to->data + to->size;
    if (!reader->source.read(reader->source.context, at, section, size, fault))
        return false;
    struct segment_cipher *cipher = segment_cipher_create(key, &reader->header);
    bool good = segment_cipher_open(cipher, number, last, slice_make(section, size), section);
    segment_cipher_destroy(cipher);
    if (!good)
        return fault_set(fault, FAULT_AUTH, "it was altered, or sealed under another key");
    to->size += size - SEGMENT_TAG_SIZE;
    return true;
}

static bool unpack_index(struct segment_reader *reader, struct slice packed, struct fault *fault) {
    size_t size = packed.size >= 4 ? bytes_get_u32(packed.data) : 0;
    if (packed.size < 4 || size > SEGMENT_INDEX_MOST)
        return fault_set(fault, FAULT_LIMIT, "an index of %zu bytes", size);
    uint8_t *plain = memory_new(size);
    size_t got = ZSTD_decompress(plain, size, packed.data + 4, packed.size - 4);
    if (ZSTD_isError(got) || got != size)
        fault_set(fault, FAULT_FORMAT, "it does not decompress to the %zu bytes announced", size);
    else
        reader->index = segment_index_read(slice_make(plain, size), reader->head.blocks, fault);
    memory_wipe(plain, size);
    free(plain);
    return reader->index != NULL;
}

bool segment_reader_unlock(struct segment_reader *reader, const uint8_t day_key[SEGMENT_KEY_SIZE],
                           struct fault *fault) {
    if (reader->index)
        return true;
    CLEANUP_BUFFER struct buffer plain = BUFFER(SEGMENT_SECTION_MOST);
    segment_key_derive(day_key, reader->head.random, SEGMENT_KEY_BODIES, reader->bodies);
    segment_key_derive(day_key, reader->head.random, SEGMENT_KEY_FILTER, reader->filter);
    bool good = open_section(reader, reader->bodies, segment_head_size(&reader->head),
                             reader->head.index_size, 0, false, &plain, fault) &&
                unpack_index(reader, buffer_slice(&plain), fault);
    if (plain.data)
        memory_wipe(plain.data, plain.capacity);
    return good || fault_place(fault, "the segment's index");
}

bool segment_reader_look(const struct segment_reader *reader, uint64_t digest, uint8_t *ret_blocks,
                         struct fault *fault) {
    const struct segment_head *head = &reader->head;
    CLEANUP_BUFFER struct buffer plain = BUFFER(SEGMENT_SECTION_MOST);
    if (head->pages == 0) {
        memset(ret_blocks, 1, head->blocks);
        return true;
    }
    uint32_t page = segment_filter_page_of(digest, head->pages);
    const struct segment_section *section = &reader->sections[head->blocks + page];
    if (!open_section(reader, reader->filter, section->at, section->size, page, page + 1 == head->pages,
                      &plain, fault) ||
        !segment_filter_look(buffer_slice(&plain), digest, head->pages, head->blocks, ret_blocks, fault))
        return fault_place(fault, "page %u of the segment's filter", page);
    for (uint32_t i = 0; i < head->blocks; i++)
        ret_blocks[i] |= (reader->index->blocks[i].flags & SEGMENT_BLOCK_OPAQUE) != 0;
    return true;
}

bool segment_reader_section(const struct segment_reader *reader, uint32_t number, struct buffer *to,
                            struct fault *fault) {
    const struct segment_section *section = &reader->sections[number];
    return open_section(reader, reader->bodies, section->at, section->size, number + 1,
                        number + 1 == reader->head.blocks, to, fault);
}
