/* Files of a backup as bytes: what was put in comes out, and every kind of damage is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backup_crypt.h"
#include "backup_record.h"
#include "bytes.h"

static const uint8_t the_key[BACKUP_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[BACKUP_KEY_SIZE] = {3, 2, 1};

static struct backup_header header_of(uint8_t salt) {
    struct backup_header header = {.kind = BACKUP_FOLLOW, .made_us = 1700000000000000, .set = 5, .number = 2};
    memset(header.salt, salt, sizeof header.salt);
    memset(header.log.bytes, 7, HASH_SIZE);
    return header;
}

/* A file of three chunks: "one", 100,000 times "two", nothing. */
static void make_file(struct buffer *file, uint8_t salt, size_t ret_starts[4]) {
    struct backup_header header = header_of(salt);
    struct backup_sealer *sealer = backup_sealer_create(the_key, &header);
    struct buffer text = BUFFER(1 << 20);
    for (int i = 0; i < 100000; i++)
        buffer_append_string(&text, "two");
    buffer_append_slice(file, backup_sealer_header(sealer));
    ret_starts[0] = file->size;
    assert_true(backup_sealer_chunk(sealer, SLICE("one"), false, file, NULL));
    ret_starts[1] = file->size;
    assert_true(backup_sealer_chunk(sealer, buffer_slice(&text), false, file, NULL));
    ret_starts[2] = file->size;
    assert_true(backup_sealer_chunk(sealer, SLICE(""), true, file, NULL));
    ret_starts[3] = file->size;
    struct fault fault = {0};
    assert_false(backup_sealer_chunk(sealer, SLICE("more"), false, file, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    backup_sealer_destroy(sealer);
    buffer_free(&text);
}

/* Reads a whole file; the chunks that opened are counted, ret_ended says whether the end was among them. */
static size_t read_file(struct slice file, const uint8_t key[BACKUP_KEY_SIZE], bool *ret_ended,
                        struct fault *fault) {
    struct backup_header header;
    struct buffer raw = BUFFER(BACKUP_RAW_MOST + 1);
    size_t chunks = 0;
    *ret_ended = false;
    struct backup_opener *opener = backup_opener_create(key, file, &header, fault);
    if (!opener)
        return 0;
    struct slice rest = slice_from(file, BACKUP_HEADER_SIZE);
    while (rest.size >= BACKUP_CHUNK_HEAD) {
        size_t size;
        if (!backup_opener_size(opener, rest.data, &size, fault))
            break;
        struct slice body = slice_head(slice_from(rest, BACKUP_CHUNK_HEAD), size);
        if (!backup_opener_chunk(opener, rest.data, body, &raw, fault))
            break;
        rest = slice_from(rest, BACKUP_CHUNK_HEAD + size);
        chunks++;
    }
    *ret_ended = backup_opener_ended(opener);
    backup_opener_destroy(opener);
    buffer_free(&raw);
    return chunks;
}

static void what_was_put_in_comes_out(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    CLEANUP_BUFFER struct buffer raw = BUFFER(1 << 20);
    size_t starts[4];
    make_file(&file, 1, starts);
    struct backup_header header;
    struct backup_opener *opener = backup_opener_create(the_key, buffer_slice(&file), &header, NULL);
    assert_non_null(opener);
    assert_int_equal(header.kind, BACKUP_FOLLOW);
    assert_int_equal(header.set, 5);
    assert_int_equal(header.number, 2);
    assert_int_equal(header.made_us, 1700000000000000);
    assert_int_equal(header.log.bytes[31], 7);
    static const size_t sizes[] = {3, 300000, 0};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *at = file.data + starts[i];
        struct slice body = slice_make(at + BACKUP_CHUNK_HEAD, starts[i + 1] - starts[i] - BACKUP_CHUNK_HEAD);
        assert_false(backup_opener_ended(opener));
        assert_true(backup_opener_chunk(opener, at, body, &raw, NULL));
        assert_int_equal(raw.size, sizes[i]);
    }
    assert_true(backup_opener_ended(opener));
    backup_opener_destroy(opener);
    assert_true(file.size < 2000); /* it is compressed */
    assert_true(slice_find(buffer_slice(&file), SLICE("one")) == SIZE_MAX);
    assert_true(slice_find(buffer_slice(&file), SLICE("twotwo")) == SIZE_MAX);
}

static void another_key_is_named_as_such(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    size_t starts[4];
    bool ended;
    struct fault fault = {0};
    make_file(&file, 1, starts);
    assert_int_equal(read_file(buffer_slice(&file), other_key, &ended, &fault), 0);
    assert_int_equal(fault.code, FAULT_AUTH);
    /* Nor does it open when the file says that it is under that key. */
    struct hash id = backup_key_id(other_key);
    memcpy(file.data + 64, id.bytes, HASH_SIZE);
    fault = (struct fault){0};
    assert_int_equal(read_file(buffer_slice(&file), other_key, &ended, &fault), 0);
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void no_byte_can_be_altered(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    size_t starts[4];
    bool ended;
    make_file(&file, 1, starts);
    for (size_t at = 0; at < file.size; at++) {
        struct fault fault = {0};
        file.data[at] ^= 0x40;
        size_t chunks = read_file(buffer_slice(&file), the_key, &ended, &fault);
        file.data[at] ^= 0x40;
        size_t damaged = at < starts[1] ? 0 : at < starts[2] ? 1 : 2;
        assert_true(chunks <= damaged);
        assert_false(ended);
        /* A length that is too large looks like an end that is missing, and the end is missing. */
        assert_true(fault.code == FAULT_FORMAT || fault.code == FAULT_AUTH || !ended);
        if (at >= starts[0] && fault.code) {
            char number[32];
            snprintf(number, sizeof number, "chunk %zu", damaged);
            assert_non_null(strstr(fault.text, number));
        }
    }
}

static void a_file_that_was_cut_off_has_no_end(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    size_t starts[4];
    bool ended;
    make_file(&file, 1, starts);
    for (size_t size = 0; size < file.size; size++) {
        struct fault fault = {0};
        size_t chunks = read_file(slice_make(file.data, size), the_key, &ended, &fault);
        assert_false(ended);
        assert_int_equal(chunks, size < starts[1] ? 0 : size < starts[2] ? 1 : 2);
        assert_int_equal(fault.code, size < BACKUP_HEADER_SIZE ? FAULT_FORMAT
                                     : size == starts[0] || size == starts[1] || size == starts[2] ||
                                             size < starts[0] + BACKUP_CHUNK_HEAD ||
                                             (size > starts[1] && size < starts[1] + BACKUP_CHUNK_HEAD) ||
                                             (size > starts[2] && size < starts[2] + BACKUP_CHUNK_HEAD)
                                         ? FAULT_NONE
                                         : FAULT_FORMAT);
    }
}

static void chunks_cannot_change_places_or_files(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20), other = BUFFER(1 << 20), mixed = BUFFER(1 << 20);
    size_t a[4], b[4];
    bool ended;
    make_file(&file, 1, a);
    make_file(&other, 2, b);
    struct fault fault = {0};
    /* the second chunk first */
    buffer_append(&mixed, file.data, a[0]);
    buffer_append(&mixed, file.data + a[1], a[3] - a[1]);
    assert_int_equal(read_file(buffer_slice(&mixed), the_key, &ended, &fault), 0);
    assert_int_equal(fault.code, FAULT_FORMAT);
    /* the first one twice */
    fault = (struct fault){0};
    buffer_clear(&mixed);
    buffer_append(&mixed, file.data, a[1]);
    buffer_append(&mixed, file.data + a[0], a[1] - a[0]);
    assert_int_equal(read_file(buffer_slice(&mixed), the_key, &ended, &fault), 1);
    assert_int_equal(fault.code, FAULT_FORMAT);
    /* one of another file */
    fault = (struct fault){0};
    buffer_clear(&mixed);
    buffer_append(&mixed, file.data, a[1]);
    buffer_append(&mixed, other.data + b[1], b[3] - b[1]);
    assert_int_equal(read_file(buffer_slice(&mixed), the_key, &ended, &fault), 1);
    assert_int_equal(fault.code, FAULT_FORMAT);
    /* more behind the end */
    fault = (struct fault){0};
    buffer_clear(&mixed);
    buffer_append_slice(&mixed, buffer_slice(&file));
    buffer_append(&mixed, file.data + a[0], a[1] - a[0]);
    assert_int_equal(read_file(buffer_slice(&mixed), the_key, &ended, &fault), 3);
    assert_int_equal(fault.code, FAULT_FORMAT);
    buffer_free(&other);
    buffer_free(&mixed);
}

static void two_files_of_the_same_share_no_bytes(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20), other = BUFFER(1 << 20);
    size_t a[4], b[4];
    make_file(&file, 1, a);
    make_file(&other, 2, b);
    assert_int_equal(a[1], b[1]);
    assert_memory_not_equal(file.data + a[0] + BACKUP_CHUNK_HEAD, other.data + b[0] + BACKUP_CHUNK_HEAD, 16);
    buffer_free(&other);
}

