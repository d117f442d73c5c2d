/* The EVENTS message by hand, held against protobuf-c's code for the same file, and against liars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

#include "events.h"
#include "memory.h"
#include "wire.pb-c.h"

static const uint8_t key_bytes[32] = {1, 2, 3, 4};

static struct events_message sample(void) {
    return (struct events_message){
        .lane = LANE_BULK,
        .batch_seq = 300,
        .first_event_seq = UINT64_C(1) << 40,
        .count = 2,
        .key_count = 2,
        .keys = {{CLASS_JOURNAL, slice_make(key_bytes, 32)}, {CLASS_REVOCATION, slice_make(key_bytes, 32)}},
        .text_size = 5,
        .data = SLICE("a\0b\xff"
                      "c"),
        .first_time_us = 1795290642179718u,
        .last_time_us = 1795290642179719u};
}

static void check_same(const struct events_message *a, const struct events_message *b) {
    assert_int_equal(a->lane, b->lane);
    assert_int_equal(a->batch_seq, b->batch_seq);
    assert_int_equal(a->first_event_seq, b->first_event_seq);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->key_count, b->key_count);
    for (size_t i = 0; i < a->key_count; i++) {
        assert_int_equal(a->keys[i].class, b->keys[i].class);
        assert_true(slice_equal(a->keys[i].key, b->keys[i].key));
    }
    assert_int_equal(a->codec, b->codec);
    assert_int_equal(a->text_size, b->text_size);
    assert_true(slice_equal(a->data, b->data));
    assert_int_equal(a->first_time_us, b->first_time_us);
    assert_int_equal(a->last_time_us, b->last_time_us);
}

/* The library's message, to lie with. */
struct pack {
    Tocsin__Events message;
    Tocsin__ClassKey keys[CLASS_NUMBERS + 1];
    Tocsin__ClassKey *pointers[CLASS_NUMBERS + 1];
};

