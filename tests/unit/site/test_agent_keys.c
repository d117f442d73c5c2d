/* An agent's keys in files: every state in which a kill can leave a rotation is one that the next start goes on from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_keys.h"
#include "key_file.h"
#include "scratch.h"
#include "site.h"

static const struct membership joined = {
    .host = "h1",
    .count = 1,
    .collectors = {
        {.address = "127.0.0.1:1", .origin = "log.example", .pin = {1}, .log_key = {2}, .heartbeat_s = 60}}};

static const char *path_of(enum site_file file) {
    static char path[FILES_PATH_MOST];
    assert_true(site_path(path, scratch_folder(), file));
    return path;
}

/* A host that has joined; its key. */
static struct verify_key join(struct membership *membership) {
    struct fault fault;
    static const enum site_file files[] = {SITE_AGENT_KEY, SITE_AGENT_NEXT_KEY, SITE_AGENT_COLLECTOR};
    assert_true(files_make_folder(path_of(SITE_AGENT_FOLDER), 0700, &fault));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_true(files_remove(path_of(files[i]), &fault));
    struct signing_key *key = key_file_open(path_of(SITE_AGENT_KEY), true, &fault);
    assert_non_null(key);
    struct verify_key public_key = *signing_key_public(key);
    signing_key_destroy(key);
    *membership = joined;
    membership_set_keys(membership, public_key.bytes);
    assert_true(membership_write(path_of(SITE_AGENT_COLLECTOR), membership, &fault));
    return public_key;
}

static void make_next(bool expected) {
    struct fault fault;
    bool made;
    assert_true(agent_keys_make_next(scratch_folder(), &made, &fault));
    assert_int_equal(made, expected);
}

static void restart(struct agent_keys *keys, struct membership *membership) {
    struct fault fault = {0};
    agent_keys_close(keys);
    if (!membership_read(path_of(SITE_AGENT_COLLECTOR), membership, &fault) ||
        !agent_keys_open(keys, scratch_folder(), membership, &fault))
        fail_msg("%s", fault.text);
}

static void expect_key(const struct signing_key *key, const struct verify_key *public_key) {
    assert_non_null(key);
    assert_memory_equal(signing_key_public(key)->bytes, public_key->bytes, 32);
}

