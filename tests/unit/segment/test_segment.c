/* A segment gives back what went in, proves it, and notices whatever is done to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "memory.h"
#include "query_segment.h"
#include "segment_fixture.h"
#include "segment_verify.h"

static int make_small(void **state) {
    struct segment_fixture *fixture = memory_new(sizeof *fixture);
    segment_fixture_make(fixture, 500);
    *state = fixture;
    return 0;
}

static int make_large(void **state) {
    struct segment_fixture *fixture = memory_new(sizeof *fixture);
    segment_fixture_make(fixture, 40000);
    *state = fixture;
    return 0;
}

static int drop(void **state) {
    segment_fixture_free(*state);
    free(*state);
    return 0;
}

struct opened {
    struct slice bytes;
    struct segment_source source;
    struct segment_reader *reader;
};

static bool open_it(const struct segment_fixture *fixture, struct opened *opened, struct fault *fault) {
    opened->bytes = buffer_slice(&fixture->file);
    opened->source = segment_source_memory(&opened->bytes);
    opened->reader = segment_reader_open(&opened->source, fault);
    if (opened->reader && segment_reader_unlock(opened->reader, fixture->key, fault))
        return true;
    opened->reader = segment_reader_close(opened->reader);
    return false;
}

static void what_went_in_comes_out_in_its_order(void **state) {
    const struct segment_fixture *fixture = *state;
    struct opened opened;
    struct fault fault = {0};
    struct segment_block *block = segment_block_create();
    size_t n = 0;
    uint64_t arrival = 0;
    assert_true(open_it(fixture, &opened, &fault));
    const struct segment_index *index = segment_reader_index(opened.reader);
    assert_int_equal(index->events, fixture->count);
    for (uint32_t b = 0; b < index->block_count; b++) {
        assert_true(segment_block_open(block, opened.reader, b, &fault));
        assert_true(segment_block_values(block, &fault));
        assert_int_equal(segment_block_count(block), index->blocks[b].events);
        for (uint32_t i = 0; i < segment_block_count(block); i++, n++) {
            const struct segment_event *event = segment_block_event(block, i);
            struct slice bytes;
            assert_true(segment_block_bytes(block, i, &bytes, &fault));
            assert_true(slice_equal(bytes, fixture->lines[n].body));
            assert_int_equal(event->seq, fixture->lines[n].seq);
            assert_int_equal(event->time_us, fixture->lines[n].time_us);
            assert_int_equal(index->batches[event->batch].stream, fixture->lines[n].stream);
            assert_true(event->arrival >= arrival);
            arrival = event->arrival;
            assert_int_equal(event->ingested_us >= 2000000, 1);
        }
    }
    assert_int_equal(n, fixture->count);
    uint64_t events, sum;
    assert_true(segment_reader_sum(opened.reader, &events, &sum, &fault));
    assert_int_equal(events, fixture->count);
    assert_int_equal(sum, fixture->sum);
    segment_block_destroy(block);
    segment_reader_close(opened.reader);
}

struct findings {
    unsigned count;
    char place[256];
};

static void count_finding(void *context, const char *place, const char *text) {
    struct findings *findings = context;
    (void)text;
    if (findings->count++ == 0)
        snprintf(findings->place, sizeof findings->place, "%s", place);
}

static struct segment_verified verify(const struct segment_reader *reader, struct findings *findings) {
    struct segment_verify how = {findings, count_finding, NULL, NULL};
    *findings = (struct findings){0};
    return segment_verify(reader, &how);
}

static void every_event_is_proved(void **state) {
    const struct segment_fixture *fixture = *state;
    struct opened opened;
    struct findings findings;
    assert_true(open_it(fixture, &opened, NULL));
    struct segment_verified verified = verify(opened.reader, &findings);
    assert_int_equal(findings.count, 0);
    assert_int_equal(verified.events, fixture->count);
    assert_int_equal(verified.later_epochs, 0);
    segment_reader_close(opened.reader);
}

/* Each byte in turn where the file is small, every so many where it is not. */
static void a_flipped_bit_anywhere_is_noticed(void **state) {
    struct segment_fixture *fixture = *state;
    size_t head = segment_head_size(&fixture->head), index_end = head + fixture->head.index_size;
    for (size_t at = 0; at < fixture->file.size; at += at < head ? 1 : 61) {
        struct opened opened;
        struct fault fault = {0};
        struct findings findings = {0};
        fixture->file.data[at] ^= 0x10;
        if (open_it(fixture, &opened, &fault)) {
            bool filter_bad = false;
            assert_true(at >= index_end);
            verify(opened.reader, &findings);
            for (uint64_t page = 0; findings.count == 0 && page < fixture->head.pages; page++) {
                uint8_t blocks[SEGMENT_BLOCKS_MOST];
                uint64_t digest = ((page << 32) / fixture->head.pages + 1) << 32;
                filter_bad |= !segment_reader_look(opened.reader, digest, blocks, &fault);
            }
            assert_true(findings.count > 0 || filter_bad);
            segment_reader_close(opened.reader);
        } else
            assert_string_not_equal(fault.text, "");
        fixture->file.data[at] ^= 0x10;
    }
}

