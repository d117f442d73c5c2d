#include "lanes_world.h"

#include "memory.h"
#include "stream_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum event_class source_classes[WORLD_SOURCES] = {CLASS_ACCESS, CLASS_SYSTEM, CLASS_APPLICATION};

static void count_finding(void *context, const char *text) {
    if (getenv("TOCSIN_SEED"))
        print_message("  %s\n", text);
    ((struct world *)context)->findings++;
}

static bool fill_seeded(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    (void)fault;
    struct world *world = context;
    uint8_t *at = ret_bytes;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)disk_model_random(world->disk, 256);
    return true;
}

struct world *world_create(uint64_t seed) {
    struct world *world = memory_new(sizeof *world);
    const uint8_t secret[ED25519_SEED_SIZE] = {1, 2, 3};
    world->disk = disk_model_create(seed);
    world->files = disk_model_files(world->disk);
    world->key = signing_key_create(secret);
    world->now = (struct stream_clock){.now_us = 1000000000000000u, .boottime_us = 60000000u, .boot_id = {1}};
    world->settings = (struct lanes_settings){
        .folder = "spool",
        .host = "host.example",
        .key = world->key,
        .epoch = 1,
        .segment_bytes = 16 * 1024,
        .cache_bytes = 8 * 1024,
        .random = {world, fill_seeded},
        .finding = count_finding,
        .finding_context = world,
    };
    for (unsigned i = 0; i < LANES; i++) {
        char name[STREAM_NAME_SIZE];
        stream_name_make(slice_string(world->settings.host), (enum lane)i, name);
        struct hash id = stream_id_make(slice_string(name), signing_key_public(world->key));
        world->checkers[i] = stream_checker_create((enum lane)i, &id, 1, signing_key_public(world->key));
    }
    world->opener = events_opener_create();
    for (unsigned i = 0; i < WORLD_SOURCES; i++) {
        world->seen[i] = memory_new(WORLD_LINES_MOST);
        world->replayed[i] = memory_new(WORLD_LINES_MOST);
    }
    return world;
}

struct world *world_destroy(struct world *world) {
    world_stop(world);
    for (unsigned i = 0; i < LANES; i++)
        stream_checker_destroy(world->checkers[i]);
    for (unsigned i = 0; i < WORLD_SOURCES; i++) {
        free(world->seen[i]);
        free(world->replayed[i]);
    }
    events_opener_destroy(world->opener);
    signing_key_destroy(world->key);
    disk_model_destroy(world->disk);
    free(world);
    return NULL;
}

static void key_of(unsigned source, char key[16]) {
    snprintf(key, 16, "line:%u", source);
}

static void restore(struct world *world, unsigned source) {
    const struct source_output *output = lanes_output(world->lanes);
    char key[16], text[24] = {0};
    struct slice value;
    key_of(source, key);
    world->next_line[source] = 0;
    if (!output->restore(output->context, slice_string(key), &value))
        return;
    memcpy(text, value.data, value.size);
    world->next_line[source] = (uint32_t)strtoul(text, NULL, 10);
}

bool world_start(struct world *world, struct fault *fault) {
    world->lanes = lanes_open(&world->settings, &world->files, &world->now, fault);
    if (!world->lanes)
        return false;
    for (unsigned i = 0; i < WORLD_SOURCES; i++)
        restore(world, i);
    for (unsigned i = 0; i < LANES; i++) {
        struct lanes_hello hello;
        uint64_t batch = stream_checker_batch_seq(world->checkers[i]);
        uint64_t event = stream_checker_next_seq(world->checkers[i]);
        world->cursors[i] = lanes_cursor_create(world->lanes, (enum lane)i);
        lanes_hello(world->lanes, 0, (enum lane)i, &hello);
        if (hello.batch_seq == batch) { /* never behind what was sent, and never another past */
            struct slice last = stream_checker_last_entry(world->checkers[i]);
            struct hash hash = last.size ? batch_entry_hash(last) : (struct hash){{0}};
            assert_memory_equal(hello.last_entry_hash, hash.bytes, HASH_SIZE);
        }
        if (!lanes_cursor_seek(world->cursors[i], batch, event, fault))
            fail_msg("lane %u: %s", i, fault->text);
    }
    return true;
}

void world_stop(struct world *world) {
    for (unsigned i = 0; i < LANES; i++)
        world->cursors[i] = lanes_cursor_destroy(world->cursors[i]);
    world->lanes = lanes_destroy(world->lanes);
}

void world_pass(struct world *world, uint64_t time_us) {
    world->now.now_us += time_us;
    world->now.boottime_us += time_us;
    lanes_tick(world->lanes, &world->now);
}

static void give_position(struct world *world, unsigned source) {
    const struct source_output *output = lanes_output(world->lanes);
    char key[16], value[24];
    key_of(source, key);
    snprintf(value, sizeof value, "%u", world->next_line[source]);
    output->position(output->context, slice_string(key), slice_string(value));
}

static bool give_line(struct world *world, unsigned source, struct buffer *text) {
    const struct source_output *output = lanes_output(world->lanes);
    const struct event_body body = {.kind = EVENT_LINE,
                                    .source = SLICE("test"),
                                    .raw = buffer_slice(text),
                                    .offset = world->next_line[source]};
    if (world->next_line[source] == WORLD_LINES_MOST ||
        !output->event(output->context, source_classes[source], &body))
        return false;
    world->next_line[source]++;
    return true;
}

