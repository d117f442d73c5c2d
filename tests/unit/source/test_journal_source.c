/* Journals made by systemd-journal-remote, which are numbered and damaged here as life does it. */
#include "cmocka_all.h"
#include "journal_position.h"
#include "journal_source.h"
#include "source_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding.h"
#include "memory.h"
#include "sha256.h"

#define REMOTE "/lib/systemd/systemd-journal-remote"
#define START_US 1700000000000000u

static const struct journal_source_settings plain;

static struct source *create(struct harness *harness) {
    struct journal_source_settings settings = *(const struct journal_source_settings *)harness->settings;
    char folder[200], file[200];
    snprintf(folder, sizeof folder, "%s/journal", harness->folder);
    snprintf(file, sizeof file, "%s/auth.log", harness->folder);
    settings.directory = folder;
    const char *unless[] = {file};
    if (settings.unless_count)
        settings.unless = unless;
    return journal_source_create(&settings, &harness->output, NULL);
}

static void start(struct harness *harness, const struct journal_source_settings *settings) {
    if (access(REMOTE, X_OK) != 0) {
        print_message("(systemd-journal-remote is not installed)\n");
        skip();
    }
    harness_start(harness, create, settings);
    mkdir(in_folder(harness, "journal"), 0755);
}

/* Entries in the export format (systemd.io/JOURNAL_EXPORT_FORMATS). */
struct export {
    struct buffer text;
    uint64_t time_us;
    unsigned boot;
    unsigned next;
};

static void begin_entry(struct export *to) {
    if (!to->text.limit)
        to->text = BUFFER(64u * 1024 * 1024);
    if (!to->time_us)
        to->time_us = START_US;
    to->time_us += 1000;
    buffer_printf(&to->text, "__REALTIME_TIMESTAMP=%llu\n__MONOTONIC_TIMESTAMP=%llu\n_BOOT_ID=%032x\n",
                  (unsigned long long)to->time_us, (unsigned long long)(to->time_us - START_US + 1000000),
                  to->boot + 1);
}

static void add_binary(struct export *to, const char *name, const void *data, size_t size) {
    uint64_t length = size; /* little-endian, as this machine is */
    buffer_printf(&to->text, "%s\n", name);
    buffer_append(&to->text, &length, sizeof length);
    buffer_append(&to->text, data, size);
    buffer_append_string(&to->text, "\n");
}

static void add_entries(struct export *to, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        begin_entry(to);
        buffer_printf(&to->text, "MESSAGE=entry %u\nSYSLOG_FACILITY=3\n\n", to->next++);
    }
}

/* Appends to the journal of that name. */
static void write_journal(struct harness *harness, const char *name, struct export *from) {
    char command[700], file[200], output[200];
    snprintf(file, sizeof file, "%s/export", harness->folder);
    snprintf(output, sizeof output, "%s/journal/%s.journal", harness->folder, name);
    file_make(file, "");
    file_append(file, from->text.data, from->text.size);
    snprintf(command, sizeof command, REMOTE " --compress=no -o '%s' '%s' >/dev/null 2>&1", output, file);
    assert_int_equal(system(command), 0);
    buffer_clear(&from->text);
}

static void end(struct harness *harness, struct export *export) {
    buffer_free(&export->text);
    harness_end(harness);
}

/* Calls `each` for the nth entry object of a journal file (systemd.io/JOURNAL_FILE_FORMAT). */
static void change_entries(struct harness *harness, const char *name, const char *same_numbering_as,
                           uint64_t add, unsigned damage) {
    char path[200];
    snprintf(path, sizeof path, "journal/%s.journal", name);
    int file = open(in_folder(harness, path), O_RDWR);
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(bytes != MAP_FAILED);
    uint64_t header, tail, value;
    memcpy(&header, bytes + 88, 8);
    memcpy(&tail, bytes + 136, 8);
    if (same_numbering_as) {
        snprintf(path, sizeof path, "journal/%s.journal", same_numbering_as);
        int other = open(in_folder(harness, path), O_RDONLY);
        assert_int_equal(pread(other, bytes + 72, 16, 72), 16);
        close(other);
        for (size_t at = 160; at <= 168; at += 8) {
            memcpy(&value, bytes + at, 8);
            value += add;
            memcpy(bytes + at, &value, 8);
        }
    }
    unsigned nth = 0;
    for (uint64_t at = header; at <= tail;) {
        uint64_t size;
        memcpy(&size, bytes + at + 8, 8);
        if (bytes[at] == 3) {
            memcpy(&value, bytes + at + 16, 8);
            value += add;
            memcpy(bytes + at + 16, &value, 8);
            if (++nth == damage)
                bytes[at] = 77; /* no such object */
        }
        at += (size + 7) & ~(uint64_t)7;
    }
    munmap(bytes, (size_t)status.st_size);
    close(file);
}

