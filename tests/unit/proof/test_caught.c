/* What a verifier must catch (log-format), as far as files that stand alone show it: the tampering is really done, and the
 * verdict names the place. The numbers are the list's; tests/CAUGHT.md says where the others are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "encoding.h"
#include "small_log.h"

#define START SMALL_LOG_START_US
#define FROM (START + 4 * MINUTES)
#define TO (START + 8 * MINUTES)

/* ---- a log of ten minutes, an excerpt and a proof of absence out of it */

struct world {
    struct small_log *log;
    struct small_agent *signer, *web;
    uint64_t with_events; /* log index of a batch of three events */
    struct buffer excerpt, absence;
};

static struct world *world;

static void make_files(void) {
    const uint32_t places[] = {0, 1, 2};
    buffer_clear(&world->excerpt);
    buffer_clear(&world->absence);
    small_log_excerpt(world->log, world->with_events, 3, places, &world->excerpt);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, TO, &world->absence);
}

static void end_log(void) {
    small_log_mark(world->log);
    small_log_checkpoint(world->log);
}

/* Without the end: no mark, and no files. */
static int world_begin(void **state) {
    static struct world w;
    w = (struct world){.excerpt = BUFFER(1u << 24), .absence = BUFFER(1u << 24)};
    world = &w;
    w.log = small_log_create(3, 3);
    w.signer = small_log_enrol(w.log, "signer1.ca.example", 60, NULL);
    w.web = small_log_enrol(w.log, "web.ca.example", 60, NULL);
    small_log_run(w.log, 2);
    small_agent_event(w.signer, CLASS_SIGNING, "a request");
    small_agent_event(w.signer, CLASS_SIGNING, "another request");
    small_agent_event(w.signer, CLASS_ACCESS, "a login");
    w.with_events = w.log->entry_count; /* the signer closes first */
    small_log_run(w.log, 8);
    *state = &w;
    return 0;
}

static int world_make(void **state) {
    world_begin(state);
    end_log();
    make_files();
    return 0;
}

static int world_drop(void **state) {
    (void)state;
    small_log_destroy(world->log);
    buffer_free(&world->excerpt);
    buffer_free(&world->absence);
    return 0;
}

/* ---- asking */

struct results {
    size_t count, altered;
    enum verdict verdicts[8];
    bool unattested, unconfirmed, single_control;
    char fault[8][FAULT_TEXT_SIZE];
};

static void take(void *context, const struct excerpt_event *event) {
    struct results *results = context;
    assert_true(results->count < 8);
    snprintf(results->fault[results->count], FAULT_TEXT_SIZE, "%s", event->fault.text);
    results->altered += event->verdict == VERDICT_ALTERED;
    if (event->verdict == VERDICT_OPENED) {
        results->unattested |= event->unattested;
        results->unconfirmed |= event->unconfirmed;
        results->single_control |= event->single_control;
    }
    results->verdicts[results->count++] = event->verdict;
}

static bool excerpt_good(struct slice file, struct results *results, struct fault *fault) {
    struct excerpt_summary summary;
    *results = (struct results){.count = 0};
    *fault = (struct fault){0};
    return excerpt_verify(file, &world->log->trust, world->log->now_us, take, results, &summary, fault);
}

/* Nothing of it holds, for a reason with this in it. */
static void assert_excerpt_refused(struct slice file, const char *why) {
    struct results results;
    struct fault fault;
    assert_false(excerpt_good(file, &results, &fault));
    if (!strstr(fault.text, why))
        fail_msg("refused, but because: %s: %s", fault.place, fault.text);
}

static void assert_absence_refused_at(const char *place, const char *why) {
    struct absence absence;
    struct fault fault = {0};
    if (absence_verify(buffer_slice(&world->absence), &world->log->trust, world->log->now_us, &absence,
                       &fault)) {
        absence_free(&absence);
        fail_msg("the proof was taken");
    }
    if (!strstr(fault.text, why) || !strstr(fault.place, place))
        fail_msg("refused, but because: %s: %s", fault.place, fault.text);
}

static struct absence absence_good(void) {
    struct absence absence;
    struct fault fault = {0};
    if (!absence_verify(buffer_slice(&world->absence), &world->log->trust, world->log->now_us, &absence,
                        &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    return absence;
}

/* The one interval that is not WITNESSED. */
static void assert_weak_interval(enum attestation attestation, const char *why) {
    struct absence absence = absence_good();
    bool found = false;
    for (size_t i = 0; i < absence.interval_count; i++) {
        const struct absence_interval *interval = &absence.intervals[i];
        if (interval->attestation == attestation && interval->why && strstr(interval->why, why))
            found = true;
        else if (interval->attestation != ATTESTATION_WITNESSED)
            fail_msg("interval %zu: %s: %s", i, attestation_name(interval->attestation), interval->why);
    }
    bool throughout = absence.throughout;
    absence_free(&absence);
    assert_true(found);
    assert_false(throughout);
}

/* The absence file anew, out of a log that was tampered with. */
static void absence_again(void) {
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, TO, &world->absence);
}

static uint64_t batch(uint64_t batch_seq) {
    return world->signer->batches[LANE_SECURITY][batch_seq];
}

/* Where the parts of an absence file stand. */
struct map {
    size_t ground, marks, entries;
    uint32_t mark_count, entry_count;
    struct {
        size_t from, to;
    } mark[64], entry[64];
};

static size_t at(struct slice whole, const struct bytes_reader *reader) {
    return whole.size - reader->rest.size;
}

static void skip_path(struct bytes_reader *reader) {
    bytes_read_raw(reader, bytes_read_u8(reader) * (size_t)HASH_SIZE);
}

static struct map map_of(struct slice whole) {
    struct map map = {0};
    struct bytes_reader reader = bytes_read(whole);
    bytes_read_raw(&reader, 16);
    bytes_read_raw(&reader, bytes_read_u8(&reader));
    bytes_read_raw(&reader, 17);
    map.ground = at(whole, &reader);
    bytes_read_raw(&reader, 16);
    bytes_read_block(&reader);
    for (uint32_t i = bytes_read_u32(&reader); i > 0; i--) {
        bytes_read_block(&reader);
        if (bytes_read_u8(&reader)) {
            bytes_read_u64(&reader);
            skip_path(&reader);
        }
    }
    map.marks = at(whole, &reader);
    map.mark_count = bytes_read_u32(&reader);
    for (uint32_t i = 0; i < map.mark_count; i++) {
        map.mark[i].from = at(whole, &reader);
        bytes_read_block(&reader);
        skip_path(&reader);
        map.mark[i].to = at(whole, &reader);
    }
    map.entries = at(whole, &reader);
    map.entry_count = bytes_read_u32(&reader);
    for (uint32_t i = 0; i < map.entry_count; i++) {
        map.entry[i].from = at(whole, &reader);
        bytes_read_u64(&reader);
        skip_path(&reader);
        bytes_read_raw(&reader, BATCH_ENTRY_SIZE);
        bytes_read_raw(&reader, bytes_read_u16(&reader));
        map.entry[i].to = at(whole, &reader);
    }
    assert_true(bytes_read_done(&reader));
    return map;
}

static void cut(struct buffer *file, size_t from, size_t to) {
    memmove(file->data + from, file->data + to, file->size - to);
    file->size -= to - from;
}

static void swap(struct buffer *file, size_t first_from, size_t first_to, size_t second_to) {
    CLEANUP_BUFFER struct buffer copy = BUFFER(1u << 24);
    buffer_append(&copy, file->data + first_to, second_to - first_to);
    buffer_append(&copy, file->data + first_from, first_to - first_from);
    memcpy(file->data + first_from, copy.data, copy.size);
}

/* ---- 1 */

static void case_1_a_flipped_bit_in_an_excerpt_is_caught_wherever_it_is(void **state) {
    (void)state;
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&world->excerpt), &results, &fault));
    assert_int_equal(results.altered, 0);
    for (size_t i = 0; i < world->excerpt.size; i += 149) {
        world->excerpt.data[i] ^= (uint8_t)(1u << (i & 7));
        if (excerpt_good(buffer_slice(&world->excerpt), &results, &fault) && results.altered == 0)
            fail_msg("byte %zu of %zu", i, world->excerpt.size);
        world->excerpt.data[i] ^= (uint8_t)(1u << (i & 7));
    }
}

