/* A rotation's statement: what is written is read, and whatever is changed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "rotation.h"
#include "statement_type.h"

#define SIGNATURE_BLOCK (HASH_SIZE + 1 + 2 + ED25519_SIGNATURE_SIZE)

struct world {
    struct signing_key *first, *old, *next, *other;
    struct hash log;
    struct rotation_place place; /* of a host in epoch 4 */
    uint8_t nonce[STATEMENT_NONCE_SIZE];
    struct buffer bytes; /* its good rotation to epoch 5 */
};

static struct signing_key *key_of(uint8_t number) {
    const uint8_t seed[ED25519_SEED_SIZE] = {number};
    return signing_key_create(seed);
}

static void sign(struct world *w) {
    buffer_clear(&w->bytes);
    assert_true(rotation_sign(&w->place, w->old, w->next, w->nonce, 77, &w->bytes));
}

static int world_make(void **state) {
    static struct world w;
    w = (struct world){.first = key_of(1), .old = key_of(2), .next = key_of(3), .other = key_of(4)};
    w.bytes = BUFFER(ROTATION_MOST);
    w.log = statement_log(SLICE("logs.example/ca"), signing_key_public(w.other));
    w.place = (struct rotation_place){&w.log, SLICE("signer1.example"), signing_key_public(w.first),
                                      signing_key_public(w.old), 4};
    memset(w.nonce, 9, sizeof w.nonce);
    sign(&w);
    *state = &w;
    return 0;
}

static int world_drop(void **state) {
    struct world *w = *state;
    signing_key_destroy(w->first);
    signing_key_destroy(w->old);
    signing_key_destroy(w->next);
    signing_key_destroy(w->other);
    buffer_free(&w->bytes);
    return 0;
}

static enum check check_at(const struct world *w, const struct rotation_place *place) {
    struct rotation rotation;
    struct fault fault = {0};
    assert_true(rotation_read(buffer_slice(&w->bytes), &rotation, &fault));
    enum check check = rotation_check(&rotation, place, &fault);
    assert_true(check_good(check) == (fault.code == FAULT_NONE));
    return check;
}

static enum check check(const struct world *w) {
    return check_at(w, &w->place);
}

static void what_was_signed_is_read_and_follows(void **state) {
    struct world *w = *state;
    struct rotation rotation;
    assert_int_equal(check(w), CHECK_ACCEPTED);
    assert_true(rotation_read(buffer_slice(&w->bytes), &rotation, NULL));
    assert_true(slice_equal(rotation.name, SLICE("signer1.example")));
    assert_memory_equal(rotation.old_key.bytes, signing_key_public(w->old)->bytes, 32);
    assert_memory_equal(rotation.new_key.bytes, signing_key_public(w->next)->bytes, 32);
    assert_int_equal(rotation.epoch, 5);
    assert_int_equal(rotation.statement.statement.type, STATEMENT_AGENT_ROTATE);
    assert_int_equal(rotation.statement.statement.made_us, 77);
    assert_memory_equal(rotation.statement.statement.nonce, w->nonce, sizeof w->nonce);
}

/* The bytes of FORMATS.md, put together by hand. */
static void its_bytes_are_those_of_the_format(void **state) {
    struct world *w = *state;
    const uint8_t *b = w->bytes.data;
    uint32_t size = bytes_get_u32(b);
    assert_int_equal(size, STATEMENT_HEAD + 1 + 15 + 2 * 32 + 2 * 32 + 4);
    assert_int_equal(w->bytes.size, 4 + size + 1 + 2 * SIGNATURE_BLOCK);
    assert_memory_equal(b + 4, "tocsin/stmt/v1\0\0", 16);
    struct buffer logged = BUFFER(100);
    buffer_append_string(&logged, "logs.example/ca\n");
    buffer_append(&logged, signing_key_public(w->other)->bytes, 32);
    struct hash log = sha256_of(buffer_slice(&logged));
    buffer_free(&logged);
    assert_memory_equal(b + 20, log.bytes, 32);
    assert_memory_equal(b + 52, w->nonce, 32);
    assert_int_equal(bytes_get_u32(b + 84), 6);
    assert_int_equal(bytes_get_u64(b + 88), 77);
    assert_true(bytes_get_u64(b + 96) == UINT64_MAX);
    assert_int_equal(bytes_get_u32(b + 104), size - STATEMENT_HEAD);
    assert_int_equal(b[108], 15);
    assert_memory_equal(b + 109, "signer1.example", 15);
    assert_memory_equal(b + 109 + 15 + 64, signing_key_public(w->old)->bytes, 32);
    assert_memory_equal(b + 109 + 15 + 96, signing_key_public(w->next)->bytes, 32);
    assert_int_equal(bytes_get_u32(b + 109 + 15 + 128), 5);
    const uint8_t *signatures = b + 4 + size;
    struct hash old_key = sha256_of(slice_make(signing_key_public(w->old)->bytes, 32));
    assert_int_equal(signatures[0], 2);
    assert_memory_equal(signatures + 1, old_key.bytes, 32);
    assert_int_equal(signatures[33], 1);
    assert_int_equal(bytes_get_u16(signatures + 34), 64);
    assert_true(ed25519_verify(signing_key_public(w->old), slice_make(b + 4, size), signatures + 36));
}

