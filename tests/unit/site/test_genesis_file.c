/* The genesis that a new site is made with. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>

#include "control_chain.h"
#include "files.h"
#include "genesis_file.h"
#include "merkle.h"
#include "scratch.h"
#include "site.h"

#define NOW_US 1770000000000000u

static struct signing_key *key_of(uint8_t number) {
    uint8_t seed[ED25519_SEED_SIZE] = {number};
    return signing_key_create(seed);
}

static const char *make(struct hash *ret_leaf) {
    static char path[FILES_PATH_MOST];
    struct fault fault = {0};
    struct retention_policy retention = {.veto_days = 7};
    struct signing_key *log_key = key_of(1), *registrar = key_of(2), *person = key_of(3);
    struct genesis_plan plan = {.origin = SLICE("ca.example/tocsin"),
                                .log_key = log_key,
                                .person_key = person,
                                .registrar = signing_key_public(registrar),
                                .person = SLICE("alice"),
                                .retention = &retention,
                                .now_us = NOW_US};
    snprintf(path, sizeof path, "%s/genesis", scratch_folder());
    if (!genesis_file_make(path, &plan, ret_leaf, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    signing_key_destroy(log_key);
    signing_key_destroy(registrar);
    signing_key_destroy(person);
    return path;
}

static void it_is_what_a_control_chain_begins_with_and_its_leaf_is_known_beforehand(void **state) {
    (void)state;
    struct hash leaf;
    struct fault fault = {0};
    struct genesis_file file;
    struct signed_statement statement;
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    const char *path = make(&leaf);
    assert_true(genesis_file_read(path, &file, &fault));
    assert_true(signed_statement_read(file.statement, &statement, &fault));
    struct control_chain *chain = control_chain_create(NULL);
    assert_true(control_chain_write_next(chain, &statement, statement.statement.made_us, &entry));
    if (!control_chain_add(chain, buffer_slice(&entry), NULL, NULL, &fault))
        fail_msg("%s", fault.text);
    struct hash found = merkle_leaf(buffer_slice(&entry));
    assert_true(hash_equal(&found, &leaf));
    /* The person stands as a salted hash; salt and name are beside it. */
    const struct genesis *genesis = control_chain_genesis(chain);
    assert_int_equal(genesis->person_count, 1);
    assert_int_equal(file.text_count, 1);
    assert_true(slice_equal(slice_from(file.texts[0], 32), SLICE("alice")));
    struct hash id = person_id(file.texts[0].data, SLICE("alice"));
    assert_true(hash_equal(&id, &genesis->people[0].id));
    assert_int_equal(slice_find(file.statement, SLICE("alice")), SIZE_MAX);
    assert_int_equal(genesis->witnesses.needed, 0);
    control_chain_destroy(chain);
    genesis_file_release(&file);
}

static void one_that_is_there_is_never_replaced(void **state) {
    (void)state;
    struct hash leaf;
    struct fault fault = {0};
    struct retention_policy retention = {.veto_days = 7};
    const char *path = make(&leaf);
    struct signing_key *key = key_of(1), *other = key_of(2);
    struct genesis_plan plan = {.origin = SLICE("x"),
                                .log_key = key,
                                .person_key = other,
                                .registrar = signing_key_public(key),
                                .person = SLICE("bob"),
                                .retention = &retention};
    assert_false(genesis_file_make(path, &plan, &leaf, &fault));
    signing_key_destroy(key);
    signing_key_destroy(other);
}

static void a_file_that_is_cut_or_none_is_refused_with_its_place(void **state) {
    (void)state;
    struct hash leaf;
    struct genesis_file file;
    CLEANUP_BUFFER struct buffer content = BUFFER(GENESIS_FILE_MOST);
    struct fault fault = {0};
    const char *path = make(&leaf);
    assert_true(files_read(path, &content, &fault));
    for (size_t size = 0; size < content.size; size++) {
        fault = (struct fault){0};
        assert_true(files_write(path, slice_head(buffer_slice(&content), size), 0600, &fault));
        bool read = genesis_file_read(path, &file, &fault);
        /* Without its texts it is still one. */
        assert_true(!read || file.text_count == 0);
        assert_true(read || fault.code == FAULT_FORMAT);
        genesis_file_release(&file);
    }
    assert_true(files_remove(path, &fault));
    assert_false(genesis_file_read(path, &file, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    genesis_file_release(&file);
}

static void a_persons_key_has_its_place_and_no_name_leads_elsewhere(void **state) {
    (void)state;
    char path[FILES_PATH_MOST];
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "a/b",
                                      "../x",
                                      ".hidden",
                                      "a b",
                                      "a\nb",
                                      "\xc3",
                                      "name\"",
                                      "0123456789012345678901234567890123456789012345678901234567890123x"};
    assert_true(site_person_key(path, "/data", "alice.b-2_x"));
    assert_string_equal(path, "/data/people/alice.b-2_x.key");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(site_person_key(path, "/data", bad[i]));
}

static int remove_scratch(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(it_is_what_a_control_chain_begins_with_and_its_leaf_is_known_beforehand,
                                  remove_scratch),
        cmocka_unit_test_teardown(one_that_is_there_is_never_replaced, remove_scratch),
        cmocka_unit_test_teardown(a_file_that_is_cut_or_none_is_refused_with_its_place, remove_scratch),
        cmocka_unit_test(a_persons_key_has_its_place_and_no_name_leads_elsewhere),
    };
    return cmocka_run_group_tests_name("genesis_file", tests, NULL, NULL);
}
