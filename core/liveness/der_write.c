#include "der_write.h"

static size_t write_header(uint8_t header[DER_HEADER_MOST], uint8_t tag, size_t size) {
    size_t digits = size < 0x80 ? 0 : size < 0x100 ? 1 : size < 0x10000 ? 2 : size < 0x1000000 ? 3 : 4;
    header[0] = tag;
    header[1] = (uint8_t)(digits ? 0x80 | digits : size);
    for (size_t i = 0; i < digits; i++)
        header[2 + i] = (uint8_t)(size >> 8 * (digits - 1 - i));
    return 2 + digits;
}

bool der_write(struct buffer *to, uint8_t tag, struct slice content) {
    uint8_t header[DER_HEADER_MOST];
    buffer_append(to, header, write_header(header, tag, content.size));
    return buffer_append_slice(to, content);
}

bool der_wrap(struct buffer *to, size_t from, uint8_t tag) {
    uint8_t header[DER_HEADER_MOST];
    size_t content = to->size - from, size = write_header(header, tag, content);
    if (!buffer_append(to, header, size)) /* makes room; what it holds is written below */
        return false;
    memmove(to->data + from + size, to->data + from, content);
    memcpy(to->data + from, header, size);
    return true;
}
