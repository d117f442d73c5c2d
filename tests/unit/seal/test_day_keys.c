/* Keys of sealed segments: made once, kept, destroyed for good. */
#include "store_fixture.h"

#include <stdlib.h>

#include "day_keys.h"
#include "files.h"

static struct day_keys *open_keys(void **state, bool make) {
    struct fault fault = {0};
    struct day_keys *keys = day_keys_open(*state, make, &fault);
    if (!keys && make)
        fail_msg("%s: %s", fault.place, fault.text);
    return keys;
}

static void a_key_is_made_once_and_found_again(void **state) {
    uint8_t first[DAY_KEY_SIZE], again[DAY_KEY_SIZE], other[DAY_KEY_SIZE];
    struct hash id, id_again;
    struct fault fault = {0};
    assert_null(open_keys(state, false));
    struct day_keys *keys = open_keys(state, true);
    assert_false(day_keys_get(keys, 3, 7, first, &id, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_true(day_keys_need(keys, 3, 7, first, &id, &fault));
    assert_true(day_keys_need(keys, 3, 6, other, NULL, &fault));
    assert_true(day_keys_need(keys, 1, 9, other, NULL, &fault));
    assert_memory_not_equal(first, other, sizeof first);
    assert_true(day_keys_need(keys, 3, 7, again, &id_again, &fault));
    assert_memory_equal(first, again, sizeof first);
    day_keys_close(keys);
    keys = open_keys(state, false);
    assert_true(day_keys_get(keys, 3, 7, again, &id_again, &fault));
    assert_memory_equal(first, again, sizeof first);
    assert_true(hash_equal(&id, &id_again));
    day_keys_close(keys);
}

static bool count_keys(void *context, uint8_t class, uint64_t day, const struct hash *id) {
    unsigned *count = context;
    (void)class;
    (void)day;
    (void)id;
    ++*count;
    return true;
}

static bool folder_holds(void **state, const uint8_t *bytes, size_t size) {
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    struct fault fault = {0};
    return files_read(fixture_path(state, "day.keys"), &file, &fault) &&
           slice_find(buffer_slice(&file), slice_make(bytes, size)) != SIZE_MAX;
}

static void a_destroyed_key_is_gone_from_the_file(void **state) {
    uint8_t key[DAY_KEY_SIZE];
    struct hash id;
    struct fault fault = {0};
    unsigned count = 0;
    struct day_keys *keys = open_keys(state, true);
    for (uint64_t day = 0; day < 5; day++)
        assert_true(day_keys_need(keys, 4, day, key, &id, &fault));
    assert_true(folder_holds(state, id.bytes, sizeof id.bytes));
    assert_false(folder_holds(state, key, sizeof key)); /* never in clear */
    assert_true(day_keys_destroy(keys, 4, 4, &fault));
    assert_true(day_keys_destroy(keys, 4, 4, &fault));
    assert_false(folder_holds(state, id.bytes, sizeof id.bytes));
    assert_false(day_keys_get(keys, 4, 4, key, NULL, &fault));
    day_keys_close(keys);
    keys = open_keys(state, false);
    assert_false(day_keys_get(keys, 4, 4, key, NULL, &fault));
    day_keys_each(keys, count_keys, &count);
    assert_int_equal(count, 4);
    day_keys_close(keys);
}

static void a_mirror_has_it_before_it_is_used_and_loses_it_too(void **state) {
    uint8_t key[DAY_KEY_SIZE];
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer own = BUFFER(1 << 20), copy = BUFFER(1 << 20);
    struct day_keys *keys = open_keys(state, true);
    const char *folder = fixture_path(state, "mirror");
    assert_true(files_make_folder(folder, 0700, &fault));
    assert_true(day_keys_mirror(keys, folder, &fault));
    assert_true(day_keys_need(keys, 2, 1, key, NULL, &fault));
    assert_true(files_read(fixture_path(state, "day.keys"), &own, &fault));
    assert_true(files_read(fixture_path(state, "mirror/day.keys"), &copy, &fault));
    assert_true(slice_equal(buffer_slice(&own), buffer_slice(&copy)));
    assert_true(day_keys_mirror(keys, NULL, &fault));
    assert_false(day_keys_mirror(keys, fixture_path(state, "nowhere"), &fault));
    assert_false(day_keys_need(keys, 2, 2, key, NULL, &fault)); /* its backup cannot be written */
    assert_false(day_keys_get(keys, 2, 2, key, NULL, &fault));
    day_keys_close(keys);
}

static void an_altered_file_is_refused_wherever_it_was_altered(void **state) {
    uint8_t key[DAY_KEY_SIZE];
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    struct day_keys *keys = open_keys(state, true);
    assert_true(day_keys_need(keys, 2, 1, key, NULL, &fault));
    assert_true(day_keys_need(keys, 5, 1, key, NULL, &fault));
    day_keys_close(keys);
    const char *path = fixture_path(state, "day.keys");
    assert_true(files_read(path, &file, &fault));
    for (size_t at = 0; at < file.size; at += 3) {
        file.data[at] ^= 1;
        assert_true(files_write(path, buffer_slice(&file), 0600, &fault));
        fault = (struct fault){0};
        assert_null(day_keys_open(*state, true, &fault));
        assert_string_not_equal(fault.text, "");
        file.data[at] ^= 1;
    }
    for (size_t size = 0; size < file.size; size += 7) {
        assert_true(files_write(path, slice_make(file.data, size), 0600, &fault));
        assert_null(day_keys_open(*state, true, &fault));
    }
    assert_true(files_write(path, buffer_slice(&file), 0600, &fault));
    /* Without its site key, or under another one, nothing opens, and no other one is made. */
    const char *site = fixture_path(state, "site.key");
    assert_true(files_remove(site, &fault));
    assert_null(day_keys_open(*state, true, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_true(files_write(site, SLICE("0000000000000000000000000000000000000000000000000000000000000000\n"),
                            0600, &fault));
    assert_null(day_keys_open(*state, true, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_made_once_and_found_again, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(a_destroyed_key_is_gone_from_the_file, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(a_mirror_has_it_before_it_is_used_and_loses_it_too,
                                        fixture_folder_make, fixture_folder_remove),
        cmocka_unit_test_setup_teardown(an_altered_file_is_refused_wherever_it_was_altered,
                                        fixture_folder_make, fixture_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
