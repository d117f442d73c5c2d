/* Texts kept for detection: given away once, by stream and number, within their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "recent_texts.h"

static const uint8_t a[32] = {1}, b[32] = {2};

static uint8_t *text_of(char letter, size_t size) {
    uint8_t *text = memory_new(size);
    memset(text, letter, size);
    return text;
}

static void expect(struct recent_texts *recent, const uint8_t id[32], uint64_t seq, char letter) {
    size_t size = 0;
    CLEANUP_FREE uint8_t *text = recent_texts_take(recent, id, seq, &size);
    if (!letter) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_int_equal(size, 10);
    assert_int_equal(text[9], letter);
}

static void a_text_is_given_away_once_to_whoever_names_its_stream_and_number(void **state) {
    (void)state;
    struct recent_texts *recent = recent_texts_create(100);
    recent_texts_put(recent, a, 7, text_of('x', 10), 10);
    recent_texts_put(recent, b, 7, text_of('y', 10), 10);
    recent_texts_put(recent, a, 8, text_of('z', 10), 10);
    expect(recent, b, 8, 0);
    expect(recent, b, 7, 'y');
    expect(recent, b, 7, 0);
    expect(recent, a, 8, 'z');
    expect(recent, a, 7, 'x');
    recent_texts_destroy(recent);
}

static void what_passes_the_bytes_is_not_kept_until_there_is_room_again(void **state) {
    (void)state;
    struct recent_texts *recent = recent_texts_create(25);
    for (uint64_t seq = 0; seq < 3; seq++)
        recent_texts_put(recent, a, seq, text_of('x', 10), 10);
    expect(recent, a, 2, 0);
    expect(recent, a, 0, 'x');
    recent_texts_put(recent, a, 3, text_of('w', 10), 10);
    recent_texts_put(recent, a, 4, text_of('v', 26), 26);
    expect(recent, a, 3, 'w');
    expect(recent, a, 4, 0);
    recent_texts_destroy(recent); /* seq 1 is still in it */
}

static void what_passes_the_count_is_not_kept(void **state) {
    (void)state;
    struct recent_texts *recent = recent_texts_create(SIZE_MAX);
    for (uint64_t seq = 0; seq <= RECENT_TEXTS_COUNT; seq++)
        recent_texts_put(recent, a, seq, text_of('x', 10), 10);
    expect(recent, a, RECENT_TEXTS_COUNT, 0);
    expect(recent, a, RECENT_TEXTS_COUNT - 1, 'x');
    recent_texts_destroy(recent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_given_away_once_to_whoever_names_its_stream_and_number),
        cmocka_unit_test(what_passes_the_bytes_is_not_kept_until_there_is_room_again),
        cmocka_unit_test(what_passes_the_count_is_not_kept),
    };
    return cmocka_run_group_tests_name("recent_texts", tests, NULL, NULL);
}
