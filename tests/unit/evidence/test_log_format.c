/* The vectors of the log format, which were made independently of this code: what is read from them, and that the writer
 * makes the very same bytes. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "encoding.h"
#include "event_leaf.h"
#include "merkle_proof.h"
#include "stream_checker.h"
#include "stream_id.h"
#include "stream_writer.h"

static json_t *vectors;

static struct slice text_of(json_t *value) {
    return slice_string(json_string_value(value));
}

static size_t unhex(json_t *value, void *to, size_t most) {
    struct slice text = text_of(value);
    assert_true(text.size / 2 <= most);
    assert_true(encoding_unhex(text, to, text.size / 2));
    return text.size / 2;
}

static struct hash hash_in(json_t *value) {
    struct hash hash;
    assert_int_equal(unhex(value, hash.bytes, HASH_SIZE), HASH_SIZE);
    return hash;
}

static json_t *get(const char *name) {
    return json_object_get(vectors, name);
}

static void assert_hash(struct hash hash, json_t *expected) {
    struct hash other = hash_in(expected);
    assert_memory_equal(hash.bytes, other.bytes, HASH_SIZE);
}

static struct verify_key agent_key(void) {
    struct verify_key key;
    unhex(get("agent_public_key"), key.bytes, sizeof key.bytes);
    return key;
}

static struct signing_key *agent_signing_key(void) {
    struct hash seed = sha256_of(SLICE("tocsin test agent key"));
    return signing_key_create(seed.bytes);
}

static uint8_t *class_key(unsigned class, uint8_t key[CLASS_KEY_SIZE]) {
    char name[4];
    snprintf(name, sizeof name, "%u", class);
    unhex(json_object_get(json_object_get(get("classes"), name), "key"), key, CLASS_KEY_SIZE);
    return key;
}

/* The event at `index`; its body lives in `body`. */
static struct event event_at(size_t index, uint8_t body[64]) {
    json_t *of = json_array_get(get("events"), index);
    size_t size = unhex(json_object_get(of, "body"), body, 64);
    return (struct event){(uint64_t)json_integer_value(json_object_get(of, "seq")),
                          (uint64_t)json_integer_value(json_object_get(of, "time_us")),
                          (uint8_t)json_integer_value(json_object_get(of, "class")), slice_make(body, size)};
}

static void salts_and_leaves_of_events(void **state) {
    (void)state;
    uint64_t position[CLASSES] = {0};
    for (size_t i = 0; i < 3; i++) {
        json_t *of = json_array_get(get("events"), i);
        uint8_t body[64], key[CLASS_KEY_SIZE], salt[SALT_SIZE], expected[SALT_SIZE];
        struct event event = event_at(i, body);
        keystream_salt(class_key(event.class, key), position[event.class]++, salt);
        unhex(json_object_get(of, "salt"), expected, sizeof expected);
        assert_memory_equal(salt, expected, sizeof salt);
        assert_hash(event_leaf(salt, &event), json_object_get(of, "leaf"));
    }
}

static struct open_batch *all_events(void) {
    struct open_batch *batch = open_batch_create();
    for (size_t i = 0; i < 3; i++) {
        uint8_t body[64], key[CLASS_KEY_SIZE];
        struct event event = event_at(i, body);
        if (!open_batch_key(batch, event.class))
            open_batch_set_key(batch, event.class, class_key(event.class, key));
        open_batch_add(batch, &event);
    }
    return batch;
}

static void the_class_list_and_both_roots(void **state) {
    (void)state;
    struct open_batch *batch = all_events();
    struct class_list list, back;
    uint8_t bytes[CLASS_LIST_MOST], expected[CLASS_LIST_MOST];
    open_batch_class_list(batch, &list);
    size_t size = class_list_write(&list, bytes);
    assert_int_equal(size, unhex(get("class_list"), expected, sizeof expected));
    assert_memory_equal(bytes, expected, size);
    assert_true(class_list_read(slice_make(bytes, size), &back, NULL));
    assert_int_equal(class_list_events(&back), 3);
    assert_hash(open_batch_root(batch), get("event_root"));
    assert_hash(open_batch_root(NULL), get("empty_event_root"));
    open_batch_destroy(batch);
}

static void the_name_of_the_stream(void **state) {
    (void)state;
    struct verify_key key = agent_key();
    assert_hash(stream_id_make(text_of(get("stream_name")), &key), get("stream_id"));
}