static void records_are_read_as_they_were_written(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer raw = BUFFER(1 << 16);
    const struct slice parts[] = {SLICE("ab"), SLICE(""), SLICE("c")};
    struct backup_record put = {.kind = BACKUP_PUT, .family = 3, .key = SLICE("k")}, record;
    assert_true(backup_record_write_parts(&raw, &put, parts, 3));
    assert_true(backup_commit_write(&raw, &(struct backup_commit){66, 77, 88}));
    assert_true(backup_about_write(&raw, SLICE("ca.example/tocsin"), &(struct backup_about){9, 10, 11}));
    struct slice rest = buffer_slice(&raw);
    struct fault fault = {0};
    struct backup_commit commit;
    struct backup_about about;
    assert_true(backup_record_next(&rest, &record, &fault));
    assert_true(slice_equal(record.value, SLICE("abc")) && slice_equal(record.key, SLICE("k")));
    assert_int_equal(record.family, 3);
    assert_true(backup_record_next(&rest, &record, &fault));
    assert_true(backup_commit_read(&record, &commit, &fault));
    assert_true(commit.before == 66 && commit.after == 77 && commit.time_us == 88);
    assert_false(backup_about_read(&record, &about, &fault));
    assert_true(backup_record_next(&rest, &record, &fault));
    assert_true(backup_about_read(&record, &about, &fault));
    assert_true(about.log_size == 9 && about.bodies_from == 10 && about.sequence == 11);
    fault = (struct fault){0};
    assert_false(backup_record_next(&rest, &record, &fault));
    assert_int_equal(fault.code, FAULT_NONE);
}

