/* `tocsin verify` over a store that somebody has tampered with: whatever is changed, taken away or added is found, and the
 * finding names its place. */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "ingest_stream.h"
#include "memory.h"
#include "pipeline.h"
#include "row.h"
#include "sender.h"
#include "store_dump.h"
#include "store_verifier.h"

#define FINDINGS_MOST 8u
#define STRIDE 3u /* of the bytes that are changed one after the other */

struct findings {
    unsigned count;
    char lines[FINDINGS_MOST][512];
};

static void note(void *context, const char *place, const char *text) {
    struct findings *findings = context;
    if (findings->count < FINDINGS_MOST)
        snprintf(findings->lines[findings->count], sizeof findings->lines[0], "%s: %s", place, text);
    findings->count++;
    assert_true(*place && *text);
}

static bool take(void *context, enum store_family family, struct slice key, struct slice value) {
    store_verifier_row(context, family, key, value);
    return true;
}

static struct findings verify(const struct store *store) {
    struct findings findings = {0};
    struct store_verifier *verifier = store_verifier_create(note, &findings);
    uint64_t rows;
    assert_true(store_dump(store, take, verifier, &rows, NULL));
    struct store_verified verified = store_verifier_finish(verifier);
    assert_int_equal(verified.findings, findings.count);
    store_verifier_destroy(verifier);
    return findings;
}

/* ---- the store: the collector's own stream, one agent's with all closed, another's with a part over what is open */

static bool is_quiet(void *context) { return ingest_stream_is_quiet(context); }

static void give(struct pipeline *p, struct ingest_stream *stream, enum frame_type type, struct slice bytes,
                 struct slice list) {
    assert_true(ingest_stream_put(stream, p->loop, p->committer, type, bytes, list));
    pipeline_until(p, is_quiet, stream);
}

static void give_close(struct pipeline *p, struct ingest_stream *stream, struct sender *sender) {
    sender_close(sender);
    give(p, stream, FRAME_CLOSE, slice_make(sender->close.entry, BATCH_ENTRY_SIZE),
         slice_make(sender->close.class_list, sender->close.class_list_size));
}

static void give_events(struct pipeline *p, struct ingest_stream *stream, struct sender *sender) {
    sender_events(sender, 2, 20);
    give(p, stream, FRAME_EVENTS, buffer_slice(&sender->message), (struct slice){NULL, 0});
}

static void live(struct pipeline *p, struct openers *openers, const char *host, enum lane lane, bool leave_open) {
    struct fault fault = {0};
    struct sender *sender = sender_create(host, lane, (uint8_t)(lane + 1));
    struct ingest_stream *stream = ingest_stream_create(lane, &sender->id, host);
    assert_true(ingest_stream_open(stream, p->store, openers, signing_key_public(sender->key), &fault));
    give_close(p, stream, sender);
    give_events(p, stream, sender);
    give_events(p, stream, sender);
    give_close(p, stream, sender);
    give_events(p, stream, sender);
    if (leave_open) {
        sender_part(sender);
        give(p, stream, FRAME_PART, slice_make(sender->part, PART_SIZE), (struct slice){NULL, 0});
    } else
        give_close(p, stream, sender);
    ingest_stream_destroy(stream);
    sender_destroy(sender);
}

static struct store *whole;

static int make_store(void **state) {
    (void)state;
    struct pipeline p;
    struct openers *openers = openers_create(NULL);
    whole = fake_store_create();
    pipeline_start(&p, whole);
    pipeline_report(&p, "started", "h1");
    pipeline_settle(&p);
    live(&p, openers, "h1.example", LANE_SECURITY, false);
    live(&p, openers, "h2.example", LANE_BULK, true);
    pipeline_stop(&p);
    openers_destroy(openers);
    return 0;
}

static int drop_store(void **state) {
    (void)state;
    fake_store_destroy(whole);
    return 0;
}

/* ---- tampering: every row of the families that count */

struct victim {
    enum store_family family;
    struct buffer key, value;
};

static bool next_victim(struct victim *victim, enum store_family family) {
    struct store_cursor *cursor = store_cursor_create(whole, family, NULL, (struct slice){NULL, 0});
    bool on = victim->key.size == 0 ? store_cursor_first(cursor)
                                    : store_cursor_at_or_after(cursor, buffer_slice(&victim->key)) &&
                                          store_cursor_next(cursor);
    victim->family = family;
    buffer_clear(&victim->key);
    buffer_clear(&victim->value);
    if (on) {
        buffer_append_slice(&victim->key, store_cursor_key(cursor));
        buffer_append_slice(&victim->value, store_cursor_value(cursor));
    }
    store_cursor_destroy(cursor);
    return on;
}