static void a_rotation_puts_the_next_key_in_force(void **state) {
    (void)state;
    struct membership membership;
    struct verify_key first = join(&membership);
    struct agent_keys keys = {0};
    struct fault fault;
    struct stat status;
    restart(&keys, &membership);
    expect_key(keys.key, &first);
    assert_null(keys.next);
    assert_false(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        make_next(true);
        make_next(false); /* one is there: it stays */
        assert_int_equal(stat(path_of(SITE_AGENT_NEXT_KEY), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        assert_true(agent_keys_look(&keys, scratch_folder(), &fault));
        struct verify_key next = *signing_key_public(keys.next);
        assert_true(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
        expect_key(keys.key, &next);
        assert_null(keys.next);
        assert_false(files_exists(path_of(SITE_AGENT_NEXT_KEY)));
        restart(&keys, &membership);
        expect_key(keys.key, &next);
        assert_int_equal(membership.epoch, epoch);
        assert_memory_equal(membership.key, next.bytes, 32);
        assert_memory_equal(membership.first_key, first.bytes, 32);
    }
    agent_keys_close(&keys);
}

static void before_the_membership_names_it_the_old_key_is_in_force(void **state) {
    (void)state;
    struct membership membership;
    struct verify_key first = join(&membership);
    struct agent_keys keys = {0};
    make_next(true);
    restart(&keys, &membership);
    expect_key(keys.key, &first);
    assert_non_null(keys.next);
    assert_int_equal(membership.epoch, 0);
    agent_keys_close(&keys);
}

static void once_the_membership_names_it_the_next_start_takes_its_file(void **state) {
    (void)state;
    struct membership membership;
    struct verify_key first = join(&membership);
    struct agent_keys keys = {0};
    struct fault fault;
    make_next(true);
    restart(&keys, &membership);
    struct verify_key next = *signing_key_public(keys.next);
    memcpy(membership.key, next.bytes, 32);
    membership.epoch = 1;
    assert_true(membership_write(path_of(SITE_AGENT_COLLECTOR), &membership, &fault));
    for (int start = 0; start < 2; start++) {
        restart(&keys, &membership);
        expect_key(keys.key, &next);
        assert_null(keys.next);
        assert_int_equal(membership.epoch, 1);
        assert_memory_equal(membership.first_key, first.bytes, 32);
    }
    agent_keys_close(&keys);
}

static void a_disk_that_refuses_is_tried_again(void **state) {
    (void)state;
    struct membership membership;
    join(&membership);
    struct agent_keys keys = {0};
    struct fault fault;
    make_next(true);
    restart(&keys, &membership);
    struct verify_key next = *signing_key_public(keys.next);
    /* A folder stands where the membership does: nothing has happened. */
    assert_int_equal(unlink(path_of(SITE_AGENT_COLLECTOR)), 0);
    assert_int_equal(mkdir(path_of(SITE_AGENT_COLLECTOR), 0700), 0);
    assert_false(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
    assert_int_equal(membership.epoch, 0);
    assert_int_equal(rmdir(path_of(SITE_AGENT_COLLECTOR)), 0);
    /* One where the key does: the membership is written, once. */
    assert_int_equal(unlink(path_of(SITE_AGENT_KEY)), 0);
    assert_int_equal(mkdir(path_of(SITE_AGENT_KEY), 0700), 0);
    assert_false(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
    assert_false(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
    assert_int_equal(membership.epoch, 1);
    assert_int_equal(rmdir(path_of(SITE_AGENT_KEY)), 0);
    assert_true(agent_keys_advance(&keys, scratch_folder(), &membership, &fault));
    restart(&keys, &membership);
    expect_key(keys.key, &next);
    agent_keys_close(&keys);
}

static void a_key_that_nobody_knows_is_refused(void **state) {
    (void)state;
    struct membership membership;
    join(&membership);
    struct agent_keys keys = {0};
    struct fault fault = {0};
    membership.key[0] ^= 1;
    assert_false(agent_keys_open(&keys, scratch_folder(), &membership, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    make_next(true);
    assert_false(agent_keys_open(&keys, scratch_folder(), &membership, &fault));
    assert_null(keys.key);
}

static void a_next_key_that_cannot_be_read_stops_nothing(void **state) {
    (void)state;
    struct membership membership;
    struct verify_key first = join(&membership);
    struct agent_keys keys = {0};
    struct fault fault = {0};
    assert_true(files_write(path_of(SITE_AGENT_NEXT_KEY), SLICE("no key\n"), 0600, &fault));
    restart(&keys, &membership);
    expect_key(keys.key, &first);
    assert_false(agent_keys_look(&keys, scratch_folder(), &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    agent_keys_close(&keys);
    /* Unless it is the one that is needed: then it is told what is wrong with it. */
    membership.key[0] ^= 1;
    fault = (struct fault){0};
    assert_false(agent_keys_open(&keys, scratch_folder(), &membership, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void a_next_key_that_was_replaced_is_noticed(void **state) {
    (void)state;
    struct membership membership;
    join(&membership);
    struct agent_keys keys = {0};
    struct fault fault = {0};
    make_next(true);
    restart(&keys, &membership);
    struct verify_key before = *signing_key_public(keys.next);
    assert_true(agent_keys_stand(&keys, scratch_folder(), &fault));
    assert_true(files_remove(path_of(SITE_AGENT_NEXT_KEY), &fault));
    assert_false(agent_keys_stand(&keys, scratch_folder(), &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    make_next(true);
    assert_false(agent_keys_stand(&keys, scratch_folder(), &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_true(agent_keys_look(&keys, scratch_folder(), &fault));
    assert_memory_not_equal(signing_key_public(keys.next)->bytes, before.bytes, 32);
    assert_true(agent_keys_stand(&keys, scratch_folder(), &fault));
    assert_true(files_remove(path_of(SITE_AGENT_NEXT_KEY), &fault));
    assert_true(agent_keys_look(&keys, scratch_folder(), &fault));
    assert_null(keys.next);
    agent_keys_close(&keys);
}

static void a_membership_from_before_rotations_gets_its_keys(void **state) {
    (void)state;
    struct membership membership;
    struct verify_key first = join(&membership);
    struct agent_keys keys = {0};
    struct fault fault;
    membership = joined;
    assert_true(membership_write(path_of(SITE_AGENT_COLLECTOR), &membership, &fault));
    restart(&keys, &membership);
    assert_true(membership.has_keys && membership.epoch == 0);
    assert_memory_equal(membership.key, first.bytes, 32);
    assert_memory_equal(membership.first_key, first.bytes, 32);
    agent_keys_close(&keys);
    membership = joined;
    membership.epoch = 1; /* and one that was cut does not */
    assert_false(agent_keys_open(&keys, scratch_folder(), &membership, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void who_has_not_joined_has_nothing_to_rotate(void **state) {
    (void)state;
    struct membership membership;
    struct fault fault;
    bool made;
    join(&membership);
    assert_true(files_remove(path_of(SITE_AGENT_KEY), &fault));
    assert_false(agent_keys_make_next(scratch_folder(), &made, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_false(files_exists(path_of(SITE_AGENT_NEXT_KEY)));
}

static int drop_folder(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_puts_the_next_key_in_force),
        cmocka_unit_test(before_the_membership_names_it_the_old_key_is_in_force),
        cmocka_unit_test(once_the_membership_names_it_the_next_start_takes_its_file),
        cmocka_unit_test(a_disk_that_refuses_is_tried_again),
        cmocka_unit_test(a_key_that_nobody_knows_is_refused),
        cmocka_unit_test(a_next_key_that_cannot_be_read_stops_nothing),
        cmocka_unit_test(a_next_key_that_was_replaced_is_noticed),
        cmocka_unit_test(a_membership_from_before_rotations_gets_its_keys),
        cmocka_unit_test(who_has_not_joined_has_nothing_to_rotate),
    };
    return cmocka_run_group_tests(tests, NULL, drop_folder);
}
