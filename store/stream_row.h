/* A stream as the store keeps it (STORE_STREAM, under its stream_id): whose it is, and how far it is checked.
 *
 *     u8 version ‖ u8 lane ‖ block host ‖ public_key[32] ‖ block state (stream_checker_save; empty for the own stream) */
#ifndef TOCSIN_STREAM_ROW_H
#define TOCSIN_STREAM_ROW_H

#include "buffer.h"
#include "class.h"
#include "fault.h"

#define STREAM_ROW_MOST 2048u

struct stream_row {
    enum lane lane;
    struct slice host;
    const uint8_t *public_key; /* 32 bytes */
    struct slice state;
};

bool stream_row_write(struct buffer *to, const struct stream_row *row);
bool stream_row_read(struct slice value, struct stream_row *ret_row, struct fault *fault); /* borrows */

#endif
