/* The key of an accepted rotation in the registry (STORE_REGISTRY). The value is its signed statement (rotation.h).
 *
 *     "r" ‖ host ‖ 0x00 ‖ stream_id[32] of the security lane ‖ u32 epoch that it opens
 *
 * A host that joins anew has new streams and begins with epoch 0 again: the stream keeps both chains apart. */
#ifndef TOCSIN_ROTATION_ROW_H
#define TOCSIN_ROTATION_ROW_H

#include "buffer.h"

#define ROTATION_ROW_PREFIX "r"
#define ROTATION_ROW_KEY_MOST 512u

bool rotation_row_key(struct buffer *to, struct slice host, const uint8_t stream_id[32], uint32_t epoch);

#endif
