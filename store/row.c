#include "row.h"

#include "bytes.h"

void row_head(uint8_t to[ROW_HEAD], enum row_kind kind, uint64_t ingested_us, const uint8_t stream_id[32]) {
    to[0] = (uint8_t)kind;
    bytes_put_u64(to + 1, ingested_us);
    memcpy(to + 9, stream_id, 32);
}

bool row_read(struct slice value, struct row *ret_row, struct fault *fault) {
    if (value.size < ROW_HEAD || (value.data[0] != ROW_EVENTS && value.data[0] != ROW_CLOSE))
        return fault_set(fault, FAULT_FORMAT, "a stored row of %zu bytes that is of no known kind", value.size);
    *ret_row = (struct row){(enum row_kind)value.data[0], bytes_get_u64(value.data + 1), value.data + 9,
                            slice_from(value, ROW_HEAD)};
    if (ret_row->kind == ROW_CLOSE && ret_row->payload.size != ROW_CLOSE_SIZE)
        return fault_set(fault, FAULT_FORMAT, "a stored close of %zu bytes", value.size);
    return true;
}