static void remove_journal(struct harness *harness, const char *name) {
    char path[200];
    snprintf(path, sizeof path, "journal/%s.journal", name);
    assert_int_equal(unlink(in_folder(harness, path)), 0);
}

/* Every entry from `first` to `last` once and in order, and nothing else. */
static void expect_entries(const struct harness *harness, unsigned first, unsigned last) {
    unsigned next = first;
    for (size_t i = 0; i < harness->count; i++) {
        const struct given *one = &harness->given[i];
        unsigned number;
        if (one->kind != EVENT_JOURNAL || sscanf((const char *)one->raw, "entry %u", &number) != 1)
            continue;
        if (number != next)
            fail_msg("entry %u where %u should be", number, next);
        next++;
    }
    assert_int_equal(next, last + 1);
}

static void entries_come_with_their_fields_time_and_class(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    begin_entry(&export);
    buffer_append_string(&export.text,
                         "MESSAGE=Failed password\nSYSLOG_IDENTIFIER=sshd\nPRIORITY=6\nTWICE=a\nTWICE=b\n\n");
    begin_entry(&export);
    buffer_append_string(&export.text, "MESSAGE=kernel talks\nSYSLOG_FACILITY=0\n\n");
    begin_entry(&export);
    buffer_append_string(&export.text, "MESSAGE=who\nSYSLOG_FACILITY=10\n\n");
    begin_entry(&export);
    buffer_append_string(&export.text, "SYSLOG_FACILITY=3\nNOTHING=said\n\n");
    write_journal(&h, "a", &export);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_JOURNAL), 4);
    const struct given *first = harness_nth(&h, EVENT_JOURNAL, 0);
    assert_string_equal((const char *)first->raw, "Failed password");
    assert_int_equal(first->class, CLASS_ACCESS);
    assert_int_equal(first->source_time_us, START_US + 1000);
    assert_string_equal(first->source, "journal");
    assert_string_equal(given_field(first, "PRIORITY"), "6");
    assert_null(given_field(first, "MESSAGE"));
    unsigned twice = 0;
    for (size_t i = 0; i < first->field_count; i++)
        twice += slice_equal(first->fields[i].name, SLICE("TWICE"));
    assert_int_equal(twice, 2);
    assert_int_equal(harness_nth(&h, EVENT_JOURNAL, 1)->class, CLASS_SYSTEM);
    assert_int_equal(harness_nth(&h, EVENT_JOURNAL, 2)->class, CLASS_ACCESS);
    assert_int_equal(harness_nth(&h, EVENT_JOURNAL, 3)->raw_size, 0);
    assert_non_null(harness_state(&h, "source_caught_up"));
    end(&h, &export);
}

static void classes_that_are_set_come_first(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    const struct journal_class_row rows[] = {{"_SYSTEMD_UNIT", "ca.service", CLASS_SIGNING}};
    const struct journal_source_settings settings = {.classes = rows, .class_count = 1};
    start(&h, &settings);
    begin_entry(&export);
    buffer_append_string(&export.text, "MESSAGE=x\n_SYSTEMD_UNIT=ca.service\nSYSLOG_FACILITY=4\n\n");
    write_journal(&h, "a", &export);
    harness_run(&h);
    assert_int_equal(harness_nth(&h, EVENT_JOURNAL, 0)->class, CLASS_SIGNING);
    end(&h, &export);
}

static void no_entry_is_dropped_and_none_comes_twice(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    h.group_most = 7;
    add_entries(&export, 30);
    write_journal(&h, "a", &export);
    for (unsigned i = 0; i < 10; i++) {
        harness_turn(&h);
        if (i % 3)
            harness_commit(&h);
        if (i % 2)
            harness_crash(&h);
    }
    harness_run(&h);
    expect_entries(&h, 0, 29);
    add_entries(&export, 5); /* while it follows */
    write_journal(&h, "a", &export);
    harness_run(&h);
    expect_entries(&h, 0, 34);
    harness_crash(&h);
    add_entries(&export, 5); /* while it is stopped */
    write_journal(&h, "a", &export);
    harness_run(&h);
    expect_entries(&h, 0, 39);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    end(&h, &export);
}

