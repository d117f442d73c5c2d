#include "rotation_row.h"

#include "bytes.h"

bool rotation_row_key(struct buffer *to, struct slice host, const uint8_t stream_id[32], uint32_t epoch) {
    buffer_append_string(to, ROTATION_ROW_PREFIX);
    buffer_append_slice(to, host);
    bytes_write_u8(to, 0);
    buffer_append(to, stream_id, 32);
    return bytes_write_u32(to, epoch);
}
