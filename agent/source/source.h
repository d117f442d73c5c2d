/* Where events come from: the contract between a source and the agent.
 *
 * A source owns its descriptors and never blocks. The agent calls `turn` when the source's descriptor is readable,
 * when its deadline has come, and once at the start; the source reads what there is, hands events to its output, and says
 * up to where it has read. Events and positions of one turn are written to the spool as one atomic group: after a crash a
 * source starts from the last position written, and no event is lost or doubled. A source therefore never gives a
 * position before the events it stands for, and gives one at the latest at the end of each turn.
 *
 * To add a source: one file that fills struct source_operations, one row in the table of source kinds (source_table.c).
 * It knows nothing of spools, loops or the network. Time is an argument: microseconds since 1970 by a clock that never
 * steps (the wall clock of the agent's start, gone on), good for waits; events get their times elsewhere. */
#ifndef TOCSIN_SOURCE_H
#define TOCSIN_SOURCE_H

#include "class.h"
#include "event.h"
#include "fault.h"

#define SOURCE_LINE_MOST (64u * 1024) /* bytes of a line in one event; a longer line becomes fragments */
#define SOURCE_NEVER UINT64_MAX

struct source_output {
    void *context;
    /* Takes a copy. False: the group is full and the event was not taken; the source stops, gives its position and is
     * called again as soon as the group is on disk. */
    bool (*event)(void *context, enum event_class class, const struct event_body *body);
    /* Whether that many events of so many bytes in all (EVENT_BLOCK_HEAD and the body, each) will be taken in this group, for
     * a source whose events belong together: after true, `event` takes them. An empty group has room for at least
     * SOURCE_ROOM_LEAST bytes. */
    bool (*room)(void *context, size_t events, size_t bytes);
    /* The source's position under a key of its own ("file:<path>:<device>:<inode>", "journal"). Opaque bytes, at most
     * SOURCE_POSITION_MOST; an empty value forgets the key. */
    void (*position)(void *context, struct slice key, struct slice value);
    /* The last position written under that key before the agent started; false where there is none. Borrowed until the
     * next call into the output. */
    bool (*restore)(void *context, struct slice key, struct slice *ret_value);
    /* Calls `each` for every key with this prefix. */
    void (*restore_each)(void *context, struct slice prefix,
                         void (*each)(void *each_context, struct slice key, struct slice value),
                         void *each_context);
};
#define SOURCE_POSITION_MOST 1024u
#define SOURCE_ROOM_LEAST (1024u * 1024)

struct source;

struct source_operations {
    /* Readable when there may be something to read; -1 for none. Constant over the source's life. */
    int (*descriptor)(const struct source *source);
    /* Reads. Returns the time at which it wants to be called even if nothing becomes readable; SOURCE_NEVER for none.
     * `now_us` itself means: there is more, call again at once. */
    uint64_t (*turn)(struct source *source, uint64_t now_us);
    /* One line for `tocsin-agent --check` and the status: what is read, how far behind it is in bytes. */
    void (*describe)(const struct source *source, char *ret_text, size_t size, uint64_t *ret_lag_bytes);
    /* Gives what is gathered but not yet given (an unfinished multi-line record), before a stop. */
    void (*finish)(struct source *source, uint64_t now_us);
    struct source *(*destroy)(struct source *source); /* returns NULL */
};

/* First member of every source's own struct. */
struct source {
    const struct source_operations *operations;
    const struct source_output *output;
};

#endif
