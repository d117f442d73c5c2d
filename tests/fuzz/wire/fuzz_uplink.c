/* Whatever a collector answers, the agent neither breaks nor sends more than it was allowed to. */
#include <stdlib.h>

#include "uplink.h"

#define ITEM 700u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t given;

static bool seek(void *context, enum lane lane, uint64_t batch_seq, uint64_t event_seq, struct fault *fault) {
    (void)context, (void)lane, (void)fault;
    return batch_seq < 1000 && event_seq < 1000;
}

static bool next(void *context, enum lane lane, struct uplink_item *ret_item) {
    static const uint8_t bytes[ITEM];
    (void)context, (void)lane;
    given++;
    *ret_item =
        (struct uplink_item){given % 9   ? UPLINK_EVENTS
                             : given % 2 ? UPLINK_PART
                                         : UPLINK_CLOSE,
                             given, given, slice_make(bytes, given % 9 ? ITEM : 224), slice_make(bytes, 1)};
    return true;
}

static void acknowledge(void *context, enum lane lane, uint64_t stored, uint64_t attested, uint64_t closed) {
    (void)context, (void)attested, (void)stored, (void)closed;
    if (lane >= LANES)
        abort();
}

static void close_now(void *context, enum lane lane) {
    (void)context;
    if (lane >= LANES)
        abort();
}

/* Whatever a message says is within its bounds, and all of its inclusions can be read. */
static bool checkpoint(void *context, const struct checkpoint_message *message, struct fault *fault) {
    (void)context;
    struct checkpoint_inclusion inclusion;
    struct slice rest = message->inclusions;
    size_t count = 0;
    while (checkpoint_message_next(&rest, &inclusion)) {
        count++;
        if (inclusion.lane >= LANES || inclusion.path.size > CHECKPOINT_PATH_MOST * CHECKPOINT_HASH_SIZE)
            abort();
    }
    if (count != message->inclusion_count || message->note.size == 0 || message->note.size > CHECKPOINT_NOTE_MOST)
        abort();
    return count % 2 == 0 || fault_set(fault, FAULT_CONFLICT, "an odd number");
}

static void witnesses(void *context, struct slice policy) {
    (void)context, (void)policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct uplink_supply supply = {NULL, seek, next, acknowledge, close_now, checkpoint, witnesses};
    static const struct uplink_stream streams[LANES];
    static const uint8_t boot_id[16];
    CLEANUP_BUFFER struct buffer out = BUFFER(8u << 20);
    struct uplink *uplink = uplink_create(&supply);
    struct fault fault = {0};
    uint64_t now_us = 1;
    bool good = true;
    given = 0;
    uplink_open(uplink, streams, boot_id, SLICE("a note"), now_us, &out);
    for (size_t at = 0; good && at < size; at += 64) {
        now_us += 1000000;
        good =
            uplink_receive(uplink, slice_head(slice_make(data + at, size - at), 64), now_us, &out, &fault) &&
            uplink_pump(uplink, 64u * 1024, &out, &fault) && uplink_tick(uplink, now_us, &out, &fault);
        if (!uplink_ready(uplink) && given)
            abort();
        if (uplink_flight_bytes(uplink) > UPLINK_FLIGHT_MOST * ITEM)
            abort();
        buffer_clear(&out);
    }
    uplink_destroy(uplink);
    return 0;
}
