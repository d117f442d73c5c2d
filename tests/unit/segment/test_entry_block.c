/* Entries in columns: what goes in comes back, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "batch_entry.h"
#include "bytes.h"
#include "class_list.h"
#include "encoding.h"
#include "entry_block.h"
#include "memory.h"
#include "merkle.h"

#define STREAMS 5
#define FIRST 1000u

static uint64_t random_state;
static struct signing_key *key;

static uint64_t draw(uint64_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static void draw_bytes(uint8_t *to, size_t size) {
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)draw(256);
}

/* Checkpoints of all even sizes. */
static bool root_of(void *context, uint64_t size, struct hash *ret_root) {
    uint8_t number[8];
    (void)context;
    bytes_put_u64(number, size);
    *ret_root = sha256_of(slice_make(number, sizeof number));
    return size % 2 == 0;
}

static const struct entry_block_roots roots = {NULL, root_of};

/* ---- a log of heartbeats, data and statements */

struct thing {
    uint8_t entry[BATCH_ENTRY_SIZE + 64], list[CLASS_LIST_MOST];
    struct entry_block_item item;
};

struct chain {
    uint8_t last[BATCH_ENTRY_SIZE];
    bool begun;
    uint64_t seen;
};

static size_t draw_list(uint8_t ret_bytes[CLASS_LIST_MOST], struct class_list *ret_list, bool events) {
    *ret_list = (struct class_list){0};
    for (uint8_t class = 0; events && class < CLASSES; class += (uint8_t)(1 + draw(4))) {
        struct class_list_item *item = &ret_list->items[ret_list->count++];
        item->class = class;
        item->count = (uint32_t)(1 + draw(300));
        draw_bytes(item->root.bytes, HASH_SIZE);
    }
    return class_list_write(ret_list, ret_bytes);
}

/* As an agent writes it, but for the signature. */
static void next_entry(struct chain *chain, uint8_t stream, uint64_t index, bool events,
                       struct thing *thing) {
    struct class_list list;
    struct batch_entry last = {.close_us = 1700000000000000u, .boottime_us = 5000000}, entry;
    if (chain->begun)
        assert_true(batch_entry_read(slice_make(chain->last, sizeof chain->last), &last, NULL));
    entry = last;
    size_t size = draw_list(thing->list, &list, events);
    memset(entry.stream_id.bytes, stream, HASH_SIZE);
    entry.kind = events ? BATCH_DATA : BATCH_HEARTBEAT;
    entry.batch_seq = chain->begun ? last.batch_seq + 1 : 0;
    entry.first_event_seq = last.first_event_seq + last.event_count;
    entry.event_count = (uint32_t)class_list_events(&list);
    entry.open_us = last.close_us;
    entry.close_us = last.close_us + 60000000 + draw(500);
    entry.boottime_us = last.boottime_us + entry.close_us - last.close_us + draw(3);
    entry.boot_id[3] = 9;
    for (size_t i = 0; i < list.count; i++)
        entry.cum[list.items[i].class] += list.items[i].count;
    entry.event_root = class_list_event_root(slice_make(thing->list, size));
    entry.prev = chain->begun ? sha256_of(slice_make(chain->last, sizeof chain->last)) : (struct hash){{0}};
    entry.seen = seen_none();
    if (chain->begun) {
        entry.seen.size = index - draw(3);
        memset(entry.seen.key_id, 7, 4);
        root_of(NULL, entry.seen.size, &entry.seen.root);
    }
    batch_entry_sign(&entry, key, thing->entry);
    memcpy(chain->last, thing->entry, sizeof chain->last);
    chain->begun = true;
    thing->item = (struct entry_block_item){slice_make(thing->entry, BATCH_ENTRY_SIZE), true,
                                            slice_make(thing->list, size)};
}

static void statement(struct thing *thing) {
    memcpy(thing->entry, "tocsin/ctrl/v1\0", 16);
    draw_bytes(thing->entry + 16, 200);
    thing->item = (struct entry_block_item){.entry = slice_make(thing->entry, 16 + draw(200))};
}

static struct thing *make_log(size_t count) {
    static struct chain chains[STREAMS];
    struct thing *things = memory_new_array(count, sizeof *things);
    memset(chains, 0, sizeof chains);
    for (size_t i = 0; i < count; i++)
        if (draw(40) == 0)
            statement(&things[i]);
        else {
            uint8_t stream = (uint8_t)draw(STREAMS);
            next_entry(&chains[stream], stream, FIRST + i, draw(4) == 0, &things[i]);
        }
    return things;
}

/* ---- */

static void write_block(const struct thing *things, size_t count, struct buffer *to) {
    struct fault fault = {0};
    struct entry_block_writer *writer = entry_block_writer_create(FIRST, roots);
    for (size_t i = 0; i < count; i++)
        assert_true(entry_block_writer_add(writer, &things[i].item));
    assert_true(entry_block_writer_finish(writer, to, &fault));
    entry_block_writer_destroy(writer);
}