static void records_that_are_none_are_refused(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer raw = BUFFER(1 << 16);
    struct backup_record put = {.kind = BACKUP_PUT,
                                .family = 3,
                                .key = SLICE("key"),
                                .value = SLICE("value")},
                         record;
    backup_record_write(&raw, &put);
    for (size_t size = 1; size < raw.size; size++) {
        struct slice rest = slice_make(raw.data, size);
        struct fault fault = {0};
        assert_false(backup_record_next(&rest, &record, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    static const uint8_t kinds[] = {0, 7, 255};
    for (size_t i = 0; i < sizeof kinds; i++) {
        struct slice rest = buffer_slice(&raw);
        struct fault fault = {0};
        raw.data[0] = kinds[i];
        assert_false(backup_record_next(&rest, &record, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
}

static bool takes_name(const char *text, uint32_t mode) {
    CLEANUP_BUFFER struct buffer value = BUFFER(64);
    char name[BACKUP_NAME_MOST];
    uint32_t got;
    struct slice content;
    bytes_write_u32(&value, mode);
    struct backup_record file = {
        .kind = BACKUP_FILE, .family = BACKUP_DATA, .key = slice_string(text), .value = buffer_slice(&value)};
    return backup_file_read(&file, name, &got, &content, NULL);
}

static void a_file_cannot_leave_its_folder(void **state) {
    (void)state;
    assert_true(takes_name("collector/log.key", 0600));
    assert_true(takes_name("collector.d/10-mail.yaml", 0640));
    assert_true(takes_name("..a/b..", 0600));
    static const char *const bad[] = {"",    "/etc/passwd", "../x", "a/../../x", "a/..", ".",
                                      "./a", "a//b",        "a/",   "a b",       "a\nb", "a\\b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(takes_name(bad[i], 0600));
    assert_false(takes_name("a", 04755));
    char longest[BACKUP_NAME_MOST + 1];
    memset(longest, 'a', sizeof longest);
    longest[BACKUP_NAME_MOST] = '\0';
    assert_false(takes_name(longest, 0600));
    longest[BACKUP_NAME_MOST - 1] = '\0';
    assert_true(takes_name(longest, 0600));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out),
        cmocka_unit_test(another_key_is_named_as_such),
        cmocka_unit_test(no_byte_can_be_altered),
        cmocka_unit_test(a_file_that_was_cut_off_has_no_end),
        cmocka_unit_test(chunks_cannot_change_places_or_files),
        cmocka_unit_test(two_files_of_the_same_share_no_bytes),
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(records_that_are_none_are_refused),
        cmocka_unit_test(a_file_cannot_leave_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
