#include "change.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define STEP_HEAD (1u + 1 + 32 + 8 + 4 + 4)

/* Steps stand one behind the other in one buffer: u8 kind, u8 class or family, stream_id, u64 seq, two blocks. */
struct change {
    struct change_links links;
    struct buffer steps;
    bool has_statement;
    struct change_outcome outcome;
};

struct change *change_create(void) {
    struct change *change = memory_new(sizeof *change);
    change->steps = BUFFER(CHANGE_MOST);
    return change;
}

struct change *change_destroy(struct change *change) {
    if (change) {
        buffer_free(&change->steps);
        free(change);
    }
    return NULL;
}

static void add(struct change *change, enum change_step_kind kind, unsigned small, const uint8_t *stream_id,
                uint64_t seq, struct slice key, struct slice value) {
    static const uint8_t nobody[32];
    if (!buffer_reserve(&change->steps, STEP_HEAD + key.size + value.size))
        return;
    bytes_write_u8(&change->steps, (uint8_t)kind);
    bytes_write_u8(&change->steps, (uint8_t)small);
    buffer_append(&change->steps, stream_id ? stream_id : nobody, 32);
    bytes_write_u64(&change->steps, seq);
    bytes_write_block(&change->steps, key);
    bytes_write_block(&change->steps, value);
}

static const struct slice none = {NULL, 0};

void change_events(struct change *change, const uint8_t stream_id[32], uint64_t first_event_seq,
                   struct slice message) {
    add(change, CHANGE_EVENTS, 0, stream_id, first_event_seq, message, none);
}

void change_close(struct change *change, const uint8_t stream_id[32], struct slice entry,
                  struct slice class_list) {
    add(change, CHANGE_CLOSE, 0, stream_id, 0, entry, class_list);
}

void change_report(struct change *change, enum event_class class, const struct event_body *body) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(EVENT_BODY_MOST);
    if (event_body_write(&bytes, body))
        add(change, CHANGE_REPORT, class, NULL, 0, buffer_slice(&bytes), none);
}

void change_put(struct change *change, enum store_family family, struct slice key, struct slice value) {
    add(change, CHANGE_PUT, family, NULL, 0, key, value);
}

void change_delete(struct change *change, enum store_family family, struct slice key) {
    add(change, CHANGE_DELETE, family, NULL, 0, key, none);
}

void change_delete_range(struct change *change, enum store_family family, struct slice from, struct slice to) {
    add(change, CHANGE_DELETE_RANGE, family, NULL, 0, from, to);
}

void change_close_own(struct change *change) {
    add(change, CHANGE_CLOSE_OWN, 0, NULL, 0, none, none);
}

void change_statement(struct change *change, struct slice signed_statement) {
    if (change->has_statement)
        change->steps.overflow = true;
    else
        add(change, CHANGE_STATEMENT, 0, NULL, 0, signed_statement, none);
    change->has_statement = true;
}

const struct change_outcome *change_outcome(const struct change *change) {
    return &change->outcome;
}
struct change_outcome *change_outcome_room(struct change *change) {
    return &change->outcome;
}
bool change_has_statement(const struct change *change) {
    return change->has_statement;
}

void change_on_committed(struct change *change, change_callback *committed, void *context) {
    change->links.committed = committed;
    change->links.context = context;
}

bool change_is_cut(const struct change *change) {
    return change->steps.overflow;
}
bool change_is_empty(const struct change *change) {
    return change->steps.size == 0;
}
size_t change_size(const struct change *change) {
    return sizeof *change + change->steps.size;
}
struct change_links *change_links(struct change *change) {
    return &change->links;
}

bool change_next(const struct change *change, size_t *place, struct change_step *ret_step) {
    struct slice rest = slice_from(buffer_slice(&change->steps), *place);
    if (rest.size == 0)
        return false;
    struct bytes_reader reader = bytes_read(rest);
    struct change_step step = {.kind = (enum change_step_kind)bytes_read_u8(&reader)};
    uint8_t small = bytes_read_u8(&reader);
    step.class = small;
    step.family = (enum store_family)small;
    step.stream_id = bytes_read_raw(&reader, 32).data;
    step.first_event_seq = bytes_read_u64(&reader);
    step.key = bytes_read_block(&reader);
    step.value = bytes_read_block(&reader);
    *place += rest.size - reader.rest.size;
    *ret_step = step;
    return !reader.failed;
}