static ProtobufCBinaryData binary(struct slice bytes) {
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

static struct pack *pack_of(const struct events_message *from) {
    struct pack *pack = calloc(1, sizeof *pack);
    assert_non_null(pack);
    tocsin__events__init(&pack->message);
    for (size_t i = 0; i < CLASS_NUMBERS + 1; i++) {
        tocsin__class_key__init(&pack->keys[i]);
        pack->pointers[i] = &pack->keys[i];
        pack->keys[i].key = binary(slice_make(key_bytes, 32));
    }
    for (size_t i = 0; i < from->key_count; i++)
        pack->keys[i].class_ = from->keys[i].class;
    pack->message.lane = from->lane;
    pack->message.batch_seq = from->batch_seq;
    pack->message.first_event_seq = from->first_event_seq;
    pack->message.count = from->count;
    pack->message.n_class_keys = from->key_count;
    pack->message.class_keys = pack->pointers;
    pack->message.codec = (Tocsin__Codec)from->codec;
    pack->message.text_size = from->text_size;
    pack->message.data = binary(from->data);
    pack->message.first_time_us = from->first_time_us;
    pack->message.last_time_us = from->last_time_us;
    return pack;
}

static void write_pack(struct buffer *to, const struct pack *pack) {
    size_t size = tocsin__events__get_packed_size(&pack->message);
    assert_true(buffer_reserve(to, size));
    to->size += tocsin__events__pack(&pack->message, to->data + to->size);
}

static void what_is_written_by_hand_is_what_the_library_writes_and_reads(void **state) {
    (void)state;
    struct events_message message = sample(), again;
    CLEANUP_BUFFER struct buffer mine = BUFFER(4096);
    CLEANUP_BUFFER struct buffer theirs = BUFFER(4096);
    struct pack *pack = pack_of(&message);
    assert_true(events_write(&mine, &message));
    write_pack(&theirs, pack);
    assert_true(slice_equal(buffer_slice(&mine), buffer_slice(&theirs)));
    assert_true(events_read(buffer_slice(&theirs), &again, NULL));
    check_same(&message, &again);
    Tocsin__Events *read = tocsin__events__unpack(NULL, mine.size, mine.data);
    assert_non_null(read);
    assert_int_equal(read->first_event_seq, message.first_event_seq);
    assert_int_equal(read->n_class_keys, 2);
    assert_int_equal(read->class_keys[1]->class_, CLASS_REVOCATION);
    tocsin__events__free_unpacked(read, NULL);
    free(pack);
}

static void zeros_are_left_out_and_read_as_zeros(void **state) {
    (void)state;
    struct events_message message = {.count = 1}, again;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(4096);
    assert_true(events_write(&bytes, &message));
    assert_true(events_read(buffer_slice(&bytes), &again, NULL));
    check_same(&message, &again);
}

static void a_field_that_nobody_knows_is_passed_over(void **state) {
    (void)state;
    struct events_message message = sample(), again;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(4096);
    static const uint8_t unknown[] = {0xf8, 0x01, 0x05, 0xfa, 0x01, 0x03, 'a', 'b', 'c'};
    assert_true(buffer_append(&bytes, unknown, sizeof unknown));
    assert_true(events_write(&bytes, &message));
    assert_true(buffer_append(&bytes, unknown, sizeof unknown));
    assert_true(events_read(buffer_slice(&bytes), &again, NULL));
    check_same(&message, &again);
}

/* Between two fields a message may end and still be one: then it holds what came before, and either all of the text or
 * none, which the chain's rules refuse. */
static void no_truncation_reads_as_other_events(void **state) {
    (void)state;
    struct events_message message = sample(), again;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(4096);
    assert_true(events_write(&bytes, &message));
    size_t taken = 0;
    for (size_t size = 0; size < bytes.size; size++) {
        struct fault fault = {0};
        uint8_t *exact = malloc(size + 1); /* of this very size, so that a sanitizer sees a read past it */
        memcpy(exact, bytes.data, size);
        if (events_read(slice_make(exact, size), &again, &fault)) {
            taken += again.data.size > 0;
            assert_true(again.data.size == 0 || slice_equal(again.data, message.data));
            assert_int_equal(again.count, message.count);
            assert_int_equal(again.first_event_seq, message.first_event_seq);
        } else
            assert_int_not_equal(fault.code, FAULT_NONE);
        free(exact);
    }
    assert_int_equal(taken, 2); /* without its last time, and without both */
}

enum lie {
    LIE_LANE,
    LIE_NO_EVENTS,
    LIE_MANY_EVENTS,
    LIE_OVERFLOW,
    LIE_CODEC,
    LIE_TEXT_SIZE,
    LIE_PLAIN_LONGER,
    LIE_PLAIN_SHORTER,
    LIE_CLASS,
    LIE_KEY_SIZE,
    LIE_KEYS,
    LIES,
};

static void tell(struct pack *pack, enum lie lie) {
    Tocsin__Events *message = &pack->message;
    switch (lie) {
    case LIE_LANE:
        message->lane = LANES;
        break;
    case LIE_NO_EVENTS:
        message->count = 0;
        break;
    case LIE_MANY_EVENTS:
        message->count = EVENTS_COUNT_MOST + 1;
        break;
    case LIE_OVERFLOW:
        message->first_event_seq = UINT64_MAX;
        break;
    case LIE_CODEC:
        message->codec = (Tocsin__Codec)2;
        break;
    case LIE_TEXT_SIZE:
        message->codec = TOCSIN__CODEC__ZSTD;
        message->text_size = EVENT_BLOCK_MOST + 1;
        break;
    case LIE_PLAIN_LONGER:
        message->text_size++;
        break;
    case LIE_PLAIN_SHORTER:
        message->text_size--;
        break;
    case LIE_CLASS:
        pack->keys[0].class_ = CLASSES;
        break;
    case LIE_KEY_SIZE:
        pack->keys[1].key.len = 31;
        break;
    case LIE_KEYS:
        message->n_class_keys = CLASS_NUMBERS + 1;
        break;
    case LIES:
        break;
    }
}

static void every_lie_is_refused(void **state) {
    (void)state;
    struct events_message message = sample(), again = {.count = 77};
    for (unsigned lie = 0; lie < LIES; lie++) {
        struct pack *pack = pack_of(&message);
        CLEANUP_BUFFER struct buffer bytes = BUFFER(4096);
        struct fault fault = {0};
        tell(pack, (enum lie)lie);
        write_pack(&bytes, pack);
        assert_false(events_read(buffer_slice(&bytes), &again, &fault));
        assert_int_not_equal(fault.code, FAULT_NONE);
        assert_int_equal(again.count, 77);
        free(pack);
    }
}

static void numbers_of_32_bits_are_not_cut_from_larger_ones(void **state) {
    (void)state;
    static const uint8_t wide[][12] = {
        {1 << 3, 0x80, 0x80, 0x80, 0x80, 0x10, 4 << 3, 1},                    /* lane 2^32 */
        {4 << 3, 0x81, 0x80, 0x80, 0x80, 0x10},                               /* count 2^32 + 1 */
        {4 << 3, 1, 6 << 3, 0x80, 0x80, 0x80, 0x80, 0x10},                    /* codec 2^32 */
        {4 << 3, 1, 7 << 3, 0x80, 0x80, 0x80, 0x80, 0x10},                    /* text_size 2^32 */
        {4 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* over 64 bits */
    };
    static const size_t sizes[] = {8, 6, 8, 8, 11};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct events_message message;
        assert_false(events_read(slice_make(wide[i], sizes[i]), &message, NULL));
    }
}

/* ---- decompression */

static struct events_message compressed(struct buffer *to, struct slice text) {
    assert_true(buffer_reserve(to, ZSTD_compressBound(text.size)));
    size_t size = ZSTD_compress(to->data, to->capacity, text.data, text.size, 1);
    assert_false(ZSTD_isError(size));
    to->size = size;
    return (struct events_message){
        .count = 1, .codec = EVENTS_ZSTD, .text_size = (uint32_t)text.size, .data = buffer_slice(to)};
}

static void text_opens_as_it_was_and_the_opener_is_used_again(void **state) {
    (void)state;
    struct events_opener *opener = events_opener_create();
    for (size_t size = 1; size < EVENT_BLOCK_MOST; size *= 5) {
        CLEANUP_BUFFER struct buffer text = BUFFER(EVENT_BLOCK_MOST);
        CLEANUP_BUFFER struct buffer packed = BUFFER(2 * EVENT_BLOCK_MOST);
        for (size_t i = 0; i < size; i++)
            buffer_append(&text, &(uint8_t){(uint8_t)(i * i >> 3)}, 1);
        struct events_message message = compressed(&packed, buffer_slice(&text));
        struct slice opened;
        assert_true(events_open(opener, &message, &opened, NULL));
        assert_true(slice_equal(opened, buffer_slice(&text)));
    }
    events_opener_destroy(opener);
}

static void a_text_is_given_away_once_and_only_one_that_was_decompressed(void **state) {
    (void)state;
    struct events_opener *opener = events_opener_create();
    CLEANUP_BUFFER struct buffer packed = BUFFER(1u << 20);
    struct slice text = SLICE("a text that its checker leaves to whoever reads it next"), opened;
    struct events_message message = compressed(&packed, text);
    assert_null(events_opener_take(opener));
    assert_true(events_open(opener, &message, &opened, NULL));
    CLEANUP_FREE uint8_t *taken = events_opener_take(opener);
    assert_null(events_opener_take(opener));
    assert_true(events_open(opener, &message, &opened, NULL)); /* with memory of its own again */
    assert_ptr_not_equal(opened.data, taken);
    assert_true(slice_equal(slice_make(taken, text.size), text));

    message.data = SLICE("this is not compressed at all");
    assert_false(events_open(opener, &message, &opened, NULL));
    assert_null(events_opener_take(opener)); /* what a refusal left is no text */
    struct events_message plain = {.count = 1, .codec = EVENTS_PLAIN, .text_size = (uint32_t)text.size, .data = text};
    assert_true(events_open(opener, &plain, &opened, NULL));
    assert_null(events_opener_take(opener));
    events_opener_destroy(opener);
}

static void a_text_of_another_size_than_announced_is_refused(void **state) {
    (void)state;
    struct events_opener *opener = events_opener_create();
    CLEANUP_BUFFER struct buffer packed = BUFFER(1u << 20);
    struct events_message message = compressed(&packed, SLICE("a text of thirty-six bytes, or nearly"));
    struct slice opened = {NULL, 0};
    struct fault fault = {0};
    uint32_t size = message.text_size;
    for (uint32_t lie = 0; lie < 2 * size; lie++) {
        message.text_size = lie;
        assert_int_equal(events_open(opener, &message, &opened, &fault), lie == size);
    }
    for (size_t cut = 0; cut < packed.size; cut++) {
        message.text_size = size;
        message.data = slice_head(buffer_slice(&packed), cut);
        assert_false(events_open(opener, &message, &opened, &fault));
    }
    message.data = SLICE("this is not compressed at all");
    assert_false(events_open(opener, &message, &opened, &fault));
    events_opener_destroy(opener);
}

static void a_bomb_goes_off_in_what_it_announced(void **state) {
    (void)state;
    struct events_opener *opener = events_opener_create();
    CLEANUP_BUFFER struct buffer text = BUFFER(64u << 20);
    CLEANUP_BUFFER struct buffer packed = BUFFER(128u << 20);
    assert_true(buffer_reserve(&text, 32u << 20));
    memset(text.data, 0, 32u << 20);
    text.size = 32u << 20;
    struct events_message message = compressed(&packed, buffer_slice(&text));
    assert_in_range(packed.size, 1, 100000);
    struct slice opened;
    struct fault fault = {0};
    message.text_size = 100;
    assert_false(events_open(opener, &message, &opened, &fault));
    message.text_size = EVENT_BLOCK_MOST;
    assert_false(events_open(opener, &message, &opened, &fault));
    events_opener_destroy(opener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_by_hand_is_what_the_library_writes_and_reads),
        cmocka_unit_test(zeros_are_left_out_and_read_as_zeros),
        cmocka_unit_test(a_field_that_nobody_knows_is_passed_over),
        cmocka_unit_test(no_truncation_reads_as_other_events),
        cmocka_unit_test(every_lie_is_refused),
        cmocka_unit_test(numbers_of_32_bits_are_not_cut_from_larger_ones),
        cmocka_unit_test(text_opens_as_it_was_and_the_opener_is_used_again),
        cmocka_unit_test(a_text_is_given_away_once_and_only_one_that_was_decompressed),
        cmocka_unit_test(a_text_of_another_size_than_announced_is_refused),
        cmocka_unit_test(a_bomb_goes_off_in_what_it_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
