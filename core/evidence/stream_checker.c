#include "stream_checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_leaf.h"
#include "memory.h"
#include "merkle.h"
#include "stream_checker_inside.h"

/* ---- what is known */

struct stream_checker *stream_checker_create(enum lane lane, const struct hash *stream_id, uint32_t epoch,
                                             const struct verify_key *key) {
    struct stream_checker *checker = memory_new(sizeof *checker);
    checker->lane = (uint8_t)lane;
    checker->stream_id = *stream_id;
    checker->epoch = epoch;
    checker->key = *key;
    return checker;
}

void stream_checker_begin_at(struct stream_checker *checker, uint64_t batch_seq, uint64_t event_seq) {
    if (checker->has_last)
        return;
    checker->begin_batch = batch_seq;
    checker->begin_event = event_seq;
}

struct stream_checker *stream_checker_destroy(struct stream_checker *checker) {
    if (checker)
        checker_open_drop(checker);
    free(checker);
    return NULL;
}

struct checker_open *checker_open_make(struct stream_checker *checker) {
    if (!checker->open) {
        checker->open = memory_new(sizeof *checker->open);
        checker->open->batch = open_batch_create();
    }
    return checker->open;
}

void checker_open_drop(struct stream_checker *checker) {
    if (!checker->open)
        return;
    open_batch_destroy(checker->open->batch);
    free(checker->open->events);
    free(checker->open);
    checker->open = NULL;
}

struct batch_entry checker_last(const struct stream_checker *checker) {
    struct batch_entry last = {.batch_seq = checker->begin_batch - 1, .first_event_seq = checker->begin_event};
    if (checker->has_last)
        batch_entry_read(slice_make(checker->last, BATCH_ENTRY_SIZE), &last, NULL);
    return last;
}

struct hash checker_last_hash(const struct stream_checker *checker) {
    return checker->has_last ? batch_entry_hash(slice_make(checker->last, BATCH_ENTRY_SIZE))
                             : (struct hash){{0}};
}

uint32_t checker_count(const struct stream_checker *checker) {
    return checker->open ? open_batch_count(checker->open->batch) : 0;
}

bool checker_part(const struct stream_checker *checker, struct part *ret_part) {
    return checker->open && checker->open->has_part &&
           part_read(slice_make(checker->open->part, PART_SIZE), ret_part, NULL);
}

static enum fault_code code_of(enum check check) {
    if (check == CHECK_MALFORMED)
        return FAULT_FORMAT;
    if (check == CHECK_LIMIT)
        return FAULT_LIMIT;
    return check == CHECK_SIGNATURE || check == CHECK_STREAM ? FAULT_AUTH : FAULT_CONFLICT;
}

enum check checker_refuse(enum check check, struct fault *fault, const char *format, ...) {
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fault_set(fault, code_of(check), "%s", text);
    return check;
}

/* ---- events */

struct repeat {
    const struct stream_checker *checker;
    size_t at;
    size_t position[CLASSES]; /* how many of each class stand before `at` */
};

/* Whether the event whose turn it is has the leaf that is already here. */
static bool repeat_matches(struct repeat *repeat, const struct event *event) {
    const struct checker_open *open = repeat->checker->open;
    const struct seen_event *known = &open->events[repeat->at];
    if (event->class != known->class)
        return false;
    uint8_t salt[SALT_SIZE];
    keystream_salt(open_batch_key(open->batch, known->class), repeat->position[known->class], salt);
    struct hash leaf = event_leaf(salt, event);
    repeat->position[known->class]++;
    repeat->at++;
    return hash_equal(&leaf, &known->leaf);
}

static bool keys_match(const struct stream_checker *checker, const struct batch_events *events) {
    for (size_t i = 0; i < events->key_count; i++) {
        const uint8_t *known = stream_checker_key(checker, events->keys[i].class);
        if (!known || memcmp(known, events->keys[i].key, CLASS_KEY_SIZE) != 0)
            return false;
    }
    return true;
}

/* A run all of whose events are here: the same again, or a fork. */
static enum check events_again(const struct stream_checker *checker, const struct batch_events *events,
                               uint64_t first_seq, struct fault *fault) {
    struct repeat repeat = {.checker = checker};
    uint64_t seq = events->first_event_seq;
    for (; repeat.at < seq - first_seq; repeat.at++)
        repeat.position[checker->open->events[repeat.at].class]++;
    bool same = keys_match(checker, events);
    struct slice rest = events->block;
    struct event event;
    struct fault inner = {0};
    uint32_t count = 0;
    for (; same && count < events->count && event_block_next(&rest, &event, &inner); count++) {
        event.seq = seq + count;
        same = repeat_matches(&repeat, &event);
    }
    if (same && (inner.code || count < events->count || rest.size))
        return checker_refuse(CHECK_MALFORMED, fault, "the run does not have %u events", events->count);
    return same ? CHECK_REPEATED
                : checker_refuse(CHECK_FORK, fault,
                                 "other content among events %llu to %llu, which are already stored",
                                 (unsigned long long)seq, (unsigned long long)seq + events->count - 1);
}