static void case_1_an_altered_body_is_named_and_hides_no_other(void **state) {
    (void)state;
    /* The body stands in base64: a proof is taken apart, one letter of the body changed, and put together again. */
    struct small_entry *entry = &world->log->entries[world->with_events];
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct slice note = buffer_slice(&small_log_newest(world->log)->note);
    uint64_t size = small_log_newest(world->log)->size;
    struct batch_proofs *proofs =
        batch_proofs_create(buffer_slice(&entry->bytes), buffer_slice(&entry->class_list), NULL);
    struct batch_entry read;
    assert_true(batch_entry_read(buffer_slice(&entry->bytes), &read, NULL));
    struct batch_events run = {read.batch_seq, read.first_event_seq, entry->event_count,
                               entry->keys,    entry->key_count,     buffer_slice(&entry->block)};
    assert_true(batch_proofs_add(proofs, &run, NULL));
    assert_true(excerpt_begin(&world->log->source, world->with_events + 1, note, size, 2, &file, NULL));
    for (unsigned i = 0; i < 2; i++) {
        struct event_proof proof;
        assert_true(batch_proofs_make(proofs, read.first_event_seq + i, &proof, NULL));
        if (i == 0)
            proof.event.body = SLICE("A request");
        assert_true(excerpt_add(&world->log->source, note, size, world->with_events, &proof, &file, NULL));
    }
    batch_proofs_destroy(proofs);
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&file), &results, &fault));
    assert_int_equal(results.verdicts[0], VERDICT_ALTERED);
    assert_int_equal(results.verdicts[1], VERDICT_OPENED);
    assert_non_null(strstr(results.fault[0], "not the one that the batch's signature covers"));
}

static void case_1_a_flipped_bit_in_a_proof_of_absence_is_caught_wherever_it_is(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    for (size_t i = map.ground; i < world->absence.size; i += 211) {
        struct absence absence;
        world->absence.data[i] ^= (uint8_t)(1u << (i & 7));
        /* Without one cosignature a checkpoint bounds no time: that is less, and said. */
        if (absence_verify(buffer_slice(&world->absence), &world->log->trust, world->log->now_us, &absence,
                           NULL)) {
            if (absence.throughout)
                fail_msg("byte %zu of %zu", i, world->absence.size);
            absence_free(&absence);
        }
        world->absence.data[i] ^= (uint8_t)(1u << (i & 7));
    }
}

static void case_1_a_file_cut_short_anywhere_is_none(void **state) {
    (void)state;
    struct results results;
    struct absence absence;
    struct fault fault;
    for (size_t size = 0; size < world->excerpt.size; size += 307)
        if (excerpt_good(slice_head(buffer_slice(&world->excerpt), size), &results, &fault))
            fail_msg("%zu bytes of the excerpt", size);
    for (size_t size = 0; size < world->absence.size; size += 307)
        if (absence_verify(slice_head(buffer_slice(&world->absence), size), &world->log->trust,
                           world->log->now_us, &absence, &fault))
            fail_msg("%zu bytes of the proof of absence", size);
}

/* ---- 2 */

static void case_2_two_events_swapped_in_a_batch(void **state) {
    (void)state;
    struct small_entry *entry = &world->log->entries[world->with_events];
    struct slice rest = buffer_slice(&entry->block);
    struct event first, second, third;
    CLEANUP_BUFFER struct buffer swapped = BUFFER(EVENT_BLOCK_MOST);
    assert_true(event_block_next(&rest, &first, NULL) && event_block_next(&rest, &second, NULL) &&
                event_block_next(&rest, &third, NULL));
    event_block_append(&swapped, second.time_us, second.class, second.body);
    event_block_append(&swapped, first.time_us, first.class, first.body);
    event_block_append(&swapped, third.time_us, third.class, third.body);
    struct batch_proofs *proofs =
        batch_proofs_create(buffer_slice(&entry->bytes), buffer_slice(&entry->class_list), NULL);
    struct batch_entry read;
    assert_true(batch_entry_read(buffer_slice(&entry->bytes), &read, NULL));
    struct batch_events run = {read.batch_seq, read.first_event_seq, 3,
                               entry->keys,    entry->key_count,     buffer_slice(&swapped)};
    struct event_proof proof;
    struct fault fault = {0};
    assert_true(batch_proofs_add(proofs, &run, NULL));
    assert_false(batch_proofs_make(proofs, read.first_event_seq, &proof, &fault));
    assert_non_null(strstr(fault.text, "not the one that the batch's signature covers"));
    batch_proofs_destroy(proofs);
}

static void case_2_two_entries_swapped(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    swap(&world->absence, map.entry[1].from, map.entry[1].to, map.entry[2].to);
    assert_absence_refused_at("entry 1, batch", "is the next");
}

/* ---- 4, 5, 6 */

static void case_4_a_smaller_tree_signed_again_does_not_lead_to_the_newest(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24), note = BUFFER(NOTE_MOST);
    /* The log's keeper signs another tree of an earlier size, and even the witnesses of then cosign it. */
    struct small_checkpoint *earlier = &world->log->checkpoints[3];
    struct hash root = merkle_root(world->log->leaves + 1, earlier->size);
    small_log_checkpoint_of(world->log, earlier->size, &root, 3, earlier->time_s, &note);
    buffer_append(&file, world->absence.data, map.marks);
    bytes_write_u32(&file, 1);
    bytes_write_block(&file, buffer_slice(&note));
    struct merkle_path path;
    merkle_proof_consistency(world->log->leaves, world->log->entry_count, earlier->size, &path);
    proof_path_write(&file, &path);
    buffer_append(&file, world->absence.data + map.entries, world->absence.size - map.entries);
    buffer_clear(&world->absence);
    buffer_append_slice(&world->absence, buffer_slice(&file));
    assert_absence_refused_at("checkpoint 0", "is not what the newest one grew from");
}

