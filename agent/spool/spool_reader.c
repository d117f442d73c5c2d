#include "spool_folder_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#define CHUNK (64u * 1024) /* bytes read at a time, when a record is not larger */

void spool_reader_open(struct spool_reader *reader, struct spool_folder *folder) {
    *reader = (struct spool_reader){
        .folder = folder, .file = -1, .bytes = BUFFER(SPOOL_HEAD + SPOOL_RECORD_MOST + SPOOL_ALIGNMENT)};
}

void spool_reader_rest(struct spool_reader *reader) {
    if (reader->file >= 0)
        reader->folder->files.close(reader->folder->files.context, reader->file);
    reader->file = -1;
    buffer_free(&reader->bytes);
}

void spool_reader_close(struct spool_reader *reader) {
    if (reader->folder)
        spool_reader_rest(reader);
    reader->folder = NULL;
}

static bool turn_to(struct spool_reader *reader, const struct spool_segment *segment, struct fault *fault) {
    if (reader->file >= 0 && reader->number == segment->id.number &&
        reader->generation == segment->generation)
        return true;
    spool_reader_rest(reader);
    char path[SPOOL_PATH_SIZE];
    spool_folder_path(reader->folder, segment->id, "spool", path);
    reader->file = reader->folder->files.open(reader->folder->files.context, path, O_RDONLY, 0);
    if (reader->file < 0)
        return fault_set_system(fault, "segment %016" PRIx64 " of the spool cannot be opened",
                                segment->id.number);
    reader->number = segment->id.number;
    reader->generation = segment->generation;
    reader->offset = 0;
    return true;
}

/* Has at least `want` bytes from `offset` on in memory, or all there are. */
static bool fill(struct spool_reader *reader, const struct spool_segment *segment, uint64_t offset,
                 size_t want, struct slice *ret_bytes, struct fault *fault) {
    uint64_t left = segment->size - offset;
    if (want > left)
        want = (size_t)left;
    bool inside = offset >= reader->offset && offset - reader->offset <= reader->bytes.size &&
                  reader->bytes.size - (offset - reader->offset) >= want;
    if (!inside) {
        size_t size = want > CHUNK ? want : left > CHUNK ? CHUNK : (size_t)left;
        buffer_clear(&reader->bytes);
        reader->offset = offset;
        if (!buffer_reserve(&reader->bytes, size))
            return fault_set(fault, FAULT_LIMIT, "a record of %zu bytes in the spool", size);
        ssize_t got = spool_folder_read(reader->folder, reader->file, reader->bytes.data, size, offset);
        if (got < 0)
            return fault_set_system(fault, "segment %016" PRIx64 " of the spool cannot be read",
                                    segment->id.number);
        reader->bytes.size = (size_t)got;
    }
    *ret_bytes = slice_from(buffer_slice(&reader->bytes), (size_t)(offset - reader->offset));
    return true;
}

bool spool_reader_record(struct spool_reader *reader, const struct spool_segment *segment, uint64_t *offset,
                         struct slice *ret_items, size_t *ret_size, struct fault *fault) {
    *ret_size = 0;
    struct slice bytes;
    if (spool_cache_get(&reader->folder->cache, segment->id.number, *offset, &bytes) &&
        spool_record_read(bytes, segment->id, *offset, ret_items, ret_size) == SPOOL_RECORD_GOOD)
        return true;
    *ret_size = 0;
    if (*offset >= segment->size)
        return true;
    if (!turn_to(reader, segment, fault))
        return false;
    for (uint64_t at = *offset; at < segment->size; at += SPOOL_ALIGNMENT) {
        size_t size;
        if (!fill(reader, segment, at, SPOOL_HEAD, &bytes, fault))
            return false;
        enum spool_record_found found = spool_record_read(bytes, segment->id, at, ret_items, &size);
        if (found == SPOOL_RECORD_SHORT && size && size <= segment->size - at) {
            if (!fill(reader, segment, at, size, &bytes, fault))
                return false;
            found = spool_record_read(bytes, segment->id, at, ret_items, &size);
        }
        if (found != SPOOL_RECORD_GOOD)
            continue;
        *offset = at;
        *ret_size = size;
        return true;
    }
    *offset = segment->size;
    return true;
}