static void remember(void *context, const struct event *event, const struct hash *leaf) {
    struct checker_open *open = context;
    size_t at = open_batch_count(open->batch) - 1;
    if (at == open->capacity) {
        open->capacity = open->capacity ? 2 * open->capacity : 16;
        open->events = memory_resize(open->events, open->capacity, sizeof *open->events);
    }
    open->events[at] = (struct seen_event){event->time_us, *leaf, event->class};
    open->last_us = event->time_us;
}

enum check stream_checker_events(struct stream_checker *checker, const struct batch_events *events,
                                 struct fault *fault) {
    struct batch_entry last = checker_last(checker);
    uint64_t first = checker_first_seq(&last), next = first + checker_count(checker);
    uint64_t batch_seq = last.batch_seq + 1;
    if (events->batch_seq < batch_seq)
        return CHECK_BELOW;
    if (stream_checker_ended(checker))
        return checker_refuse(CHECK_ENDED, fault, "events after the stream's last batch");
    if (stream_checker_rotated(checker))
        return checker_refuse(CHECK_ENDED, fault, "events after the last batch of key epoch %u; the next key is not known",
                              checker->epoch);
    if (events->batch_seq > batch_seq)
        return checker_refuse(CHECK_SEQUENCE, fault, "events of batch %llu before batch %llu is closed",
                              (unsigned long long)events->batch_seq, (unsigned long long)batch_seq);
    if (events->first_event_seq >= first && events->first_event_seq < next && events->count != 0 &&
        events->count <= next - events->first_event_seq)
        return events_again(checker, events, first, fault);
    if (events->first_event_seq != next)
        return checker_refuse(CHECK_SEQUENCE, fault, "%s at event %llu; %llu is the next",
                              events->first_event_seq > next ? "a gap" : "an overlap",
                              (unsigned long long)events->first_event_seq, (unsigned long long)next);
    struct checker_open *open = checker->open;
    enum check check = batch_events_check(events, (enum lane)checker->lane, open ? open->batch : NULL,
                                          open ? open->last_us : 0, fault);
    if (!check_good(check))
        return check;
    open = checker_open_make(checker);
    batch_events_add(events, open->batch, remember, open);
    return CHECK_ACCEPTED;
}

/* ---- parts */

/* The event root over the first `count` events that are here. */
static struct hash root_of_first(const struct checker_open *open, uint32_t count) {
    if (count == open_batch_count(open->batch))
        return open_batch_root(open->batch);
    struct class_list list = {0};
    struct hash *leaves = memory_new_array(count, sizeof *leaves);
    for (uint8_t class = 0; class < CLASSES; class ++) {
        uint32_t found = 0;
        for (uint32_t i = 0; i < count; i++)
            if (open->events[i].class == class)
                leaves[found++] = open->events[i].leaf;
        if (found)
            list.items[list.count++] = (struct class_list_item){class, found, merkle_root(leaves, found)};
    }
    free(leaves);
    uint8_t bytes[CLASS_LIST_MOST];
    return class_list_event_root(slice_make(bytes, class_list_write(&list, bytes)));
}

static enum check part_place(const struct stream_checker *checker, const struct part *part,
                             const struct batch_entry *last, struct fault *fault) {
    struct hash prev = checker_last_hash(checker);
    if (part->batch_seq != last->batch_seq + 1)
        return checker_refuse(CHECK_SEQUENCE, fault, "a part of batch %llu; batch %llu is open",
                              (unsigned long long)part->batch_seq, (unsigned long long)last->batch_seq + 1);
    if (!checker_begins_inside(checker) && !hash_equal(&part->prev, &prev))
        return checker_refuse(CHECK_CHAIN, fault, "the part follows another entry than the last");
    if (part->first_event_seq != checker_first_seq(last))
        return checker_refuse(CHECK_SEQUENCE, fault, "the part's batch begins at event %llu, not at %llu",
                              (unsigned long long)part->first_event_seq,
                              (unsigned long long)checker_first_seq(last));
    if (part->event_count > checker_count(checker))
        return checker_refuse(CHECK_SEQUENCE, fault, "the part covers %u events, %u have come",
                              part->event_count, checker_count(checker));
    return CHECK_ACCEPTED;
}