static void case_5_what_an_old_checkpoint_does_not_hold_is_not_proved_by_it(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct fault fault = {0};
    const struct small_checkpoint *old = &world->log->checkpoints[0];
    assert_false(excerpt_begin(&world->log->source, world->with_events + 1, buffer_slice(&old->note),
                               old->size, 1, &file, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void see_another_tree(struct batch_entry *entry) {
    entry->seen.root.bytes[0] ^= 1;
}

static void case_6_an_agent_that_saw_another_tree_of_the_same_size(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), see_another_tree);
    absence_again();
    assert_absence_refused_at("batch 5", "seen another tree");
}

/* ---- 7 */

static void case_7_a_checkpoint_without_the_logs_signature_or_another_logs(void **state) {
    (void)state;
    struct trust trust = world->log->trust;
    struct signing_key *other = small_key("another log");
    struct results results;
    struct fault fault = {0};
    struct excerpt_summary summary;
    /* The name is known, the key is another's. */
    assert_true(note_key_make(NOTE_KEY_LOG, world->log->origin, signing_key_public(other), &trust.log, NULL));
    results = (struct results){0};
    assert_false(excerpt_verify(buffer_slice(&world->excerpt), &trust, world->log->now_us, take, &results,
                                &summary, &fault));
    assert_non_null(strstr(fault.text, "not signed by its log"));
    /* The log's key as a witness's. */
    trust = world->log->trust;
    trust.witnesses.witnesses[0] = trust.log;
    assert_false(excerpt_verify(buffer_slice(&world->excerpt), &trust, world->log->now_us, take, &results,
                                &summary, &fault));
    signing_key_destroy(other);
}

/* ---- 10, 11 */

static void case_11_an_interior_node_is_no_leaf(void **state) {
    (void)state;
    /* leaf 0 and 1 below one node: the node's two halves as an entry's bytes hash to something else, because leaves begin
     * with 0x00 and nodes with 0x01. */
    struct small_log *log = world->log;
    uint8_t halves[2 * HASH_SIZE];
    memcpy(halves, log->leaves[0].bytes, HASH_SIZE);
    memcpy(halves + HASH_SIZE, log->leaves[1].bytes, HASH_SIZE);
    struct merkle_path path;
    merkle_proof_inclusion(log->leaves, log->entry_count, 0, &path);
    struct hash root = merkle_root(log->leaves, log->entry_count);
    struct hash as_leaf = merkle_leaf(slice_make(halves, sizeof halves));
    assert_false(
        merkle_proof_included(&as_leaf, 0, log->entry_count / 2, path.hashes + 1, path.count - 1, &root));
    struct hash node = merkle_node(&log->leaves[0], &log->leaves[1]);
    /* And a leaf with the path of a node is too deep. */
    assert_false(merkle_proof_included(&node, 0, log->entry_count, path.hashes + 1, path.count - 1, &root));
}

/* ---- 13 */

static void jump(struct batch_entry *entry) {
    entry->batch_seq++;
}

static void overlap(struct batch_entry *entry) {
    entry->first_event_seq--;
}

static void other_prev(struct batch_entry *entry) {
    entry->prev.bytes[31] ^= 1;
}

static void case_13_a_gap_in_batch_seq(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), jump);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct absence_claim claim = {slice_string(world->signer->host), CLASS_SIGNING, FROM, TO};
    const struct small_checkpoint *newest = small_log_newest(world->log);
    struct fault fault = {0};
    /* Not even made: batch 5 is not there. */
    assert_false(absence_make(&world->log->source, &claim, &world->signer->streams[0], 3, 8,
                              buffer_slice(&newest->note), newest->size, &file, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void case_13_an_overlap_in_event_seq(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), overlap);
    absence_again();
    assert_absence_refused_at("batch 5", "begins at event");
}

static void case_13_a_wrong_prev(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), other_prev);
    absence_again();
    assert_absence_refused_at("batch 5", "another entry than the last");
}

static void later_by_a_little(struct batch_entry *entry) {
    entry->boottime_us++;
}

static void case_13_a_valid_chain_whose_entry_is_not_the_one_in_the_tree(void **state) {
    (void)state;
    /* A second chain, signed by the agent, without an event that the log's has; the tree stays the log's. */
    CLEANUP_BUFFER struct buffer other = BUFFER(1u << 24);
    struct map map = map_of(buffer_slice(&world->absence));
    small_log_forge(world->log, batch(5), later_by_a_little);
    const struct small_entry *forged = &world->log->entries[batch(5)];
    for (uint32_t i = 0; i < map.entry_count; i++) {
        struct batch_entry entry;
        uint8_t *bytes = world->absence.data + map.entry[i].from + 8 + 1 +
                         HASH_SIZE * (size_t)world->absence.data[map.entry[i].from + 8];
        assert_true(batch_entry_read(slice_make(bytes, BATCH_ENTRY_SIZE), &entry, NULL));
        if (entry.batch_seq == 5)
            memcpy(bytes, forged->bytes.data, BATCH_ENTRY_SIZE);
    }
    assert_absence_refused_at("batch 5", "does not");
}

/* ---- 14 */

static void fall(struct batch_entry *entry) {
    entry->cum[CLASS_SIGNING]--;
}

static void rise(struct batch_entry *entry) {
    entry->cum[CLASS_SIGNING]++;
}

static void case_14_cum_that_falls_or_moves_without_events(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), fall);
    absence_again();
    assert_absence_refused_at("batch 5", "events so far");
}

static void case_14_cum_that_rises_without_events(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), rise);
    absence_again();
    assert_absence_refused_at("batch 5", "events so far");
}

static void case_14_a_class_list_that_is_not_the_entrys(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    world->absence.data[map.entry[2].to - 1] ^= 1; /* the list of a heartbeat is one byte */
    assert_absence_refused_at("entry 2", "class list");
}

static void case_14_events_are_counted_where_cum_moves(void **state) {
    (void)state;
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 150 * SECONDS, TO, &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.events, 2);
    assert_false(absence.throughout);
    size_t with = 0;
    for (size_t i = 0; i < absence.interval_count; i++)
        if (absence.intervals[i].events == 2) {
            with++;
            assert_int_equal(absence.intervals[i].attestation, ATTESTATION_WITNESSED);
            assert_int_equal(absence.intervals[i].to_us, START + 3 * MINUTES);
        }
    assert_int_equal(with, 1);
    absence_free(&absence);
}

/* ---- 15 */

