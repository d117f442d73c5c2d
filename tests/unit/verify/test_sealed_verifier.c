/* Segments whose key or file is not there: what explains it, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "class.h"
#include "sealed.h"
#include "sealed_verifier.h"
#include "segment_files.h"

static size_t findings;
static char text[256];

static void find(void *context, const char *place, const char *what) {
    (void)context;
    findings++;
    snprintf(text, sizeof text, "%s: %s", place, what);
}

/* A segment of log entries 3 to 9, rows 5 to 20, of a store without its keys. */
static struct sealed_verifier *make(void) {
    struct sealed_verifier *verifier = sealed_verifier_create(find, NULL);
    const struct segment_row row = {.class = CLASS_ACCESS,
                                    .day = 1,
                                    .first_index = 3,
                                    .last_index = 9,
                                    .first_arrival = 5,
                                    .last_arrival = 20};
    uint8_t key[SEGMENT_ROW_KEY], value[SEGMENT_ROW_SIZE];
    segment_row_key(key, &row);
    segment_row_value(value, &row);
    sealed_verifier_segment(verifier, slice_make(key, sizeof key), slice_make(value, sizeof value));
    findings = 0;
    return verifier;
}

static struct sealed_verified finish(struct sealed_verifier *verifier, bool explained) {
    struct sealed *sealed = sealed_create("/nowhere", NULL);
    assert_int_equal(sealed_verifier_read(verifier, sealed, NULL, NULL, 0), explained);
    struct sealed_verified verified = sealed_verifier_finish(verifier);
    sealed_destroy(sealed);
    sealed_verifier_destroy(verifier);
    return verified;
}

static void a_segment_without_its_key_is_missing(void **state) {
    (void)state;
    assert_int_equal(finish(make(), false).erasing, 0);
    assert_int_equal(findings, 1);
    assert_non_null(strstr(text, "segment access/1/3-9: MISSING: "));
}

static void one_that_is_being_erased_is_erasing(void **state) {
    (void)state;
    struct sealed_verifier *verifier = make();
    sealed_verifier_erased(verifier, &(struct erase_range){.class = CLASS_ACCESS, .first = 1, .last = 9});
    struct sealed_verified verified = finish(verifier, true);
    assert_int_equal(verified.erasing, 1);
    assert_int_equal(findings, 0);
}

static void an_erasure_that_begins_while_segments_are_read_explains_it_too(void **state) {
    (void)state;
    struct sealed_verifier *verifier = make();
    struct sealed *sealed = sealed_create("/nowhere", NULL);
    assert_false(sealed_verifier_read(verifier, sealed, NULL, NULL, 0));
    sealed_verifier_erased(verifier, &(struct erase_range){.class = CLASS_ACCESS, .first = 3, .last = 12});
    assert_int_equal(sealed_verifier_finish(verifier).erasing, 1);
    assert_int_equal(findings, 0);
    sealed_destroy(sealed);
    sealed_verifier_destroy(verifier);
}

static void the_erasure_of_something_else_explains_nothing(void **state) {
    (void)state;
    static const struct erase_range others[] = {{.class = CLASS_ACCESS, .first = 4, .last = 9},
                                                {.class = CLASS_ACCESS, .first = 3, .last = 8},
                                                {.class = CLASS_SYSTEM, .first = 3, .last = 9}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct sealed_verifier *verifier = make();
        sealed_verifier_erased(verifier, &others[i]);
        finish(verifier, false);
        assert_int_equal(findings, 1);
    }
}

static void rows_that_are_gone_were_sealed_or_erased_or_are_missing(void **state) {
    (void)state;
    struct sealed_verifier *verifier = make();
    sealed_verifier_erased(verifier, &(struct erase_range){.class = CLASS_ACCESS, .first = 3, .last = 9});
    sealed_verifier_gap(verifier, 0, 7); /* known at the end alone */
    finish(verifier, true);
    assert_int_equal(findings, 0);
    verifier = make();
    sealed_verifier_gap(verifier, 5, 21);
    finish(verifier, false);
    assert_int_equal(findings, 1); /* the segment's own */
    verifier = make();
    sealed_verifier_gap(verifier, 20, 22);
    finish(verifier, false);
    assert_int_equal(findings, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_without_its_key_is_missing),
        cmocka_unit_test(one_that_is_being_erased_is_erasing),
        cmocka_unit_test(an_erasure_that_begins_while_segments_are_read_explains_it_too),
        cmocka_unit_test(the_erasure_of_something_else_explains_nothing),
        cmocka_unit_test(rows_that_are_gone_were_sealed_or_erased_or_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
