#include "segment_fixture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "open_batch.h"
#include "stream_id.h"

#define STREAMS 2u
#define ROW 7u     /* events */
#define BATCH 100u /* events, at most */

struct stream {
    struct signing_key *key;
    struct hash id, prev;
    char name[16];
    uint64_t next_seq, batch_seq;
    uint32_t number;
};

static const struct {
    const char *raw;
    size_t size; /* 0: the string's */
} odd[] = {
    {"", 0},
    {"Failed password for root from 198.51.100.7 port 40002 ssh2", 0},
    {"Failed password for invalid user oracle from 198.51.100.17 port 40003 ssh2", 0},
    {"nothing that changes", 0},
    {"a \x11 that stands for a variable elsewhere", 0},
    {"1.2.3.4.5 and v1.2.3.4 and 01.02.03.04: fe80::1 7f3ab2c9 host12 A_b-c", 0},
    {"\x00\xff\xfe"
     "1\x00",
     6},
    {"escape \\u0041 here", 0},
    {"1", 0},
    {"zebra", 0},
};

static void write_line(struct buffer *to, struct slice raw, size_t i) {
    struct event_field fields[3] = {
        {SLICE("_PID"), SLICE("17")}, {SLICE("_COMM"), SLICE("app")}, {SLICE("empty"), {NULL, 0}}};
    struct event_body body = {.source = SLICE("/var/log/auth.log"),
                              .raw = raw,
                              .offset = i * 100,
                              .generation = i / 50,
                              .fields = fields};
    if (i % 3 == 1) {
        body.kind = EVENT_JOURNAL;
        body.source = SLICE("journal");
        body.source_time_us = 1000000 + i * 17;
        body.field_count = i % 2 ? 3 : 2;
    }
    event_body_write(to, &body);
    if (i % 11 == 5 && i < 2000) /* a field that nobody knows: kept whole */
        buffer_append(to, "\x78\x01", 2);
}

static struct slice body_of(size_t i) {
    CLEANUP_BUFFER struct buffer raw = BUFFER(1 << 20), body = BUFFER(EVENT_BODY_MOST);
    size_t odds = sizeof odd / sizeof *odd;
    if (i < odds)
        buffer_append(&raw, odd[i].raw, odd[i].size ? odd[i].size : strlen(odd[i].raw));
    else if (i == odds)
        for (unsigned n = 0; n < 300; n++)
            buffer_printf(&raw, "n%u ", n);
    else if (i == odds + 1)
        for (unsigned n = 0; n < 3000; n++)
            buffer_printf(&raw, "%c ", "abcdefgh"[n % 8]);
    else
        buffer_printf(&raw, "Nov 21 10:%02zu:%02zu host%zu app[%zu]: request r%zu took %zu.%03zu ms, %s",
                      i / 60 % 60, i % 60, i % 3, 300 + i % 40, i * 7919, i % 9, i % 1000,
                      i % 2 ? "good" : "bad");
    write_line(&body, buffer_slice(&raw), i);
    return slice_make(memory_copy(body.data, body.size), body.size);
}

static void add_stream(struct segment_writer *writer, struct stream *stream, unsigned number) {
    uint8_t seed[ED25519_SEED_SIZE] = {(uint8_t)(number + 1)};
    struct fault fault = {0};
    snprintf(stream->name, sizeof stream->name, "host%u", number);
    stream->key = signing_key_create(seed);
    stream->id = stream_id_make(slice_string(stream->name), signing_key_public(stream->key));
    stream->number = segment_writer_stream(writer, &stream->id, slice_string(stream->name),
                                           signing_key_public(stream->key), &fault);
    assert(stream->number == number);
}

