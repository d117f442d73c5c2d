/* Delivery 9 with real processes and a real folder: a child reads a "log" into the spool and is killed
 * (SIGKILL) at a named point, or anywhere; what the next one finds holds every line below the source's
 * position once. */
#include "events.h"
#include "lanes.h"
#include "stream_checker.h"
#include "stream_id.h"

#include "memory.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LINES_MOST 200000u

static char folder[] = "/tmp/tocsin-spool-XXXXXX";
static char spool[sizeof folder + 8];
static const uint8_t seed[ED25519_SEED_SIZE] = {4};

static const char *const points[] = {
    "append.begin",    "append.written", "append.synced",  "segment.written", "segment.synced",
    "segment.renamed", "segment.placed", "release.marked", "release.removed",
};
#define POINTS (sizeof points / sizeof *points)

static struct {
    const char *name;
    unsigned left;
} trap;

static void die_here(void *context, const char *name) {
    (void)context;
    if (trap.name && strcmp(name, trap.name) == 0 && --trap.left == 0)
        kill(getpid(), SIGKILL);
}

static struct lanes *open_lanes(struct signing_key *key, struct stream_clock *now) {
    struct spool_files files = spool_files_system;
    struct fault fault = {0};
    files.point = die_here;
    const struct lanes_settings settings = {
        .folder = spool, .host = "host", .key = key, .epoch = 1, .segment_bytes = 16 * 1024};
    struct lanes *lanes = lanes_open(&settings, &files, now, &fault);
    if (!lanes)
        fail_msg("%s: %s", fault.place, fault.text);
    return lanes;
}

static uint32_t position_of(struct lanes *lanes) {
    const struct source_output *output = lanes_output(lanes);
    struct slice value;
    char text[24] = {0};
    if (!output->restore(output->context, SLICE("line"), &value))
        return 0;
    memcpy(text, value.data, value.size);
    return (uint32_t)strtoul(text, NULL, 10);
}

static void read_lines(struct lanes *lanes, uint32_t *line, unsigned count) {
    const struct source_output *output = lanes_output(lanes);
    char text[64];
    for (unsigned i = 0; i < count; i++) {
        int size = snprintf(text, sizeof text, "%u and something that a log would say", *line);
        const struct event_body body = {.kind = EVENT_LINE, .raw = slice_make(text, (size_t)size)};
        *line += output->event(output->context, *line % 2 ? CLASS_SYSTEM : CLASS_ACCESS, &body);
    }
    snprintf(text, sizeof text, "%u", *line);
    output->position(output->context, SLICE("line"), slice_string(text));
}

/* Lives until it is killed, or for so many turns. Every so often all but the newest is acknowledged. */
static void live(unsigned turns, bool acknowledge) {
    struct stream_clock now = {.now_us = 1700000000000000u, .boottime_us = 1000000, .boot_id = {1}};
    struct signing_key *key = signing_key_create(seed);
    struct lanes *lanes = open_lanes(key, &now);
    uint32_t line = position_of(lanes);
    now.now_us += (uint64_t)line * 1000, now.boottime_us += (uint64_t)line * 1000;
    for (unsigned turn = 0; turn < turns; turn++) {
        now.now_us += 700000, now.boottime_us += 700000;
        lanes_tick(lanes, &now);
        read_lines(lanes, &line, 40);
        lanes_part(lanes);
        lanes_flush(lanes, NULL);
        struct lanes_hello hello;
        for (unsigned lane = 0; lane < LANES && acknowledge; lane++) {
            lanes_hello(lanes, 0, (enum lane)lane, &hello);
            lanes_acknowledge(lanes, 0, (enum lane)lane, hello.next_event_seq, 0, hello.batch_seq);
            lanes_proved(lanes, 0, (enum lane)lane, hello.batch_seq);
        }
    }
    lanes_destroy(lanes);
    signing_key_destroy(key);
}

static int in_a_child(unsigned turns, bool acknowledge) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live(turns, acknowledge);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void see_lines(struct slice bytes, struct events_opener *opener, uint8_t *seen) {
    struct events_message message;
    struct slice text;
    struct event event;
    struct event_body body;
    struct event_field fields[8];
    assert_true(events_read(bytes, &message, NULL) && events_open(opener, &message, &text, NULL));
    while (event_block_next(&text, &event, NULL)) {
        assert_true(event_body_read(event.body, fields, &body, NULL));
        assert_int_equal(body.kind, EVENT_LINE); /* no gap */
        char number[24] = {0};
        memcpy(number, body.raw.data, 20);
        seen[strtoul(number, NULL, 10)]++;
    }
}

