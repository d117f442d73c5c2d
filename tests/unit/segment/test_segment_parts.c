/* Tokens, the filter, sections under their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"
#include "segment_cipher.h"
#include "segment_filter.h"
#include "segment_index.h"
#include "segment_terms.h"
#include "segment_tokens.h"

static void a_line_falls_apart_into_variables(void **state) {
    (void)state;
    static const struct {
        const char *text, *variables[6];
    } cases[] = {
        {"", {NULL}},
        {"no digits here", {NULL}},
        {"sshd[4806]: from 203.0.113.7 port 40006 ssh2", {"4806", "203.0.113.7", "40006", "ssh2", NULL}},
        {"Nov 21 20:08:29.123 ca-01.example.org:", {"21", "20:08:29.123", "ca-01.example.org", NULL}},
        {"a..1 1-.2 x:9", {"1", "1", "2", "x:9", NULL}},
        {"_1_", {"1", NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice text = slice_string(cases[i].text);
        size_t at = 0, start, n = 0;
        for (; segment_variable_next(text, &at, &start); n++) {
            assert_non_null(cases[i].variables[n]);
            assert_true(
                slice_equal(slice_make(text.data + start, at - start), slice_string(cases[i].variables[n])));
        }
        assert_null(cases[i].variables[n]);
    }
}

static void tokens_are_digested_whatever_their_case(void **state) {
    (void)state;
    assert_int_equal(segment_digest(SLICE("ABCdef0123456789X")), segment_digest(SLICE("abcDEF0123456789x")));
    assert_int_not_equal(segment_digest(SLICE("a1")), segment_digest(SLICE("1a")));
    assert_int_not_equal(segment_digest(SLICE("0")), segment_digest(SLICE("00")));
}

static uint64_t plain_mix(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 32;
}

/* As FORMATS.md says it. */
static uint64_t plain_digest(struct slice text) {
    uint64_t digest = (text.size + 1) * UINT64_C(0x9e3779b97f4a7c15), value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value << 8 | text.data[i] | 0x20;
        if (i % 8 == 7) {
            digest = plain_mix(digest, value);
            value = 0;
        }
    }
    digest = plain_mix(plain_mix(digest, value), UINT64_C(0x9e3779b97f4a7c15));
    return digest ? digest : 1;
}

static void the_digest_is_the_one_that_is_written_down(void **state) {
    (void)state;
    static const char text[] = "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T";
    for (size_t size = 0; size < sizeof text; size++)
        for (size_t at = 0; at + size < sizeof text; at += 3)
            assert_int_equal(segment_digest(slice_make(text + at, size)), plain_digest(slice_make(text + at, size)));
}

static void addresses_are_found_among_numbers(void **state) {
    (void)state;
    struct segment_tokens tokens = segment_tokens_of(SLICE("1.2.3.4.5 6.7.8 v1.2.3.4 1..2.3.4 10.0.0.7"));
    struct segment_token token;
    char found[128] = "";
    while (segment_token_next(&tokens, &token))
        if (token.quad != SIZE_MAX) {
            size_t used = strlen(found);
            snprintf(found + used, sizeof found - used, "%.*s ", (int)(token.start + token.size - token.quad),
                     (const char *)tokens.text.data + token.quad);
        }
    assert_string_equal(found, "1.2.3.4 2.3.4.5 10.0.0.7 ");
}

/* What the scan finds 16 bytes at a time, found byte by byte. */
struct plain_terms {
    struct segment_filter_builder *filter;
    struct segment_texts words;
    bool words_missed;
};

static void add_plain_word(struct plain_terms *terms, const uint8_t *text, size_t size) {
    uint8_t folded[SEGMENT_WORD_MOST];
    terms->words_missed |= size > sizeof folded;
    if (size > sizeof folded)
        return;
    for (size_t i = 0; i < size; i++)
        folded[i] = text[i] | 0x20;
    segment_texts_put(&terms->words, slice_make(folded, size));
}

static void add_plain_letters(struct plain_terms *terms, struct slice token) {
    for (size_t i = 0, start; i < token.size;) {
        for (; i < token.size && segment_kinds[token.data[i]] != SEGMENT_LETTER; i++)
            ;
        for (start = i; i < token.size && segment_kinds[token.data[i]] == SEGMENT_LETTER; i++)
            ;
        if (i > start)
            add_plain_word(terms, token.data + start, i - start);
    }
}

