/* What a program tells the agent: a message that is taken is written again as it was, and so is a group that is good. */
#include <stdlib.h>

#include "helper_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(struct slice bytes, enum helper_side from) {
    struct helper_message message;
    CLEANUP_BUFFER struct buffer again = BUFFER(HELPER_MESSAGE_MOST);
    if (helper_message_read(bytes, from, &message, NULL) &&
        (!helper_message_write(&again, &message) || !slice_equal(buffer_slice(&again), bytes)))
        abort();
}

static void check_group(struct slice items) {
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct helper_group size;
    struct helper_item item;
    CLEANUP_BUFFER struct buffer again = BUFFER(HELPER_GROUP_MOST);
    bool good = helper_group_check(items, SLICE("probe"), fields, &size, NULL);
    for (struct slice rest = items; helper_item_next(&rest, &item, NULL);)
        helper_item_write(&again, &item);
    if (!slice_starts(items, buffer_slice(&again)) || (good && again.size != items.size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size);
    check_message(bytes, HELPER_AGENT);
    check_message(bytes, HELPER_PROGRAM);
    check_group(bytes);
    if (size > 2)
        check_group(slice_from(bytes, 2));
    return 0;
}
