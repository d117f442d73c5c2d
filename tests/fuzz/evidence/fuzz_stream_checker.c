/* A checker against an agent that may sign anything: the input is a sequence of steps, each a kind, a length and bytes.
 * Events come as they are; parts and entries start from what would be right and have the bytes xored in before they are
 * signed. A refusal must leave the checker where it was, and a saved state must come back. */
#include <stdlib.h>

#include "bytes.h"
#include "stream_checker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct signing_key *key;

static void expect(bool good) {
    if (!good)
        abort();
}

static void mix(uint8_t *to, size_t size, struct slice with) {
    size_t at = with.size ? with.data[0] * size / 256 : 0;
    for (size_t i = 1; i < with.size && at + i - 1 < size; i++)
        to[at + i - 1] ^= with.data[i];
}

static enum check give_events(struct stream_checker *checker, struct slice bytes) {
    struct bytes_reader reader = bytes_read(bytes);
    struct class_key keys[3] = {{bytes_read_u8(&reader), {1}}, {bytes_read_u8(&reader), {2}}, {3, {3}}};
    struct batch_events events = {
        .batch_seq = stream_checker_batch_seq(checker) + bytes_read_u8(&reader) % 2,
        .first_event_seq = stream_checker_next_seq(checker) - bytes_read_u8(&reader) % 4,
        .keys = keys,
        .key_count = bytes_read_u8(&reader) % 4,
        .count = bytes_read_u8(&reader),
    };
    events.block = reader.rest;
    return stream_checker_events(checker, &events, NULL);
}

static struct hash last_hash(const struct stream_checker *checker) {
    struct slice last = stream_checker_last_entry(checker);
    return last.size ? sha256_of(last) : (struct hash){{0}};
}

static enum check give_part(struct stream_checker *checker, struct slice bytes) {
    uint8_t signed_bytes[PART_SIZE];
    uint8_t list_bytes[CLASS_LIST_MOST];
    struct class_list list;
    stream_checker_class_list(checker, &list);
    struct part part = {
        .stream_id = *stream_checker_id(checker),
        .number = (uint32_t)bytes.size,
        .batch_seq = stream_checker_batch_seq(checker),
        .first_event_seq = stream_checker_first_seq(checker),
        .event_count = (uint32_t)class_list_events(&list),
        .time_us = UINT64_MAX / 2,
        .event_root = class_list_event_root(slice_make(list_bytes, class_list_write(&list, list_bytes))),
        .prev = last_hash(checker),
    };
    part_sign(&part, key, signed_bytes);
    mix(signed_bytes, PART_SIGNED, bytes);
    signing_key_sign(key, slice_make(signed_bytes, PART_SIGNED), signed_bytes + PART_SIGNED);
    return stream_checker_part(checker, slice_make(signed_bytes, PART_SIZE), NULL);
}

static enum check give_close(struct stream_checker *checker, struct slice bytes) {
    uint8_t signed_bytes[BATCH_ENTRY_SIZE], list_bytes[CLASS_LIST_MOST];
    struct batch_entry last = {.close_us = 0};
    struct class_list list;
    batch_entry_read(stream_checker_last_entry(checker), &last, NULL);
    stream_checker_class_list(checker, &list);
    struct slice listed = slice_make(list_bytes, class_list_write(&list, list_bytes));
    struct batch_entry entry = last;
    entry.stream_id = *stream_checker_id(checker);
    entry.kind = BATCH_BREAK;
    entry.batch_seq = stream_checker_batch_seq(checker);
    entry.first_event_seq = stream_checker_first_seq(checker);
    entry.event_count = (uint32_t)class_list_events(&list);
    entry.open_us = 0;
    entry.close_us = UINT64_MAX / 2;
    for (size_t i = 0; i < list.count; i++)
        entry.cum[list.items[i].class] += list.items[i].count;
    entry.event_root = class_list_event_root(listed);
    entry.prev = last_hash(checker);
    entry.seen = seen_none();
    batch_entry_sign(&entry, key, signed_bytes);
    mix(signed_bytes, BATCH_ENTRY_SIGNED, bytes);
    signing_key_sign(key, slice_make(signed_bytes, BATCH_ENTRY_SIGNED), signed_bytes + BATCH_ENTRY_SIGNED);
    return stream_checker_close(checker, slice_make(signed_bytes, BATCH_ENTRY_SIZE), listed, NULL);
}

static void saved_state_comes_back(const struct stream_checker *checker) {
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_CHECKER_STATE_MOST);
    expect(stream_checker_save(checker, &state));
    struct stream_checker *again = stream_checker_load(buffer_slice(&state), NULL);
    expect(again && stream_checker_batch_seq(again) == stream_checker_batch_seq(checker));
    stream_checker_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t seed[ED25519_SEED_SIZE] = {1};
    static const struct hash id = {{7}};
    key = key ? key : signing_key_create(seed);
    struct stream_checker *checker = stream_checker_create(LANE_SECURITY, &id, 0, signing_key_public(key));
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    for (int step = 0; step < 32 && reader.rest.size; step++) {
        uint8_t kind = bytes_read_u8(&reader);
        struct slice bytes = bytes_read_raw(&reader, bytes_read_u8(&reader));
        uint64_t next = stream_checker_next_seq(checker), batch = stream_checker_batch_seq(checker);
        enum check check = kind % 3 == 0   ? give_events(checker, bytes)
                           : kind % 3 == 1 ? give_part(checker, bytes)
                                           : give_close(checker, bytes);
        expect(check <= CHECK_OWED || stream_checker_next_seq(checker) == next);
        expect(check <= CHECK_OWED || stream_checker_batch_seq(checker) == batch);
    }
    saved_state_comes_back(checker);
    stream_checker_destroy(checker);
    return 0;
}