static void a_cut_file_is_noticed_wherever_it_is_cut(void **state) {
    struct segment_fixture *fixture = *state;
    size_t whole = fixture->file.size;
    for (size_t size = 0; size < whole; size += size < 300 ? 1 : whole / 97) {
        struct opened opened;
        struct fault fault = {0};
        struct findings findings = {0};
        fixture->file.size = size;
        if (open_it(fixture, &opened, &fault)) {
            verify(opened.reader, &findings);
            assert_true(findings.count > 0);
            segment_reader_close(opened.reader);
        } else
            assert_string_not_equal(fault.text, "");
    }
    fixture->file.size = whole;
}

static void another_key_opens_nothing(void **state) {
    struct segment_fixture *fixture = *state;
    struct opened opened;
    struct fault fault = {0};
    fixture->key[31] ^= 1;
    assert_false(open_it(fixture, &opened, &fault));
    fixture->key[31] ^= 1;
    assert_int_equal(fault.code, FAULT_AUTH);
}

static size_t block_at(const struct segment_fixture *fixture, uint32_t number, size_t *ret_size) {
    const uint8_t *sizes = fixture->file.data + SEGMENT_HEAD_FIXED;
    size_t at = segment_head_size(&fixture->head) + fixture->head.index_size;
    for (uint32_t page = 0; page < fixture->head.pages; page++)
        at += bytes_get_u32(sizes + 4 * (fixture->head.blocks + page));
    for (uint32_t block = 0; block < number; block++)
        at += bytes_get_u32(sizes + 4 * block);
    *ret_size = bytes_get_u32(sizes + 4 * number);
    return at;
}

static void a_damaged_block_takes_no_other_with_it(void **state) {
    struct segment_fixture *fixture = *state;
    size_t size, at = block_at(fixture, 1, &size);
    struct opened opened;
    struct fault fault = {0};
    struct findings findings;
    struct segment_block *block = segment_block_create();
    assert_true(fixture->head.blocks >= 3);
    fixture->file.data[at + size / 2] ^= 1;
    assert_true(open_it(fixture, &opened, &fault));
    for (uint32_t b = 0; b < fixture->head.blocks; b++)
        assert_int_equal(segment_block_open(block, opened.reader, b, &fault), b != 1);
    assert_string_equal(fault.place, "block 1 of the segment");
    verify(opened.reader, &findings);
    assert_true(findings.count > 0);
    assert_string_equal(findings.place, "block 1 of 3");
    fixture->file.data[at + size / 2] ^= 1;
    segment_block_destroy(block);
    segment_reader_close(opened.reader);
}

static void two_swapped_blocks_are_noticed(void **state) {
    struct segment_fixture *fixture = *state;
    size_t first_size, second_size, first = block_at(fixture, 0, &first_size),
                                    second = block_at(fixture, 1, &second_size);
    struct opened opened;
    struct fault fault = {0};
    uint8_t *sizes = fixture->file.data + SEGMENT_HEAD_FIXED,
            *copy = memory_copy(fixture->file.data, fixture->file.size);
    memcpy(fixture->file.data + first, copy + second, second_size);
    memcpy(fixture->file.data + first + second_size, copy + first, first_size);
    /* With the sizes as they were the cut is wrong… */
    struct segment_block *block = segment_block_create();
    if (open_it(fixture, &opened, &fault)) {
        assert_false(segment_block_open(block, opened.reader, 0, &fault));
        assert_false(segment_block_open(block, opened.reader, 1, &fault));
        segment_reader_close(opened.reader);
    }
    /* …and with theirs the header is another one. */
    bytes_put_u32(sizes, (uint32_t)second_size);
    bytes_put_u32(sizes + 4, (uint32_t)first_size);
    assert_false(open_it(fixture, &opened, &fault));
    memcpy(fixture->file.data, copy, fixture->file.size);
    free(copy);
    segment_block_destroy(block);
}

