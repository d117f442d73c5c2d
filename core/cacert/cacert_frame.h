/* The block that CAcert's signer and its client exchange over a serial line.
 *
 *     block = p3( p3(header) p3(field) p3(field) p3(field) ) ‖ XOR of every byte so far ‖ "rie4Ech7"
 *
 * p3 puts a length of 3 bytes, big-endian, in front. A request's header has 9 bytes, a response's 4. Neither peer checks the
 * XOR or the trailer; here both are. What is read borrows from the bytes it was read from.
 * Source: the signer's own client and server, tried byte for byte on a pair of ptys. */
#ifndef TOCSIN_CACERT_FRAME_H
#define TOCSIN_CACERT_FRAME_H

#include "buffer.h"
#include "fault.h"

#define CACERT_FIELDS 3u
#define CACERT_BLOCK_MOST (4u * 1024 * 1024) /* bytes of a block; a CRL is the largest that is sent */
#define CACERT_REQUEST_HEADER 9u
#define CACERT_RESPONSE_HEADER 4u

enum { CACERT_VERSION = 1, CACERT_ACTION_NUL = 0 };

struct cacert_block {
    struct slice header;
    struct slice fields[CACERT_FIELDS];
};

/* Appends; false where it would be longer than CACERT_BLOCK_MOST or than the buffer takes. */
bool cacert_block_write(struct buffer *to, const struct cacert_block *block);
/* Action 0 with all fields empty: a date in the first one would set the signer's clock. */
bool cacert_nul_write(struct buffer *to);

enum cacert_whole { CACERT_MORE, CACERT_WHOLE, CACERT_BROKEN };
/* Whether a block stands at the beginning; *ret_size: its bytes, once it is whole. CACERT_BROKEN: these bytes begin no block,
 * whatever follows; the fault says why. What stands inside is cacert_block_read's to judge. */
enum cacert_whole cacert_block_whole(struct slice bytes, size_t *ret_size, struct fault *fault);
/* Exactly one block, with the right XOR and trailer. */
bool cacert_block_read(struct slice bytes, struct cacert_block *ret_block, struct fault *fault);

/* What is wrong with a response; the first of these that is. */
enum cacert_flaw {
    CACERT_SOUND,
    CACERT_FLAW_LENGTHS,
    CACERT_FLAW_TRAILER,
    CACERT_FLAW_XOR,
    CACERT_FLAW_RESPONSE, /* not version 1, or to another action */
};
/* The block that is the response to an action; its contents as they are. With a flaw *ret_block is left alone. */
enum cacert_flaw cacert_response_read(struct slice bytes, uint8_t action, struct cacert_block *ret_block,
                                      struct fault *fault);

#endif