/* One batch of the stream over these lines: they get their numbers and times. */
static uint32_t add_batch(struct segment_writer *writer, struct stream *stream, uint64_t log_index,
                          struct fixture_line **lines, size_t count) {
    struct open_batch *open = open_batch_create();
    uint8_t class_key[CLASS_KEY_SIZE] = {(uint8_t)log_index, 5}, list_bytes[CLASS_LIST_MOST],
            entry_bytes[BATCH_ENTRY_SIZE];
    struct class_list list;
    uint64_t first = stream->next_seq;
    open_batch_set_key(open, FIXTURE_CLASS, class_key);
    open_batch_set_key(open, CLASS_JOURNAL, class_key);
    struct event other = {first++, 1000, CLASS_JOURNAL, SLICE("")}; /* of another class, before and behind */
    open_batch_add(open, &other);
    for (size_t i = 0; i < count; i++) {
        lines[i]->seq = first++;
        lines[i]->time_us = 1000000 + lines[i]->seq * 1000;
        struct event event = {lines[i]->seq, lines[i]->time_us, FIXTURE_CLASS, lines[i]->body};
        open_batch_add(open, &event);
        if (i == count / 2) {
            other.seq = first++;
            open_batch_add(open, &other);
        }
    }
    open_batch_class_list(open, &list);
    size_t list_size = class_list_write(&list, list_bytes);
    struct batch_entry entry = {.stream_id = stream->id,
                                .kind = BATCH_DATA,
                                .batch_seq = stream->batch_seq++,
                                .first_event_seq = stream->next_seq,
                                .event_count = (uint32_t)(first - stream->next_seq),
                                .open_us = 500,
                                .close_us = 90000000000,
                                .prev = stream->prev,
                                .seen = seen_none()};
    entry.event_root = class_list_event_root(slice_make(list_bytes, list_size));
    batch_entry_sign(&entry, stream->key, entry_bytes);
    stream->prev = batch_entry_hash(slice_make(entry_bytes, sizeof entry_bytes));
    stream->next_seq = first;
    open_batch_destroy(open);
    struct fault fault = {0};
    uint32_t batch =
        segment_writer_batch(writer, stream->number, log_index, slice_make(entry_bytes, sizeof entry_bytes),
                             slice_make(list_bytes, list_size), class_key, &fault);
    assert(batch != UINT32_MAX);
    return batch;
}

static bool fill(void *context, void *bytes, size_t size, struct fault *fault) {
    (void)context;
    (void)fault;
    memset(bytes, 0x5a, size);
    return true;
}

void segment_fixture_make(struct segment_fixture *fixture, size_t more) {
    struct stream streams[STREAMS] = {0};
    struct segment_writer *writer = segment_writer_create(FIXTURE_CLASS, 3);
    struct fault fault = {0};
    size_t count = sizeof odd / sizeof *odd + 2 + more;
    *fixture = (struct segment_fixture){
        .file = BUFFER(SEGMENT_FILE_MOST), .count = count, .key = {1, 2, 3}, .key_id = {{9}}};
    fixture->lines = memory_new_array(count, sizeof *fixture->lines);
    for (unsigned i = 0; i < STREAMS; i++)
        add_stream(writer, &streams[i], i);
    uint64_t log_index = 10, arrival = 0;
    for (size_t begin = 0; begin < count; begin += STREAMS * BATCH) {
        struct fixture_line *mine[STREAMS][BATCH];
        size_t counts[STREAMS] = {0};
        uint32_t batches[STREAMS] = {0};
        for (size_t i = begin; i < count && i < begin + STREAMS * BATCH; i++) {
            unsigned stream = i / ROW % STREAMS;
            if (counts[stream] == BATCH)
                stream = !stream;
            fixture->lines[i].stream = stream;
            fixture->lines[i].body = body_of(i);
            mine[stream][counts[stream]++] = &fixture->lines[i];
        }
        for (unsigned i = 0; i < STREAMS; i++)
            if (counts[i])
                batches[i] = add_batch(writer, &streams[i], log_index++, mine[i], counts[i]);
        for (size_t i = begin; i < count && i < begin + STREAMS * BATCH; i++) {
            struct fixture_line *line = &fixture->lines[i];
            if (i == begin || line->stream != fixture->lines[i - 1].stream)
                segment_writer_row(writer, batches[line->stream], ++arrival, 2000000 + i);
            struct event event = {line->seq, line->time_us, FIXTURE_CLASS, line->body};
            bool good = segment_writer_event(writer, &event, &fault);
            assert(good);
        }
    }
    fixture->sum = segment_writer_sum(writer);
    struct random_source random = {NULL, fill};
    bool good = segment_writer_finish(writer, 10, log_index - 1, fixture->key, &fixture->key_id, &random,
                                      &fixture->file, &fixture->head, &fault);
    assert(good);
    (void)good;
    segment_writer_destroy(writer);
    for (unsigned i = 0; i < STREAMS; i++)
        signing_key_destroy(streams[i].key);
}

void segment_fixture_free(struct segment_fixture *fixture) {
    for (size_t i = 0; i < fixture->count; i++)
        free((void *)(uintptr_t)fixture->lines[i].body.data);
    free(fixture->lines);
    buffer_free(&fixture->file);
}
