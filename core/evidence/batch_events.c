#include "batch_events.h"

#include "batch_entry.h"

bool batch_takes_more(uint64_t count, uint64_t text) {
    return count < BATCH_EVENTS_MOST && text < BATCH_TEXT_MOST;
}

static enum check refuse(enum check check, struct fault *fault, enum fault_code code, const char *why,
                         uint64_t at) {
    fault_set(fault, code, "%s (event %llu)", why, (unsigned long long)at);
    return check;
}

/* The classes of the keys that came with the run, one bit each. */
static bool keys_due(const struct batch_events *events, const struct open_batch *open,
                     unsigned *ret_classes) {
    unsigned classes = 0;
    for (size_t i = 0; i < events->key_count; i++) {
        uint8_t class = events->keys[i].class;
        if (!class_name(class) || classes >> class & 1 || open_batch_key(open, class))
            return false;
        classes |= 1u << class;
    }
    *ret_classes = classes;
    return true;
}

enum check batch_events_check(const struct batch_events *events, enum lane lane,
                              const struct open_batch *open, uint64_t not_before_us, struct fault *fault) {
    unsigned keys, used = 0;
    uint64_t seq = events->first_event_seq, last_us = not_before_us;
    if (events->count == 0 || events->count > BATCH_EVENTS_MOST || seq > UINT64_MAX - 2 * BATCH_EVENTS_MOST)
        return refuse(CHECK_LIMIT, fault, FAULT_LIMIT, "a run has from 1 to 4096 events", seq);
    if (!keys_due(events, open, &keys))
        return refuse(CHECK_KEY, fault, FAULT_CONFLICT, "a class key that is not due", seq);
    struct slice rest = events->block;
    uint64_t count = open_batch_count(open), text = open_batch_text(open);
    for (uint64_t end = seq + events->count; seq < end; seq++, count++) {
        struct event event;
        struct fault inner = {0};
        if (!event_block_next(&rest, &event, &inner))
            return refuse(CHECK_MALFORMED, fault, FAULT_FORMAT,
                          inner.code ? inner.text : "the run has fewer events than it says", seq);
        if (!class_name(event.class) || class_lane(event.class) != lane)
            return refuse(CHECK_CLASS, fault, FAULT_CONFLICT, "a class that is not this lane's", seq);
        if (!(keys >> event.class & 1) && !open_batch_key(open, event.class))
            return refuse(CHECK_KEY, fault, FAULT_CONFLICT, "a class without its key", seq);
        if (event.time_us < last_us)
            return refuse(CHECK_TIME, fault, FAULT_CONFLICT, "a time before the one of the last event", seq);
        if (!batch_takes_more(count, text))
            return refuse(CHECK_LIMIT, fault, FAULT_LIMIT, "more than a batch holds", seq);
        used |= 1u << event.class;
        last_us = event.time_us;
        text += EVENT_BLOCK_HEAD + event.body.size;
    }
    if (rest.size)
        return refuse(CHECK_MALFORMED, fault, FAULT_FORMAT, "the run has more events than it says", seq);
    if (keys & ~used)
        return refuse(CHECK_KEY, fault, FAULT_CONFLICT, "a class key without an event", seq);
    return CHECK_ACCEPTED;
}

void batch_events_add(const struct batch_events *events, struct open_batch *open, batch_events_each *each,
                      void *context) {
    for (size_t i = 0; i < events->key_count; i++)
        open_batch_set_key(open, events->keys[i].class, events->keys[i].key);
    struct slice rest = events->block;
    struct event event;
    for (uint64_t seq = events->first_event_seq; event_block_next(&rest, &event, NULL); seq++) {
        event.seq = seq;
        struct hash leaf = open_batch_add(open, &event);
        if (each)
            each(context, &event, &leaf);
    }
}