/* Everything that is in the spool, from what the collector is said to have on: returns the first line that
 * must be there. */
static void check_spool(void) {
    struct stream_clock now = {.now_us = 1900000000000000u, .boottime_us = 1000000, .boot_id = {2}};
    struct signing_key *key = signing_key_create(seed);
    struct lanes *lanes = open_lanes(key, &now);
    struct events_opener *opener = events_opener_create();
    uint8_t *seen = memory_new(LINES_MOST);
    uint32_t position = position_of(lanes), least = position;
    struct lanes_report report;
    lanes_report(lanes, &report);
    assert_true(report.damaged_ranges == 0 && report.missing_segments == 0);
    assert_true(lanes_flush(lanes, NULL));
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_cursor *cursor = lanes_cursor_create(lanes, (enum lane)lane);
        struct lanes_item item;
        while (lanes_cursor_next(cursor, &item, NULL) == LANES_ITEM)
            if (item.kind == LANES_EVENTS)
                see_lines(item.bytes, opener, seen);
        lanes_cursor_destroy(cursor);
    }
    uint64_t stored = lanes_marks(lanes, 0, LANE_SECURITY).stored + lanes_marks(lanes, 0, LANE_BULK).stored;
    for (uint32_t line = 0; line < position; line++)
        least = seen[line] && line < least ? line : least;
    for (uint32_t line = 0; line < LINES_MOST; line++) {
        bool wanted = line < position && (line > least + 1 || stored == 0);
        if (seen[line] > 1 || (wanted && !seen[line]) || (line >= position && seen[line]))
            fail_msg("line %u stands in the spool %u times; the position is %u", line, seen[line], position);
    }
    free(seen);
    events_opener_destroy(opener);
    lanes_destroy(lanes);
    signing_key_destroy(key);
}

static void remove_spool(void) {
    DIR *open = opendir(spool);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", spool, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    if (open)
        closedir(open);
    rmdir(spool);
}

static void a_child_killed_at_any_named_point_leaves_a_whole_spool(void **state) {
    (void)state;
    for (size_t point = 0; point < POINTS; point++) {
        remove_spool();
        bool acknowledge = strncmp(points[point], "release", 7) == 0;
        for (unsigned time = 1; time <= 4; time++) {
            trap.name = points[point];
            trap.left = time;
            int status = in_a_child(400, acknowledge);
            if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                fail_msg("%s was not passed %u times", points[point], time);
            trap.name = NULL;
            check_spool();
        }
    }
}

static void a_child_killed_anywhere_leaves_a_whole_spool(void **state) {
    (void)state;
    remove_spool();
    for (unsigned i = 0; i < 12; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            live(100000, i % 3 == 0);
            _exit(0);
        }
        usleep(3000 + 7000 * i); /* any time will do */
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        check_spool();
    }
}

/* A quota on the file's size is what a process can put on itself: EFBIG instead of ENOSPC, the same way
 * out. */
static void a_child_whose_files_may_not_grow_goes_on_when_they_may(void **state) {
    (void)state;
    remove_spool();
    struct stream_clock now = {.now_us = 1700000000000000u, .boottime_us = 1000000, .boot_id = {1}};
    struct signing_key *key = signing_key_create(seed);
    struct lanes *lanes = open_lanes(key, &now);
    uint32_t line = 0;
    assert_true(lanes_flush(lanes, NULL));
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool flushed = true;
    for (unsigned i = 0; i < 20 && flushed; i++) {
        read_lines(lanes, &line, 40);
        flushed = lanes_flush(lanes, NULL);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(flushed);
    assert_true(lanes_flush(lanes, NULL));
    read_lines(lanes, &line, 40);
    assert_true(lanes_flush(lanes, NULL));
    lanes_destroy(lanes);
    signing_key_destroy(key);
    check_spool();
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(spool, sizeof spool, "%s/spool", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    remove_spool();
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_killed_at_any_named_point_leaves_a_whole_spool),
        cmocka_unit_test(a_child_killed_anywhere_leaves_a_whole_spool),
        cmocka_unit_test(a_child_whose_files_may_not_grow_goes_on_when_they_may),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
