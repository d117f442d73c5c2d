#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "files.h"
#include "process.h"
#include "scratch.h"

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void what_is_written_is_read_and_has_the_mode_asked_for(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer content = BUFFER(100);
    umask(077);
    assert_true(files_write(scratch_path("a"), SLICE("one"), 0644, &fault));
    assert_true(files_write(scratch_path("a"), SLICE("two\n"), 0640, &fault));
    assert_int_equal(mode_of(scratch_path("a")), 0640);
    assert_true(files_read(scratch_path("a"), &content, &fault));
    assert_true(slice_equal(buffer_slice(&content), SLICE("two\n")));
    umask(022);
}

static int count_names(const char *folder) {
    char command[256];
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    int count = -1;
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static void a_write_that_fails_leaves_the_old_file_and_no_other(void **state) {
    (void)state;
    struct fault fault;
    assert_true(files_make_folder(scratch_path("folder/target"), 0700, &fault));
    assert_true(files_write(scratch_path("folder/target/x"), SLICE("old"), 0600, &fault));
    assert_false(
        files_write(scratch_path("folder/target"), SLICE("new"), 0600, &fault)); /* a folder is in the way */
    assert_int_equal(count_names(scratch_path("folder")), 1);
    assert_false(files_write(scratch_path("nowhere/x"), SLICE("new"), 0600, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_non_null(strstr(fault.place, "nowhere/x"));
}

/* RLIMIT_FSIZE makes a write stop in the middle, as a full disk does. */
static void a_write_that_stops_in_the_middle_leaves_the_old_file(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer content = BUFFER(100);
    assert_true(files_write(scratch_path("kept"), SLICE("old"), 0600, &fault));
    pid_t child = fork();
    if (child == 0) {
        static uint8_t large[100000];
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){50000, 50000});
        bool refused = !files_write(scratch_path("kept"), slice_make(large, sizeof large), 0600, &fault);
        _exit(refused && fault.code == FAULT_IO && fault.system == EFBIG ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(files_read(scratch_path("kept"), &content, &fault));
    assert_true(slice_equal(buffer_slice(&content), SLICE("old")));
}

static void a_new_file_never_replaces_another(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer content = BUFFER(100);
    assert_true(files_write_new(scratch_path("new"), SLICE("first"), 0600, &fault));
    assert_false(files_write_new(scratch_path("new"), SLICE("second"), 0600, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_true(files_read(scratch_path("new"), &content, &fault));
    assert_true(slice_equal(buffer_slice(&content), SLICE("first")));
}

static void a_file_over_the_limit_or_of_another_kind_is_refused(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer content = BUFFER(4);
    assert_true(files_write(scratch_path("five"), SLICE("12345"), 0600, &fault));
    assert_false(files_read(scratch_path("five"), &content, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_int_equal(content.size, 0);
    assert_false(files_read("/dev/zero", &content, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_false(files_read(scratch_path("missing"), &content, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_false(files_read(scratch_path("fifo"), &content, &fault)); /* and does not hang */
}

static void a_secret_is_its_first_line(void **state) {
    (void)state;
    struct fault fault;
    CLEANUP_BUFFER struct buffer secret = BUFFER(100);
    assert_true(files_write(scratch_path("secret"), SLICE("hush\r\nmore"), 0600, &fault));
    assert_true(files_read_secret(scratch_path("secret"), &secret, &fault));
    assert_string_equal(buffer_string(&secret), "hush");
    assert_true(files_write(scratch_path("secret"), SLICE("\nhush"), 0600, &fault));
    assert_false(files_read_secret(scratch_path("secret"), &secret, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
}

static void folders_are_made_with_those_above_them(void **state) {
    (void)state;
    struct fault fault;
    assert_true(files_make_folder(scratch_path("x/y//z/"), 0750, &fault));
    assert_true(files_make_folder(scratch_path("x/y/z"), 0700, &fault));
    assert_int_equal(mode_of(scratch_path("x/y/z")), 0750);
    assert_true(files_write(scratch_path("x/file"), SLICE(""), 0600, &fault));
    assert_false(files_make_folder(scratch_path("x/file/deep"), 0700, &fault));
    assert_non_null(strstr(fault.place, "x/file"));
    assert_false(files_make_folder(scratch_path("x/file"), 0700, &fault));
}

static void a_lock_names_its_owner_to_the_next(void **state) {
    (void)state;
    struct fault fault;
    int lock, other;
    char owner[32];
    snprintf(owner, sizeof owner, "process %ld", (long)getpid());
    assert_true(files_lock(scratch_path("lock"), &lock, &fault));
    assert_false(files_lock(scratch_path("lock"), &other, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    assert_non_null(strstr(fault.text, owner));
    files_unlock(lock);
    assert_true(files_lock(scratch_path("lock"), &other, &fault));
    files_unlock(other);
}

static void a_ballast_holds_its_room_and_gives_it_back(void **state) {
    (void)state;
    struct fault fault;
    struct stat status;
    const uint64_t size = 8u << 20;
    assert_true(files_ballast_make(scratch_path("ballast"), size, &fault));
    assert_int_equal(stat(scratch_path("ballast"), &status), 0);
    assert_true((uint64_t)status.st_blocks * 512 >= size);
    ino_t inode = status.st_ino;
    assert_true(files_ballast_make(scratch_path("ballast"), size, &fault));
    assert_int_equal(stat(scratch_path("ballast"), &status), 0);
    assert_int_equal(status.st_ino, inode);
    assert_true(files_ballast_release(scratch_path("ballast"), &fault));
    assert_false(files_exists(scratch_path("ballast")));
    assert_true(files_ballast_release(scratch_path("ballast"), &fault)); /* twice is fine */
    assert_false(files_ballast_make(scratch_path("ballast"), 0, &fault));
    assert_false(files_ballast_make(scratch_path("ballast"), 1ull << 60, &fault));
    assert_false(files_exists(scratch_path("ballast")));
}

static void free_space_is_told(void **state) {
    (void)state;
    struct fault fault;
    struct files_space space;
    assert_true(files_space(scratch_folder(), &space, &fault));
    assert_true(space.free_bytes > 0 && space.free_bytes <= space.total_bytes);
    assert_true(space.free_inodes > 0);
    assert_false(files_space(scratch_path("missing"), &space, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void clocks_go_forward_and_the_boot_has_an_identity(void **state) {
    (void)state;
    struct fault fault;
    uint8_t first[16], second[16], zero[16] = {0};
    assert_true(clock_wall_us() > 1700000000000000u);
    uint64_t boot = clock_boot_us(), monotonic = clock_monotonic_us();
    assert_true(clock_boot_us() >= boot && clock_monotonic_us() >= monotonic);
    assert_true(clock_boot_id(first, &fault) && clock_boot_id(second, &fault));
    assert_memory_equal(first, second, 16);
    assert_memory_not_equal(first, zero, 16);
    setenv("TZ", "EST5", 1);
    tzset();
    assert_int_equal(clock_zone_minutes(1700000000000000u), -300);
    unsetenv("TZ");
    tzset();
}

static void a_process_knows_what_it_uses(void **state) {
    (void)state;
    struct process_usage before = process_usage();
    assert_true(before.resident_bytes > 100000 && before.descriptors >= 3);
    int descriptor = open("/dev/null", O_RDONLY);
    assert_int_equal(process_usage().descriptors, before.descriptors + 1);
    close(descriptor);
    char name[PROCESS_HOST_SIZE];
    process_host_name(name);
    assert_true(strlen(name) > 0);
    assert_true(process_descriptors_raise(64) >= 64);
}

/* In a child: what process_harden does lasts. */
static void a_hardened_process_still_counts_its_descriptors(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct fault fault;
        _exit(process_harden(&fault) && process_usage().descriptors >= 3 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void becoming_nobody_is_for_good_and_an_unknown_user_is_named(void **state) {
    (void)state;
    struct fault fault;
    assert_false(process_become_user("no-such-user", &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0)
        _exit(process_become_user("nobody", &fault) && geteuid() != 0 && setuid(0) != 0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_has_the_mode_asked_for),
        cmocka_unit_test(a_write_that_fails_leaves_the_old_file_and_no_other),
        cmocka_unit_test(a_write_that_stops_in_the_middle_leaves_the_old_file),
        cmocka_unit_test(a_new_file_never_replaces_another),
        cmocka_unit_test(a_file_over_the_limit_or_of_another_kind_is_refused),
        cmocka_unit_test(a_secret_is_its_first_line),
        cmocka_unit_test(folders_are_made_with_those_above_them),
        cmocka_unit_test(a_lock_names_its_owner_to_the_next),
        cmocka_unit_test(a_ballast_holds_its_room_and_gives_it_back),
        cmocka_unit_test(free_space_is_told),
        cmocka_unit_test(clocks_go_forward_and_the_boot_has_an_identity),
        cmocka_unit_test(a_process_knows_what_it_uses),
        cmocka_unit_test(a_hardened_process_still_counts_its_descriptors),
        cmocka_unit_test(becoming_nobody_is_for_good_and_an_unknown_user_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