static void earlier_by_an_hour(struct batch_entry *entry) {
    entry->kind = BATCH_BREAK;
    entry->open_us -= HOURS;
    entry->close_us -= HOURS;
}

static void case_15_the_clock_rolled_back(void **state) {
    (void)state;
    /* The last one: nothing behind it must follow. It is a break, as the format demands, and dated long before what it saw. */
    uint64_t last = small_agent_last_seq(world->signer, LANE_SECURITY);
    small_log_forge(world->log, batch(last), earlier_by_an_hour);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct absence_claim claim = {slice_string(world->signer->host), CLASS_SIGNING, START + 5 * MINUTES,
                                  START + 11 * MINUTES};
    const struct small_checkpoint *newest = small_log_newest(world->log);
    buffer_clear(&world->absence);
    assert_true(absence_make(&world->log->source, &claim, &world->signer->streams[0], 4, last,
                             buffer_slice(&newest->note), newest->size, &world->absence, NULL));
    struct absence absence = absence_good();
    const struct absence_interval *gap = &absence.intervals[absence.interval_count - 1];
    assert_int_equal(gap->attestation, ATTESTATION_UNATTESTED);
    assert_int_equal(gap->to_us, START + 11 * MINUTES);
    absence_free(&absence);
}

static void signed_in_advance(struct batch_entry *entry) {
    entry->close_us += HOURS;
    entry->boottime_us += HOURS;
}

static void case_15_heartbeats_signed_in_advance(void **state) {
    (void)state;
    uint64_t last = small_agent_last_seq(world->signer, LANE_SECURITY);
    small_log_forge(world->log, batch(last), signed_in_advance);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 30 * MINUTES, &world->absence);
    assert_weak_interval(ATTESTATION_UNATTESTED, "heartbeat");
}

static void dated_after(struct batch_entry *entry) {
    entry->close_us += 30 * SECONDS;
    entry->boottime_us += 30 * SECONDS;
}

static void case_15_t_close_after_the_checkpoint_that_holds_it(void **state) {
    (void)state;
    uint64_t last = small_agent_last_seq(world->signer, LANE_SECURITY);
    small_log_forge(world->log, batch(last), dated_after);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 10 * MINUTES + 20 * SECONDS,
                      &world->absence);
    assert_weak_interval(ATTESTATION_UNATTESTED, "after that of the checkpoint that holds it");
}

static void dated_before(struct batch_entry *entry) {
    entry->close_us -= 90 * SECONDS;
    entry->open_us -= 90 * SECONDS;
    entry->kind = BATCH_BREAK;
}

static void case_15_t_close_before_its_seen_checkpoint(void **state) {
    (void)state;
    uint64_t last = small_agent_last_seq(world->signer, LANE_SECURITY);
    small_log_forge(world->log, batch(last), dated_before);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct absence_claim claim = {slice_string(world->signer->host), CLASS_SIGNING, START + 7 * MINUTES,
                                  START + 9 * MINUTES};
    const struct small_checkpoint *newest = small_log_newest(world->log);
    buffer_clear(&world->absence);
    assert_true(absence_make(&world->log->source, &claim, &world->signer->streams[0], last, last,
                             buffer_slice(&newest->note), newest->size, &world->absence, NULL));
    struct absence absence = absence_good();
    for (size_t i = 0; i < absence.interval_count; i++)
        assert_int_equal(absence.intervals[i].attestation, ATTESTATION_UNATTESTED);
    absence_free(&absence);
}

/* ---- 16 */

static void other_boot(struct batch_entry *entry) {
    entry->boot_id[5] ^= 1;
}

static void case_16_boot_id_changed_without_a_break(void **state) {
    (void)state;
    small_log_forge(world->log, batch(5), other_boot);
    absence_again();
    assert_absence_refused_at("batch 5", "boot changed");
}

static void case_16_a_heartbeat_withheld(void **state) {
    (void)state;
    small_log_run(world->log, 2);
    small_log_pass(world->log, 20 * MINUTES); /* nobody signs, and nothing breaks */
    small_log_run(world->log, 3);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 11 * MINUTES, START + 34 * MINUTES,
                      &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.interval_count, 3);
    assert_int_equal(absence.intervals[1].from_us, START + 12 * MINUTES);
    assert_int_equal(absence.intervals[1].to_us, START + 33 * MINUTES);
    assert_int_equal(absence.intervals[1].attestation, ATTESTATION_UNATTESTED);
    assert_non_null(strstr(absence.intervals[1].why, "no heartbeat came"));
    /* What comes next begins with an entry that had seen nothing for too long. */
    assert_int_equal(absence.intervals[2].attestation, ATTESTATION_SELF_CLOCKED);
    absence_free(&absence);
}

/* ---- 17 */

static void case_17_a_key_that_was_revoked_speaks_for_nothing_afterwards(void **state) {
    (void)state;
    small_agent_revoke(world->signer, 0);
    small_agent_event(world->signer, CLASS_SIGNING, "after the revocation");
    uint64_t late = world->log->entry_count;
    small_log_run(world->log, 3);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_ISSUED, START + 8 * MINUTES, START + 12 * MINUTES,
                      &world->absence);
    assert_weak_interval(ATTESTATION_UNATTESTED, "not live any more");
    const uint32_t places[] = {0};
    buffer_clear(&world->excerpt);
    small_log_excerpt(world->log, late, 1, places, &world->excerpt);
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&world->excerpt), &results, &fault));
    assert_int_equal(results.verdicts[0], VERDICT_OPENED);
    assert_true(results.unattested);
}

static void case_17_a_key_that_descends_from_a_revoked_one(void **state) {
    (void)state;
    small_agent_rotate(world->signer);
    small_log_run(world->log, 2);
    small_agent_revoke(world->signer, 0);
    small_log_run(world->log, 2);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 8 * MINUTES, START + 13 * MINUTES,
                      &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.intervals[0].attestation, ATTESTATION_WITNESSED);
    assert_int_equal(absence.intervals[0].to_us, START + 12 * MINUTES); /* across the rotation */
    assert_int_equal(absence.intervals[1].attestation, ATTESTATION_UNATTESTED);
    absence_free(&absence);
}

static void case_17_an_enrolment_without_the_registrar(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    struct signing_key *key = small_key("intruder");
    struct agent_enrolment enrolment = {
        .name = SLICE("signer1.ca.example"), .key = *signing_key_public(key), .heartbeat_s = 60};
    struct fault fault = {0};
    assert_true(stream_ids_make(enrolment.name, &enrolment.key, enrolment.streams));
    assert_true(agent_enrolment_write(&payload, &enrolment));
    assert_false(small_log_try(world->log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), 1,
                               &world->log->admin, &fault));
    assert_non_null(strstr(fault.text, "the registrar"));
    signing_key_destroy(key);
}