static void entries_and_parts_are_read_and_signed_again(void **state) {
    (void)state;
    struct signing_key *key = agent_signing_key();
    struct verify_key public = agent_key();
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[BATCH_ENTRY_SIZE], again[BATCH_ENTRY_SIZE];
        struct batch_entry entry;
        unhex(json_array_get(get("entries"), i), bytes, sizeof bytes);
        assert_true(batch_entry_read(slice_make(bytes, sizeof bytes), &entry, NULL));
        assert_true(batch_entry_signed_by(slice_make(bytes, sizeof bytes), &public));
        batch_entry_sign(&entry, key, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        assert_hash(merkle_leaf(slice_make(bytes, sizeof bytes)), json_array_get(get("log_leaves"), 2 + i));

        uint8_t part_bytes[PART_SIZE], part_again[PART_SIZE];
        struct part part;
        unhex(json_array_get(get("parts"), i), part_bytes, sizeof part_bytes);
        assert_true(part_read(slice_make(part_bytes, sizeof part_bytes), &part, NULL));
        assert_true(part_signed_by(slice_make(part_bytes, sizeof part_bytes), &public));
        part_sign(&part, key, part_again);
        assert_memory_equal(part_bytes, part_again, sizeof part_bytes);
    }
    signing_key_destroy(key);
}

/* Gives the vectors' class keys in the order in which the writer needs them: 5, then 3. */
static bool vector_keys(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    unsigned *calls = context;
    assert_int_equal(size, CLASS_KEY_SIZE);
    (void)fault;
    class_key((*calls)++ ? 3 : 5, ret_bytes);
    return true;
}

static void assert_bytes(const uint8_t *bytes, size_t size, json_t *expected) {
    uint8_t other[BATCH_ENTRY_SIZE];
    assert_int_equal(unhex(expected, other, sizeof other), size);
    assert_memory_equal(bytes, other, size);
}

static void write_event(struct stream_writer *writer, size_t index) {
    uint8_t body[64];
    struct event event = event_at(index, body);
    struct stream_writer_event written;
    assert_true(stream_writer_event(writer, event.class, event.time_us, event.body, &written, NULL));
    assert_int_equal(written.seq, event.seq);
    assert_int_equal(written.time_us, event.time_us);
}

static struct stream_clock clock_at(uint64_t start, uint64_t since) {
    struct stream_clock clock = {.now_us = start + since, .boottime_us = since};
    struct hash boot = sha256_of(SLICE("boot"));
    memcpy(clock.boot_id, boot.bytes, BOOT_ID_SIZE);
    return clock;
}

static void the_writer_makes_the_same_bytes(void **state) {
    (void)state;
    const uint64_t start = 1735689600000000;
    struct signing_key *key = agent_signing_key();
    unsigned calls = 0;
    struct stream_writer_settings settings = {.lane = LANE_SECURITY,
                                              .stream_id = hash_in(get("stream_id")),
                                              .key = key,
                                              .random = {&calls, vector_keys},
                                              .batch_us = STREAM_BATCH_US,
                                              .heartbeat_us = 60000000};
    struct stream_writer *writer = stream_writer_create(&settings);
    struct stream_clock clock = clock_at(start, 0);
    uint8_t part[PART_SIZE];
    struct stream_close close;
    assert_true(stream_writer_break(writer, &clock, NULL));
    write_event(writer, 0);
    assert_true(stream_writer_part(writer, start + 1500, part));
    assert_bytes(part, sizeof part, json_array_get(get("parts"), 0));
    write_event(writer, 1);
    write_event(writer, 2);
    assert_true(stream_writer_part(writer, start + 3500, part));
    assert_bytes(part, sizeof part, json_array_get(get("parts"), 1));
    clock = clock_at(start, 60000000);
    assert_true(stream_writer_close(writer, &clock, NULL, &close, NULL));
    assert_bytes(close.entry, sizeof close.entry, json_array_get(get("entries"), 0));
    assert_bytes(close.class_list, close.class_list_size, get("class_list"));
    clock = clock_at(start, 120000000);
    struct seen_checkpoint seen = {.key_id = {0x45, 0xd9, 0x55, 0xc4}, .size = 3};
    seen.root = hash_in(json_object_get(get("consistency_of_3_and_4"), "root_3"));
    assert_true(stream_writer_close(writer, &clock, &seen, &close, NULL));
    assert_bytes(close.entry, sizeof close.entry, json_array_get(get("entries"), 1));
    stream_writer_destroy(writer);
    signing_key_destroy(key);
}

static struct slice unhexed(json_t *value, uint8_t *to, size_t most) {
    return slice_make(to, unhex(value, to, most));
}