static void check_item(struct entry_block *block, const struct thing *thing, uint64_t index) {
    struct entry_block_item item;
    struct fault fault = {0};
    if (!entry_block_get(block, index, roots, &item, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    assert_true(slice_equal(item.entry, thing->item.entry));
    assert_int_equal(item.listed, thing->item.listed);
    if (item.listed)
        assert_true(slice_equal(item.class_list, thing->item.class_list));
}

static void check_round(const struct thing *things, size_t count) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    struct fault fault = {0};
    write_block(things, count, &bytes);
    struct entry_block *block = entry_block_open(buffer_slice(&bytes), &fault);
    assert_non_null(block);
    assert_int_equal(entry_block_first(block), FIRST);
    assert_int_equal(entry_block_end(block), FIRST + count);
    size_t start = draw(count);
    for (size_t i = 0; i < count; i++)
        check_item(block, &things[(start + i) % count], FIRST + (start + i) % count);
    entry_block_close(block);
}

static void what_goes_in_comes_back(void **state) {
    (void)state;
    random_state = 7;
    for (size_t count = 1; count < 1200; count = count * 3 + 1) {
        struct thing *things = make_log(count);
        check_round(things, count);
        free(things);
    }
}

/* Bits, numbers, sizes, class lists of other batches, none, or none that is one; entries twice, out of order. */
static void mutate(struct thing *things, size_t count) {
    struct thing *thing = &things[draw(count)], *other = &things[draw(count)];
    size_t size = thing->item.entry.size;
    switch (draw(8)) {
    case 0:
        if (size)
            thing->entry[draw(size)] ^= (uint8_t)(1u << draw(8));
        break;
    case 1:
        draw_bytes(thing->entry + 48, 304);
        break;
    case 2:
        thing->item.entry.size = draw(sizeof thing->entry);
        break;
    case 3:
        thing->item.listed = !thing->item.listed;
        thing->item.class_list = slice_make(thing->list, draw(sizeof thing->list));
        break;
    case 4:
        thing->list[draw(40)] ^= (uint8_t)(1u << draw(8));
        break;
    case 5:
        memcpy(thing->entry, other->entry, sizeof thing->entry);
        break;
    case 6:
        memset(thing->entry + draw(300), (int)(draw(2) * 0xff), draw(100));
        break;
    default:
        thing->item.class_list = other->item.class_list;
        thing->item.listed = other->item.listed;
    }
}

static void whatever_was_done_to_entries_they_come_back(void **state) {
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        random_state = 1000 + round;
        size_t count = 1 + draw(60);
        struct thing *things = make_log(count);
        for (size_t i = draw(2 * count) + 1; i > 0; i--)
            mutate(things, count);
        check_round(things, count);
        free(things);
    }
}

static void a_heartbeat_takes_72_bytes(void **state) {
    (void)state;
    enum { HOSTS = 20, ROUNDS = 100 };
    random_state = 3;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    struct chain *chains = memory_new_array(HOSTS, sizeof *chains);
    struct thing *things = memory_new_array(HOSTS * ROUNDS, sizeof *things);
    for (size_t i = 0; i < HOSTS * ROUNDS; i++)
        next_entry(&chains[i % HOSTS], (uint8_t)(i % HOSTS), FIRST + i, false, &things[i]);
    /* One whose checkpoints are all there. */
    struct entry_block_writer *writer = entry_block_writer_create(FIRST, roots);
    for (size_t i = 0; i < HOSTS * ROUNDS; i++)
        assert_true(entry_block_writer_add(writer, &things[i].item));
    assert_int_equal(entry_block_writer_streams(writer), HOSTS);
    assert_true(entry_block_writer_finish(writer, &bytes, NULL));
    entry_block_writer_destroy(writer);
    size_t given = 0;
    for (size_t i = HOSTS; i < HOSTS * ROUNDS; i++)
        given += bytes_get_u64(things[i].entry + 312) % 2 ? HASH_SIZE : 0;
    assert_true((bytes.size - given) / (HOSTS * ROUNDS) <= 72);
    free(things);
    free(chains);
}