static void case_17_an_enrolment_over_a_known_name_without_a_person_is_unconfirmed(void **state) {
    (void)state;
    struct small_agent *again = small_log_enrol(world->log, "signer1.ca.example", 60, NULL);
    /* Its keys are new ones, and the old streams are not live any more. */
    small_agent_event(again, CLASS_SIGNING, "by whom?");
    uint64_t index = small_agent_close(again, LANE_SECURITY);
    small_log_run(world->log, 3);
    end_log();
    const uint32_t places[] = {0};
    buffer_clear(&world->excerpt);
    small_log_excerpt(world->log, index, 1, places, &world->excerpt);
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&world->excerpt), &results, &fault));
    assert_int_equal(results.verdicts[0], VERDICT_OPENED);
    assert_true(results.unconfirmed);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 8 * MINUTES, START + 12 * MINUTES,
                      &world->absence);
    assert_weak_interval(ATTESTATION_UNATTESTED, "not live any more");
}

/* ---- 18 */

static void sees_what_is_not_there(struct batch_entry *entry) {
    entry->seen.size = 1000000;
}

static void case_18_an_agents_invented_seen_size(void **state) {
    (void)state;
    uint64_t last = small_agent_last_seq(world->signer, LANE_SECURITY);
    /* merkle_root cannot be asked for a tree that is not there, so the forging is done behind the last entry alone. */
    small_log_forge(world->log, batch(last), sees_what_is_not_there);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 10 * MINUTES, &world->absence);
    assert_weak_interval(ATTESTATION_UNATTESTED, "would hold itself");
}

/* ---- 22 */

static void put_newest(unsigned cosigned, uint64_t time_s) {
    struct small_checkpoint *newest = small_log_newest(world->log);
    struct hash root = merkle_root(world->log->leaves, newest->size);
    buffer_clear(&newest->note);
    small_log_checkpoint_of(world->log, newest->size, &root, cosigned, time_s, &newest->note);
    make_files();
}

static void case_22_cosignatures_dated_in_the_future(void **state) {
    (void)state;
    put_newest(3, world->log->now_us / SECONDS + 3600);
    assert_absence_refused_at("checkpoint", "dated in the future");
    assert_excerpt_refused(buffer_slice(&world->excerpt), "dated in the future");
}

static void case_22_a_quorum_that_is_not_met(void **state) {
    (void)state;
    put_newest(1, world->log->now_us / SECONDS);
    assert_absence_refused_at("checkpoint", "1 of the trusted witnesses have");
    assert_excerpt_refused(buffer_slice(&world->excerpt), "1 of the trusted witnesses have");
}

static void case_22_a_quorum_met_by_one_key_that_signs_twice(void **state) {
    (void)state;
    struct small_checkpoint *newest = small_log_newest(world->log);
    put_newest(1, world->log->now_us / SECONDS);
    struct signed_checkpoint read;
    assert_true(checkpoint_read(buffer_slice(&newest->note), &world->log->trust.log, NULL, &read, NULL));
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    buffer_append_slice(&text, read.text);
    assert_true(note_cosign(&newest->note, buffer_slice(&text), &world->log->trust.witnesses.witnesses[0],
                            world->log->witnesses[0], world->log->now_us / SECONDS + 1));
    make_files();
    assert_absence_refused_at("checkpoint", "1 of the trusted witnesses have");
}

static void case_22_an_earlier_checkpoint_without_its_quorum_bounds_no_time(void **state) {
    (void)state;
    for (size_t i = 4; i < 7; i++) {
        struct small_checkpoint *checkpoint = &world->log->checkpoints[i];
        struct hash root = merkle_root(world->log->leaves, checkpoint->size);
        buffer_clear(&checkpoint->note);
        small_log_checkpoint_of(world->log, checkpoint->size, &root, 1, checkpoint->time_s,
                                &checkpoint->note);
    }
    absence_again();
    assert_weak_interval(ATTESTATION_SELF_CLOCKED, "further than a heartbeat");
}

/* ---- 23 */

static void case_23_a_break_is_a_gap_and_no_more_than_one(void **state) {
    (void)state;
    small_log_pass(world->log, 4 * MINUTES);
    small_agent_restart(world->signer);
    small_log_run(world->log, 3);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 8 * MINUTES, START + 16 * MINUTES,
                      &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.interval_count, 3);
    assert_int_equal(absence.intervals[0].attestation, ATTESTATION_WITNESSED);
    assert_int_equal(absence.intervals[0].to_us, START + 10 * MINUTES);
    assert_int_equal(absence.intervals[1].attestation, ATTESTATION_UNATTESTED);
    assert_int_equal(absence.intervals[1].to_us, START + 14 * MINUTES);
    assert_int_equal(absence.intervals[2].to_us, START + 16 * MINUTES);
    absence_free(&absence);
}

static void hide_the_break(struct batch_entry *entry) {
    entry->kind = BATCH_HEARTBEAT;
}

static void case_23_a_break_that_is_signed_as_none(void **state) {
    (void)state;
    small_log_pass(world->log, 4 * MINUTES);
    small_agent_restart(world->signer);
    uint64_t broken = small_agent_last_seq(world->signer, LANE_SECURITY);
    small_log_run(world->log, 3);
    end_log();
    small_log_forge(world->log, batch(broken), hide_the_break);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, START + 8 * MINUTES, START + 16 * MINUTES,
                      &world->absence);
    assert_absence_refused_at("entry", "boot changed without a break");
}

static void case_23_a_middle_entry_left_out(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    cut(&world->absence, map.entry[2].from, map.entry[2].to);
    bytes_put_u32(world->absence.data + map.entries, map.entry_count - 1);
    assert_absence_refused_at("entry 2, batch", "is the next");
}

static void case_23_the_first_or_last_entry_left_out_leaves_a_gap(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    cut(&world->absence, map.entry[map.entry_count - 1].from, map.entry[map.entry_count - 1].to);
    bytes_put_u32(world->absence.data + map.entries, map.entry_count - 1);
    assert_weak_interval(ATTESTATION_UNATTESTED, "no later entry");
    absence_again();
    cut(&world->absence, map.entry[0].from, map.entry[0].to);
    bytes_put_u32(world->absence.data + map.entries, map.entry_count - 1);
    assert_weak_interval(ATTESTATION_UNATTESTED, "no earlier entry");
}

static void case_23_two_streams_mixed(void **state) {
    (void)state;
    struct map map = map_of(buffer_slice(&world->absence));
    CLEANUP_BUFFER struct buffer other = BUFFER(1u << 24), file = BUFFER(1u << 24);
    small_log_absence(world->log, world->web, CLASS_SIGNING, FROM, TO, &other);
    struct map theirs = map_of(buffer_slice(&other));
    buffer_append(&file, world->absence.data, map.entry[2].from);
    buffer_append(&file, other.data + theirs.entry[2].from, theirs.entry[2].to - theirs.entry[2].from);
    buffer_append(&file, world->absence.data + map.entry[2].to, world->absence.size - map.entry[2].to);
    buffer_clear(&world->absence);
    buffer_append_slice(&world->absence, buffer_slice(&file));
    assert_absence_refused_at("entry 2", "another stream");
}