static void a_rotation_while_following_loses_nothing(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    add_entries(&export, 10);
    write_journal(&h, "system", &export);
    harness_run(&h);
    add_entries(&export, 3);
    write_journal(&h, "system", &export);
    assert_int_equal(
        rename(in_folder(&h, "journal/system.journal"), in_folder(&h, "journal/system@1.journal")), 0);
    add_entries(&export, 10);
    write_journal(&h, "next", &export);
    change_entries(&h, "next", "system@1", 13, 0); /* journald goes on numbering */
    harness_pass(&h, JOURNAL_LOOK_US);
    expect_entries(&h, 0, 22);
    harness_crash(&h);
    harness_run(&h);
    expect_entries(&h, 0, 22);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    end(&h, &export);
}

static void what_was_vacuumed_unread_is_counted(void **state) {
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct harness h;
        struct export export = {0};
        start(&h, &plain);
        add_entries(&export, 10);
        write_journal(&h, "a", &export);
        harness_run(&h);
        if (stopped)
            h.source = h.source->operations->destroy(h.source);
        add_entries(&export, 10); /* numbers 11 to 20: only 18 to 20 are still there when it looks again */
        write_journal(&h, "a", &export);
        add_entries(&export, 3);
        write_journal(&h, "b", &export);
        change_entries(&h, "b", "a", 20, 0);
        remove_journal(&h, "a");
        if (stopped)
            harness_crash(&h);
        harness_pass(&h, JOURNAL_LOOK_US);
        assert_int_equal(harness_kind(&h, EVENT_JOURNAL), 13);
        assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
        const struct given *gap = harness_nth(&h, EVENT_GAP, 0);
        assert_string_equal(given_field(gap, "gap.unit"), "entries");
        assert_string_equal(given_field(gap, "gap.first"), "11");
        assert_string_equal(given_field(gap, "gap.count"), "10");
        end(&h, &export);
    }
}

static void a_gap_is_told_once_though_the_group_be_full_behind_it(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    add_entries(&export, 2);
    write_journal(&h, "a", &export);
    harness_run(&h);
    add_entries(&export, 3);
    write_journal(&h, "b", &export);
    change_entries(&h, "b", "a", 5, 0);
    h.group_most = 1;
    harness_turn(&h);
    harness_commit(&h);
    harness_crash(&h);
    harness_run(&h);
    expect_entries(&h, 0, 4);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count"), "3");
    end(&h, &export);
}

static void a_damaged_entry_is_passed_over_with_a_gap(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    add_entries(&export, 10);
    write_journal(&h, "a", &export);
    change_entries(&h, "a", NULL, 0, 5);
    harness_run(&h);
    size_t given = harness_kind(&h, EVENT_JOURNAL);
    assert_int_equal(given, 9);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.first"), "5");
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count"), "1");
    end(&h, &export);
}

static void a_cursor_of_another_journal_goes_on_by_time_with_a_gap(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    add_entries(&export, 10);
    write_journal(&h, "a", &export);
    harness_run(&h);
    h.source = h.source->operations->destroy(h.source);
    remove_journal(&h, "a");
    export.boot = 7; /* another boot, another numbering */
    add_entries(&export, 4);
    write_journal(&h, "b", &export);
    harness_crash(&h);
    harness_run(&h);
    expect_entries(&h, 0, 13);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count"), "unknown");
    harness_crash(&h);
    harness_run(&h);
    expect_entries(&h, 0, 13);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    end(&h, &export);
}

static void a_cursor_of_the_future_does_not_stop_it(void **state) {
    (void)state;
    struct harness h;
    struct export export = {.time_us = START_US + 86400000000u};
    start(&h, &plain);
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_run(&h);
    h.source = h.source->operations->destroy(h.source);
    remove_journal(&h, "a");
    export.time_us = START_US; /* the clock was set back a day */
    export.boot = 3;
    add_entries(&export, 2); /* as far as one can know, read */
    write_journal(&h, "b", &export);
    harness_crash(&h);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    harness_forget(&h);
    add_entries(&export, 5);
    write_journal(&h, "b", &export);
    harness_run(&h);
    expect_entries(&h, 5, 9);
    harness_crash(&h);
    add_entries(&export, 2);
    write_journal(&h, "b", &export);
    harness_run(&h);
    expect_entries(&h, 5, 11);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    end(&h, &export);
}

static void entries_of_one_microsecond_are_told_apart(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    h.group_most = 3;
    for (unsigned i = 0; i < 12; i++) {
        begin_entry(&export);
        export.time_us -= 1000;
        buffer_printf(&export.text, "MESSAGE=entry %u\n\n", i);
    }
    write_journal(&h, "a", &export);
    for (unsigned i = 0; i < 6; i++) {
        harness_turn(&h);
        harness_commit(&h);
        harness_crash(&h);
    }
    harness_run(&h);
    expect_entries(&h, 0, 11);
    end(&h, &export);
}