/* What the filter, templates and words rule out has nothing; what they count is what is there. */
static void searches_miss_nothing(void **state) {
    const struct segment_fixture *fixture = *state;
    static const char *const searches[] = {
        "",
        "failed",
        "password root",
        "198.51.100.7",
        "51.100.7",
        "1.2.3.4",
        "01.02.03.04",
        "40002",
        "4000",
        "ssh",
        "ssh2",
        "host",
        "host1",
        "7f3ab2c9",
        "ab",
        "r7919",
        "request",
        "good",
        "n17",
        "n",
        "=",
        ":",
        "_",
        "] ",
        "zebra",
        "zeb",
        "nothing",
        "\"nothing that\"",
        "took",
        "not good",
        "good or zebra",
        "absent",
        "999999999",
        "\x11",
        "a",
        "A_b-c",
        "app[301]",
        "10:00:13",
        "Nov 21",
        "u0041",
        "source.ip:198.51.100.7",
        "fe80",
    };
    struct opened opened;
    struct query_blocks *blocks = memory_new(sizeof *blocks);
    struct segment_block *block = segment_block_create();
    struct event_field *fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *fields);
    size_t spared = 0, counted = 0, unmarked = 0;
    assert_true(open_it(fixture, &opened, NULL));
    struct query_lexicon *lexicon = query_lexicon_create(segment_reader_index(opened.reader));
    for (size_t s = 0; s < sizeof searches / sizeof *searches; s++) {
        struct fault fault = {0};
        struct query_expression *expression = query_expression_parse(slice_string(searches[s]), &fault);
        assert_non_null(expression);
        assert_true(query_segment_blocks(expression, opened.reader, lexicon, blocks, &fault));
        for (uint32_t b = 0; b < fixture->head.blocks; b++) {
            uint64_t found = 0;
            assert_true(segment_block_open(block, opened.reader, b, &fault) &&
                        segment_block_values(block, &fault));
            uint8_t *marks = memory_new(segment_block_count(block));
            bool marked = segment_block_mark(block, query_segment_token(expression), marks);
            for (uint32_t i = 0; i < segment_block_count(block); i++) {
                struct event_body body;
                assert_true(segment_block_body(block, i, fields, &body, &fault));
                bool matches = query_raw_may_match(expression, body.raw);
                found += matches;
                if (matches && marked && !query_needs_fields(expression))
                    assert_true(marks[i]);
                unmarked += marked && !marks[i];
            }
            free(marks);
            if (query_needs_fields(expression))
                continue;
            if (found)
                assert_true(blocks->may[b]);
            if (blocks->counts[b] != QUERY_COUNT_UNKNOWN)
                assert_int_equal(blocks->counts[b], found);
            counted += blocks->counts[b] != QUERY_COUNT_UNKNOWN;
            spared += !blocks->may[b];
        }
        query_expression_destroy(expression);
    }
    assert_true(spared > 10);
    assert_true(counted > 10);
    assert_true(unmarked > 1000);
    query_lexicon_destroy(lexicon);
    free(fields);
    free(blocks);
    segment_block_destroy(block);
    segment_reader_close(opened.reader);
}

/* ---- generated searches, against a plain look at every line */

#define GENERATED 300

/* Every line of a segment, block by block. */
struct all_lines {
    struct buffer text;
    size_t *starts;   /* of each line; one more than there are */
    uint32_t *blocks; /* of each line */
    size_t count;
};

static struct all_lines read_all_lines(const struct segment_reader *reader) {
    const struct segment_index *index = segment_reader_index(reader);
    struct all_lines all = {.text = BUFFER(64 * 1024 * 1024)};
    struct segment_block *block = segment_block_create();
    struct event_field *fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *fields);
    all.starts = memory_new_array(index->events + 1, sizeof *all.starts);
    all.blocks = memory_new_array(index->events, sizeof *all.blocks);
    for (uint32_t b = 0; b < index->block_count; b++) {
        assert_true(segment_block_open(block, reader, b, NULL) && segment_block_values(block, NULL));
        for (uint32_t i = 0; i < segment_block_count(block); i++) {
            struct event_body body;
            struct slice head = segment_block_raw_head(block, i, 20);
            size_t head_size = head.size;
            uint8_t *copy = memory_copy(head.data, head.size);
            assert_true(segment_block_body(block, i, fields, &body, NULL));
            if (segment_block_event(block, i)->shape) {
                assert_true(head_size >= 20 || head_size == body.raw.size);
                assert_true(slice_starts(body.raw, slice_make(copy, head_size)));
            }
            free(copy);
            buffer_append_slice(&all.text, body.raw);
            all.blocks[all.count++] = b;
            all.starts[all.count] = all.text.size;
        }
    }
    free(fields);
    segment_block_destroy(block);
    return all;
}

static struct slice line_at(const struct all_lines *all, size_t number) {
    return slice_make(all->text.data + all->starts[number], all->starts[number + 1] - all->starts[number]);
}

