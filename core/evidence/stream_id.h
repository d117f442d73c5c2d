/* What names a stream: stream_id = H("tocsin/stream/v1" ‖ name ‖ 0x0A ‖ first public key) (log-format:
 * Streams). */
#ifndef TOCSIN_STREAM_ID_H
#define TOCSIN_STREAM_ID_H

#include "class.h"
#include "ed25519.h"
#include "sha256.h"

/* `name` as stream_name_make gives it; `first_key`: the key of the stream's first epoch. */
struct hash stream_id_make(struct slice name, const struct verify_key *first_key);
/* Of both lanes of a host; false if its name is not good. */
bool stream_ids_make(struct slice host, const struct verify_key *first_key, struct hash ret_streams[LANES]);

#endif