static void case_23_another_streams_name_or_lane_over_the_entries(void **state) {
    (void)state;
    struct absence_claim claims[] = {{SLICE("web.ca.example"), CLASS_SIGNING, FROM, TO},
                                     {SLICE("signer1.ca.example/bulk"), CLASS_SYSTEM, FROM, TO}};
    const struct small_checkpoint *newest = small_log_newest(world->log);
    for (size_t i = 0; i < 2; i++) {
        buffer_clear(&world->absence);
        assert_true(absence_make(&world->log->source, &claims[i], &world->signer->streams[LANE_SECURITY], 3,
                                 8, buffer_slice(&newest->note), newest->size, &world->absence, NULL));
        assert_absence_refused_at("entry 0", "another stream");
    }
    /* And a class that the lane does not carry is no claim. */
    struct absence_claim wrong = {SLICE("signer1.ca.example"), CLASS_SYSTEM, FROM, TO};
    buffer_clear(&world->absence);
    assert_true(absence_make(&world->log->source, &wrong, &world->signer->streams[LANE_SECURITY], 3, 8,
                             buffer_slice(&newest->note), newest->size, &world->absence, NULL));
    assert_absence_refused_at("", "lane");
}

/* ---- 24 */

/* Two events and a part over them; the collector gives the batch up and states it as an orphan. */
static void log_orphan(void) {
    struct small_agent *signer = world->signer;
    CLEANUP_BUFFER struct buffer payload = BUFFER(4096);
    uint8_t part[PART_SIZE], list[CLASS_LIST_MOST];
    struct open_batch *open = open_batch_create();
    small_log_pass(world->log, SECONDS);
    small_agent_event(signer, CLASS_SIGNING, "never closed");
    small_agent_event(signer, CLASS_SIGNING, "never closed, too");
    assert_true(stream_writer_part(signer->writers[LANE_SECURITY], signer->clock.now_us, part));
    open_batch_set_key(open, CLASS_SIGNING, signer->open[LANE_SECURITY].keys[0].key);
    struct slice rest = buffer_slice(&signer->open[LANE_SECURITY].block);
    struct event event;
    for (uint64_t seq = stream_writer_first_seq(signer->writers[LANE_SECURITY]);
         event_block_next(&rest, &event, NULL); seq++) {
        event.seq = seq;
        open_batch_add(open, &event);
    }
    struct class_list classes;
    open_batch_class_list(open, &classes);
    size_t size = class_list_write(&classes, list);
    open_batch_destroy(open);
    assert_true(orphan_write(&payload, slice_make(part, sizeof part), slice_make(list, size)));
    small_log_by_log(world->log, STATEMENT_ORPHAN, buffer_slice(&payload));
}

/* An excerpt of the orphan's two events. */
static void orphans_excerpt(void) {
    struct small_log *log = world->log;
    struct small_entry *open = &world->signer->open[LANE_SECURITY];
    uint64_t index = 0;
    for (size_t i = 0; i < log->control_count; i++) {
        struct control_entry entry;
        assert_true(control_entry_read(buffer_slice(&log->entries[log->controls[i]].bytes), &entry, NULL));
        if (entry.statement.statement.type == STATEMENT_ORPHAN)
            index = log->controls[i];
    }
    const struct small_checkpoint *newest = small_log_newest(log);
    struct slice note = buffer_slice(&newest->note);
    struct batch_proofs *proofs = batch_proofs_create_orphan(buffer_slice(&log->entries[index].bytes), NULL);
    assert_non_null(proofs);
    uint64_t first = stream_writer_first_seq(world->signer->writers[LANE_SECURITY]);
    struct batch_events run = {stream_writer_batch_seq(world->signer->writers[LANE_SECURITY]),
                               first,
                               open->event_count,
                               open->keys,
                               open->key_count,
                               buffer_slice(&open->block)};
    assert_true(batch_proofs_add(proofs, &run, NULL));
    buffer_clear(&world->excerpt);
    assert_true(excerpt_begin(&log->source, index + 1, note, newest->size, 2, &world->excerpt, NULL));
    for (uint64_t i = 0; i < 2; i++) {
        struct event_proof proof;
        assert_true(batch_proofs_make(proofs, first + i, &proof, NULL));
        assert_true(excerpt_add(&log->source, note, newest->size, index, &proof, &world->excerpt, NULL));
    }
    struct event_proof proof;
    assert_false(batch_proofs_make(proofs, first + 2, &proof, NULL)); /* no part covers it */
    batch_proofs_destroy(proofs);
}

static void case_24_an_orphans_events_open_by_its_part_and_no_others(void **state) {
    (void)state;
    log_orphan();
    small_agent_event(world->signer, CLASS_SIGNING, "after the part");
    end_log();
    orphans_excerpt();
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&world->excerpt), &results, &fault));
    if (results.altered)
        fail_msg("%s", results.fault[0]);
    assert_int_equal(results.count, 2);
    for (size_t i = 0; i < world->excerpt.size; i += 149) {
        world->excerpt.data[i] ^= (uint8_t)(1u << (i & 7));
        if (excerpt_good(buffer_slice(&world->excerpt), &results, &fault) && results.altered == 0)
            fail_msg("byte %zu of %zu", i, world->excerpt.size);
        world->excerpt.data[i] ^= (uint8_t)(1u << (i & 7));
    }
}

static void case_24_an_orphan_that_its_agent_did_not_sign_is_nobodys(void **state) {
    (void)state;
    struct signing_key *other = small_key("somebody else");
    /* The collector states an orphan over a part of its own making. */
    CLEANUP_BUFFER struct buffer payload = BUFFER(4096);
    log_orphan();
    const struct small_entry *last = &world->log->entries[world->log->entry_count - 1];
    struct control_entry entry;
    struct orphan orphan;
    uint8_t part[PART_SIZE];
    assert_true(control_entry_read(buffer_slice(&last->bytes), &entry, NULL));
    assert_true(orphan_read(entry.statement.statement.payload, &orphan, NULL));
    part_sign(&orphan.part, other, part);
    assert_true(orphan_write(&payload, slice_make(part, sizeof part), orphan.list_bytes));
    small_log_by_log(world->log, STATEMENT_ORPHAN, buffer_slice(&payload));
    end_log();
    orphans_excerpt();
    struct results results;
    struct fault fault;
    assert_true(excerpt_good(buffer_slice(&world->excerpt), &results, &fault));
    assert_int_equal(results.altered, 2);
    assert_non_null(strstr(results.fault[0], "not that of its agent"));
    signing_key_destroy(other);
}

static void case_24_an_orphans_events_count_for_absence(void **state) {
    (void)state;
    log_orphan();
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 30 * MINUTES, &world->absence);
    struct absence absence = absence_good();
    const struct absence_interval *last = &absence.intervals[absence.interval_count - 1];
    assert_int_equal(last->attestation, ATTESTATION_UNATTESTED);
    assert_int_equal(last->events, 2);
    absence_free(&absence);
}