static void the_checker_takes_them(void **state) {
    (void)state;
    struct verify_key public = agent_key();
    struct hash id = hash_in(get("stream_id"));
    struct stream_checker *checker = stream_checker_create(LANE_SECURITY, &id, 0, &public);
    CLEANUP_BUFFER struct buffer block = BUFFER(4096);
    uint8_t bytes[BATCH_ENTRY_SIZE], list[CLASS_LIST_MOST];
    size_t second = 0;
    for (size_t i = 0; i < 3; i++) {
        uint8_t body[64];
        struct event event = event_at(i, body);
        event_block_append(&block, event.time_us, event.class, event.body);
        second = second ? second : block.size;
    }
    struct class_key keys[2] = {{.class = 5}, {.class = 3}};
    class_key(5, keys[0].key);
    class_key(3, keys[1].key);
    struct slice all = buffer_slice(&block);
    struct batch_events first = {0, 0, 1, keys, 1, slice_head(all, second)};
    struct batch_events rest = {0, 1, 2, keys + 1, 1, slice_from(all, second)};
    json_t *parts = get("parts"), *entries = get("entries");
    assert_int_equal(stream_checker_events(checker, &first, NULL), CHECK_ACCEPTED);
    assert_int_equal(
        stream_checker_part(checker, unhexed(json_array_get(parts, 0), bytes, sizeof bytes), NULL),
        CHECK_ACCEPTED);
    assert_int_equal(stream_checker_events(checker, &rest, NULL), CHECK_ACCEPTED);
    assert_int_equal(
        stream_checker_part(checker, unhexed(json_array_get(parts, 1), bytes, sizeof bytes), NULL),
        CHECK_ACCEPTED);
    assert_int_equal(stream_checker_attested(checker), 3);
    assert_int_equal(stream_checker_close(checker, unhexed(json_array_get(entries, 0), bytes, sizeof bytes),
                                          unhexed(get("class_list"), list, sizeof list), NULL),
                     CHECK_ACCEPTED);
    assert_int_equal(stream_checker_close(checker, unhexed(json_array_get(entries, 1), bytes, sizeof bytes),
                                          SLICE("\0"), NULL),
                     CHECK_ACCEPTED);
    assert_int_equal(stream_checker_batch_seq(checker), 2);
    stream_checker_destroy(checker);
}

static size_t path_in(json_t *of, struct hash path[4]) {
    for (size_t i = 0; i < json_array_size(of); i++)
        path[i] = hash_in(json_array_get(of, i));
    return json_array_size(of);
}

static void the_log_its_proofs_and_the_checkpoint_over_it(void **state) {
    (void)state;
    struct hash leaves[4], path[4], root = hash_in(get("log_root"));
    for (size_t i = 0; i < 2; i++) {
        uint8_t control[4096];
        assert_hash(merkle_leaf(unhexed(json_array_get(get("control_entries"), i), control, sizeof control)),
                    json_array_get(get("log_leaves"), i));
    }
    path_in(get("log_leaves"), leaves);
    assert_hash(merkle_root(leaves, 4), get("log_root"));

    json_t *inclusion = get("inclusion_of_event_2"), *consistency = get("consistency_of_3_and_4");
    struct hash event = hash_in(json_object_get(json_array_get(get("events"), 2), "leaf"));
    struct hash class_root = hash_in(json_object_get(json_object_get(get("classes"), "5"), "root"));
    assert_true(merkle_proof_included(&event, 1, 2, path,
                                      path_in(json_object_get(inclusion, "class_path"), path), &class_root));
    assert_true(merkle_proof_included(&leaves[2], 2, 4, path,
                                      path_in(json_object_get(inclusion, "log_path"), path), &root));
    struct hash root_3 = hash_in(json_object_get(consistency, "root_3"));
    struct merkle_path made;
    merkle_proof_consistency(leaves, 4, 3, &made);
    assert_int_equal(made.count, path_in(json_object_get(consistency, "proof"), path));
    assert_memory_equal(made.hashes, path, made.count * sizeof *path);
    assert_true(merkle_proof_consistent(3, &root_3, 4, &root, path, made.count));

    /* The third line of the checkpoint is that root. */
    CLEANUP_BUFFER struct buffer decoded = BUFFER(64);
    struct slice note = text_of(get("checkpoint"));
    note = slice_from(note, slice_find(note, SLICE("\n4\n")) + 3);
    assert_true(encoding_unbase64(&decoded, slice_head(note, slice_find_byte(note, '\n'))));
    assert_memory_equal(decoded.data, root.bytes, HASH_SIZE);
}

int main(void) {
    json_error_t error;
    vectors = json_load_file("tests/transcript/log-format.json", 0, &error);
    if (!vectors) {
        fprintf(stderr, "tests/transcript/log-format.json:%d: %s\n", error.line, error.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salts_and_leaves_of_events),
        cmocka_unit_test(the_class_list_and_both_roots),
        cmocka_unit_test(the_name_of_the_stream),
        cmocka_unit_test(entries_and_parts_are_read_and_signed_again),
        cmocka_unit_test(the_writer_makes_the_same_bytes),
        cmocka_unit_test(the_checker_takes_them),
        cmocka_unit_test(the_log_its_proofs_and_the_checkpoint_over_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
