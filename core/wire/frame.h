/* Frames: u32 length of what follows, u8 type, message (proto/FORMATS.md, The wire).
 *
 * Used between agent and collector and on the local query socket. The reader is fed whatever arrived and gives whole
 * frames; it checks a frame's length against the limit of its type before a byte of it is kept, so a lying length costs
 * nothing. Its error is sticky: after one the connection is of no more use. */
#ifndef TOCSIN_FRAME_H
#define TOCSIN_FRAME_H

#include "buffer.h"
#include "fault.h"

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_WELCOME = 2,
    FRAME_EVENTS = 3,
    FRAME_PART = 4,
    FRAME_CLOSE = 5,
    FRAME_ACK = 6,
    FRAME_NACK = 7,
    FRAME_CREDIT = 8,
    FRAME_CHECKPOINT = 9,
    FRAME_PING = 10,
    FRAME_CLOSE_NOW = 11,
    FRAME_JOIN = 12,
    FRAME_JOINED = 13,
    FRAME_RENEW = 14,
    FRAME_RENEWED = 15,
    FRAME_ROTATE = 16,
    FRAME_ROTATED = 17,

    FRAME_REQUEST = 32,
    FRAME_EVENT_ROW = 33,
    FRAME_STORE_ROW = 34,
    FRAME_TEXT = 35,
    FRAME_END = 36,
    FRAME_REFUSED = 37,
};

#define FRAME_HEAD 5u                            /* bytes of length and type */
#define FRAME_EVENTS_MOST (3u * 1024 * 1024)     /* a block's text is at most 2 MiB (event.h) */
#define FRAME_CHECKPOINT_MOST (320u * 1024)      /* a note, and proofs (checkpoint_message.h) */
#define FRAME_ROW_MOST (4u * 1024 * 1024)        /* stored rows and statuses on the local socket */
#define FRAME_CONTROL_MOST (64u * 1024)          /* all else */

/* The most bytes a message of this type may have; 0 for a type that is not known. */
size_t frame_limit(unsigned type);
const char *frame_name(unsigned type); /* "HELLO"; "?" for a type that is not known */

/* Appends a whole frame; false when it passes its type's limit or the buffer's. */
bool frame_write(struct buffer *to, enum frame_type type, struct slice message);
/* Only the head, for a message that the caller appends itself. */
void frame_head(uint8_t to[FRAME_HEAD], enum frame_type type, size_t message_size);

struct frame {
    enum frame_type type;
    struct slice message; /* borrowed from the reader until the next call on it */
};

struct frame_reader {
    struct buffer kept;  /* a frame that has not arrived whole */
    struct slice given;  /* what was fed and not read yet */
    size_t used;         /* bytes of `kept` that are a frame already given out */
    bool failed;
    uint32_t allowed_from, allowed_to; /* types taken, inclusive */
};

/* Takes types from..to alone. */
void frame_reader_open(struct frame_reader *reader, enum frame_type from, enum frame_type to);
void frame_reader_close(struct frame_reader *reader);

/* Feeds bytes, borrowed until frame_reader_next has returned false. Everything fed before must have been read. */
void frame_reader_feed(struct frame_reader *reader, struct slice bytes);
/* The next whole frame. False: nothing whole is left (what is left was copied), or the input is bad (fault is set). */
bool frame_reader_next(struct frame_reader *reader, struct frame *ret_frame, struct fault *fault);

#endif