static void binary_and_large_fields_are_kept_or_cut_with_their_hash(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    size_t size = 200000;
    CLEANUP_FREE uint8_t *large = memory_new(size + 1);
    for (size_t i = 0; i < size; i++)
        large[i] = (uint8_t)(i * 7 + i / 256);
    begin_entry(&export);
    add_binary(&export, "MESSAGE", "a\nb\0c", 5);
    add_binary(&export, "BINARY", "\x01\x00\xff\n", 4);
    add_binary(&export, "LARGE", large, size);
    buffer_append_string(&export.text, "\n");
    for (unsigned i = 0; i < 1; i++) {
        begin_entry(&export);
        for (unsigned k = 0; k < 30; k++) {
            char name[20];
            snprintf(name, sizeof name, "FIELD_%u", k);
            add_binary(&export, name, large + k, 10000);
        }
        buffer_append_string(&export.text, "MESSAGE=entry 0\n\n");
    }
    write_journal(&h, "a", &export);
    harness_run(&h);
    const struct given *first = harness_nth(&h, EVENT_JOURNAL, 0);
    assert_int_equal(first->raw_size, 5);
    assert_memory_equal(first->raw, "a\nb\0c", 5);
    assert_memory_equal(given_field(first, "BINARY"), "\x01\x00\xff\n", 4);
    assert_memory_equal(given_field(first, "LARGE"), large, JOURNAL_FIELD_MOST);
    assert_string_equal(given_field(first, "LARGE.total"), "200000");
    char hex[65];
    struct hash hash = sha256_of(slice_make(large, size));
    encoding_hex(hash.bytes, HASH_SIZE, hex);
    assert_string_equal(given_field(first, "LARGE.sha256"), hex);
    expect_entries(&h, 0, 0); /* thirty fields of 10,000 bytes: cut, and told */
    const struct given *many = harness_nth(&h, EVENT_JOURNAL, 1);
    unsigned cut = 0;
    for (size_t i = 0; i < many->field_count; i++)
        cut += many->fields[i].name.size > 7 &&
               memcmp(many->fields[i].name.data + many->fields[i].name.size - 7, ".sha256", 7) == 0;
    assert_true(cut >= 20 && cut < 30);
    end(&h, &export);
}

static void a_long_message_comes_in_fragments_across_crashes(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    h.group_most = 1;
    size_t size = 3 * SOURCE_LINE_MOST + 5;
    CLEANUP_FREE uint8_t *large = memory_new(size + 1);
    memset(large, 'm', size);
    begin_entry(&export);
    add_binary(&export, "MESSAGE", large, size);
    buffer_append_string(&export.text, "WITH=fields\n\n");
    add_entries(&export, 2);
    write_journal(&h, "a", &export);
    for (unsigned i = 0; i < 6; i++) {
        harness_turn(&h);
        harness_commit(&h);
        harness_crash(&h);
    }
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_JOURNAL), 6);
    size_t total = 0;
    for (unsigned i = 0; i < 4; i++) {
        const struct given *one = harness_nth(&h, EVENT_JOURNAL, i);
        assert_int_equal(atoi(given_field(one, "fragment.index")), i);
        assert_int_equal(given_field(one, "WITH") != NULL, i == 0);
        total += one->raw_size;
    }
    assert_int_equal(total, size);
    assert_int_equal(atoi(given_field(harness_nth(&h, EVENT_JOURNAL, 3), "fragment.total")), size);
    expect_entries(&h, 0, 1);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    end(&h, &export);
}

static void a_missing_folder_is_waited_for(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    start(&h, &plain);
    rmdir(in_folder(&h, "journal"));
    harness_run(&h);
    char text[200];
    uint64_t lag;
    h.source->operations->describe(h.source, text, sizeof text, &lag);
    assert_non_null(strstr(text, "waiting"));
    mkdir(in_folder(&h, "journal"), 0755);
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_pass(&h, JOURNAL_WAIT_US);
    expect_entries(&h, 0, 2);
    end(&h, &export);
}

