/* An EVENTS message that is taken can be written and read again, agrees with protobuf-c's reading, and opens to what it
 * announced or not at all. */
#include <stdlib.h>

#include "events.h"
#include "wire.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void check_again(const struct events_message *message) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(8u << 20);
    struct events_message again;
    expect(events_write(&bytes, message) && events_read(buffer_slice(&bytes), &again, NULL));
    expect(again.lane == message->lane && again.batch_seq == message->batch_seq &&
           again.count == message->count);
    expect(again.first_event_seq == message->first_event_seq && again.key_count == message->key_count);
    expect(again.codec == message->codec && again.text_size == message->text_size);
    expect(slice_equal(again.data, message->data) && again.last_time_us == message->last_time_us);
    Tocsin__Events *theirs = tocsin__events__unpack(NULL, bytes.size, bytes.data);
    expect(theirs && theirs->count == message->count && theirs->data.len == message->data.size);
    expect(theirs->n_class_keys == message->key_count && theirs->batch_seq == message->batch_seq);
    tocsin__events__free_unpacked(theirs, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct events_opener *opener;
    opener = opener ? opener : events_opener_create();
    struct events_message message;
    struct fault fault = {0};
    struct slice text;
    struct event event;
    if (!events_read(slice_make(data, size), &message, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    check_again(&message);
    if (!events_open(opener, &message, &text, &fault))
        return 0;
    expect(text.size == message.text_size);
    while (event_block_next(&text, &event, &fault))
        ;
    return 0;
}
