/* A serial line on a pair of ptys: the test has the other end. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "serial.h"

static struct loop *loop;
static struct serial *serial;
static int other = -1; /* the adapter's far end */
static char path[64];
static uint8_t got[4096];
static size_t got_size;
static unsigned rooms, losses;
static struct fault lost_fault;
static struct slice to_write;

static void write_on(void) {
    while (to_write.size) {
        size_t taken = serial_write(serial, to_write);
        to_write = slice_from(to_write, taken);
        if (taken < SERIAL_PIECE)
            return;
    }
}

static void bytes(void *context, struct slice piece) {
    (void)context;
    assert_true(piece.size <= sizeof got - got_size);
    memcpy(got + got_size, piece.data, piece.size);
    got_size += piece.size;
}
static void room(void *context) {
    (void)context;
    rooms++;
    write_on();
}
static void lost(void *context, const struct fault *fault) {
    (void)context;
    losses++;
    lost_fault = *fault;
    serial = serial_close(serial);
}
static const struct serial_handlers handlers = {bytes, room, lost};

static int open_pair(void **state) {
    (void)state;
    struct fault fault;
    loop = loop_create(&fault);
    other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(other >= 0 && grantpt(other) == 0 && unlockpt(other) == 0);
    assert_int_equal(ptsname_r(other, path, sizeof path), 0);
    got_size = rooms = losses = 0;
    to_write = slice_make(NULL, 0);
    return 0;
}

static int close_pair(void **state) {
    (void)state;
    serial = serial_close(serial);
    if (other >= 0)
        close(other);
    other = -1;
    loop = loop_destroy(loop);
    return 0;
}

static void open_good(void) {
    struct fault fault = {0};
    serial = serial_open(loop, path, &handlers, NULL, &fault);
    if (!serial)
        fail_msg("%s: %s", fault.place, fault.text);
}

static void refused(enum fault_code code, const char *said) {
    struct fault fault = {0};
    assert_null(serial_open(loop, path, &handlers, NULL, &fault));
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.place, path);
    if (!strstr(fault.text, said))
        fail_msg("%s", fault.text);
}

static void every_byte_passes_both_ways(void **state) {
    (void)state;
    uint8_t all[256], back[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    open_good();
    assert_int_equal(write(other, all, sizeof all), sizeof all);
    while (got_size < sizeof all)
        loop_turn(loop, true);
    assert_memory_equal(got, all, sizeof all);
    to_write = slice_make(all, sizeof all);
    write_on();
    assert_int_equal(to_write.size, sizeof all - SERIAL_PIECE); /* the rest in pieces */
    for (size_t size = 0; size < sizeof all;) {
        loop_turn(loop, to_write.size != 0);
        fcntl(other, F_SETFL, O_NONBLOCK);
        ssize_t piece = read(other, back + size, sizeof back - size);
        assert_true(piece <= (ssize_t)SERIAL_PIECE * 9);
        size += piece > 0 ? (size_t)piece : 0;
    }
    assert_memory_equal(back, all, sizeof all);
    assert_int_equal(rooms, sizeof all / SERIAL_PIECE);
}

static void it_is_raw_at_115200_while_it_is_open_and_as_before_afterwards(void **state) {
    (void)state;
    struct termios before, during, after;
    int line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(tcgetattr(line, &before), 0);
    cfsetspeed(&before, B9600);
    tcsetattr(line, TCSANOW, &before);
    open_good();
    assert_int_equal(tcgetattr(line, &during), 0);
    assert_int_equal(cfgetospeed(&during), B115200);
    assert_false(during.c_lflag & (ICANON | ECHO | ISIG));
    assert_false(during.c_iflag & (IXON | IXOFF | ICRNL));
    assert_false(during.c_oflag & OPOST);
    assert_false(during.c_cflag & (HUPCL | CRTSCTS | PARENB | CSTOPB));
    assert_int_equal(during.c_cflag & CSIZE, CS8);
    serial = serial_close(serial);
    assert_int_equal(tcgetattr(line, &after), 0);
    assert_int_equal(cfgetospeed(&after), B9600);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    close(line);
}

static void what_was_written_last_still_leaves_when_it_is_closed(void **state) {
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        char byte = 0;
        open_good();
        assert_int_equal(serial_write(serial, SLICE("\x10")), 1);
        serial = serial_close(serial);
        assert_int_equal(read(other, &byte, 1), 1);
        assert_int_equal(byte, 0x10);
        loop_turn(loop, false);
    }
}

static void a_second_one_is_refused_until_the_first_is_closed(void **state) {
    (void)state;
    open_good();
    struct serial *first = serial;
    refused(FAULT_BUSY, "has it open");
    serial = serial_close(first);
    open_good();
}

static void another_process_that_has_it_is_named(void **state) {
    (void)state;
    int pipes[2];
    char byte;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        int line = open(path, O_RDWR | O_NOCTTY);
        byte = line < 0;
        if (write(pipes[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    char said[64];
    snprintf(said, sizeof said, "(process %d) has it open", (int)child);
    refused(FAULT_BUSY, said);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    open_good();
}

static void a_device_that_goes_away_is_told_once_and_the_next_one_is_opened(void **state) {
    (void)state;
    open_good();
    close(other);
    other = -1;
    while (!losses)
        loop_turn(loop, true);
    assert_non_null(strstr(lost_fault.text, "pulled out"));
    assert_string_equal(lost_fault.place, path);
    assert_null(serial);
    assert_false(loop_turn(loop, false));
    refused(FAULT_MISSING, "plugged in");
    close_pair(state);
    open_pair(state);
    open_good();
    assert_int_equal(losses, 0);
}

static void what_is_no_serial_line_is_refused(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/dev/null");
    refused(FAULT_USAGE, "no serial line");
    snprintf(path, sizeof path, "/dev/there-is-none");
    refused(FAULT_MISSING, "plugged in");
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TEST(every_byte_passes_both_ways),
        TEST(it_is_raw_at_115200_while_it_is_open_and_as_before_afterwards),
        TEST(what_was_written_last_still_leaves_when_it_is_closed),
        TEST(a_second_one_is_refused_until_the_first_is_closed),
        TEST(another_process_that_has_it_is_named),
        TEST(a_device_that_goes_away_is_told_once_and_the_next_one_is_opened),
        TEST(what_is_no_serial_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