static void a_root_that_nobody_knows_any_more_is_missed(void **state) {
    (void)state;
    static const struct entry_block_roots none = {NULL, NULL};
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    struct chain chain = {.begun = false};
    struct thing things[3];
    random_state = 11;
    for (size_t i = 0; i < 3; i++)
        do
            next_entry(&chain, 1, FIRST + i, false, &things[i]);
        while (chain.begun && bytes_get_u64(things[i].entry + 312) % 2);
    write_block(things, 3, &bytes);
    struct entry_block *block = entry_block_open(buffer_slice(&bytes), NULL);
    struct entry_block_item item;
    struct fault fault = {0};
    assert_false(entry_block_get(block, FIRST + 2, none, &item, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    for (size_t i = 0; i < 3; i++)
        check_item(block, &things[i], FIRST + i);
    fault = (struct fault){0};
    assert_false(entry_block_get(block, FIRST + 3, roots, &item, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    entry_block_close(block);
}

static void no_cut_or_flipped_block_crashes_or_passes_for_another_form(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    random_state = 5;
    struct thing *things = make_log(40);
    write_block(things, 40, &bytes);
    free(things);
    for (size_t size = 0; size < bytes.size; size++) {
        struct fault fault = {0};
        assert_null(entry_block_open(slice_head(buffer_slice(&bytes), size), &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    for (size_t at = 0; at < bytes.size; at++) {
        struct entry_block_item item;
        bytes.data[at] ^= 0x41;
        struct entry_block *block = entry_block_open(buffer_slice(&bytes), NULL);
        for (uint64_t i = block ? entry_block_first(block) : 0; block && i < entry_block_end(block); i++)
            entry_block_get(block, i, roots, &item, NULL);
        entry_block_close(block);
        bytes.data[at] ^= 0x41;
    }
}

static void a_full_block_takes_nothing_more_and_an_empty_one_is_none(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    struct fault fault = {0};
    struct entry_block_item item = {.entry = SLICE("x")};
    struct entry_block_writer *writer = entry_block_writer_create(0, roots);
    assert_false(entry_block_writer_finish(writer, &bytes, &fault));
    for (size_t i = 0; i < ENTRY_BLOCK_COUNT_MOST; i++)
        assert_true(entry_block_writer_add(writer, &item));
    assert_false(entry_block_writer_add(writer, &item));
    assert_true(entry_block_writer_finish(writer, &bytes, NULL));
    entry_block_writer_destroy(writer);
    struct entry_block *block = entry_block_open(buffer_slice(&bytes), NULL);
    assert_true(entry_block_get(block, ENTRY_BLOCK_COUNT_MOST - 1, roots, &item, NULL));
    entry_block_close(block);
}

/* ---- the vector */

static struct slice hex_of(const json_t *text, struct buffer *to) {
    buffer_clear(to);
    const char *digits = json_string_value(text);
    size_t size = strlen(digits) / 2;
    assert_true(buffer_reserve(to, size + 1));
    assert_true(encoding_unhex(slice_string(digits), to->data, size));
    return slice_make(to->data, size);
}

static bool vector_root(void *context, uint64_t size, struct hash *ret_root) {
    char name[24];
    CLEANUP_BUFFER struct buffer bytes = BUFFER(64);
    snprintf(name, sizeof name, "%llu", (unsigned long long)size);
    const json_t *root = json_object_get(context, name);
    if (root)
        *ret_root = hash_from(hex_of(root, &bytes).data);
    return root != NULL;
}

static void the_vector_opens(void **state) {
    (void)state;
    json_t *vector = json_load_file("tests/transcript/entry-block.json", 0, NULL);
    assert_non_null(vector);
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1 << 20), text = BUFFER(1 << 16);
    const struct entry_block_roots known = {json_object_get(vector, "roots"), vector_root};
    const json_t *entries = json_object_get(vector, "entries");
    struct fault fault = {0};
    struct entry_block *block = entry_block_open(hex_of(json_object_get(vector, "block"), &bytes), &fault);
    if (!block)
        fail_msg("%s", fault.text);
    assert_int_equal(entry_block_first(block), json_integer_value(json_object_get(vector, "first")));
    assert_int_equal(entry_block_end(block) - entry_block_first(block), json_array_size(entries));
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i), *list = json_object_get(entry, "class_list");
        struct entry_block_item item;
        assert_true(entry_block_get(block, entry_block_first(block) + i, known, &item, &fault));
        assert_true(slice_equal(item.entry, hex_of(json_object_get(entry, "entry"), &text)));
        assert_int_equal(item.listed, list != NULL);
        if (list)
            assert_true(slice_equal(item.class_list, hex_of(list, &text)));
    }
    entry_block_close(block);
    json_decref(vector);
}

int main(void) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {1};
    key = signing_key_create(seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_back),
        cmocka_unit_test(whatever_was_done_to_entries_they_come_back),
        cmocka_unit_test(a_heartbeat_takes_72_bytes),
        cmocka_unit_test(a_root_that_nobody_knows_any_more_is_missed),
        cmocka_unit_test(no_cut_or_flipped_block_crashes_or_passes_for_another_form),
        cmocka_unit_test(a_full_block_takes_nothing_more_and_an_empty_one_is_none),
        cmocka_unit_test(the_vector_opens),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signing_key_destroy(key);
    return failed;
}