static bool counts(const struct victim *victim) {
    struct slice key = buffer_slice(&victim->key);
    return victim->family != STORE_MARK || slice_equal(key, SLICE("log.size")) || slice_equal(key, SLICE("arrival"));
}

static void each_row(void (*tamper)(const struct victim *victim)) {
    static const enum store_family families[] = {STORE_STREAM, STORE_ENTRY, STORE_CLASS_LIST, STORE_HOT, STORE_MARK};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct victim victim = {.key = BUFFER(STORE_KEY_MOST), .value = BUFFER(STORE_VALUE_MOST)};
        unsigned rows = 0;
        while (next_victim(&victim, families[i]))
            if (counts(&victim)) {
                tamper(&victim);
                rows++;
            }
        assert_true(rows > 0);
        buffer_free(&victim.key);
        buffer_free(&victim.value);
    }
}

static void describe(const struct victim *victim, char to[128]) {
    snprintf(to, 128, "family %s, %zu bytes, key %02x…%02x", store_family_row(victim->family)->name, victim->value.size,
             victim->key.data[0], victim->key.data[victim->key.size - 1]);
}

static void take_away(const struct victim *victim) {
    struct store *store = fake_store_copy(whole);
    char what[128];
    describe(victim, what);
    fake_store_delete(store, victim->family, buffer_slice(&victim->key));
    if (verify(store).count == 0)
        fail_msg("taken away and not found: %s", what);
    fake_store_destroy(store);
}

static void change_bytes(const struct victim *victim) {
    char what[128];
    describe(victim, what);
    for (size_t at = 0; at < victim->value.size; at += STRIDE) {
        if (victim->family == STORE_HOT && at >= 1 && at < 9)
            continue; /* the collector's own clock at the commit: nobody signs it */
        struct store *store = fake_store_copy(whole);
        victim->value.data[at] ^= 0x10;
        fake_store_put(store, victim->family, buffer_slice(&victim->key), buffer_slice(&victim->value));
        victim->value.data[at] ^= 0x10;
        if (verify(store).count == 0)
            fail_msg("changed at byte %zu and not found: %s", at, what);
        fake_store_destroy(store);
    }
}

static void cut(const struct victim *victim) {
    char what[128];
    describe(victim, what);
    const size_t sizes[] = {0, 1, victim->value.size / 2, victim->value.size - 1};
    for (size_t i = 0; i < 4 && sizes[i] < victim->value.size; i++) {
        struct store *store = fake_store_copy(whole);
        fake_store_put(store, victim->family, buffer_slice(&victim->key), slice_head(buffer_slice(&victim->value), sizes[i]));
        if (verify(store).count == 0)
            fail_msg("cut to %zu bytes and not found: %s", sizes[i], what);
        fake_store_destroy(store);
    }
}

static void a_store_that_nobody_touched_is_good(void **state) {
    (void)state;
    struct findings findings = verify(whole);
    if (findings.count)
        fail_msg("%s", findings.lines[0]);
}

static void a_row_that_was_taken_away_is_found(void **state) {
    (void)state;
    each_row(take_away);
}

static void a_byte_that_was_changed_is_found(void **state) {
    (void)state;
    each_row(change_bytes);
}

static void a_row_that_was_cut_is_found(void **state) {
    (void)state;
    each_row(cut);
}

static uint64_t row_number(enum row_kind kind, unsigned nth) {
    struct store_cursor *cursor = store_cursor_create(whole, STORE_HOT, NULL, (struct slice){NULL, 0});
    uint64_t number = UINT64_MAX;
    for (bool on = store_cursor_first(cursor); on && number == UINT64_MAX; on = store_cursor_next(cursor)) {
        struct row row;
        assert_true(row_read(store_cursor_value(cursor), &row, NULL));
        if (row.kind == kind && nth-- == 0)
            number = bytes_get_u64(store_cursor_key(cursor).data);
    }
    store_cursor_destroy(cursor);
    assert_true(number != UINT64_MAX);
    return number;
}