static void add_plain_terms(struct plain_terms *terms, struct slice text) {
    struct segment_tokens tokens = segment_tokens_of(text);
    struct segment_token token;
    while (segment_token_next(&tokens, &token)) {
        struct slice at = slice_make(text.data + token.start, token.size);
        if (token.kinds == SEGMENT_LETTER) {
            add_plain_word(terms, at.data, at.size);
            continue;
        }
        segment_filter_add(terms->filter, segment_digest(at));
        if (token.quad != SIZE_MAX)
            segment_filter_add(terms->filter, segment_digest(slice_make(text.data + token.quad,
                                                                        token.start + token.size - token.quad)));
        if (token.changes && token.changes < SEGMENT_IDENTIFIER_CHANGES)
            add_plain_letters(terms, at);
    }
}

static void write_filter(struct segment_filter_builder *filter, struct buffer *to) {
    segment_filter_end_block(filter, 0);
    for (uint32_t pages = segment_filter_pages(filter, 100); pages; pages--)
        segment_filter_page(filter, 1, to);
}

/* More of one kind at a time, so that long tokens and runs come up; each text as variables, or as a whole. */
static struct slice odd_text(uint8_t room[1024], unsigned *chance) {
    static const char letters[] = "abcXYZ0123456789.:_-. /@[`{\\\x11\xc3\xa4";
    size_t size = (*chance = *chance * 1103515245 + 12345) >> 16 & 511;
    unsigned few = 0, from = 0;
    for (size_t i = 0; i < size; i++) {
        *chance = *chance * 1103515245 + 12345;
        if ((*chance >> 20 & 15) == 0) {
            from = *chance >> 8 & 31;
            few = (*chance >> 13 & 7) + 1;
        }
        room[i] = (uint8_t)letters[(from + (*chance >> 16) % (few + 1)) % (sizeof letters - 1)];
    }
    return slice_make(room, size);
}

static void what_is_found_many_bytes_at_a_time_is_what_is_found_byte_by_byte(void **state) {
    (void)state;
    unsigned chance = 7, variables = 0;
    struct segment_scan scan = {0};
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t room[1024] = {0};
        struct slice text = odd_text(room, &chance);
        bool whole = round % 4 == 0, good = true;
        struct segment_terms *terms = segment_terms_create();
        struct plain_terms plain = {.filter = segment_filter_builder_create(),
                                    .words = segment_texts_make(10000, 1 << 20)};
        CLEANUP_BUFFER struct buffer pages = BUFFER(1 << 20), plain_pages = BUFFER(1 << 20);
        segment_scan_text(&scan, text);
        size_t at = 0, plain_at = 0, start = 0, plain_start = 0;
        while (segment_variable_next(text, &plain_at, &plain_start)) {
            assert_true(segment_scan_variable(&scan, text.size, &at, &start));
            assert_int_equal(start, plain_start);
            assert_int_equal(at, plain_at);
            if (!whole) {
                good &= segment_terms_add(terms, 0, text.data, &scan, start, at);
                add_plain_terms(&plain, slice_make(text.data + start, at - start));
            }
            variables++;
        }
        assert_false(segment_scan_variable(&scan, text.size, &at, &start));
        if (whole) {
            good &= segment_terms_add(terms, 0, text.data, &scan, 0, text.size);
            add_plain_terms(&plain, text);
        }
        write_filter(terms->filter, &pages);
        write_filter(plain.filter, &plain_pages);
        assert_true(slice_equal(buffer_slice(&pages), buffer_slice(&plain_pages)));
        assert_int_equal(good, !plain.words_missed);
        assert_int_equal(terms->words.count, plain.words.count);
        for (uint32_t i = 0; i < plain.words.count; i++)
            assert_int_equal(segment_texts_put(&terms->words, segment_texts_get(&plain.words, i)), i);
        segment_terms_destroy(terms);
        segment_filter_builder_destroy(plain.filter);
        segment_texts_release(&plain.words);
    }
    segment_scan_release(&scan);
    assert_true(variables > 10000);
}

#define TOKENS 20000u
#define BLOCKS 37u

static uint64_t token_digest(unsigned number) {
    char text[16];
    snprintf(text, sizeof text, "t%u", number);
    return segment_digest(slice_string(text));
}