void world_read(struct world *world, unsigned source, unsigned lines) {
    bool taken = true;
    for (unsigned i = 0; i < lines && taken; i++) {
        struct buffer text = BUFFER(256);
        buffer_printf(&text,
                      "%u %u Nov 21 19:02:11 host sshd[811]: Accepted publickey for root from 192.0.2.%u",
                      source, world->next_line[source], i % 250);
        taken = give_line(world, source, &text);
        buffer_free(&text);
    }
    give_position(world, source);
}

void world_read_long(struct world *world, unsigned source, size_t size) {
    struct buffer text = BUFFER(1024 * 1024);
    buffer_printf(&text, "%u %u ", source, world->next_line[source]);
    while (text.size < size) {
        uint8_t byte = (uint8_t)('a' + disk_model_random(world->disk, 26));
        buffer_append(&text, &byte, 1);
    }
    give_line(world, source, &text);
    give_position(world, source);
    buffer_free(&text);
}

static void see_line(struct world *world, const struct event_body *body) {
    char text[32] = {0};
    memcpy(text, body->raw.data, body->raw.size < 31 ? body->raw.size : 31);
    char *end;
    unsigned long source = strtoul(text, &end, 10), line = strtoul(end, NULL, 10);
    assert_true(source < WORLD_SOURCES && line < WORLD_LINES_MOST);
    if (event_body_field(body, SLICE("replayed.seq")).data)
        world->replayed[source][line]++;
    else
        world->seen[source][line]++;
}

static void see_event(struct world *world, const struct event *event) {
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body;
    struct fault fault;
    assert_true(event_body_read(event->body, fields, &body, &fault));
    if (body.kind == EVENT_LINE)
        see_line(world, &body);
    if (body.kind != EVENT_GAP)
        return;
    uint64_t count;
    assert_true(slice_decimal(event_body_field(&body, SLICE("gap.count")), &count));
    world->gaps++;
    world->gap_events += count;
}

static void receive_events(struct world *world, enum lane lane, struct slice bytes) {
    struct events_message message;
    struct fault fault = {0};
    struct slice text;
    assert_true(events_read(bytes, &message, &fault));
    assert_true(events_open(world->opener, &message, &text, &fault));
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    const struct batch_events events = {
        message.batch_seq, message.first_event_seq, message.count, keys, message.key_count, text};
    enum check check = stream_checker_events(world->checkers[lane], &events, &fault);
    if (check != CHECK_ACCEPTED)
        fail_msg("events %llu of batch %llu: %s: %s", (unsigned long long)message.first_event_seq,
                 (unsigned long long)message.batch_seq, check_word(check), fault.text);
    struct event event;
    while (event_block_next(&text, &event, NULL))
        see_event(world, &event);
    world->messages++;
}

static void receive(struct world *world, enum lane lane, const struct lanes_item *item) {
    struct fault fault = {0};
    enum check check = CHECK_ACCEPTED;
    if (item->kind == LANES_EVENTS) {
        receive_events(world, lane, item->bytes);
        return;
    }
    if (item->kind == LANES_PART)
        check = stream_checker_part(world->checkers[lane], item->bytes, &fault);
    else
        check = stream_checker_close(world->checkers[lane], item->bytes, item->class_list, &fault);
    if (!check_good(check))
        fail_msg("%s of batch %llu: %s: %s", item->kind == LANES_PART ? "part" : "close",
                 (unsigned long long)item->batch_seq, check_word(check), fault.text);
    if (item->kind == LANES_CLOSE && (check == CHECK_OWED) != item->after_hole)
        fail_msg("batch %llu: owed is %d, but after_hole is %d", (unsigned long long)item->batch_seq,
                 check == CHECK_OWED, item->after_hole);
    world->owed += check == CHECK_OWED;
    world->parts += item->kind == LANES_PART;
    world->closes += item->kind == LANES_CLOSE;
}

void world_send(struct world *world, unsigned items) {
    for (unsigned lane = 0; lane < LANES; lane++)
        for (unsigned i = 0; i < items; i++) {
            struct lanes_item item;
            struct fault fault = {0};
            enum lanes_found found = lanes_cursor_next(world->cursors[lane], &item, &fault);
            if (found == LANES_FAILED && !world->disk->dead)
                fail_msg("cursor: %s", fault.text);
            if (found != LANES_ITEM)
                break;
            receive(world, (enum lane)lane, &item);
        }
}

void world_acknowledge(struct world *world) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        const struct stream_checker *checker = world->checkers[lane];
        lanes_acknowledge(world->lanes, 0, (enum lane)lane, stream_checker_next_seq(checker),
                          stream_checker_attested(checker), stream_checker_batch_seq(checker));
        lanes_proved(world->lanes, 0, (enum lane)lane, stream_checker_batch_seq(checker));
    }
}

void world_check_lines(const struct world *world) {
    for (unsigned source = 0; source < WORLD_SOURCES; source++)
        for (unsigned line = 0; line < WORLD_LINES_MOST; line++) {
            unsigned came = world->seen[source][line] + world->replayed[source][line];
            unsigned wanted = line < world->next_line[source];
            if (came != wanted)
                fail_msg("line %u of source %u came %u times; the position is %u", line, source, came,
                         world->next_line[source]);
        }
}

unsigned world_missing_lines(const struct world *world) {
    unsigned missing = 0;
    for (unsigned source = 0; source < WORLD_SOURCES; source++)
        for (unsigned line = 0; line < world->next_line[source]; line++)
            missing += world->seen[source][line] + world->replayed[source][line] == 0;
    return missing;
}
