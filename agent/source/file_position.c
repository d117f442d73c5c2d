#include "file_position.h"

#include <stdio.h>

#include "bytes.h"

#define POSITION_VERSION 1u

static void write_print(struct buffer *to, const struct file_print *print) {
    bytes_write_u16(to, print->size);
    buffer_append_slice(to, hash_slice(&print->hash));
}

static struct file_print read_print(struct bytes_reader *from) {
    struct file_print print = {.size = bytes_read_u16(from)};
    bytes_read_into(from, print.hash.bytes, HASH_SIZE);
    return print;
}

bool file_position_write(const struct file_position *position, struct slice path, struct buffer *to) {
    if (path.size > FILE_PATH_MOST)
        return false;
    bytes_write_u8(to, POSITION_VERSION);
    bytes_write_u8(to, position->flags);
    bytes_write_u64(to, position->identity.device);
    bytes_write_u64(to, position->identity.inode);
    bytes_write_u64(to, position->identity.birth_ns);
    bytes_write_u32(to, position->identity.inode_generation);
    bytes_write_u64(to, position->generation);
    bytes_write_u64(to, position->offset);
    bytes_write_u64(to, position->size);
    bytes_write_u64(to, position->modified_ns);
    bytes_write_u64(to, position->since_ns);
    write_print(to, &position->head);
    write_print(to, &position->tail);
    bytes_write_u64(to, position->line.hole);
    bytes_write_u64(to, position->line.given);
    bytes_write_u32(to, position->line.fragment);
    bytes_write_block(to, path);
    return !to->overflow;
}

/* Numbers that could not have been written, and that reading on with would trust. */
static bool makes_sense(const struct file_position *position) {
    return (position->flags & ~FILE_FLAGS) == 0 && position->offset <= INT64_MAX &&
           position->size <= INT64_MAX && position->head.size <= FILE_HEAD_MOST &&
           position->tail.size <= FILE_TAIL_MOST && position->head.size <= position->offset &&
           position->tail.size <= position->offset && position->line.hole <= position->offset &&
           position->line.given <= position->offset &&
           (position->line.fragment == 0) == (position->line.given == 0) &&
           !(position->line.hole && position->line.fragment);
}

bool file_position_read(struct slice bytes, struct file_position *ret_position, struct slice *ret_path,
                        struct fault *fault) {
    struct bytes_reader from = bytes_read(bytes);
    struct file_position position = {0};
    uint8_t version = bytes_read_u8(&from);
    if (from.failed || version != POSITION_VERSION)
        return fault_set(fault, FAULT_FORMAT, "a file's position has version %u, not %u", version,
                         POSITION_VERSION);
    position.flags = bytes_read_u8(&from);
    position.identity.device = bytes_read_u64(&from);
    position.identity.inode = bytes_read_u64(&from);
    position.identity.birth_ns = bytes_read_u64(&from);
    position.identity.inode_generation = bytes_read_u32(&from);
    position.generation = bytes_read_u64(&from);
    position.offset = bytes_read_u64(&from);
    position.size = bytes_read_u64(&from);
    position.modified_ns = bytes_read_u64(&from);
    position.since_ns = bytes_read_u64(&from);
    position.head = read_print(&from);
    position.tail = read_print(&from);
    position.line.hole = bytes_read_u64(&from);
    position.line.given = bytes_read_u64(&from);
    position.line.fragment = bytes_read_u32(&from);
    struct slice path = bytes_read_block(&from);
    if (!bytes_read_done(&from) || path.size == 0 || path.size > FILE_PATH_MOST ||
        memchr(path.data, 0, path.size) || !makes_sense(&position))
        return fault_set(fault, FAULT_FORMAT, "a file's position is damaged");
    *ret_position = position;
    *ret_path = path;
    return true;
}

struct slice file_position_key(const struct file_position *position, struct slice path,
                               char ret_key[FILE_KEY_MOST]) {
    int size = position->flags & FILE_FLAG_GONE
                   ? snprintf(ret_key, FILE_KEY_MOST, "file:%.*s", SLICE_ARG(path))
                   : snprintf(ret_key, FILE_KEY_MOST, "file:%.*s:%llu:%llu", SLICE_ARG(path),
                              (unsigned long long)position->identity.device,
                              (unsigned long long)position->identity.inode);
    return slice_make(ret_key, (size_t)size);
}

bool file_identity_same(const struct file_identity *a, const struct file_identity *b) {
    if (a->inode != b->inode)
        return false;
    bool born = a->birth_ns && b->birth_ns;
    bool counted = a->inode_generation && b->inode_generation;
    if (born && a->birth_ns != b->birth_ns)
        return false;
    if (counted && a->inode_generation != b->inode_generation)
        return false;
    return born || counted || a->device == b->device;
}