static void every_bit_matters(void **state) {
    struct world *w = *state;
    unsigned read = 0;
    for (size_t bit = 0; bit < w->bytes.size * 8; bit++) {
        struct rotation rotation;
        w->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* What nothing but a signature protects (nonce, time) is tried one bit in three: a verification is slow here. */
        bool slow = bit / 8 >= 52 && bit / 8 < 96;
        if ((!slow || bit % 3 == 0) && rotation_read(buffer_slice(&w->bytes), &rotation, NULL)) {
            assert_false(check_good(rotation_check(&rotation, &w->place, NULL)));
            read++;
        }
        w->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(read > 1000);
    assert_int_equal(check(w), CHECK_ACCEPTED);
}

static void every_other_length_is_refused(void **state) {
    struct world *w = *state;
    struct rotation rotation;
    for (size_t size = 0; size < w->bytes.size; size++)
        assert_false(rotation_read(slice_make(w->bytes.data, size), &rotation, NULL));
    bytes_write_u8(&w->bytes, 0);
    assert_false(rotation_read(buffer_slice(&w->bytes), &rotation, NULL));
}

static void it_follows_one_place_alone(void **state) {
    struct world *w = *state;
    struct hash other_log = statement_log(SLICE("logs.example/cb"), signing_key_public(w->other));
    struct rotation_place place = w->place;
    place.log = &other_log;
    assert_int_equal(check_at(w, &place), CHECK_STREAM);
    place = w->place, place.log = NULL;
    assert_int_equal(check_at(w, &place), CHECK_ACCEPTED);
    place = w->place, place.name = SLICE("signer2.example");
    assert_int_equal(check_at(w, &place), CHECK_STREAM);
    place = w->place, place.first_key = signing_key_public(w->other);
    assert_int_equal(check_at(w, &place), CHECK_STREAM);
    place = w->place, place.key = signing_key_public(w->other);
    assert_int_equal(check_at(w, &place), CHECK_CHAIN);
    place = w->place, place.epoch = 5; /* the same again */
    assert_int_equal(check_at(w, &place), CHECK_EPOCH);
    place = w->place, place.epoch = 3; /* one is skipped */
    assert_int_equal(check_at(w, &place), CHECK_EPOCH);
}

static void both_keys_must_sign(void **state) {
    struct world *w = *state;
    struct signing_key *old = w->old, *next = w->next;
    struct rotation rotation;
    /* Each signature is another key's, under the hash of the right one. */
    for (unsigned which = 0; which < 2; which++) {
        sign(w);
        uint8_t *at = w->bytes.data + w->bytes.size - (2 - which) * SIGNATURE_BLOCK + 35;
        signing_key_sign(w->other, slice_make(w->bytes.data + 4, bytes_get_u32(w->bytes.data)), at);
        assert_int_equal(check(w), CHECK_SIGNATURE);
    }
    /* One signature, twice; then the two in the wrong order. */
    sign(w);
    uint8_t *first = w->bytes.data + w->bytes.size - 2 * SIGNATURE_BLOCK;
    uint8_t kept[SIGNATURE_BLOCK];
    memcpy(kept, first + SIGNATURE_BLOCK, sizeof kept);
    memcpy(first + SIGNATURE_BLOCK, first, sizeof kept);
    assert_int_equal(check(w), CHECK_SIGNATURE);
    memcpy(first, kept, sizeof kept);
    assert_int_equal(check(w), CHECK_SIGNATURE);
    /* Without the second. */
    sign(w);
    w->bytes.size -= SIGNATURE_BLOCK;
    w->bytes.data[w->bytes.size - SIGNATURE_BLOCK - 1] = 1;
    assert_false(rotation_read(buffer_slice(&w->bytes), &rotation, NULL));
    /* Somebody without the old key, who signs with one of his own in its place. */
    w->old = w->other;
    sign(w);
    assert_int_equal(check(w), CHECK_CHAIN);
    w->old = old;
    /* No new key at all, and one that has been in force before. */
    w->next = w->old;
    sign(w);
    assert_int_equal(check(w), CHECK_KEY);
    w->next = w->first;
    sign(w);
    assert_int_equal(check(w), CHECK_KEY);
    w->next = next;
}

static void a_key_that_may_not_be_enrolled_is_refused(void **state) {
    struct world *w = *state;
    size_t at = 4 + STATEMENT_HEAD + 1 + 15 + 96;
    memset(w->bytes.data + at, 0, 32);
    w->bytes.data[at] = 1; /* the neutral element */
    assert_int_equal(check(w), CHECK_KEY);
}

static void what_expires_or_is_no_rotation_is_refused(void **state) {
    struct world *w = *state;
    struct rotation rotation;
    struct fault fault;
    w->bytes.data[4 + 92] ^= 1;
    assert_false(rotation_read(buffer_slice(&w->bytes), &rotation, &fault));
    w->bytes.data[4 + 92] ^= 1;
    w->bytes.data[4 + 83] = 7;
    assert_false(rotation_read(buffer_slice(&w->bytes), &rotation, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void nothing_is_signed_for_a_bad_name(void **state) {
    struct world *w = *state;
    w->place.name = SLICE("Not A Host");
    buffer_clear(&w->bytes);
    assert_false(rotation_sign(&w->place, w->old, w->next, w->nonce, 77, &w->bytes));
    assert_int_equal(w->bytes.size, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_was_signed_is_read_and_follows),
        TEST(its_bytes_are_those_of_the_format),
        TEST(every_bit_matters),
        TEST(every_other_length_is_refused),
        TEST(it_follows_one_place_alone),
        TEST(both_keys_must_sign),
        TEST(a_key_that_may_not_be_enrolled_is_refused),
        TEST(what_expires_or_is_no_rotation_is_refused),
        TEST(nothing_is_signed_for_a_bad_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