static enum check part_after(const struct part *newest, const struct part *part, struct fault *fault) {
    if (part->number == newest->number)
        return checker_refuse(CHECK_FORK, fault, "two parts with number %u", part->number);
    if (part->number < newest->number)
        return checker_refuse(CHECK_SEQUENCE, fault, "part %u after part %u", part->number, newest->number);
    if (part->event_count < newest->event_count || part->open_us != newest->open_us)
        return checker_refuse(CHECK_FORK, fault, "part %u contradicts part %u", part->number, newest->number);
    return part->time_us >= newest->time_us
               ? CHECK_ACCEPTED
               : checker_refuse(CHECK_TIME, fault, "part %u is older than part %u", part->number,
                                newest->number);
}

static enum check part_covers(const struct stream_checker *checker, const struct part *part,
                              struct fault *fault) {
    const struct checker_open *open = checker->open;
    struct hash root = open ? root_of_first(open, part->event_count) : open_batch_root(NULL);
    if (part->event_count && (open->events[0].time_us < part->open_us ||
                              open->events[part->event_count - 1].time_us > part->time_us))
        return checker_refuse(CHECK_TIME, fault, "the part's events lie outside its times");
    return hash_equal(&root, &part->event_root)
               ? CHECK_ACCEPTED
               : checker_refuse(CHECK_ROOT, fault, "the part was signed over other events than these");
}

enum check stream_checker_part(struct stream_checker *checker, struct slice part_bytes, struct fault *fault) {
    struct part part, newest;
    struct fault inner;
    if (!part_read(part_bytes, &part, &inner))
        return checker_refuse(CHECK_MALFORMED, fault, "%s", inner.text);
    if (!hash_equal(&part.stream_id, &checker->stream_id))
        return checker_refuse(CHECK_STREAM, fault, "a part of another stream");
    if (slice_equal(part_bytes, stream_checker_newest_part(checker)))
        return CHECK_REPEATED;
    if (part.epoch != checker->epoch)
        return checker_refuse(CHECK_EPOCH, fault, "a part of key epoch %u; %u is open", part.epoch,
                              checker->epoch);
    if (!part_signed_by(part_bytes, &checker->key))
        return checker_refuse(CHECK_SIGNATURE, fault, "the part's signature is not this agent's");
    struct batch_entry last = checker_last(checker);
    if (stream_checker_rotated(checker) || stream_checker_ended(checker))
        return checker_refuse(CHECK_ENDED, fault, "a part after the stream's or its epoch's last batch");
    enum check check = part_place(checker, &part, &last, fault);
    if (check_good(check) && checker_part(checker, &newest))
        check = part_after(&newest, &part, fault);
    if (check_good(check))
        check = part_covers(checker, &part, fault);
    if (!check_good(check))
        return check;
    struct checker_open *open = checker_open_make(checker);
    open->has_part = true;
    memcpy(open->part, part_bytes.data, PART_SIZE);
    return CHECK_ACCEPTED;
}

/* ---- accessors */

const struct hash *stream_checker_id(const struct stream_checker *checker) {
    return &checker->stream_id;
}
uint32_t stream_checker_epoch_number(const struct stream_checker *checker) {
    return checker->epoch;
}

uint64_t stream_checker_batch_seq(const struct stream_checker *checker) {
    return checker_last(checker).batch_seq + 1;
}

uint64_t stream_checker_first_seq(const struct stream_checker *checker) {
    struct batch_entry last = checker_last(checker);
    return checker_first_seq(&last);
}

uint64_t stream_checker_next_seq(const struct stream_checker *checker) {
    return stream_checker_first_seq(checker) + checker_count(checker);
}

uint64_t stream_checker_attested(const struct stream_checker *checker) {
    struct part newest;
    return stream_checker_first_seq(checker) + (checker_part(checker, &newest) ? newest.event_count : 0);
}

bool stream_checker_ended(const struct stream_checker *checker) {
    return checker->has_last && checker_last(checker).kind == BATCH_END;
}

bool stream_checker_rotated(const struct stream_checker *checker) {
    struct batch_entry last = checker_last(checker);
    return checker->has_last && last.kind == BATCH_ROTATE && last.epoch == checker->epoch;
}

struct slice stream_checker_last_entry(const struct stream_checker *checker) {
    return slice_make(checker->last, checker->has_last ? BATCH_ENTRY_SIZE : 0);
}

struct slice stream_checker_newest_part(const struct stream_checker *checker) {
    return checker->open && checker->open->has_part ? slice_make(checker->open->part, PART_SIZE)
                                                    : (struct slice){NULL, 0};
}

const uint8_t *stream_checker_key(const struct stream_checker *checker, uint8_t class) {
    return checker->open ? open_batch_key(checker->open->batch, class) : NULL;
}

void stream_checker_class_list(const struct stream_checker *checker, struct class_list *ret_list) {
    open_batch_class_list(checker->open ? checker->open->batch : NULL, ret_list);
}