static void case_24_an_orphan_whose_batch_was_closed_after_all_counts_once(void **state) {
    (void)state;
    log_orphan();
    small_log_run(world->log, 2);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 12 * MINUTES, &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.events, 2);
    for (size_t i = 0; i < absence.interval_count; i++)
        assert_int_equal(absence.intervals[i].attestation, ATTESTATION_WITNESSED);
    absence_free(&absence);
}

static void closes_empty(struct batch_entry *entry) {
    const uint8_t none[] = {0};
    entry->kind = BATCH_HEARTBEAT;
    entry->event_count = 0;
    entry->cum[CLASS_SIGNING] -= 2;
    entry->event_root = class_list_event_root(slice_make(none, sizeof none));
}

static void case_24_a_close_that_leaves_out_what_its_orphan_held(void **state) {
    (void)state;
    log_orphan();
    small_log_pass(world->log, MINUTES);
    uint64_t index = small_agent_close(world->signer, LANE_SECURITY);
    end_log();
    struct buffer *list = &world->log->entries[index].class_list;
    buffer_clear(list);
    bytes_write_u8(list, 0);
    small_log_forge(world->log, index, closes_empty);
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 11 * MINUTES, &world->absence);
    assert_absence_refused_at("entry", "does not cover the part");
}

static void after_the_orphan(struct batch_entry *entry) {
    entry->first_event_seq += 2;
}

static void case_24_a_successor_leaves_the_orphans_events_out_and_they_count(void **state) {
    (void)state;
    log_orphan();
    /* What was open is lost to the agent: another one of the same key goes on behind the orphan with a break. */
    struct small_entry *open = &world->signer->open[LANE_SECURITY];
    buffer_clear(&open->block);
    open->event_count = 0;
    open->key_count = 0;
    struct stream_writer **writer = &world->signer->writers[LANE_SECURITY];
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_WRITER_STATE_MOST);
    assert_true(stream_writer_save(*writer, &saved));
    struct stream_writer_settings settings = {.lane = LANE_SECURITY,
                                              .stream_id = world->signer->streams[LANE_SECURITY],
                                              .key = world->signer->key,
                                              .random = random_source_system(),
                                              .batch_us = STREAM_BATCH_US,
                                              .heartbeat_us = MINUTES};
    stream_writer_destroy(*writer);
    *writer = stream_writer_load(&settings, buffer_slice(&saved), NULL);
    assert_non_null(*writer);
    small_log_pass(world->log, 10 * MINUTES);
    world->signer->clock.boot_id[1]++;
    assert_true(stream_writer_break(*writer, &world->signer->clock, NULL));
    uint64_t index = small_agent_close(world->signer, LANE_SECURITY);
    small_log_checkpoint(world->log);
    small_log_forge(world->log, index, after_the_orphan);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 20 * MINUTES, &world->absence);
    struct absence absence = absence_good();
    assert_int_equal(absence.events, 2);
    size_t gaps = 0;
    for (size_t i = 0; i < absence.interval_count; i++)
        if (absence.intervals[i].events == 2) {
            gaps++;
            assert_int_equal(absence.intervals[i].attestation, ATTESTATION_UNATTESTED);
            assert_int_equal(absence.intervals[i].from_us, START + 10 * MINUTES);
        }
    assert_int_equal(gaps, 1);
    absence_free(&absence);
}

/* ---- 25 */

/* The ground of an absence file without its control entry `leave_out`. */
static void leave_out_control(uint32_t leave_out) {
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    struct slice whole = buffer_slice(&world->absence);
    struct map map = map_of(whole);
    struct bytes_reader reader = bytes_read(slice_from(whole, map.ground));
    bytes_read_raw(&reader, 16);
    bytes_read_block(&reader);
    size_t count_at = at(whole, &reader);
    uint32_t count = bytes_read_u32(&reader);
    buffer_append(&file, whole.data, at(whole, &reader));
    bytes_put_u32(file.data + count_at, count - 1);
    for (uint32_t i = 0; i < count; i++) {
        size_t from = at(whole, &reader);
        bytes_read_block(&reader);
        if (bytes_read_u8(&reader)) {
            bytes_read_u64(&reader);
            skip_path(&reader);
        }
        if (i != leave_out)
            buffer_append(&file, whole.data + from, at(whole, &reader) - from);
    }
    buffer_append(&file, whole.data + map.marks, whole.size - map.marks);
    buffer_clear(&world->absence);
    buffer_append_slice(&world->absence, buffer_slice(&file));
}

static void case_25_a_revocation_left_out_of_the_control_chain(void **state) {
    (void)state;
    uint32_t revocation = (uint32_t)world->log->control_count;
    small_agent_revoke(world->signer, 0);
    small_log_run(world->log, 2);
    end_log();
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 12 * MINUTES, &world->absence);
    struct absence absence = absence_good();
    assert_false(absence.throughout);
    absence_free(&absence);
    leave_out_control(revocation);
    assert_absence_refused_at("control entry", "stands where");
}

static void case_25_the_chain_cut_off_before_the_revocation(void **state) {
    (void)state;
    /* A mark stands before the revocation: the chain up to it is whole, but does not reach the entries behind it. */
    small_log_mark(world->log);
    uint64_t reaches = world->log->controls[world->log->control_count - 1];
    small_agent_revoke(world->signer, 0);
    small_log_run(world->log, 2);
    end_log();
    const struct small_checkpoint *newest = small_log_newest(world->log);
    CLEANUP_BUFFER struct buffer ground = BUFFER(1u << 20);
    assert_true(proof_ground_make(&world->log->source, reaches, buffer_slice(&newest->note), newest->size,
                                  &ground, NULL));
    buffer_clear(&world->absence);
    small_log_absence(world->log, world->signer, CLASS_SIGNING, FROM, START + 12 * MINUTES, &world->absence);
    struct map map = map_of(buffer_slice(&world->absence));
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    buffer_append(&file, world->absence.data, map.ground);
    buffer_append_slice(&file, buffer_slice(&ground));
    buffer_append(&file, world->absence.data + map.marks, world->absence.size - map.marks);
    buffer_clear(&world->absence);
    buffer_append_slice(&world->absence, buffer_slice(&file));
    assert_absence_refused_at("entry", "behind the last mark");
}

static void case_25_a_chain_without_a_mark_at_its_end(void **state) {
    (void)state;
    leave_out_control((uint32_t)world->log->control_count - 1);
    assert_absence_refused_at("control chain", "does not end with a mark");
}

/* ---- trust */

static void a_proof_says_nothing_under_another_genesis(void **state) {
    (void)state;
    struct trust trust = world->log->trust;
    struct absence absence;
    struct fault fault = {0};
    trust.genesis_leaf.bytes[0] ^= 1;
    assert_false(absence_verify(buffer_slice(&world->absence), &trust, world->log->now_us, &absence, &fault));
    assert_non_null(strstr(fault.text, "genesis"));
}