static void expect(const struct store *store, const char *wanted) {
    struct findings findings = verify(store);
    for (unsigned i = 0; i < findings.count && i < FINDINGS_MOST; i++)
        if (strstr(findings.lines[i], wanted))
            return;
    fail_msg("'%s' was expected, and there were %u findings, the first: %s", wanted, findings.count, findings.lines[0]);
}

static void findings_name_the_row_the_stream_or_the_entry(void **state) {
    (void)state;
    uint8_t key[8];
    char wanted[128];
    /* Events of an agent that were changed. */
    struct store *store = fake_store_copy(whole);
    CLEANUP_STORE_VALUE struct store_value value = {0};
    uint64_t number = row_number(ROW_EVENTS, 2);
    bytes_put_u64(key, number);
    assert_true(store_get(whole, STORE_HOT, slice_make(key, 8), &value, NULL));
    uint8_t *bytes = memory_copy(value.slice.data, value.slice.size);
    bytes[value.slice.size - 20] ^= 1;
    fake_store_put(store, STORE_HOT, slice_make(key, 8), slice_make(bytes, value.slice.size));
    expect(store, "h1.example");
    assert_int_equal(verify(store).count, 1); /* once, and the others are not blamed */
    fake_store_destroy(store);
    free(bytes);
    /* A row that is gone. */
    store = fake_store_copy(whole);
    fake_store_delete(store, STORE_HOT, slice_make(key, 8));
    snprintf(wanted, sizeof wanted, "row %llu: rows before this one are missing", (unsigned long long)number + 1);
    expect(store, wanted);
    fake_store_destroy(store);
    /* An entry of the log. */
    store = fake_store_copy(whole);
    bytes_put_u64(key, 1);
    fake_store_delete(store, STORE_ENTRY, slice_make(key, 8));
    expect(store, "log entry 1 is missing");
    assert_in_range(verify(store).count, 1, 3); /* and what follows from it; not every entry behind it */
    fake_store_destroy(store);
    /* The mark. */
    store = fake_store_copy(whole);
    fake_store_delete(store, STORE_MARK, SLICE("log.size"));
    expect(store, "the log's size: its mark is missing");
    fake_store_destroy(store);
    /* The end. */
    store = fake_store_copy(whole);
    bytes_put_u64(key, fake_store_count(whole, STORE_HOT) - 1);
    fake_store_delete(store, STORE_HOT, slice_make(key, 8));
    expect(store, "the rows' end: ");
    fake_store_destroy(store);
}

static void what_was_added_is_found(void **state) {
    (void)state;
    uint8_t key[8];
    struct store *store = fake_store_copy(whole);
    CLEANUP_STORE_VALUE struct store_value value = {0};
    bytes_put_u64(key, row_number(ROW_EVENTS, 1));
    assert_true(store_get(whole, STORE_HOT, slice_make(key, 8), &value, NULL));
    bytes_put_u64(key, fake_store_count(whole, STORE_HOT));
    fake_store_put(store, STORE_HOT, slice_make(key, 8), value.slice); /* the same again */
    expect(store, "stored twice");
    fake_store_destroy(store);
    store = fake_store_copy(whole);
    bytes_put_u64(key, row_number(ROW_CLOSE, 1));
    CLEANUP_STORE_VALUE struct store_value close = {0};
    assert_true(store_get(whole, STORE_HOT, slice_make(key, 8), &close, NULL));
    bytes_put_u64(key, fake_store_count(whole, STORE_HOT));
    fake_store_put(store, STORE_HOT, slice_make(key, 8), close.slice);
    expect(store, "where");
    fake_store_destroy(store);
    store = fake_store_copy(whole);
    uint8_t nobody[32] = {1};
    fake_store_put(store, STORE_PART, slice_make(nobody, 32), SLICE("x"));
    expect(store, "parts: ");
    fake_store_put(store, STORE_STREAM, SLICE("no id"), SLICE("x"));
    expect(store, "streams: ");
    fake_store_destroy(store);
}

static void an_empty_store_is_good(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    assert_int_equal(verify(store).count, 0);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_nobody_touched_is_good),
        cmocka_unit_test(an_empty_store_is_good),
        cmocka_unit_test(a_row_that_was_taken_away_is_found),
        cmocka_unit_test(a_row_that_was_cut_is_found),
        cmocka_unit_test(a_byte_that_was_changed_is_found),
        cmocka_unit_test(findings_name_the_row_the_stream_or_the_entry),
        cmocka_unit_test(what_was_added_is_found),
    };
    return cmocka_run_group_tests_name("verifier", tests, make_store, drop_store);
}
