#include "stream_row.h"

#include "bytes.h"

#define VERSION 1u

bool stream_row_write(struct buffer *to, const struct stream_row *row) {
    bytes_write_u8(to, VERSION);
    bytes_write_u8(to, (uint8_t)row->lane);
    bytes_write_block(to, row->host);
    buffer_append(to, row->public_key, 32);
    return bytes_write_block(to, row->state);
}

bool stream_row_read(struct slice value, struct stream_row *ret_row, struct fault *fault) {
    struct bytes_reader reader = bytes_read(value);
    uint8_t version = bytes_read_u8(&reader);
    struct stream_row row = {.lane = (enum lane)bytes_read_u8(&reader)};
    row.host = bytes_read_block(&reader);
    row.public_key = bytes_read_raw(&reader, 32).data;
    row.state = bytes_read_block(&reader);
    if (!bytes_read_done(&reader) || version != VERSION || row.lane >= LANES)
        return fault_set(fault, FAULT_FORMAT, "a stored stream of %zu bytes that cannot be read", value.size);
    *ret_row = row;
    return true;
}
