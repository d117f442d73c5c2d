/* What an entry takes in columns beside zstd -3 of the entry alone, and what it costs to put it there and to read it again beside
 * its signature's verification: bench_entries [HOSTS [ENTRIES]]
 *
 * Two streams a host, a heartbeat a minute with the jitter of a timer; then the same with events of one class in every entry. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include "batch_entry.h"
#include "bytes.h"
#include "class_list.h"
#include "entry_block.h"
#include "memory.h"
#include "random.h"

#define PERIOD_US 60000000u

static double cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool root_of(void *context, uint64_t size, struct hash *ret_root) {
    (void)context;
    *ret_root = (struct hash){{(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16)}};
    return true;
}

static const struct entry_block_roots roots = {NULL, root_of};

struct stream {
    struct batch_entry last;
    uint8_t bytes[BATCH_ENTRY_SIZE];
    uint64_t index;
};

static uint64_t jitter(uint64_t most) {
    struct random_source source = random_source_system();
    uint8_t bytes[8];
    random_fill(&source, bytes, sizeof bytes, NULL);
    return bytes_get_u64(bytes) % most;
}

static size_t next(struct stream *stream, uint64_t index, bool events, const struct signing_key *key,
                   uint8_t *list_bytes) {
    struct batch_entry entry = stream->last;
    struct class_list list = {.count = events, .items = {{CLASS_ACCESS, (uint32_t)(1 + jitter(200)), {{0}}}}};
    for (size_t i = 0; i < HASH_SIZE; i += 8)
        bytes_put_u64(list.items[0].root.bytes + i, jitter(UINT64_MAX));
    size_t size = class_list_write(&list, list_bytes);
    entry.kind = events ? BATCH_DATA : BATCH_HEARTBEAT;
    entry.batch_seq++;
    entry.first_event_seq += entry.event_count;
    entry.event_count = (uint32_t)class_list_events(&list);
    entry.cum[CLASS_ACCESS] += entry.event_count;
    entry.open_us = entry.close_us;
    entry.close_us += PERIOD_US + jitter(2000);
    entry.boottime_us += entry.close_us - entry.open_us + jitter(4);
    entry.event_root = class_list_event_root(slice_make(list_bytes, size));
    entry.prev = batch_entry_hash(slice_make(stream->bytes, sizeof stream->bytes));
    entry.seen.key_id[0] = 1;
    entry.seen.size = stream->index + 1 + jitter(4);
    root_of(NULL, entry.seen.size, &entry.seen.root);
    batch_entry_sign(&entry, key, stream->bytes);
    stream->last = entry;
    stream->index = index;
    return size;
}

static void measure(size_t stream_count, size_t count, bool events) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {1};
    struct signing_key *key = signing_key_create(seed);
    struct stream *streams = memory_new_array(stream_count, sizeof *streams);
    struct entry_block_writer *writer = entry_block_writer_create(1000, roots);
    CLEANUP_BUFFER struct buffer block = BUFFER(ENTRY_BLOCK_MOST);
    uint8_t list[CLASS_LIST_MOST], packed[2 * BATCH_ENTRY_SIZE];
    double alone = 0, adding = 0, verifying = 0;
    for (size_t i = 0; i < stream_count; i++) {
        streams[i].last =
            (struct batch_entry){.close_us = 1700000000000000u, .boottime_us = jitter(PERIOD_US)};
        for (size_t at = 0; at < HASH_SIZE; at += 8)
            bytes_put_u64(streams[i].last.stream_id.bytes + at, jitter(UINT64_MAX));
        for (size_t at = 0; at < BOOT_ID_SIZE; at += 8)
            bytes_put_u64(streams[i].last.boot_id + at, jitter(UINT64_MAX));
    }
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = &streams[i % stream_count];
        size_t size = next(stream, 1000 + i, events, key, list);
        struct entry_block_item item = {slice_make(stream->bytes, sizeof stream->bytes), true,
                                        slice_make(list, size)};
        alone += (double)ZSTD_compress(packed, sizeof packed, stream->bytes, sizeof stream->bytes, 3) /
                 (double)count;
        double begun = cpu();
        entry_block_writer_add(writer, &item);
        adding += cpu() - begun;
        begun = cpu();
        batch_entry_signed_by(item.entry, signing_key_public(key));
        verifying += cpu() - begun;
    }
    double begun = cpu();
    entry_block_writer_finish(writer, &block, NULL);
    double written = cpu() - begun + adding;
    begun = cpu();
    struct entry_block *opened = entry_block_open(buffer_slice(&block), NULL);
    struct entry_block_item item;
    entry_block_get(opened, 1000 + count / 2, roots, &item, NULL);
    double one = cpu() - begun;
    for (size_t i = 0; i < count; i++)
        entry_block_get(opened, 1000 + i, roots, &item, NULL);
    double read = cpu() - begun;
    double each = 1e6 / (double)count;
    printf("%s\t%zu streams, %zu entries\tin columns %.1f bytes\tzstd -3 alone %.1f\twritten %.2f us, read "
           "%.2f us, one alone %.0f us; "
           "its signature %.0f us\n",
           events ? "events" : "heartbeats", stream_count, count, (double)block.size / (double)count, alone,
           written * each, read * each, one * 1e6, verifying * each);
    entry_block_close(opened);
    entry_block_writer_destroy(writer);
    signing_key_destroy(key);
    free(streams);
}

int main(int argc, char **argv) {
    size_t streams = 2 * (argc > 1 ? strtoul(argv[1], NULL, 10) : 100),
           count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (count == 0)
        count = 32 * streams > 4096 ? 32 * streams : 4096; /* as the collector makes its blocks */
    if (count > ENTRY_BLOCK_COUNT_MOST && argc <= 2)
        count = ENTRY_BLOCK_COUNT_MOST;
    if (streams == 0 || count > ENTRY_BLOCK_COUNT_MOST)
        return 2;
    measure(streams, count, false);
    measure(streams, count, true);
    return 0;
}