static void from_end_begins_behind_what_is_there(void **state) {
    (void)state;
    struct harness h;
    struct export export = {0};
    const struct journal_source_settings settings = {.from_end = true};
    start(&h, &settings);
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_run(&h);
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_run(&h);
    expect_entries(&h, 3, 5);
    harness_crash(&h);
    add_entries(&export, 1);
    write_journal(&h, "a", &export);
    harness_run(&h);
    expect_entries(&h, 3, 6);
    end(&h, &export);
    struct harness empty; /* what is not there yet is not skipped */
    start(&empty, &settings);
    harness_run(&empty);
    struct export first = {0};
    add_entries(&first, 2);
    write_journal(&empty, "a", &first);
    harness_run(&empty);
    expect_entries(&empty, 0, 1);
    end(&empty, &first);
}

static void it_is_not_read_while_a_file_stands_in_its_stead(void **state) {
    (void)state;
    struct harness h;
    struct export export = {.time_us = START_US - 1000};
    const struct journal_source_settings settings = {.unless_count = 1};
    start(&h, &settings);
    h.now_us = START_US;
    file_make(in_folder(&h, "auth.log"), "");
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_run(&h);
    assert_int_equal(h.count, 0);
    harness_pass(&h, 5 * JOURNAL_LOOK_US);
    unlink(in_folder(&h, "auth.log"));
    harness_pass(&h, JOURNAL_LOOK_US); /* a rotation may be under way */
    assert_int_equal(h.count, 0);
    export.time_us = h.now_us;
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_pass(&h, JOURNAL_RETURN_US);
    expect_entries(&h, 3, 5);
    file_make(in_folder(&h, "auth.log"), "");
    harness_pass(&h, JOURNAL_LOOK_US);
    export.time_us = h.now_us;
    add_entries(&export, 3);
    write_journal(&h, "a", &export);
    harness_pass(&h, JOURNAL_LOOK_US);
    expect_entries(&h, 3, 5);
    harness_crash(&h);
    harness_run(&h);
    expect_entries(&h, 3, 5);
    end(&h, &export);
}

static void cursors_and_positions_are_read_strictly(void **state) {
    (void)state;
    struct journal_cursor cursor;
    const struct slice good =
        SLICE("s=3ca820db7362460ea35ff709ef25b173;i=1f;b=0123456789abcdef0123456789abcdef;m=f4240;"
              "t=60a24181e4000;x=952e1d637c8f84fb");
    assert_true(journal_cursor_read(good, &cursor));
    assert_int_equal(cursor.number, 31);
    assert_int_equal(cursor.realtime_us, 0x60a24181e4000);
    assert_false(journal_cursor_read(slice_head(good, good.size - 18), &cursor));
    assert_false(journal_cursor_read(SLICE("s=1;i=1;b=2;m=3;t=4;x=5"), &cursor));
    assert_false(journal_cursor_read(SLICE(""), &cursor));
    struct journal_position position = {.paused = true,
                                        .seen_us = 5,
                                        .told = 6,
                                        .fragments = 7,
                                        .cursor = "s=x"},
                            found;
    struct buffer bytes = BUFFER(SOURCE_POSITION_MOST);
    assert_true(journal_position_write(&position, &bytes));
    assert_true(journal_position_read(buffer_slice(&bytes), &found, NULL));
    assert_int_equal(found.fragments, 7);
    assert_string_equal(found.cursor, "s=x");
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(journal_position_read(slice_make(bytes.data, size), &found, NULL));
    bytes.data[1] = 2;
    assert_false(journal_position_read(buffer_slice(&bytes), &found, NULL));
    buffer_free(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_with_their_fields_time_and_class),
        cmocka_unit_test(classes_that_are_set_come_first),
        cmocka_unit_test(no_entry_is_dropped_and_none_comes_twice),
        cmocka_unit_test(a_rotation_while_following_loses_nothing),
        cmocka_unit_test(what_was_vacuumed_unread_is_counted),
        cmocka_unit_test(a_gap_is_told_once_though_the_group_be_full_behind_it),
        cmocka_unit_test(a_damaged_entry_is_passed_over_with_a_gap),
        cmocka_unit_test(a_cursor_of_another_journal_goes_on_by_time_with_a_gap),
        cmocka_unit_test(a_cursor_of_the_future_does_not_stop_it),
        cmocka_unit_test(entries_of_one_microsecond_are_told_apart),
        cmocka_unit_test(binary_and_large_fields_are_kept_or_cut_with_their_hash),
        cmocka_unit_test(a_long_message_comes_in_fragments_across_crashes),
        cmocka_unit_test(a_missing_folder_is_waited_for),
        cmocka_unit_test(from_end_begins_behind_what_is_there),
        cmocka_unit_test(it_is_not_read_while_a_file_stands_in_its_stead),
        cmocka_unit_test(cursors_and_positions_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
