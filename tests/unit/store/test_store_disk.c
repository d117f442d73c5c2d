#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024ull * 1024)
#define DISK "size=96m,nr_inodes=2000"
#define DISK_FLOOR STORE_FLOOR_LEAST

static bool may_mount;

/* A file system of its own over the test's folder. */
static int disk_make(void **state) {
    if (fixture_folder_make(state))
        return -1;
    return may_mount && mount("store-test", *state, "tmpfs", 0, DISK) ? -1 : 0;
}

static int disk_remove(void **state) {
    if (may_mount)
        umount2(*state, MNT_DETACH);
    return fixture_folder_remove(state);
}

static void need_disk(void) {
    if (!may_mount)
        skip(); /* mounting takes root */
}

static uint64_t free_bytes(void **state) {
    struct statvfs status;
    assert_int_equal(statvfs(*state, &status), 0);
    return (uint64_t)status.f_bavail * status.f_frsize;
}

/* Somebody else's file takes all but `leave` bytes. */
static void fill_disk(void **state, uint64_t leave) {
    int file = open(fixture_path(state, "filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    uint64_t now = free_bytes(state);
    if (now > leave)
        assert_int_equal(posix_fallocate(file, 0, (off_t)(now - leave)), 0);
    close(file);
}

static void empty_disk(void **state) {
    unlink(fixture_path(state, "filler"));
}

static struct store *open_here(void **state) {
    return fixture_open(fixture_path(state, "s"), NULL);
}

static void assert_all(const struct store *store, uint64_t first, uint64_t last, size_t size) {
    for (uint64_t i = first; i <= last; i++)
        assert_true(fixture_has(store, i, size));
}

/* Commits from `first` on until one is refused for want of room; returns the last that was taken. */
static uint64_t commit_until_full(struct store *store, uint64_t first, size_t size) {
    struct fault fault = {0};
    uint64_t number = first;
    while (fixture_commit(store, number, size, true, &fault)) {
        number++;
        assert_true(number < first + 100000);
    }
    assert_int_equal(fault.code, FAULT_SPACE);
    assert_non_null(strstr(fault.text, "nothing is taken until there are"));
    return number - 1;
}

static void a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room(void **state) {
    need_disk();
    struct store *store = open_here(state);
    struct store_room room;
    assert_true(store_room(store, &room, NULL));
    assert_int_equal(room.floor_bytes, DISK_FLOOR);
    assert_true(room.enough);
    assert_true(fixture_commit(store, 1, 50000, true, NULL));
    fill_disk(state, DISK_FLOOR + 3 * MIB);
    uint64_t last = commit_until_full(store, 2, 50000);
    assert_true(last > 10);
    assert_true(free_bytes(state) > DISK_FLOOR / 4); /* what waited in memory went to files since */
    assert_false(fixture_has(store, last + 1, 50000));
    struct store_statistics s;
    store_statistics(store, &s);
    assert_int_equal(s.refusals, 1);
    assert_true(store_error(store, NULL)); /* refused, not broken */
    empty_disk(state);
    assert_true(fixture_commit(store, last + 1, 50000, true, NULL));
    assert_all(store, 1, last + 1, 50000);
    store_close(store);
    store = open_here(state);
    assert_all(store, 1, last + 1, 50000);
    store_close(store);
}

static void it_fills_a_whole_disk_without_dying(void **state) {
    need_disk();
    struct store *store = open_here(state);
    uint64_t last = commit_until_full(store, 1, 60000); /* flushes and compactions take part */
    assert_true(last * 60000 > 40 * MIB);
    assert_all(store, 1, last, 60000);
    store_close(store);
    store = open_here(state);
    assert_all(store, 1, last, 60000);
    last = commit_until_full(store, last + 1,
                             60000); /* the ballast was given up, so there may be a bit of room */
    assert_all(store, 1, last, 60000);
    store_close(store);
}

/* A flush that is under way still holds the files that were dropped: they go when it has ended. */
static bool commit_within(struct store *store, uint64_t number, size_t size) {
    for (unsigned tries = 0; tries < 300; tries++) {
        if (fixture_commit(store, number, size, true, NULL))
            return true;
        usleep(100000);
    }
    return false;
}

static void deletions_make_room_on_a_full_disk(void **state) {
    need_disk();
    struct store *store = open_here(state);
    uint8_t from[8], to[8];
    uint64_t last = commit_until_full(store, 1, 60000);
    assert_true(
        store_drop_range(store, STORE_HOT, fixture_key(0, from), fixture_key(last - 10, to), false, NULL));
    assert_true(commit_within(store, last + 1, 60000));
    assert_all(store, last - 10, last + 1, 60000);
    assert_false(fixture_has(store, last - 11, 60000));
    store_close(store);
}

static void opens_with_so_little_left(void **state, uint64_t leave) {
    need_disk();
    struct store *store = open_here(state);
    for (uint64_t i = 1; i <= 40; i++)
        assert_true(fixture_commit(store, i, 50000, true, NULL));
    struct store_statistics s;
    store_statistics(store, &s);
    assert_true(s.ballast_bytes > 0);
    store_close(store);
    fill_disk(state, leave);
    assert_in_range(free_bytes(state), 0, leave);

    store = open_here(state);
    assert_int_not_equal(access(fixture_path(state, "s/ballast"), F_OK), 0);
    assert_all(store, 1, 40, 50000);
    struct fault fault = {0};
    assert_false(fixture_commit(store, 41, 50000, true, &fault));
    assert_int_equal(fault.code, FAULT_SPACE);
    store_close(store);
    store = open_here(state); /* and again, without any ballast */
    assert_all(store, 1, 40, 50000);
    empty_disk(state);
    assert_true(fixture_commit(store, 41, 50000, true, NULL));
    assert_int_equal(access(fixture_path(state, "s/ballast"), F_OK), 0); /* made again */
    store_close(store);
    store = open_here(state);
    assert_all(store, 1, 41, 50000);
    store_close(store);
}

static void a_disk_filled_to_the_last_byte_while_it_was_closed_still_opens(void **state) {
    opens_with_so_little_left(state, 0); /* not even room for the lock's content */
}

static void a_disk_with_less_than_a_start_needs_still_opens(void **state) {
    opens_with_so_little_left(state, 128 << 10);
}

/* Without a floor RocksDB meets the end of the disk in the middle of its log. However the process ends, what it had said
 * is there at the next start. */
static void even_a_process_that_ran_into_the_end_of_the_disk_lost_nothing(void **state) {
    need_disk();
    const char *path = fixture_path(state, "s");
    store_close(open_here(state));
    fill_disk(state, 20 * MIB);
    struct fixture_child child = fixture_child_start(path, 1, 60000, 1);
    uint64_t last;
    int status = fixture_child_wait(&child, 1, &last);
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    assert_true(aborted || refused);
    assert_true(last > 20);
    struct store *store = open_here(state);
    for (uint64_t i = 1; i <= last; i++)
        assert_true(fixture_has(store, i, fixture_child_size(i, 60000)));
    store_close(store);
    empty_disk(state);
    store = open_here(state);
    assert_true(fixture_commit(store, last + 2, 100, true, NULL));
    for (uint64_t i = 1; i <= last; i++)
        assert_true(fixture_has(store, i, fixture_child_size(i, 60000)));
    store_close(store);
}

static void without_inodes_nothing_is_taken_until_there_are_some(void **state) {
    need_disk();
    struct store *store = open_here(state);
    assert_true(fixture_commit(store, 1, 1000, true, NULL));
    unsigned files = 0;
    char name[32];
    for (;; files++) {
        snprintf(name, sizeof name, "file%u", files);
        int file = open(fixture_path(state, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0)
            break;
        close(file);
    }
    assert_int_equal(errno, ENOSPC);
    struct fault fault = {0};
    assert_false(fixture_commit(store, 2, 1000, true, &fault));
    assert_int_equal(fault.code, FAULT_SPACE);
    assert_non_null(strstr(fault.text, "inodes"));
    assert_true(fixture_has(store, 1, 1000));
    while (files--) {
        snprintf(name, sizeof name, "file%u", files);
        unlink(fixture_path(state, name));
    }
    assert_true(fixture_commit(store, 2, 1000, true, NULL));
    store_close(store);
    store = open_here(state);
    assert_all(store, 1, 2, 1000);
    store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_make, disk_remove)

int main(int argc, char **argv) {
    fixture_child_run(argc, argv);
    /* Mounts of this process alone, gone when it is. */
    may_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room),
        TEST(it_fills_a_whole_disk_without_dying),
        TEST(deletions_make_room_on_a_full_disk),
        TEST(a_disk_filled_to_the_last_byte_while_it_was_closed_still_opens),
        TEST(a_disk_with_less_than_a_start_needs_still_opens),
        TEST(even_a_process_that_ran_into_the_end_of_the_disk_lost_nothing),
        TEST(without_inodes_nothing_is_taken_until_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
