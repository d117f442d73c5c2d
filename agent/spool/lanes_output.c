/* The sources' view of the lanes (source.h). */
#include "lanes_inside.h"

static bool output_event(void *context, enum event_class class, const struct event_body *body) {
    return lanes_event(context, class, body);
}

/* NOLINTNEXTLINE(misc-redundant-expression): both happen to be the same number */
_Static_assert(SOURCE_ROOM_LEAST <= LANES_GROUP_TEXT, "an empty group has what the contract says");

static bool output_room(void *context, size_t events, size_t bytes) {
    const struct lanes *lanes = context;
    (void)events; /* a batch that is full closes within the group */
    return lanes->pending.size == 0 && lanes->group_text + bytes <= LANES_GROUP_TEXT;
}

static void output_position(void *context, struct slice key, struct slice value) {
    lanes_position(context, key, value);
}

static bool output_restore(void *context, struct slice key, struct slice *ret_value) {
    const struct lanes *lanes = context;
    return spool_positions_get(&spool_folder_state(lanes->folder)->positions, key, ret_value);
}

static void output_restore_each(void *context, struct slice prefix,
                                void (*each)(void *each_context, struct slice key, struct slice value),
                                void *each_context) {
    const struct lanes *lanes = context;
    spool_positions_each(&spool_folder_state(lanes->folder)->positions, prefix, each, each_context);
}

const struct source_output *lanes_output(struct lanes *lanes) {
    lanes->output = (struct source_output){
        .context = lanes,
        .event = output_event,
        .room = output_room,
        .position = output_position,
        .restore = output_restore,
        .restore_each = output_restore_each,
    };
    return &lanes->output;
}
