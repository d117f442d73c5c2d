#include "helper_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "spool_positions.h"

#define PART_MOST (HELPER_MESSAGE_MOST - 2) /* items in one message, behind its kind and `last` */
_Static_assert(HELPER_TEXT_MOST >= EVENT_BODY_MOST + EVENT_BLOCK_HEAD, "any event fits into an empty group");
_Static_assert(HELPER_TEXT_MOST <= SOURCE_ROOM_LEAST, "any group fits into an empty record");
_Static_assert(HELPER_VALUE_MOST == SOURCE_POSITION_MOST, "any position fits into an item");

struct helper_output {
    struct source_output source;
    struct helper_link *link;
    struct buffer group, body;
    struct helper_group size;
    bool refused;
    struct spool_positions positions;
};

/* ---- the source's view */

static bool output_room(void *context, size_t events, size_t bytes) {
    const struct helper_output *output = context;
    return !helper_output_full(output) && output->size.events + events <= HELPER_EVENTS_MOST &&
           output->size.text + bytes <= HELPER_TEXT_MOST && output->group.size <= HELPER_GROUP_MOST / 2;
}

/* A body that no event can hold is a loss, and told. */
static void write_body(struct buffer *to, const struct event_body *body) {
    char size[24], offset[24];
    snprintf(size, sizeof size, "%zu", body->raw.size);
    snprintf(offset, sizeof offset, "%" PRIu64, body->offset);
    const struct event_field fields[] = {{SLICE("gap.unit"), SLICE("bytes")},
                                         {SLICE("gap.first"), slice_string(offset)},
                                         {SLICE("gap.count"), slice_string(size)},
                                         {SLICE("gap.reason"), SLICE("event too large")}};
    const struct event_body gap = {.kind = EVENT_GAP,
                                   .source = slice_head(body->source, HELPER_KEY_MOST),
                                   .raw = SLICE("an event was larger than an event can be and is not kept"),
                                   .fields = fields,
                                   .field_count = sizeof fields / sizeof *fields};
    buffer_clear(to);
    if (!event_body_write(to, body))
        event_body_write(to, &gap);
}

static bool output_event(void *context, enum event_class class, const struct event_body *body) {
    struct helper_output *output = context;
    write_body(&output->body, body);
    const struct helper_item item = {
        .kind = HELPER_ITEM_EVENT, .class = class, .body = buffer_slice(&output->body)};
    size_t text = EVENT_BLOCK_HEAD + item.body.size;
    output->refused = !output_room(output, 1, text) || !helper_item_write(&output->group, &item);
    if (output->refused)
        return false;
    output->size.events++;
    output->size.text += text;
    return true;
}

static void output_position(void *context, struct slice key, struct slice value) {
    struct helper_output *output = context;
    const struct helper_item item = {.kind = HELPER_ITEM_POSITION, .key = key, .value = value};
    if (key.size && key.size <= HELPER_KEY_MOST && value.size <= HELPER_VALUE_MOST)
        helper_item_write(&output->group, &item);
}

static bool output_restore(void *context, struct slice key, struct slice *ret_value) {
    const struct helper_output *output = context;
    return spool_positions_get(&output->positions, key, ret_value);
}

static void output_restore_each(void *context, struct slice prefix,
                                void (*each)(void *each_context, struct slice key, struct slice value),
                                void *each_context) {
    const struct helper_output *output = context;
    spool_positions_each(&output->positions, prefix, each, each_context);
}

/* ---- the program's */

struct helper_output *helper_output_create(struct helper_link *link) {
    struct helper_output *output = memory_new(sizeof *output);
    output->source = (struct source_output){.context = output,
                                            .event = output_event,
                                            .room = output_room,
                                            .position = output_position,
                                            .restore = output_restore,
                                            .restore_each = output_restore_each};
    output->link = link;
    output->group = BUFFER(HELPER_GROUP_MOST);
    output->body = BUFFER(EVENT_BODY_MOST);
    return output;
}

struct helper_output *helper_output_destroy(struct helper_output *output) {
    if (output) {
        buffer_free(&output->group);
        buffer_free(&output->body);
        spool_positions_free(&output->positions);
        free(output);
    }
    return NULL;
}

void helper_output_restore(struct helper_output *output, struct slice key, struct slice value) {
    spool_positions_set(&output->positions, key, value);
}

const struct source_output *helper_output_source(struct helper_output *output) {
    return &output->source;
}

bool helper_output_refused(const struct helper_output *output) {
    return output->refused;
}

bool helper_output_full(const struct helper_output *output) {
    return output->link->outgoing.size > 0;
}

bool helper_output_flush(struct helper_output *output, struct fault *fault) {
    if (output->group.overflow)
        return fault_set(fault, FAULT_LIMIT, "one turn gave more than %u bytes", HELPER_GROUP_MOST);
    for (struct slice rest = buffer_slice(&output->group); rest.size; rest = slice_from(rest, PART_MOST))
        helper_link_put(output->link, &(struct helper_message){.kind = HELPER_GROUP,
                                                               .last = rest.size <= PART_MOST,
                                                               .bytes = slice_head(rest, PART_MOST)});
    buffer_clear(&output->group);
    output->size = (struct helper_group){0, 0};
    output->refused = false;
    return true;
}
