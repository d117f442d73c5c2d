/* One conversation over plain TCP with the look's address, as a part: it has the look's time, and how far it came is in the
 * part's checks. */
#ifndef TOCSIN_STREAM_TALK_H
#define TOCSIN_STREAM_TALK_H

#include "probe_kind.h"

#define STREAM_TALK_MOST 65536u /* bytes that came and were not taken */

struct stream_talk;
struct stream_talk_rules {
    void (*open)(void *context, struct stream_talk *talk); /* NULL: nothing to say first */
    /* What came and was not taken; gives how many bytes are taken. */
    size_t (*heard)(void *context, struct stream_talk *talk, struct slice bytes);
    /* Nothing more comes, by the peer's end, its time, its size; `bytes` were not taken. True: that is an answer all the same,
     * and judged; false, or NULL: the part has none. */
    bool (*ended)(void *context, struct slice bytes, const char *why);
    /* The last: the part has its reach.* checks, the talk is gone. The part is not over yet. */
    void (*over)(void *context);
};

/* Where it can't be begun, `over` comes in a later turn all the same. */
struct stream_talk *stream_talk_start(struct probe_look *look, struct probe_part *part,
                                      const struct stream_talk_rules *rules, void *context);
/* From `open` and `heard`. */
void stream_talk_say(struct stream_talk *talk, struct slice bytes);
/* All is said: `over` comes in a later turn. `answered`: whether there was to be an answer. */
void stream_talk_end(struct stream_talk *talk, bool answered);
/* Gives it up; no `over` comes. NULL. */
struct stream_talk *stream_talk_destroy(struct stream_talk *talk);

#endif