static void a_log_without_witnesses_is_unwitnessed(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "signer1.ca.example", 60, NULL);
    small_log_run(log, 10);
    small_log_mark(log);
    small_log_checkpoint(log);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    small_log_absence(log, agent, CLASS_SIGNING, FROM, TO, &file);
    struct absence absence;
    assert_true(absence_verify(buffer_slice(&file), &log->trust, log->now_us, &absence, NULL));
    assert_int_equal(absence.interval_count, 1);
    assert_int_equal(absence.intervals[0].attestation, ATTESTATION_UNWITNESSED);
    assert_true(absence.unwitnessed);
    assert_false(absence.throughout);
    absence_free(&absence);
    small_log_destroy(log);
}

static void witnesses_that_the_trust_alone_knows_count(void **state) {
    (void)state;
    struct small_log *log = small_log_create_asking_nobody(2, 2);
    struct small_agent *agent = small_log_enrol(log, "signer1.ca.example", 60, NULL);
    small_log_run(log, 10);
    small_log_mark(log);
    small_log_checkpoint(log);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    small_log_absence(log, agent, CLASS_SIGNING, FROM, TO, &file);
    struct absence absence;
    assert_true(absence_verify(buffer_slice(&file), &log->trust, log->now_us, &absence, NULL));
    assert_true(absence.throughout);
    absence_free(&absence);
    log->trust.witnesses = (struct witness_policy){.needed = 0};
    assert_true(absence_verify(buffer_slice(&file), &log->trust, log->now_us, &absence, NULL));
    assert_int_equal(absence.intervals[0].attestation, ATTESTATION_UNWITNESSED);
    absence_free(&absence);
    small_log_destroy(log);
}

static void a_trust_file_is_read_as_it_was_written(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer text = BUFFER(TRUST_FILE_MOST), again = BUFFER(TRUST_FILE_MOST);
    struct trust trust = world->log->trust, read;
    struct fault fault = {0};
    trust.key_count = 2;
    trust.keys[0] = world->log->leaves[1];
    trust.keys[1] = world->log->leaves[2];
    assert_true(trust_write(&text, &trust));
    if (!trust_read(buffer_slice(&text), &read, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    assert_true(trust_write(&again, &read));
    assert_true(slice_equal(buffer_slice(&text), buffer_slice(&again)));
    /* Any change of any byte is refused or says something else; nothing is passed over. */
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] ^= 1;
        if (trust_read(buffer_slice(&text), &read, NULL)) {
            buffer_clear(&again);
            assert_true(trust_write(&again, &read));
            assert_true(slice_equal(buffer_slice(&text), buffer_slice(&again)));
        }
        text.data[i] ^= 1;
        assert_false(i > 0 && i + 1 < text.size && text.data[i] == '\n' &&
                     trust_read(slice_head(buffer_slice(&text), i), &read, NULL));
    }
    buffer_append_string(&text, "\n");
    assert_false(trust_read(buffer_slice(&text), &read, &fault));
}

#define made(test) cmocka_unit_test_setup_teardown(test, world_make, world_drop)
#define begun(test) cmocka_unit_test_setup_teardown(test, world_begin, world_drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        made(case_1_a_flipped_bit_in_an_excerpt_is_caught_wherever_it_is),
        made(case_1_an_altered_body_is_named_and_hides_no_other),
        made(case_1_a_flipped_bit_in_a_proof_of_absence_is_caught_wherever_it_is),
        made(case_1_a_file_cut_short_anywhere_is_none),
        made(case_2_two_events_swapped_in_a_batch),
        made(case_2_two_entries_swapped),
        made(case_4_a_smaller_tree_signed_again_does_not_lead_to_the_newest),
        made(case_5_what_an_old_checkpoint_does_not_hold_is_not_proved_by_it),
        made(case_6_an_agent_that_saw_another_tree_of_the_same_size),
        made(case_7_a_checkpoint_without_the_logs_signature_or_another_logs),
        made(case_11_an_interior_node_is_no_leaf),
        made(case_13_a_gap_in_batch_seq),
        made(case_13_an_overlap_in_event_seq),
        made(case_13_a_wrong_prev),
        made(case_13_a_valid_chain_whose_entry_is_not_the_one_in_the_tree),
        made(case_14_cum_that_falls_or_moves_without_events),
        made(case_14_cum_that_rises_without_events),
        made(case_14_a_class_list_that_is_not_the_entrys),
        made(case_14_events_are_counted_where_cum_moves),
        made(case_15_the_clock_rolled_back),
        made(case_15_heartbeats_signed_in_advance),
        made(case_15_t_close_after_the_checkpoint_that_holds_it),
        made(case_15_t_close_before_its_seen_checkpoint),
        made(case_16_boot_id_changed_without_a_break),
        begun(case_16_a_heartbeat_withheld),
        begun(case_17_a_key_that_was_revoked_speaks_for_nothing_afterwards),
        begun(case_17_a_key_that_descends_from_a_revoked_one),
        begun(case_17_an_enrolment_without_the_registrar),
        begun(case_17_an_enrolment_over_a_known_name_without_a_person_is_unconfirmed),
        made(case_18_an_agents_invented_seen_size),
        made(case_22_cosignatures_dated_in_the_future),
        made(case_22_a_quorum_that_is_not_met),
        made(case_22_a_quorum_met_by_one_key_that_signs_twice),
        made(case_22_an_earlier_checkpoint_without_its_quorum_bounds_no_time),
        begun(case_23_a_break_is_a_gap_and_no_more_than_one),
        begun(case_23_a_break_that_is_signed_as_none),
        made(case_23_a_middle_entry_left_out),
        made(case_23_the_first_or_last_entry_left_out_leaves_a_gap),
        made(case_23_two_streams_mixed),
        made(case_23_another_streams_name_or_lane_over_the_entries),
        begun(case_24_an_orphans_events_open_by_its_part_and_no_others),
        begun(case_24_an_orphan_that_its_agent_did_not_sign_is_nobodys),
        begun(case_24_an_orphans_events_count_for_absence),
        begun(case_24_an_orphan_whose_batch_was_closed_after_all_counts_once),
        begun(case_24_a_close_that_leaves_out_what_its_orphan_held),
        begun(case_24_a_successor_leaves_the_orphans_events_out_and_they_count),
        begun(case_25_a_revocation_left_out_of_the_control_chain),
        begun(case_25_the_chain_cut_off_before_the_revocation),
        made(case_25_a_chain_without_a_mark_at_its_end),
        made(a_proof_says_nothing_under_another_genesis),
        made(a_log_without_witnesses_is_unwitnessed),
        made(witnesses_that_the_trust_alone_knows_count),
        made(a_trust_file_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests_name("caught", tests, NULL, NULL);
}
