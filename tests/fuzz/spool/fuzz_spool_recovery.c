/* An agent that starts on a spool whose records check out and mean anything: a list of u8 flags ‖ u16 size
 * ‖ items; flag 1 begins a new segment. It refuses, or it goes on, writes, and is opened again on what it
 * wrote. */
#include "bytes.h"
#include "disk_model.h"
#include "lanes.h"
#include "spool_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool fill(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    (void)fault;
    uint8_t *at = ret_bytes;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)disk_model_random(context, 256);
    return true;
}

static void put_segment(const struct spool_files *files, struct spool_segment_id id,
                        const struct buffer *bytes) {
    char path[64];
    snprintf(path, sizeof path, "spool/%016" PRIx64 "-%016" PRIx64 ".spool", id.number, id.nonce);
    int file = files->open(files->context, path, 0100, 0);
    files->pwrite(files->context, file, bytes->data, bytes->size, 0);
    files->close(files->context, file);
}

static void make_segments(const struct spool_files *files, struct slice input) {
    struct spool_segment_id id = {.number = 1, .nonce = 1};
    struct buffer bytes = BUFFER(4 * 1024 * 1024);
    struct bytes_reader reader = bytes_read(input);
    while (reader.rest.size > 3 && id.number < 8) {
        uint8_t flags = bytes_read_u8(&reader);
        uint16_t size = bytes_read_u16(&reader);
        if (flags & 1 && bytes.size) {
            put_segment(files, id, &bytes);
            buffer_clear(&bytes);
            id.number++;
        }
        size_t start = bytes.size;
        struct slice items = bytes_read_raw(&reader, size < reader.rest.size ? size : reader.rest.size);
        spool_record_begin(&bytes);
        buffer_append_slice(&bytes, items);
        spool_record_end(&bytes, start, items.size, id, start);
    }
    put_segment(files, id, &bytes);
    buffer_free(&bytes);
}

static void send_all(struct lanes *lanes) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_cursor *cursor = lanes_cursor_create(lanes, (enum lane)lane);
        struct lanes_item item;
        for (unsigned i = 0; lanes_cursor_next(cursor, &item, NULL) == LANES_ITEM; i++)
            if (i > 100000)
                abort(); /* it never ends */
        lanes_cursor_destroy(cursor);
    }
}

/* False: refused. */
static bool live_once(const struct lanes_settings *settings, const struct spool_files *files,
                      uint64_t now_us) {
    struct stream_clock now = {.now_us = now_us, .boottime_us = 1000000, .boot_id = {(uint8_t)now_us}};
    struct fault fault = {0};
    struct lanes *lanes = lanes_open(settings, files, &now, &fault);
    if (!lanes && fault.code == FAULT_NONE)
        abort();
    if (!lanes)
        return false;
    const struct event_body body = {.kind = EVENT_LINE, .raw = SLICE("a line")};
    for (unsigned i = 0; i < 3; i++) {
        lanes_event(lanes, i & 1 ? CLASS_SYSTEM : CLASS_ACCESS, &body);
        lanes_part(lanes);
        lanes_flush(lanes, NULL);
        send_all(lanes);
        now.now_us += 61000000, now.boottime_us += 61000000;
        lanes_tick(lanes, &now);
    }
    struct lanes_hello hello;
    for (unsigned lane = 0; lane < LANES; lane++) {
        lanes_hello(lanes, 0, (enum lane)lane, &hello);
        lanes_acknowledge(lanes, 0, (enum lane)lane, hello.next_event_seq, 0, hello.batch_seq);
        struct hash leaf;
        for (uint64_t batch = hello.proved; batch < hello.batch_seq && batch < hello.proved + 8; batch++)
            lanes_leaf(lanes, (enum lane)lane, batch, &leaf, NULL);
        const struct seen_checkpoint seen = {{1}, hello.batch_seq + 1, {{2}}};
        lanes_seen(lanes, 0, &seen, SLICE("a note"));
        lanes_proved(lanes, 0, (enum lane)lane, hello.batch_seq);
    }
    lanes_flush(lanes, NULL);
    lanes_destroy(lanes);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {1, 2, 3};
    struct disk_model *disk = disk_model_create(1);
    struct spool_files files = disk_model_files(disk);
    struct signing_key *key = signing_key_create(seed);
    const struct lanes_settings settings = {.folder = "spool",
                                            .host = "host.example",
                                            .key = key,
                                            .epoch = 1,
                                            .segment_bytes = 16 * 1024,
                                            .random = {disk, fill}};
    make_segments(&files, slice_make(data, size));
    if (live_once(&settings, &files, 1000000100000000u) && !live_once(&settings, &files, 1000001000000000u))
        abort(); /* what it wrote itself it must take */
    signing_key_destroy(key);
    disk_model_destroy(disk);
    return 0;
}