static unsigned next_random(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A word or a piece out of some line, in quotes: with a word cut or changed now and then. */
static void append_piece(struct buffer *to, const struct all_lines *all, unsigned *state) {
    struct slice line = line_at(all, next_random(state) % all->count);
    size_t start = line.size ? next_random(state) % line.size : 0, size = 1 + next_random(state) % 24;
    if (next_random(state) % 2) /* from the beginning of a word */
        while (start > 0 && line.data[start - 1] != ' ')
            start--;
    struct slice piece = slice_head(slice_from(line, start), size);
    if (next_random(state) % 2) /* up to its end */
        piece = slice_head(piece, slice_find_byte(piece, ' ') == SIZE_MAX ? piece.size
                                                                          : slice_find_byte(piece, ' '));
    buffer_append_string(to, "\"");
    for (size_t i = 0; i < piece.size; i++) {
        uint8_t c = piece.data[i];
        if (c == '"' || c == '\\')
            buffer_append_string(to, "\\");
        if (next_random(state) % 60 == 0)
            c = (uint8_t)("zx7.Q"[next_random(state) % 5]);
        buffer_append(to, &c, 1);
    }
    buffer_append_string(to, piece.size ? "\"" : "a\"");
}

static void append_search(struct buffer *to, const struct all_lines *all, unsigned *state) {
    static const char *const joints[] = {" ", " or ", " not ", " and not ("};
    unsigned more = next_random(state) % 3;
    append_piece(to, all, state);
    for (; more; more--) {
        unsigned joint = next_random(state) % 4;
        buffer_append_string(to, joints[joint]);
        append_piece(to, all, state);
        buffer_append_string(to, joint == 3 ? ")" : "");
    }
}

static void generated_searches_find_what_a_look_at_every_line_finds(void **state) {
    const struct segment_fixture *fixture = *state;
    struct opened opened;
    assert_true(open_it(fixture, &opened, NULL));
    struct all_lines all = read_all_lines(opened.reader);
    struct query_lexicon *lexicon = query_lexicon_create(segment_reader_index(opened.reader));
    struct query_blocks *blocks = memory_new(sizeof *blocks);
    uint64_t *found = memory_new_array(fixture->head.blocks, sizeof *found);
    unsigned random = 7;
    size_t spared = 0, counted = 0, matched = 0;
    assert_true(query_lexicon_memory(lexicon) < segment_index_memory(segment_reader_index(opened.reader)));
    for (unsigned search = 0; search < GENERATED; search++) {
        CLEANUP_BUFFER struct buffer text = BUFFER(QUERY_TEXT_MOST);
        struct fault fault = {0};
        append_search(&text, &all, &random);
        struct query_expression *expression = query_expression_parse(buffer_slice(&text), &fault);
        if (!expression)
            fail_msg("%s: %s: %s", buffer_string(&text), fault.place, fault.text);
        assert_true(query_segment_blocks(expression, opened.reader, lexicon, blocks, &fault));
        memset(found, 0, fixture->head.blocks * sizeof *found);
        for (size_t i = 0; i < all.count; i++)
            found[all.blocks[i]] += query_raw_may_match(expression, line_at(&all, i));
        for (uint32_t b = 0; b < fixture->head.blocks; b++) {
            if ((found[b] && !blocks->may[b]) ||
                (blocks->counts[b] != QUERY_COUNT_UNKNOWN && blocks->counts[b] != found[b]))
                fail_msg("%s: block %u has %llu", buffer_string(&text), b, (unsigned long long)found[b]);
            matched += found[b] != 0;
            counted += blocks->counts[b] != QUERY_COUNT_UNKNOWN;
            spared += !blocks->may[b];
        }
        query_expression_destroy(expression);
    }
    assert_true(matched > GENERATED && spared > GENERATED / 3 && counted > GENERATED / 6);
    free(found);
    free(blocks);
    query_lexicon_destroy(lexicon);
    free(all.starts);
    free(all.blocks);
    buffer_free(&all.text);
    segment_reader_close(opened.reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_went_in_comes_out_in_its_order, make_large, drop),
        cmocka_unit_test_setup_teardown(every_event_is_proved, make_large, drop),
        cmocka_unit_test_setup_teardown(a_flipped_bit_anywhere_is_noticed, make_small, drop),
        cmocka_unit_test_setup_teardown(a_cut_file_is_noticed_wherever_it_is_cut, make_small, drop),
        cmocka_unit_test_setup_teardown(another_key_opens_nothing, make_small, drop),
        cmocka_unit_test_setup_teardown(a_damaged_block_takes_no_other_with_it, make_large, drop),
        cmocka_unit_test_setup_teardown(two_swapped_blocks_are_noticed, make_large, drop),
        cmocka_unit_test_setup_teardown(searches_miss_nothing, make_large, drop),
        cmocka_unit_test_setup_teardown(generated_searches_find_what_a_look_at_every_line_finds, make_large,
                                        drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