static void a_filter_forgets_nothing_and_rarely_invents(void **state) {
    (void)state;
    struct segment_filter_builder *builder = segment_filter_builder_create();
    struct buffer pages = BUFFER(1 << 24);
    uint8_t may[BLOCKS];
    struct fault fault = {0};
    /* Token t is in block t mod 37; every hundredth in all, every tenth in three. */
    for (unsigned block = 0; block < BLOCKS; block++) {
        for (unsigned t = 0; t < TOKENS; t++)
            if (t % BLOCKS == block || t % 100 == 0 || (t % 10 == 0 && (t + 1) % BLOCKS == block))
                segment_filter_add(builder, token_digest(t));
        segment_filter_end_block(builder, block);
    }
    uint32_t count = segment_filter_pages(builder, 1000);
    size_t *starts = memory_new_array(count + 1, sizeof *starts);
    for (uint32_t page = 0; page < count; page++) {
        segment_filter_page(builder, BLOCKS, &pages);
        starts[page + 1] = pages.size;
    }
    assert_in_range(pages.size, TOKENS, TOKENS * 5 / 2);
    unsigned invented = 0;
    for (unsigned t = 0; t < 2 * TOKENS; t++) {
        uint32_t page = segment_filter_page_of(token_digest(t), count);
        struct slice bytes = slice_make(pages.data + starts[page], starts[page + 1] - starts[page]);
        assert_true(segment_filter_look(bytes, token_digest(t), count, BLOCKS, may, &fault));
        for (unsigned block = 0; block < BLOCKS; block++) {
            bool in = t < TOKENS &&
                      (t % BLOCKS == block || t % 100 == 0 || (t % 10 == 0 && (t + 1) % BLOCKS == block));
            if (in)
                assert_true(may[block]);
            invented += !in && may[block];
        }
    }
    assert_in_range(invented, 0, TOKENS / 50);
    /* Cut anywhere it says so, or rules less out than it could: it never reads past its end. */
    for (size_t size = 0; size < starts[1]; size++)
        segment_filter_look(slice_make(pages.data, size), token_digest(1), count, BLOCKS, may, NULL);
    free(starts);
    buffer_free(&pages);
    segment_filter_builder_destroy(builder);
}

static void a_section_opens_in_its_own_place_alone(void **state) {
    (void)state;
    static const uint8_t day_key[SEGMENT_KEY_SIZE] = {1}, random[SEGMENT_RANDOM_SIZE] = {2};
    uint8_t bodies[SEGMENT_KEY_SIZE], filter[SEGMENT_KEY_SIZE], sealed[5 + SEGMENT_TAG_SIZE], plain[8];
    struct hash header = {{3}}, other = {{4}};
    segment_key_derive(day_key, random, SEGMENT_KEY_BODIES, bodies);
    segment_key_derive(day_key, random, SEGMENT_KEY_FILTER, filter);
    assert_memory_not_equal(bodies, filter, sizeof bodies);
    struct segment_cipher *cipher = segment_cipher_create(bodies, &header);
    segment_cipher_seal(cipher, 7, true, SLICE("hello"), sealed);
    struct slice section = slice_make(sealed, sizeof sealed);
    assert_true(segment_cipher_open(cipher, 7, true, section, plain));
    assert_memory_equal(plain, "hello", 5);
    assert_false(segment_cipher_open(cipher, 7, false, section, plain));
    assert_false(segment_cipher_open(cipher, 8, true, section, plain));
    assert_false(segment_cipher_open(cipher, 7, true, slice_make(sealed, sizeof sealed - 1), plain));
    assert_false(segment_cipher_open(cipher, 7, true, slice_make(sealed, 3), plain));
    segment_cipher_destroy(cipher);
    cipher = segment_cipher_create(bodies, &other);
    assert_false(segment_cipher_open(cipher, 7, true, section, plain));
    segment_cipher_destroy(cipher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_falls_apart_into_variables),
        cmocka_unit_test(tokens_are_digested_whatever_their_case),
        cmocka_unit_test(the_digest_is_the_one_that_is_written_down),
        cmocka_unit_test(addresses_are_found_among_numbers),
        cmocka_unit_test(what_is_found_many_bytes_at_a_time_is_what_is_found_byte_by_byte),
        cmocka_unit_test(a_filter_forgets_nothing_and_rarely_invents),
        cmocka_unit_test(a_section_opens_in_its_own_place_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
