#include "journal_position.h"

#include "bytes.h"

#define POSITION_VERSION 1u

static bool read_hexadecimal(struct slice text, uint64_t *ret_value) {
    uint64_t value = 0;
    if (text.size == 0 || text.size > 16)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!digit)
            return false;
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *ret_value = value;
    return true;
}

static bool read_id(struct slice text, char ret_id[33]) {
    if (text.size != 32)
        return false;
    memcpy(ret_id, text.data, 32);
    ret_id[32] = 0;
    return true;
}

static bool read_part(struct slice part, struct journal_cursor *cursor, unsigned *found) {
    if (part.size < 3 || part.data[1] != '=')
        return false;
    static const char letters[] = "sibmtx";
    const char *letter = memchr(letters, part.data[0], sizeof letters - 1);
    if (!letter)
        return true; /* one to come */
    *found |= 1u << (letter - letters);
    struct slice value = slice_from(part, 2);
    switch (*letter) {
    case 's':
        return read_id(value, cursor->numbering);
    case 'b':
        return read_id(value, cursor->boot);
    case 'i':
        return read_hexadecimal(value, &cursor->number);
    case 'm':
        return read_hexadecimal(value, &cursor->monotonic_us);
    case 't':
        return read_hexadecimal(value, &cursor->realtime_us);
    default:
        return read_hexadecimal(value, &cursor->check);
    }
}

bool journal_cursor_read(struct slice text, struct journal_cursor *ret_cursor) {
    struct journal_cursor cursor = {0};
    unsigned found = 0;
    while (text.size) {
        size_t end = slice_find_byte(text, ';');
        if (!read_part(slice_head(text, end), &cursor, &found))
            return false;
        text = end == SIZE_MAX ? slice_head(text, 0) : slice_from(text, end + 1);
    }
    if (found != 0x3F)
        return false;
    *ret_cursor = cursor;
    return true;
}

bool journal_cursor_same(const struct journal_cursor *a, const struct journal_cursor *b) {
    return strcmp(a->boot, b->boot) == 0 && a->monotonic_us == b->monotonic_us &&
           a->realtime_us == b->realtime_us && a->check == b->check;
}

bool journal_position_write(const struct journal_position *position, struct buffer *to) {
    bytes_write_u8(to, POSITION_VERSION);
    bytes_write_u8(to, position->paused);
    bytes_write_u64(to, position->seen_us);
    bytes_write_u64(to, position->told);
    bytes_write_u32(to, position->fragments);
    bytes_write_block(to, slice_string(position->cursor));
    return !to->overflow;
}

bool journal_position_read(struct slice bytes, struct journal_position *ret_position, struct fault *fault) {
    struct bytes_reader from = bytes_read(bytes);
    struct journal_position position = {0};
    uint8_t version = bytes_read_u8(&from);
    uint8_t paused = bytes_read_u8(&from);
    position.paused = paused;
    position.seen_us = bytes_read_u64(&from);
    position.told = bytes_read_u64(&from);
    position.fragments = bytes_read_u32(&from);
    struct slice cursor = bytes_read_block(&from);
    if (!bytes_read_done(&from) || version != POSITION_VERSION || paused > 1 ||
        cursor.size > JOURNAL_CURSOR_MOST || (cursor.size && memchr(cursor.data, 0, cursor.size)))
        return fault_set(fault, FAULT_FORMAT, "the journal's position is damaged");
    if (cursor.size)
        memcpy(position.cursor, cursor.data, cursor.size);
    *ret_position = position;
    return true;
}
